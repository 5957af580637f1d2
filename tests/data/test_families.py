import math

import numpy as np
import pytest
import torch

from tacit.data.families import (
    FAMILIES,
    WEIGHTS,
    affine_move,
    affine_target,
    chance,
    check_degrees,
    draw_projective,
    only,
    projective_matrix,
    projective_target,
    target_size,
    transform,
    weighted,
)
from tacit.data.warps import CORNERS, Affine, affine_matrix, corner_warp, draw_affine, draw_corners, warp
from tacit.errors import UnknownName, WrongUsage

STRONG = {"degrees": 180.0, "shift": 0.2, "scale": 0.2, "shear": 30.0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_targets_of_doing_nothing():
    still = draw_affine(1)
    assert affine_target(still, "affine").tolist() == [[1, 0, 0, 0, 0, 0]]
    nothing = projective_target(torch.eye(3)[None])
    assert torch.allclose(nothing, torch.tensor([[1.0, 0.0, -0.8, 0.0, 1.0, -0.8, 0.0, 0.0]]))  # (0 - 16) / 20


def test_projective_targets_are_the_published_ones_at_32_pixels():
    """As the code of AET computes them: equations for the corners in pixels, less the offsets, over the scales."""
    corners = draw_corners(20, scale=0.2, shift=0.125, turns=(0, 1, 2, 3), generator=seeded(1))
    targets = projective_target(corner_warp(corners))
    to = [(0, 0), (32, 0), (32, 32), (0, 32)]
    for target, points in zip(targets, (corners.double() + 1) * 16, strict=True):
        rows = []
        for (x, y), (u, v) in zip(points.tolist(), to, strict=True):
            rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
            rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        solved = np.linalg.solve(np.array(rows), np.array(to, dtype=float).flatten())
        published = (solved - [0, 0, 16, 0, 0, 16, 0, 0]) / [1, 1, 20, 1, 1, 20, 0.015, 0.015]
        assert np.allclose(target, published, atol=1e-4)


def test_affine_targets_are_entries_over_their_ranges():
    move = Affine(
        torch.tensor([math.pi / 6]), torch.tensor([[0.1, -0.2]]), torch.tensor([0.9]), torch.tensor([math.pi / 12])
    )
    expected = [math.cos(math.pi / 6), 0.5, 0.5, -1.0, -0.5, 0.5]
    for family, entries in (("affine", 6), ("similarity", 5), ("euclidean", 4)):
        assert affine_target(move, family)[0].tolist() == pytest.approx(expected[:entries], abs=1e-6)


def test_targets_and_parameters_are_two_ways_to_say_the_same():
    move = draw_affine(50, **STRONG, generator=seeded(2))
    for family in ("affine", "similarity", "euclidean"):
        kept = only(move, family)
        for before, after in zip(kept, affine_move(affine_target(kept, family)), strict=True):
            assert torch.allclose(before, after, atol=1e-5)
    matrix = draw_projective(50, 180.0, seeded(3))
    assert torch.allclose(projective_matrix(projective_target(matrix)), matrix, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 9, 14)])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_target_describes_what_was_done(family, shape):
    """What the numbers say, done again from the numbers alone, is the transformed item."""
    x = torch.rand(6, *shape)
    ((y, target),) = transform(x, [family], generator=seeded(4))
    assert target.shape == (6, target_size(family, shape[0]))
    if family == "projective":
        again = warp(x, projective_matrix(target))
    elif family == "colors":
        return  # the target is the factors themselves
    else:
        again = warp(x, affine_matrix(affine_move(target), *shape[1:]))
    assert torch.allclose(again, y, atol=2e-3)


def test_affine_similarity_and_euclidean_warps_share_a_draw():
    (_, a), (_, s), (_, e) = transform(
        torch.rand(9, 1, 8, 8), ["affine", "similarity", "euclidean"], generator=seeded(5)
    )
    assert torch.equal(a[:, :5], s) and torch.equal(s[:, :4], e)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_item_gets_parameters_of_its_own_and_one_seed_one_batch(family):
    x = torch.rand(1, 3, 10, 10).expand(8, 3, 10, 10)
    (y, target), (y_again, target_again) = (transform(x, [family], generator=seeded(6))[0] for _ in range(2))
    assert torch.equal(y, y_again) and torch.equal(target, target_again)
    assert len({tuple(row.tolist()) for row in target}) == 8


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 180.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_chance_is_the_error_of_the_mean_target(family, degrees):
    ((_, target),) = transform(torch.zeros(40000, 3, 1, 1), [family], degrees, seeded(7))
    assert chance(family, degrees) == pytest.approx(target.var(0).mean().item(), rel=0.02)


def test_few_degrees_leave_out_the_quarter_turns():
    x = torch.rand(500, 1, 4, 4)
    for degrees, turned in ((30.0, 0), (90.0, 2 / 3), (180.0, 3 / 4)):
        matrix = draw_projective(500, degrees, seeded(8))
        upright = (matrix[:, 0, 0] > 0.5).float().mean()
        assert upright == pytest.approx(1 - turned, abs=0.06)
    ((_, target),) = transform(x, ["affine"], 30.0, seeded(8))
    assert target[:, 0].min() >= math.cos(math.pi / 6) - 1e-5


def test_a_linear_map_of_coordinates_says_a_euclidean_move():
    """A dot a channel; where it is seen before and after is all that is needed, and linear in it."""
    h = w = 48
    down, right = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    dots = torch.tensor([[0.35, 0.0], [-0.2, 0.3], [0.0, -0.35]])
    x = torch.stack([(-((right - a) ** 2 + (down - b) ** 2) / 0.005).exp() for a, b in dots]).expand(60, 3, h, w)
    ((y, target),) = transform(x, ["euclidean"], generator=seeded(9))
    weight = y / y.sum((2, 3), keepdim=True)
    seen = torch.cat([(weight * place).sum((2, 3)) for place in (right, down)], 1)  # (B, 6) coordinates of the dots
    seen = torch.cat((seen, torch.ones(60, 1)), 1)
    decoder = torch.linalg.lstsq(seen[:40], target[:40]).solution
    error = (seen[40:] @ decoder - target[40:]).square().mean()
    assert error < 1e-3 * chance("euclidean")


def test_corners_of_a_projective_target_without_a_shift_turn_exactly():
    quarter = torch.tensor(CORNERS).roll(-1, 0)[None]
    x = torch.rand(1, 2, 8, 8)
    assert torch.allclose(warp(x, corner_warp(quarter)), x.rot90(-1, (2, 3)), atol=1e-5)


def test_families_are_named_alone_together_or_all():
    published = {"projective": 1, "affine": 0.75, "similarity": 0.5, "euclidean": 0.2, "colors": 0.05}
    assert weighted("all") == published == WEIGHTS
    assert weighted("colors") == {"colors": 1.0}
    assert list(weighted("colors+affine").items()) == [("affine", 0.75), ("colors", 0.05)]
    with pytest.raises(UnknownName, match="did you mean: affine"):
        weighted("colors+afine")
    with pytest.raises(WrongUsage, match="named twice"):
        weighted("affine+affine")
    for degrees in (-1.0, 270.0):
        with pytest.raises(WrongUsage, match="expected 0 to 180"):
            check_degrees(degrees)


def test_doing_nothing_is_the_identity():
    x = torch.rand(3, 2, 9, 12)
    assert torch.allclose(
        warp(x, affine_matrix(affine_move(affine_target(draw_affine(3), "affine")), 9, 12)), x, atol=1e-5
    )
    assert torch.allclose(warp(x, projective_matrix(projective_target(torch.eye(3).repeat(3, 1, 1)))), x, atol=1e-4)

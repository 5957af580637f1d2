import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tacit.data.warps import (
    CORNERS,
    Affine,
    affine_matrix,
    corner_warp,
    draw_affine,
    draw_corners,
    homography,
    rotate90,
    warp,
)

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 17), st.integers(1, 17))
STRONG = {"degrees": 180.0, "shift": 0.2, "scale": 0.2, "shear": 30.0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(b: int, c: int, h: int, w: int) -> torch.Tensor:
    """Images without hard edges, so that a resampled one can be compared."""
    down, right = torch.linspace(0, 3, h)[:, None], torch.linspace(0, 2, w)
    return ((down + right).sin() * 0.5 + 0.5).expand(b, c, h, w).contiguous()


def one(angle: float = 0.0, shift: tuple[float, float] = (0.0, 0.0), scale: float = 1.0, shear: float = 0.0) -> Affine:
    """The move of one item; angles in degrees."""
    return Affine(*(torch.tensor([value]) for value in (math.radians(angle), shift, scale, math.radians(shear))))


def in_pixels(move: Affine, height: int, width: int) -> torch.Tensor:
    """Where a pixel goes, (B, 2, 3), pixel centers at whole numbers: sheared, turned, scaled, moved, spelled out."""
    center = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    rows = []
    for angle, shift, scale, shear in zip(*move, strict=True):
        lean = torch.tensor([[1.0, -math.sin(shear)], [0.0, math.cos(shear)]])
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        a = scale * turn @ lean
        rows.append(torch.cat((a, (center - a @ center + shift * torch.tensor([width, height]))[:, None]), 1))
    return torch.stack(rows)


def test_a_quarter_turn_is_counterclockwise_and_exact():
    x = torch.arange(4.0).view(1, 1, 2, 2)  # 0 1 over 2 3
    assert rotate90(x, torch.tensor([1])).flatten().tolist() == [1, 3, 0, 2]
    x = torch.rand(8, 3, 7, 7)
    turns = torch.arange(8) - 2
    for item, turned, k in zip(x, rotate90(x, turns), turns.tolist(), strict=True):
        assert torch.equal(turned, item.rot90(k, (1, 2)))


def test_four_quarter_turns_are_the_identity():
    x, turned = torch.rand(3, 2, 5, 5), torch.ones(3, dtype=torch.long)
    y = x
    for _ in range(4):
        y = rotate90(y, turned)
    assert torch.equal(y, x)


def test_a_turn_by_90_degrees_is_a_quarter_turn():
    x = torch.rand(1, 2, 9, 9)
    turned = warp(x, affine_matrix(one(angle=90), 9, 9))
    assert torch.allclose(turned, rotate90(x, torch.tensor([-1])), atol=1e-5)  # angles are clockwise


def test_a_shift_by_a_pixel_moves_every_pixel_by_one():
    x = torch.rand(1, 2, 5, 10)
    right, down = (warp(x, affine_matrix(one(shift=by), 5, 10)) for by in ((0.1, 0.0), (0.0, 0.2)))
    assert torch.allclose(right[..., 1:], x[..., :-1], atol=1e-5)
    assert torch.allclose(down[:, :, 1:], x[:, :, :-1], atol=1e-5)
    assert torch.allclose(right[..., 0], x[..., 0], atol=1e-5)  # the border is repeated into the gap


def test_a_scale_of_two_enlarges():
    x = torch.zeros(1, 1, 8, 8)
    x[..., 3:5, 3:5] = 1
    assert warp(x, affine_matrix(one(scale=2.0), 8, 8)).sum() > 3 * x.sum()


def test_an_affine_warp_takes_each_pixel_from_where_the_definition_says():
    h, w = 21, 33
    move = draw_affine(3, degrees=40, shift=0.1, scale=0.2, shear=20, generator=seeded(1))
    warped = warp(smooth(3, 1, h, w), affine_matrix(move, h, w))
    for item, there in enumerate(in_pixels(move, h, w)):
        back = torch.linalg.inv(torch.cat((there, torch.tensor([[0.0, 0.0, 1.0]]))))
        for i in range(8, 13):
            for j in range(12, 21):
                sx, sy, _ = (back @ torch.tensor([float(j), float(i), 1.0])).tolist()
                expected = 0.5 + 0.5 * math.sin(3 * sy / (h - 1) + 2 * sx / (w - 1))
                assert warped[item, 0, i, j].item() == pytest.approx(expected, abs=2e-3)


def test_affine_warps_are_those_of_kornia():
    transform = pytest.importorskip("kornia.geometry.transform")
    for c, h, w in ((1, 28, 28), (3, 17, 30)):
        x = torch.rand(16, c, h, w)
        move = draw_affine(16, **STRONG, generator=seeded(2))
        theirs = transform.warp_affine(x, in_pixels(move, h, w), (h, w), padding_mode="border")
        assert torch.allclose(warp(x, affine_matrix(move, h, w)), theirs, atol=1e-4)


def test_turns_are_those_of_kornia():
    transform = pytest.importorskip("kornia.geometry.transform")
    x, move = torch.rand(8, 2, 15, 22), draw_affine(8, degrees=180, generator=seeded(3))
    theirs = transform.rotate(x, -move.angle.rad2deg(), padding_mode="border")  # theirs is counterclockwise
    assert torch.allclose(warp(x, affine_matrix(move, 15, 22)), theirs, atol=1e-4)


def test_projective_warps_are_those_of_kornia():
    transform = pytest.importorskip("kornia.geometry.transform")
    h, w = 20, 27
    x, corners = torch.rand(16, 3, h, w), draw_corners(16, scale=0.2, shift=0.125, generator=seeded(4))
    pixels = [
        (points + 1) / 2 * torch.tensor([w, h]) - 0.5 for points in (torch.tensor(CORNERS).expand(16, 4, 2), corners)
    ]
    there = transform.get_perspective_transform(*(each.double() for each in pixels)).float()
    theirs = transform.warp_perspective(x, there, (h, w), padding_mode="border")
    assert torch.allclose(warp(x, corner_warp(corners)), theirs, atol=1e-4)


def test_projective_warps_are_those_of_pillow():
    """Whose coefficients go from the new image to the old one, in pixels from the upper left corner."""
    x = smooth(4, 1, 32, 32)
    matrix = corner_warp(draw_corners(4, scale=0.2, shift=0.125, generator=seeded(5)))
    to_span = torch.tensor([[1 / 16, 0, -1], [0, 1 / 16, -1], [0, 0, 1]])
    in_corner_pixels = torch.linalg.inv(to_span) @ matrix @ to_span
    for item, warped, m in zip(x, warp(x, matrix), in_corner_pixels / in_corner_pixels[:, 2:, 2:], strict=True):
        image = Image.fromarray(item[0].numpy())
        theirs = image.transform(
            (32, 32), Image.Transform.PERSPECTIVE, m.flatten()[:8].tolist(), Image.Resampling.BILINEAR
        )
        inside = slice(8, 24)
        theirs = torch.tensor(np.asarray(theirs))
        assert torch.allclose(warped[0, inside, inside], theirs[inside, inside], atol=1e-3)


def test_a_homography_reproduces_its_four_pairs():
    start = draw_corners(200, scale=0.2, shift=0.125, turns=(0, 1, 2, 3), generator=seeded(6))
    end = draw_corners(200, scale=0.2, shift=0.125, generator=seeded(7))
    matrix = homography(start, end)
    points = torch.cat((start.double(), torch.ones(200, 4, 1)), 2)
    there = points @ matrix.transpose(1, 2)
    assert torch.allclose(there[..., :2] / there[..., 2:], end.double(), atol=1e-6)


def test_corners_go_where_they_are_sent():
    corners = draw_corners(50, scale=0.2, shift=0.125, turns=(0, 1), generator=seeded(8))
    points = torch.cat((corners, torch.ones(50, 4, 1)), 2) @ corner_warp(corners).transpose(1, 2)
    assert torch.allclose(points[..., :2] / points[..., 2:], torch.tensor(CORNERS).expand(50, 4, 2), atol=1e-5)


def test_no_projective_warp_folds_the_item():
    """The depth of a pixel stays above 0 inside, whatever the corners do within the published ranges."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 8).view(-1, 4, 2)
    for zoom in (0.8, 1.2):
        depth = corner_warp(zoom * torch.tensor(CORNERS) + 0.25 * signs)[:, 2]
        for x, y in CORNERS:
            assert (depth @ torch.tensor([x, y, 1.0])).min() > 0.02


@pytest.mark.parametrize("kind", ["affine", "projective"])
def test_a_warp_and_its_inverse_give_the_image_back(kind):
    h, w = 40, 30
    x = smooth(6, 2, h, w)
    if kind == "affine":
        move = draw_affine(6, degrees=180, shift=0.05, scale=0.1, shear=10, generator=seeded(9))
        there = torch.cat((affine_matrix(move, h, w), torch.tensor([[[0.0, 0.0, 1.0]]]).expand(6, 1, 3)), 1)
    else:
        there = corner_warp(draw_corners(6, scale=0.1, shift=0.05, turns=(0, 2), generator=seeded(9)))
    again = warp(warp(x, there), torch.linalg.inv(there))
    inside = (slice(None), slice(None), slice(14, -14), slice(10, -10))
    assert torch.allclose(again[inside], x[inside], atol=5e-3)
    assert not torch.allclose(warp(x, there)[inside], x[inside], atol=5e-2)


@settings(max_examples=30, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_strength_zero_is_the_identity(shape, seed):
    x = torch.rand(shape, generator=seeded(seed))
    b, _, h, w = shape
    assert torch.allclose(warp(x, affine_matrix(draw_affine(b, generator=seeded(seed)), h, w)), x, atol=1e-5)
    assert torch.allclose(warp(x, corner_warp(draw_corners(b, generator=seeded(seed)))), x, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_images_of_any_size_keep_their_range_under_any_warp(shape, seed):
    x, g = torch.rand(shape, generator=seeded(seed)), seeded(seed)
    b, _, h, w = shape
    for matrix in (
        affine_matrix(draw_affine(b, **STRONG, generator=g), h, w),
        corner_warp(draw_corners(b, scale=0.2, shift=0.125, turns=(0, 1, 2, 3), generator=g)),
    ):
        y = warp(x, matrix)
        assert y.shape == x.shape
        for before, after in zip(x.transpose(0, 1), y.transpose(0, 1), strict=True):  # each channel on its own
            assert before.min() - 1e-5 <= after.min() and after.max() <= before.max() + 1e-5


@settings(max_examples=20, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_parameters_follow_the_seed_and_the_item_not_its_place_in_the_batch(shape, seed):
    x = torch.rand(shape, generator=seeded(seed))
    b, _, h, w = shape
    move, again = (draw_affine(b, **STRONG, generator=seeded(seed)) for _ in range(2))
    assert all(torch.equal(first, second) for first, second in zip(move, again, strict=True))
    corners, once_more = (draw_corners(b, scale=0.2, shift=0.1, turns=(0, 3), generator=seeded(seed)) for _ in range(2))
    assert torch.equal(corners, once_more)
    order = torch.randperm(b, generator=seeded(seed))
    for matrix in (affine_matrix(move, h, w), corner_warp(corners)):
        assert torch.allclose(warp(x[order], matrix[order]), warp(x, matrix)[order], atol=1e-6)
    turns = torch.randint(4, (b,), generator=seeded(seed))
    square = x[:, :, : min(h, w), : min(h, w)]
    assert torch.equal(rotate90(square[order], turns[order]), rotate90(square, turns)[order])


def test_draws_stay_in_their_ranges_and_fill_them():
    move = draw_affine(5000, **STRONG, generator=seeded(10))
    for value, middle, reach in (
        (move.angle, 0, math.pi),
        (move.shift, 0, 0.2),
        (move.scale, 1, 0.2),
        (move.shear, 0, math.pi / 6),
    ):
        away = (value - middle).abs()
        assert 0.99 * reach < away.max() <= reach + 1e-6 and abs((value - middle).mean()) < 0.05 * reach
    corners = draw_corners(5000, scale=0.2, shift=0.125, turns=(0, 1), generator=seeded(11))
    assert 1.4 < corners.abs().max() <= 1.2 + 0.25
    first_at_the_left = (corners[:, 0, 0] < 0).float().mean()  # turned by a quarter it is at the right
    assert first_at_the_left == pytest.approx(0.5, abs=0.03)


def test_coordinates_keep_their_precision_under_autocast():
    x = smooth(4, 1, 28, 28)
    corners = draw_corners(4, scale=0.2, shift=0.1, generator=seeded(12))
    move = draw_affine(4, **STRONG, generator=seeded(12))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = warp(x, corner_warp(corners)), warp(x, affine_matrix(move, 28, 28))
    assert torch.allclose(mixed[0], warp(x, corner_warp(corners)), atol=1e-5)
    assert torch.allclose(mixed[1], warp(x, affine_matrix(move, 28, 28)), atol=1e-5)

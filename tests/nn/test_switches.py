"""Pooling that remembers where, against loops and the properties one would expect of it."""

import pytest
import torch

from tacit.errors import UnknownName, WrongUsage
from tacit.nn.switches import (
    Pooling,
    hard_pool,
    hard_unpool,
    place,
    soft_pool,
    soft_unpool,
    upsample,
    whole,
    windows,
)

SIZES = [(4, 6, 2), (7, 9, 2), (8, 8, 3), (5, 5, 5)]


def different(height: int, width: int) -> torch.Tensor:
    """A map (2, 3, H, W) whose values are all positive and all different."""
    torch.manual_seed(0)
    return (torch.randperm(6 * height * width) + 1.0).view(2, 3, height, width)


@pytest.mark.parametrize(("height", "width", "s"), SIZES)
def test_hard_pooling_and_its_way_back_are_what_loops_over_the_windows_find(height, width, s):
    z = different(height, width)
    what, where = hard_pool(z, s)
    back = hard_unpool(what, where, s, (height, width))
    expected = torch.zeros_like(z)
    for b in range(2):
        for c in range(3):
            for i in range(height // s):
                for j in range(width // s):
                    best = max(
                        ((r, k) for r in range(i * s, i * s + s) for k in range(j * s, j * s + s)),
                        key=lambda at: z[b, c, at[0], at[1]].item(),
                    )
                    assert what[b, c, i, j] == z[b, c, best[0], best[1]]
                    assert where[b, c, i, j] == best[0] * width + best[1]
                    expected[b, c, best[0], best[1]] = what[b, c, i, j]
    assert torch.equal(back, expected)


@pytest.mark.parametrize(("height", "width", "s"), SIZES)
def test_what_comes_back_is_zero_but_for_the_maxima(height, width, s):
    z = different(height, width)
    back = hard_unpool(*hard_pool(z, s), s, (height, width))
    assert (back > 0).sum() == 6 * (height // s) * (width // s)
    assert torch.equal(back[back > 0], z[back > 0])


@pytest.mark.parametrize(("height", "width", "s"), SIZES)
def test_pooling_an_unpooled_what_brings_it_back(height, width, s):
    _, where = hard_pool(different(height, width), s)
    what = torch.rand(where.shape).round(decimals=1)  # zeros among them
    assert torch.equal(hard_pool(hard_unpool(what, where, s, (height, width)), s)[0], what)


def test_a_pixel_that_moves_inside_its_window_moves_the_where_and_not_the_what():
    found = []
    for column in range(4):
        z = torch.zeros(1, 1, 8, 8)
        z[0, 0, 5, 4 + column] = 2.0
        what, where = hard_pool(z, 4)
        soft_what, soft_where = soft_pool(z, 4, 100.0)
        assert what[0, 0, 1, 1] == 2 and what.sum() == 2 and soft_what[0, 0, 1, 1] == 2
        hard = place(where, 4, (8, 8))[0, 0, :, 1, 1]
        assert torch.allclose(hard, soft_where[0, 0, :, 1, 1])
        found.append(hard.tolist())
    assert found == [[pytest.approx(2 * k / 3 - 1), pytest.approx(1 / 3)] for k in range(4)]  # 2 / (s - 1) a pixel


def test_of_equal_values_the_first_counts_and_a_dead_window_points_at_its_corner():
    what, where = hard_pool(torch.zeros(1, 1, 4, 4), 2)
    assert not what.any() and where.flatten().tolist() == [0, 2, 8, 10]


def test_gradients_go_through_the_winning_pixels_alone():
    z = different(7, 7).requires_grad_()
    what, where = hard_pool(z, 2)
    weights = torch.rand(2, 3, 7, 7)
    (hard_unpool(what, where, 2, (7, 7)) * weights).sum().backward()
    won = torch.zeros(2, 3, 49, dtype=torch.bool).scatter(2, where.flatten(2), True).view(2, 3, 7, 7)
    assert torch.equal(z.grad, torch.where(won, weights, 0.0))


def test_the_soft_example_of_the_paper():
    what, where = soft_pool(torch.tensor([[[[0.1, 0.9], [0.3, 0.2]]]]), 2, 100.0)
    assert what.item() == pytest.approx(0.9)
    assert where.flatten().tolist() == pytest.approx([1, 1])  # right column, upper row


def test_soft_pooling_is_a_weighted_mean_spelled_out():
    torch.manual_seed(0)
    z, s, beta = torch.rand(1, 1, 3, 3), 3, 2.0
    weights = [[torch.exp(beta * z[0, 0, r, c]) for c in range(3)] for r in range(3)]
    total = sum(sum(row) for row in weights)
    at = [(weights[r][c] / total, z[0, 0, r, c], c - 1.0, 1.0 - r) for r in range(3) for c in range(3)]
    what, where = soft_pool(z, s, beta)
    assert what.item() == pytest.approx(float(sum(w * v for w, v, _, _ in at)))
    assert where[0, 0, 0].item() == pytest.approx(float(sum(w * x for w, _, x, _ in at)))
    assert where[0, 0, 1].item() == pytest.approx(float(sum(w * y for w, _, _, y in at)))


def test_a_large_beta_gives_the_maximum_and_its_place_and_zero_the_mean_and_the_middle():
    z = different(8, 9) / 100
    what, where = soft_pool(z, 4, 1e5)
    hard_what, hard_where = hard_pool(z, 4)
    assert torch.allclose(what, hard_what) and torch.allclose(where, place(hard_where, 4, (8, 9)), atol=1e-6)
    what, where = soft_pool(z, 4, 0.0)
    assert torch.allclose(what, windows(z, 4).mean((-2, -1))) and where.abs().max() < 1e-6


def test_soft_places_of_equal_values_lie_in_the_middle_and_mirror_with_the_map():
    assert soft_pool(torch.full((1, 1, 6, 6), 0.7), 3, 100.0)[1].abs().max() < 1e-6
    z = different(6, 6) / 50
    (what, where), (mirrored, there) = soft_pool(z, 3, 5.0), soft_pool(z.flip(3), 3, 5.0)
    assert torch.allclose(mirrored, what.flip(3), atol=1e-5)
    assert torch.allclose(there, where.flip(4) * torch.tensor([-1.0, 1.0]).view(2, 1, 1), atol=1e-5)


def test_large_values_do_not_overflow_in_half_precision():
    what, where = soft_pool(torch.tensor([[[[400.0, 1.0], [2.0, 3.0]]]], dtype=torch.float16), 2, 100.0)
    assert what.item() == 400 and where.isfinite().all()


@pytest.mark.parametrize("part", ["what", "where", "back"])
def test_soft_pooling_and_its_way_back_have_the_gradients_of_finite_differences(part):
    torch.manual_seed(0)
    z, weights = torch.rand(1, 2, 5, 4), torch.randn(1, 2, 2, 2, 2, 2).flatten()

    def number(z: torch.Tensor) -> torch.Tensor:
        what, where = soft_pool(z, 2, 3.0)
        found = {"what": what, "where": where, "back": soft_unpool(what, where, 2, (5, 4))}[part].flatten()
        return (found * weights.repeat(2)[: len(found)]).sum()

    z.requires_grad_()
    (gradient,) = torch.autograd.grad(number(z), z)
    for at in range(z.numel()):
        step = torch.zeros(z.numel())
        step[at] = 1e-2
        slope = (number(z + step.view_as(z)) - number(z - step.view_as(z))) / 2e-2
        assert slope.item() == pytest.approx(gradient.flatten()[at].item(), abs=3e-3)


@pytest.mark.parametrize(("height", "width", "s"), SIZES)
def test_values_put_back_at_whole_pixels_are_hard_unpooling(height, width, s):
    what, where = hard_pool(different(height, width), s)
    soft = soft_unpool(what, place(where, s, (height, width)), s, (height, width))
    assert torch.allclose(soft, hard_unpool(what, where, s, (height, width)), atol=1e-3)


def test_values_put_back_softly_keep_their_sum_and_touch_four_pixels():
    torch.manual_seed(0)
    what, where = torch.rand(2, 3, 2, 2), torch.rand(2, 3, 2, 2, 2) * 2 - 1
    back = soft_unpool(what, where, 4, (9, 8))
    assert torch.allclose(windows(back, 4).sum((-2, -1)), what, atol=1e-6) and not back[:, :, 8].any()
    assert (windows(back, 4) > 0).sum((-2, -1)).max() <= 4
    between = soft_unpool(torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 2, 1, 1), 2, (2, 2))
    assert torch.equal(between, torch.full((1, 1, 2, 2), 0.25))


def test_windows_are_the_map_cut_up_and_whole_puts_them_together():
    z = different(6, 8)
    cells = windows(z, 2)
    assert torch.equal(cells[1, 2, 2, 3], z[1, 2, 4:6, 6:8]) and torch.equal(whole(cells, (6, 8)), z)
    ragged = whole(windows(z, 4), (6, 8))
    assert torch.equal(ragged[:, :, :4], z[:, :, :4]) and not ragged[:, :, 4:].any()


def test_upsampling_fills_windows():
    back = upsample(torch.tensor([[[[1.0, 2.0]]]]), 2, (3, 5))
    assert back[0, 0].tolist() == [[1, 1, 2, 2, 0], [1, 1, 2, 2, 0], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize("kind", ["hard", "soft", "none"])
@pytest.mark.parametrize(("height", "width", "s"), SIZES)
def test_every_kind_goes_there_and_back(kind, height, width, s):
    pooling, z = Pooling(s, kind), different(height, width)
    pooled = pooling(z)
    assert pooled.what.shape == (2, 3, height // s, width // s) and pooled.size == (height, width)
    assert torch.allclose(pooled.what, hard_pool(z, s)[0])
    assert pooling.unpool(pooled.what, pooled).shape == z.shape


def test_kinds_and_windows_that_do_not_exist_are_sentences():
    with pytest.raises(UnknownName, match="hard, none, soft"):
        Pooling(2, "max")
    with pytest.raises(WrongUsage, match="not 1 x 1"):
        Pooling(1)

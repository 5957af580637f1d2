import pytest
import torch

from tacit.data.erase import cutout, mosaic, squares


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(200, 1, 12, 12), (200, 3, 9, 14)])
@pytest.mark.parametrize("side", [0.25, 0.5, 1.0])
def test_a_square_is_as_large_as_asked_where_the_picture_does_not_cut_it(shape, side):
    inside = squares(torch.rand(shape), side, seeded())
    size = round(side * min(shape[2:]))
    rows, columns = inside.any(3).flatten(1).sum(1), inside.any(2).flatten(1).sum(1)
    assert torch.equal(inside.flatten(1).sum(1), rows * columns), "one rectangle each"
    assert rows.max() == size and columns.max() == size and rows.min() >= size // 2
    assert inside.float().mean(0).min() > 0, "no pixel is always spared"


def test_cutout_leaves_the_rest_alone_and_the_square_at_the_mean():
    x = torch.rand(5, 3, 8, 8)
    y, inside = cutout(x, 0.5, seeded(3)), squares(x, 0.5, seeded(3)).expand_as(x)
    assert torch.equal(y[~inside], x[~inside])
    assert torch.allclose(y[inside], x.mean((2, 3), keepdim=True).expand_as(x)[inside])


def test_a_mosaic_keeps_the_mean_and_has_no_variance_in_its_square():
    x = torch.rand(6, 3, 10, 10)
    y, inside = mosaic(x, 0.4, seeded(1)), squares(x, 0.4, seeded(1))
    assert torch.allclose(y.mean((2, 3)), x.mean((2, 3)), atol=1e-6)
    for i in range(6):
        for c in range(3):
            assert y[i, c][inside[i, 0]].std(correction=0) < 1e-6
            assert torch.equal(y[i, c][~inside[i, 0]], x[i, c][~inside[i, 0]])

import pytest
import torch

from tacit.errors import WrongUsage
from tacit.nn.patches import Patches, RowsAbove, cut, grid_size, patch_size
from tacit.nn.trunk import trunk


def test_the_grids_are_those_of_the_papers():
    assert grid_size((3, 256, 256), 64, 32) == (7, 7)
    assert grid_size((1, 28, 28), 8, 4) == (6, 6)
    assert grid_size((3, 240, 240), 80, 32) == (6, 6)
    assert cut(torch.zeros(1, 3, 256, 256), 64, 32).shape == (1, 7, 7, 3, 64, 64)
    assert cut(torch.zeros(2, 1, 28, 28), 8, 4).shape == (2, 6, 6, 1, 8, 8)


@pytest.mark.parametrize(("side", "size"), [(8, 4), (12, 4), (28, 8), (32, 8), (64, 16), (96, 24), (256, 64)])
def test_a_patch_is_a_quarter_of_an_image_by_default(side, size):
    assert patch_size((3, side, side)) == size
    assert 3 <= min(Patches((1, side, side), 8).grid) <= 7


def test_a_patch_is_where_it_says():
    x = torch.arange(2 * 13 * 10).float().view(1, 2, 13, 10)
    patches = cut(x, 4, 3)
    assert patches.shape[1:3] == (4, 3)
    for i in range(4):
        for j in range(3):
            for a in range(4):
                for b in range(4):
                    assert torch.equal(patches[0, i, j, :, a, b], x[0, :, 3 * i + a, 3 * j + b])


def test_a_patch_is_encoded_alone_as_in_a_batch():
    torch.manual_seed(0)
    encoder = Patches((3, 16, 16), 16).train()  # batch statistics would tell in training mode
    patches = cut(torch.rand(4, 3, 16, 16), 4, 2)
    z = encoder.encode(patches)
    assert z.shape == (4, 16, 7, 7)
    alone = encoder.encode(patches[2:3, 3:4, 5:6])
    assert torch.allclose(z[2, :, 3, 5], alone[0, :, 0, 0], atol=1e-6)


@pytest.mark.parametrize("size", [4, 6, 8, 16, 24])
def test_a_patch_is_halved_until_two_pixels_are_left(size):
    encoder = Patches((1, 4 * size, 4 * size), 32, size)
    x = torch.rand(2, 1, size, size)
    side = encoder.layers(x).shape[-1]
    assert side in (1, 2)
    assert encoder.encode(x[:, None, None]).shape == (2, 32, 1, 1)


def test_small_images_large_patches_and_batch_norm_are_refused():
    with pytest.raises(WrongUsage, match="at least 3 x 3"):
        Patches((1, 6, 6))
    with pytest.raises(WrongUsage, match="2 x 2 patches of 16 pixels every 8"):
        Patches((3, 28, 28), size=16)
    with pytest.raises(WrongUsage, match="group or none"):
        Patches((3, 28, 28), norm="batch")


def test_it_is_a_trunk():
    network = trunk((3, 16, 12), "patches", width=8)
    features = network(torch.rand(2, 3, 16, 12))
    assert features.shape == (2, 8) and (features >= 0).all()
    assert trunk((3, 16, 12), "patches", width=8, out_dim=5)(torch.rand(2, 3, 16, 12)).shape == (2, 5)


def test_a_context_sees_its_own_row_and_those_above_in_all_columns():
    torch.manual_seed(0)
    context = RowsAbove(3, 32)
    z = torch.randn(1, 3, 6, 6, requires_grad=True)
    for i in range(6):
        for j in range(6):
            (gradient,) = torch.autograd.grad(context(z)[0, :, i, j].sum(), z)
            reached = gradient[0].abs().sum(0) > 0  # (R, S)
            assert not reached[i + 1 :].any()
            assert reached[i, j] and reached[: i + 1].any()
    (gradient,) = torch.autograd.grad(context(z)[0, :, 5, 3].sum(), z)
    assert (gradient[0].abs().sum(0) > 0).all()  # three layers cover the grid

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tacit.nn.residual import Block, Upsampled, residual_convs, residual_deconvs, sizes

SHAPES = [(3, 64, 64), (1, 28, 28), (3, 9, 13), (2, 1, 1), (1, 5, 2)]


def test_a_block_is_a_way_around_two_convolutions_with_elu_before_each():
    block, x = Block(4), torch.randn(2, 4, 5, 6)
    inner = F.conv2d(F.elu(x), block.one.weight, block.one.bias, padding=1)
    expected = x + F.conv2d(F.elu(inner), block.two.weight, block.two.bias, padding=1)
    assert torch.allclose(block(x), expected, atol=1e-5)


def test_the_length_of_a_weight_is_learned_apart_from_its_direction():
    block, x = Block(4), torch.randn(2, 4, 5, 6)
    before = block(x)
    length, direction = (getattr(block.one.parametrizations.weight, name) for name in ("original0", "original1"))
    with torch.no_grad():
        direction.mul_(7)
    assert torch.allclose(block(x), before, atol=1e-4)
    with torch.no_grad():
        length.mul_(2)
    assert not torch.allclose(block(x), before, atol=1e-2)


def test_a_map_is_blown_up_pixel_by_pixel_before_its_convolution():
    layer = Upsampled(1, 1, (3, 4))
    seen = []
    layer.conv.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    assert layer(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).shape == (1, 1, 3, 4)
    assert seen[0][0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4]]


def test_sizes_are_halved_and_rounded_up():
    assert sizes((3, 64, 64)) == [(64, 64), (32, 32), (16, 16)]
    assert sizes((1, 9, 1)) == [(9, 1), (5, 1), (3, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_lead_there_and_back_for_any_size(shape):
    layers, features = residual_convs(shape, 4, 1)
    assert nn.Sequential(*layers)(torch.rand(2, *shape)).shape == (2, features)
    assert nn.Sequential(*residual_deconvs(5, shape, 4, 1))(torch.randn(2, 5)).shape == (2, *shape)


def test_the_network_for_faces_is_that_of_the_paper():
    layers, features = residual_convs((3, 64, 64), 48, 6)
    kinds = [type(layer).__name__.removeprefix("Parametrized") for layer in layers]
    assert kinds == ["Conv2d", *["Block"] * 6] * 2 + ["ELU", "Conv2d", "Flatten"]
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in convs] == [(3, 48, 2), (48, 96, 2), (96, 6, 1)]
    assert features == 6 * 16 * 16


def test_an_item_does_not_see_the_others_of_its_batch_in_training_either():
    network, x = nn.Sequential(*residual_convs((3, 8, 8), 4, 1)[0]).train(), torch.rand(5, 3, 8, 8)
    alone = torch.cat([network(row[None]) for row in x])
    assert torch.allclose(network(x), alone, atol=1e-5)

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tacit.nn.gated import GatedConv, GatedLinear, gated_convs, gated_layers, started


def test_a_gated_layer_is_one_product_times_the_sigmoid_of_another():
    layer, x = GatedLinear(3, 2), torch.randn(4, 3)
    weight, bias = layer.both.weight.detach(), torch.randn(4)
    with torch.no_grad():
        layer.both.bias.copy_(bias)
    for b in range(4):
        for unit in range(2):
            value = (weight[unit] @ x[b] + bias[unit]).item()
            gate = 1 / (1 + math.exp(-(weight[2 + unit] @ x[b] + bias[2 + unit]).item()))
            assert layer(x)[b, unit].item() == pytest.approx(value * gate, abs=1e-6)


def test_a_gated_convolution_is_the_same_with_maps():
    layer, x = GatedConv(2, 3, 5), torch.randn(2, 2, 7, 6)
    value = F.conv2d(x, layer.both.weight[:3], layer.both.bias[:3], padding=2)
    gate = F.conv2d(x, layer.both.weight[3:], layer.both.bias[3:], padding=2)
    assert torch.allclose(layer(x), value * gate.sigmoid(), atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_a_map_keeps_its_size_at_stride_1_and_halves_at_stride_2(kernel):
    x = torch.randn(1, 1, 7, 10)
    assert GatedConv(1, 2, kernel)(x).shape == (1, 2, 7, 10)
    assert GatedConv(1, 2, kernel, stride=2)(x).shape == (1, 2, 4, 5)


def test_weights_start_with_variance_2_over_fan_in_and_biases_at_zero():
    torch.manual_seed(0)
    for layer, fan_in in ((GatedLinear(400, 300).both, 400), (GatedConv(32, 64, 5).both, 32 * 25)):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.02)
        assert abs(layer.weight.mean().item()) < 1e-3
        assert not layer.bias.any()
    assert started(nn.Linear(3, 2, bias=False)).bias is None


def test_layers_stand_between_the_widths():
    layers = gated_layers([784, 300, 300])
    assert [tuple(layer.both.weight.shape) for layer in layers] == [(600, 784), (600, 300)]


def test_the_convolutions_are_those_of_the_conv_hvae():
    layers, features = gated_convs((1, 28, 28), 32)
    convs = [layer.both for layer in layers[:-1]]
    assert [conv.kernel_size[0] for conv in convs] == [7, 3, 5, 3, 3]
    assert [conv.stride[0] for conv in convs] == [1, 2, 1, 2, 1]
    assert [conv.out_channels // 2 for conv in convs] == [32, 32, 64, 64, 6]
    assert features == 6 * 7 * 7


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 13), (2, 1, 1), (1, 5, 2)], ids=str)
def test_features_of_any_size_are_as_many_as_promised(shape):
    layers, features = gated_convs(shape, 4)
    assert nn.Sequential(*layers)(torch.rand(2, *shape)).shape == (2, features)

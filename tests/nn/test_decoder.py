import pytest
import torch
from torch import nn

from tacit.errors import WrongUsage
from tacit.nn.decoder import decoder
from tacit.nn.trunk import trunk


@pytest.mark.parametrize("kind", ["auto", "mlp", "conv", "resnet", "gated", "gated_conv", "residual"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 20), (1, 92, 112), (1, 8, 8), (1, 1, 5), (2, 1, 1)], ids=str)
def test_a_decoder_leads_back_to_any_size(shape, kind):
    assert decoder(3, shape, kind, width=4)(torch.randn(2, 3)).shape == (2, *shape)


def test_a_decoder_leads_back_to_vectors():
    assert decoder(3, (7,))(torch.randn(2, 3)).shape == (2, 7)


def test_the_mlp_is_40_300_300_784():
    layers = [layer for layer in decoder(40, (1, 28, 28), "mlp") if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [(40, 300), (300, 300), (300, 784)]


def test_the_gated_decoder_is_40_300_300_784_and_its_last_layer_has_no_gate():
    layers = [m for m in decoder(40, (1, 28, 28), "gated").modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == [(40, 600), (300, 600), (300, 784)]
    assert decoder(3, (7,), "gated")(torch.randn(2, 3)).shape == (2, 7)


def test_the_decoder_of_the_conv_hvae_draws_with_four_gated_convolutions_and_one_of_1_by_1():
    network = decoder(600, (1, 28, 28), "gated_conv", depth=1)
    dense = [m for m in network.modules() if isinstance(m, nn.Linear)]
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.in_features, m.out_features) for m in dense] == [(600, 2 * 784)]
    assert [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in convs] == [
        (1, 128, 3),
        *[(64, 128, 3)] * 3,
        (64, 1, 1),
    ]


@pytest.mark.parametrize("depth", [None, 1, 3])
def test_the_maps_of_the_conv_decoder_mirror_those_of_the_trunk(depth):
    def maps(network, x, kinds):
        seen = []
        for module in network.modules():
            if isinstance(module, kinds):
                module.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[2:])))
        network(x)
        return seen

    shape = (2, 28, 19)
    down = maps(trunk(shape, "conv", width=2, depth=depth), torch.rand(2, *shape), nn.MaxPool2d)
    back = decoder(3, shape, "conv", width=2, depth=depth)
    doubles = [type(m) for m in back if hasattr(m, "size")]
    up = maps(back, torch.randn(2, 3), doubles[0])
    assert up == [*down[-2::-1], shape[1:]]


def test_every_pixel_is_reached_equally_often():
    layer = next(m for m in decoder(3, (1, 16, 16), "conv", width=2, depth=1) if hasattr(m, "conv")).conv
    with torch.no_grad():
        reached = torch.nn.functional.conv_transpose2d(
            torch.ones(1, 2, 8, 8), torch.ones_like(layer.weight), stride=layer.stride, padding=layer.padding
        )
    inside = reached[..., 2:-2, 2:-2]
    assert (inside == inside[0, 0, 0, 0]).all()


@pytest.mark.parametrize("kind", ["conv", "gated", "gated_conv", "residual"])
def test_values_have_no_bounds(kind):
    x = decoder(3, (1, 8, 8), kind, norm="none")(200 * torch.randn(20, 3))
    assert x.min() < 0 and x.max() > 1


def test_a_code_has_a_dimension():
    with pytest.raises(WrongUsage, match="at least one dimension"):
        decoder(0, (1, 8, 8))


@pytest.mark.parametrize("length", [1, 5, 64, 65, 800, 10560])
@pytest.mark.parametrize("kind", ["auto", "mel", "mlp"])
def test_a_decoder_leads_back_to_sounds_of_any_length(length, kind):
    assert decoder(3, (1, length), kind, width=2)(torch.randn(2, 3)).shape == (2, 1, length)


def test_a_sound_becomes_four_times_as_long_layer_by_layer():
    layers = [m.conv for m in decoder(3, (1, 800), width=4) if hasattr(m, "conv")]
    assert [(m.in_channels, m.out_channels) for m in layers] == [(8, 4), (4, 1)]  # 50 samples, 200, 800
    assert all(m.kernel_size == (8,) and m.stride == (4,) for m in layers)

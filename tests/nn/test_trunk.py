import pytest
import torch
from torch import nn

from tacit.errors import UnknownName, WrongUsage
from tacit.nn.mel import LogMel
from tacit.nn.trunk import trunk

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 28, 20), (1, 92, 112), (1, 8, 8), (1, 1, 5), (2, 1, 1), (3, 40, 7)]


@pytest.mark.parametrize("kind", ["auto", "mlp", "conv", "resnet"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_trunk_fits_images_of_any_size(shape, kind):
    network = trunk(shape, kind, width=4)
    features = network(torch.rand(2, *shape))
    assert features.shape == (2, network.out_dim)
    assert (features >= 0).all()


@pytest.mark.parametrize("length", [1, 2, 50])
def test_a_trunk_fits_vectors_of_any_length(length):
    assert trunk((length,))(torch.randn(3, length)).shape == (3, 300)


def test_the_mlp_is_784_300_300():
    widths = [
        (layer.in_features, layer.out_features) for layer in trunk((1, 28, 28), "mlp") if isinstance(layer, nn.Linear)
    ]
    assert widths == [(784, 300), (300, 300)]


def test_the_conv_trunk_can_be_the_task_net_of_latent_space_sampling():
    network = trunk((1, 28, 28), "conv", width=16, depth=2, norm="none", out_dim=64)
    layers = [layer for layer in network if not isinstance(layer, nn.Flatten)]
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU] * 2 + [nn.Linear, nn.ReLU]
    shapes = [layer.weight.shape for layer in layers if hasattr(layer, "weight")]
    assert shapes == [(16, 1, 3, 3), (32, 16, 3, 3), (64, 32 * 7 * 7)]


@pytest.mark.parametrize(("side", "blocks"), [(5, 2), (8, 2), (16, 2), (28, 3), (32, 3), (64, 4), (112, 5)])
def test_conv_blocks_follow_the_size(side, blocks):
    network = trunk((1, side, side), "conv", width=2)
    assert sum(isinstance(layer, nn.Conv2d) for layer in network) == blocks


def test_conv_channels_double_up_to_eightfold():
    convs = [layer for layer in trunk((1, 128, 128), "conv", width=2, depth=5) if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convs] == [2, 4, 8, 16, 16]


def test_the_default_resnet_is_a_narrow_resnet18():
    network = trunk((3, 32, 32), "resnet")
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(convs) == 17
    assert network.out_dim == 128
    assert sum(conv.stride == (2, 2) for conv in convs) == 3


def test_a_resnet_halves_large_images_in_its_stem():
    network = trunk((3, 100, 70), "resnet", width=2)
    maps = []
    network[6].register_forward_pre_hook(lambda _, args: maps.append(args[0].shape[2:]))
    network(torch.rand(2, 3, 100, 70))
    assert maps == [(25, 18)]


def test_auto_takes_convolutions_from_8_pixels_on():
    def convolves(shape):
        return any(isinstance(m, nn.Conv2d) for m in trunk(shape).modules())

    assert convolves((1, 8, 8)) and convolves((1, 3, 20))
    assert not convolves((1, 7, 7)) and not convolves((64,))


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_a_batch_of_one_trains_with_any_norm(kind, norm):
    network = trunk((1, 4, 4), kind, width=4, norm=norm, out_dim=6)
    network(torch.rand(1, 1, 4, 4)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_a_batch_of_one_takes_remembered_statistics_and_leaves_them():
    network = trunk((3,), norm="batch", width=4)
    network(torch.randn(32, 3))
    state = {key: value.clone() for key, value in network.state_dict().items()}
    x = torch.randn(1, 3)
    in_training, in_evaluation = network(x), network.eval()(x)
    assert torch.equal(in_training, in_evaluation)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in state.items())


def test_batch_norm_is_torch_s_for_more_than_one_item():
    network = trunk((3,), norm="batch", width=4, depth=1)
    x = torch.randn(32, 3)
    h = x @ network[1].weight.T
    expected = ((h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt()).relu()
    assert torch.allclose(network(x), expected, atol=1e-5)


def test_channels_last_changes_nothing():
    network, x = trunk((3, 12, 10), "conv", width=4).eval(), torch.rand(2, 3, 12, 10)
    expected = network(x)
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(x.to(memory_format=torch.channels_last)), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["conv", "resnet"])
def test_convolutions_on_a_vector_are_refused_in_a_sentence(kind):
    with pytest.raises(WrongUsage, match=f"a {kind} trunk needs images"):
        trunk((7,), kind)


def test_a_misspelt_kind_gets_the_nearest_one():
    with pytest.raises(UnknownName, match="did you mean: resnet"):
        trunk((1, 8, 8), "resnet18")
    with pytest.raises(UnknownName, match="did you mean: batch"):
        trunk((1, 8, 8), "conv", norm="batchnorm")


@pytest.mark.parametrize("option", ["width", "depth", "out_dim"])
def test_sizes_start_at_one(option):
    with pytest.raises(WrongUsage, match=option):
        trunk((1, 8, 8), **{option: 0})


@pytest.mark.parametrize("kind", ["gated", "gated_conv", "residual"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_trunks_of_latent_variable_models_fit_images_of_any_size(shape, kind):
    for options in ({}, {"out_dim": 5}):
        network = trunk(shape, kind, width=4, **options)
        assert network(torch.rand(2, *shape)).shape == (2, network.out_dim)
    assert network.out_dim == 5


@pytest.mark.parametrize("kind", ["gated", "gated_conv", "residual"])
def test_their_features_depend_on_the_item_alone_in_training_too(kind):
    network, x = trunk((1, 9, 8), kind, width=4).train(), torch.rand(5, 1, 9, 8)
    assert torch.allclose(network(x), torch.cat([network(row[None]) for row in x]), atol=1e-5)


def test_the_gated_trunk_is_784_300_300_and_fits_vectors():
    layers = [m for m in trunk((1, 28, 28), "gated").modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == [(784, 600), (300, 600)]  # half of each are gates
    assert trunk((7,), "gated", width=5, depth=1)(torch.randn(3, 7)).shape == (3, 5)


@pytest.mark.parametrize("kind", ["gated_conv", "residual"])
def test_they_need_images_as_well(kind):
    with pytest.raises(WrongUsage, match=f"a {kind} trunk needs images"):
        trunk((7,), kind)


@pytest.mark.parametrize("kind", ["gated", "gated_conv", "residual"])
def test_there_is_no_normalization_to_choose_where_there_is_none(kind):
    with pytest.raises(WrongUsage, match=f"a {kind} trunk has no normalization of its own to choose; it got 'batch'"):
        trunk((1, 8, 8), kind, norm="batch")
    trunk((1, 8, 8), kind, norm="none")


@pytest.mark.parametrize("length", [1, 100, 800, 10560])
def test_a_trunk_hears_sounds_of_any_length(length):
    network = trunk((1, length), width=2, rate=8000)
    features = network(torch.randn(2, 1, length).clamp(-1, 1))
    assert features.shape == (2, network.out_dim) == (2, 128)


def test_the_mel_trunk_is_the_conv_trunk_on_the_spectrum():
    torch.manual_seed(0)
    network = trunk((1, 800), "mel", width=3, depth=2, norm="none", out_dim=7, rate=8000).eval()
    torch.manual_seed(0)
    picture = trunk((1, 40, 11), "conv", width=3, depth=2, norm="none", out_dim=7).eval()
    x = torch.randn(4, 1, 800).clamp(-1, 1)
    assert torch.equal(network(x), picture(LogMel(8000)(x)))


def test_a_mel_trunk_needs_sounds_and_their_rate():
    for shape in ((1, 8, 8), (5,)):
        with pytest.raises(WrongUsage, match=r"a mel trunk needs sounds \(1, T\)"):
            trunk(shape, "mel")
    with pytest.raises(WrongUsage, match="a conv trunk needs images"):
        trunk((1, 800), "conv")
    with pytest.raises(WrongUsage, match="its spec needs a rate"):
        trunk((1, 800), rate=0)

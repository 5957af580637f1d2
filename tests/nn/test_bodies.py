import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tacit.errors import UnknownName, WrongUsage
from tacit.nn.bodies import OneLevel, TwoLevels, body, halves

GREY, COLOR, VECTOR = (1, 9, 8), (3, 8, 8), (5,)


def dense(network: nn.Module) -> list[tuple[int, int]]:
    return [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)]


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 28, 28), "vae"),
        ((1, 31, 31), "vae"),
        ((1, 32, 20), "residual"),
        ((3, 8, 8), "residual"),
        ((3, 7, 7), "vae"),
        ((64,), "vae"),
    ],
    ids=str,
)
def test_auto_takes_the_residual_body_for_color_and_for_large_images(shape, kind):
    auto, named = body("auto", shape, 3), body(kind, shape, 3)
    assert [p.shape for p in auto.parameters()] == [p.shape for p in named.parameters()]


@pytest.mark.parametrize("name", ["vae", "hvae", "conv_hvae", "residual"])
@pytest.mark.parametrize("shape", [GREY, COLOR], ids=str)
def test_a_body_reads_an_item_and_explains_it(name, shape):
    network, x = body(name, shape, 3, width=4), torch.rand(2, *shape)
    mean, log_var = network.posterior(x)
    assert mean.shape == log_var.shape == (2, 3)
    decoded, lower = network.explain(mean, network.context(x))
    assert decoded.shape == network.decode(mean).shape == x.shape
    if name in ("vae", "residual"):
        assert lower is None and network.context(x) is None
    else:
        assert all(part.shape == (2, 3) for part in lower)


@pytest.mark.parametrize("name", ["vae", "hvae"])
def test_the_dense_bodies_read_vectors(name):
    network, x = body(name, VECTOR, 3, width=4), torch.randn(2, 5)
    z = network.posterior(x)[0]
    assert network.explain(z, network.context(x))[0].shape == (2, 5)


@pytest.mark.parametrize("name", ["vae", "hvae", "conv_hvae", "residual"])
def test_a_code_does_not_depend_on_the_rest_of_the_batch_in_training_either(name):
    network, x = body(name, GREY, 3, width=4).train(), torch.rand(5, *GREY)
    for read in (lambda x: network.posterior(x)[0], lambda x: network.posterior(x)[1]):
        assert torch.allclose(read(x), torch.cat([read(row[None]) for row in x]), atol=1e-5)


def test_the_vae_body_is_the_benchmark_network():
    network = body("vae", (1, 28, 28), 40)
    assert dense(network) == [(784, 600), (300, 600), (300, 80), (40, 600), (300, 600), (300, 784)]  # gates counted


def test_the_hvae_body_is_that_of_the_papers():
    network = body("hvae", (1, 28, 28), 40)
    assert dense(network.encoder) + dense(network.to_posterior) == [(784, 600), (300, 600), (300, 80)]
    assert dense(network.eye) == [(784, 600)] and dense(network.from_upper) == [(40, 600)]
    assert dense(network.together) + dense(network.to_lower) == [(600, 600), (300, 80)]
    assert dense(network.lower_prior) == [(40, 600), (300, 600), (300, 80)]
    assert dense(network.hands) == [(40, 600), (40, 600)]
    assert dense(network.decoder) == [(600, 600), (300, 784)]


def test_the_conv_hvae_body_is_that_of_the_papers():
    network = body("conv_hvae", (1, 28, 28), 40)

    def kernels(part: nn.Module) -> list[int]:
        return [m.kernel_size[0] for m in part.modules() if isinstance(m, nn.Conv2d)]

    assert kernels(network.encoder) == [7, 3, 5, 3, 3] and kernels(network.eye) == [3] * 5
    assert network.encoder.out_dim == network.eye.out_dim == 294
    assert dense(network.from_upper) + dense(network.together) == [(40, 588), (588, 600)]
    assert dense(network.decoder) == [(600, 1568)]


def test_two_levels_are_what_the_graph_says():
    torch.manual_seed(0)
    network, x, z = body("hvae", VECTOR, 2, width=4), torch.randn(3, 5), torch.randn(3, 2)
    torch.manual_seed(1)
    decoded, lower = network.explain(z, network.context(x))
    torch.manual_seed(1)
    noise = torch.randn(3, 2)

    eye = F.glu(network.eye[1].both(x), 1)
    seen = F.glu(network.together.both(torch.cat([eye, F.glu(network.from_upper.both(z), 1)], 1)), 1)
    mean, log_var = network.to_lower(seen).chunk(2, 1)
    assert torch.allclose(lower.mean, mean) and torch.allclose(lower.log_var, log_var.clamp(-6, 2))
    assert torch.allclose(lower.z, mean + (log_var.clamp(-6, 2) / 2).exp() * noise, atol=1e-6)
    prior_mean, prior_log_var = network.lower_prior(z).chunk(2, 1)
    assert torch.allclose(lower.prior_mean, prior_mean)
    assert torch.allclose(lower.prior_log_var, prior_log_var.clamp(-6, 2))
    both = torch.cat([F.glu(hand.both(code), 1) for hand, code in zip(network.hands, (lower.z, z), strict=True)], 1)
    assert torch.allclose(decoded, network.decoder(both), atol=1e-6)
    both = torch.cat([F.glu(hand.both(code), 1) for hand, code in zip(network.hands, (prior_mean, z), strict=True)], 1)
    assert torch.allclose(network.decode(z), network.decoder(both), atol=1e-6)


def test_the_item_reaches_the_lower_code_and_the_upper_code_its_prior():
    network, x = body("hvae", VECTOR, 2, width=4), torch.randn(1, 5)
    z = torch.randn(1, 2, requires_grad=True)
    _, lower = network.explain(z, network.context(x))
    _, other = network.explain(z, network.context(x + 1))
    assert not torch.allclose(lower.mean, other.mean)
    assert torch.equal(lower.prior_mean, other.prior_mean)
    assert torch.autograd.grad(lower.prior_mean.sum(), z)[0].any()


def test_log_variances_stay_between_minus_6_and_2_in_single_precision():
    mean, log_var = halves(torch.tensor([[3.0, -9.0, -50.0, 50.0]], dtype=torch.bfloat16))
    assert mean.tolist() == [[3.0, -9.0]] and log_var.tolist() == [[-6.0, 2.0]]
    assert mean.dtype == log_var.dtype == torch.float32


@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet", "gated", "residual"])
def test_one_level_stands_on_any_trunk(kind):
    network = OneLevel((1, 8, 8), 3, kind, width=4)
    assert network.decode(network.posterior(torch.rand(2, 1, 8, 8))[0]).shape == (2, 1, 8, 8)


def test_width_counts_units_of_dense_layers_and_channels_of_convolutions():
    assert TwoLevels(GREY, 3, "gated", width=7).encoder.out_dim == 7
    wide = TwoLevels(GREY, 3, "gated_conv", width=7)
    assert wide.encoder[0].both.out_channels == 14
    assert dense(wide.hands) == [(3, 600)] * 2


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(UnknownName, match="did you mean: hvae"):
        body("hva", GREY, 3)
    with pytest.raises(WrongUsage, match="at least one dimension, not 0"):
        body("vae", GREY, 0)
    for name in ("auto", "vae", "hvae", "conv_hvae", "residual"):
        with pytest.raises(WrongUsage, match=r"value by value, and a sound.*\n.*tacit learn vae"):
            body(name, (1, 800), 3)
    for name in ("conv_hvae", "residual"):
        with pytest.raises(WrongUsage, match=f"a {name} body needs images.*\n  try: --body hvae or --body vae"):
            body(name, VECTOR, 3)
    for name in ("hvae", "conv_hvae"):
        with pytest.raises(WrongUsage, match=f"a {name} body has a depth of its own\n  leave out --depth"):
            body(name, GREY, 3, depth=2)

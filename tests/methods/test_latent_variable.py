import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal

from tacit.data.spec import ItemSpec
from tacit.errors import BadData, UnknownName, WrongUsage
from tacit.methods.latent_variable import Evidence, Observed, evidence, evidences, log_prob, resolve, standard_normal
from tacit.nn.bodies import body

GREY, COLOR, VECTOR = ItemSpec((1, 4, 4)), ItemSpec((3, 4, 4)), ItemSpec((5,), "vector")


def coins(spec: ItemSpec = GREY, **options) -> Observed:
    return Observed(spec, **{"likelihood": "auto", "binarize": True, "sigma": None, **options})


def normal(mean: Tensor, log_var: Tensor) -> Normal:
    return Normal(mean.double(), (log_var.double() / 2).exp())


def two_levels(name: str = "hvae", shape: tuple[int, ...] = (1, 4, 4)) -> nn.Module:
    torch.manual_seed(0)
    return body(name, shape, 2, width=6)


@pytest.mark.parametrize("name", ["hvae", "conv_hvae"])
@pytest.mark.parametrize("samples", [1, 3])
def test_the_evidence_of_two_levels_spelled_out(name, samples):
    """log p(x | z1, z2) + log p(z1 | z2) + log p(z2) - log q(z2 | x) - log q(z1 | x, z2)."""
    network, x = two_levels(name), torch.rand(3, 1, 4, 4).round()
    mean, log_var = network.posterior(x)
    torch.manual_seed(1)
    drawn = evidence(network, coins(), x, (mean, log_var), standard_normal, samples)
    torch.manual_seed(1)
    upper = mean + (log_var / 2).exp() * torch.randn(samples, 3, 2)
    noise = torch.randn(samples * 3, 2).view(samples, 3, 2)
    for k in range(samples):
        for b in range(3):
            z2 = upper[k, b : b + 1]
            seen = torch.cat([network.eye(x[b : b + 1]), network.from_upper(z2)], 1)
            mean1, log_var1 = network.to_lower(network.together(seen)).chunk(2, 1)
            log_var1 = log_var1.clamp(-6, 2)
            z1 = mean1 + (log_var1 / 2).exp() * noise[k, b : b + 1]
            prior_mean, prior_log_var = network.lower_prior(z2).chunk(2, 1)
            logits = network.decoder(torch.cat([network.hands[0](z1), network.hands[1](z2)], 1))
            log_likelihood = Bernoulli(logits=logits.double()).log_prob(x[b : b + 1].double()).sum()
            kl = normal(mean[b], log_var[b]).log_prob(z2.double()).sum()
            kl -= Normal(0.0, 1.0).log_prob(z2.double()).sum()
            kl += normal(mean1, log_var1).log_prob(z1.double()).sum()
            kl -= normal(prior_mean, prior_log_var.clamp(-6, 2)).log_prob(z1.double()).sum()
            assert drawn.log_likelihood[k, b].item() == pytest.approx(log_likelihood.item(), rel=1e-4)
            assert drawn.kl[k, b].item() == pytest.approx(kl.item(), rel=1e-3, abs=1e-3)


def test_draws_of_a_posterior_have_its_mean_and_variance():
    network, x = body("vae", (5,), 2, width=4), torch.randn(2, 5)
    seen = []

    def prior(z: Tensor) -> Tensor:
        seen.append(z)
        return standard_normal(z)

    posterior = torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([[0.0, 1.0], [-2.0, -4.0]])
    evidence(network, coins(VECTOR), x, posterior, prior, samples=20_000)
    z = seen[0].view(20_000, 2, 2)
    assert torch.allclose(z.mean(0), posterior[0], atol=0.05)
    assert torch.allclose(z.var(0).log(), posterior[1], atol=0.05)


@pytest.mark.parametrize("name", ["vae", "hvae"])
@pytest.mark.parametrize(("samples", "rows", "parts"), [(7, 6, [2, 2, 2, 1]), (7, 1, [1] * 7), (2, 5000, [2])])
def test_the_parts_have_about_as_many_codes_as_asked_for_and_all_samples_together(name, samples, rows, parts):
    network, x = body(name, (5,), 2, width=4), torch.randn(3, 5)
    sizes = []

    def prior(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return standard_normal(z)

    got = list(evidences(network, coins(VECTOR), x, network.posterior(x), prior, samples, rows))
    assert [len(part.kl) for part in got] == [len(part.log_likelihood) for part in got] == parts
    assert sizes == [3 * k for k in parts]


def test_every_code_is_judged_by_its_own_item():
    """With a posterior this narrow, a draw that met another item's context or pixels would show."""
    network, x = two_levels(), torch.rand(4, 1, 4, 4).round()
    mean, _ = network.posterior(x)
    posterior = 3 * mean, torch.full_like(mean, -60.0)
    torch.manual_seed(1)
    together = evidence(network, coins(), x, posterior, standard_normal, samples=500)
    for b in range(4):
        alone = evidence(network, coins(), x[b : b + 1], tuple(p[b : b + 1] for p in posterior), standard_normal, 500)
        spread = alone.log_likelihood.std() / 500**0.5
        gap = (together.log_likelihood[:, b].mean() - alone.log_likelihood.mean()).abs()
        assert gap < 5 * spread


def test_the_loss_weighs_the_kl_and_the_elbo_does_not():
    log_likelihood, kl = torch.randn(2, 3, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    terms = Evidence(log_likelihood, kl).terms(torch.tensor(0.25))
    assert terms["loss"].item() == pytest.approx((0.25 * kl - log_likelihood).mean().item(), abs=1e-6)
    assert terms["elbo"].item() == pytest.approx((log_likelihood - kl).mean().item(), abs=1e-6)
    assert terms["kl"].item() == pytest.approx(kl.mean().item()) and not terms["elbo"].requires_grad
    terms["loss"].backward()
    assert torch.allclose(kl.grad, torch.full((2, 3), 0.25 / 6))
    assert torch.allclose(log_likelihood.grad, torch.full((2, 3), -1 / 6))


def test_the_standard_normal_is_torch_s():
    z = torch.randn(4, 3)
    assert torch.allclose(standard_normal(z), Normal(0.0, 1.0).log_prob(z).sum(1), atol=1e-6)


def test_more_samples_give_a_higher_bound_on_the_same_items():
    torch.manual_seed(0)
    network, x = two_levels(), torch.rand(1, 1, 4, 4).round().expand(3000, 1, 4, 4)
    bounds = [log_prob(network, coins(), x[: 3000 // k], standard_normal, k) for k in (1, 5, 50)]
    means = [bound.mean().item() for bound in bounds]
    assert means[0] + 0.05 < means[1] < means[2] - 0.01


def test_a_bound_has_no_gradient_and_leaves_no_graph_behind():
    network, x = two_levels(), torch.rand(2, 1, 4, 4)
    assert not log_prob(network, coins(), x, standard_normal, 3).requires_grad


@pytest.mark.parametrize("spec", [GREY, VECTOR], ids=["grey", "vector"])
def test_under_autocast_densities_stay_in_single_precision(spec):
    network, x = two_levels(shape=spec.shape), torch.rand(2, *spec.shape)
    with torch.autocast("cpu", torch.bfloat16):
        drawn = evidence(network, coins(spec), x, network.posterior(x), standard_normal)
    assert drawn.log_likelihood.dtype == drawn.kl.dtype == torch.float32


@pytest.mark.parametrize("bad", [-0.1, 1.5, math.nan])
def test_values_outside_0_to_1_are_no_coins(bad):
    x = torch.full((2, 1, 4, 4), 0.5)
    x[1, 0, 2, 2] = bad
    with pytest.raises(
        BadData, match="a bernoulli likelihood needs them in \\[0, 1\\]\n  scale the items, or try: --like"
    ):
        coins().binary(x)
    assert torch.equal(
        coins(likelihood="gaussian").binary(torch.full((2, 1, 4, 4), 1.5)), torch.full((2, 1, 4, 4), 1.5)
    )


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_how_a_picture_lies_in_memory_does_not_matter(likelihood):
    observed, x = coins(COLOR, likelihood=likelihood, sigma=0.5), torch.rand(2, 3, 4, 4).round()
    decoded = torch.randn(6, 3, 4, 4)  # three draws of each
    expected = torch.stack([observed.log_likelihood(x[i % 2 :][:1], decoded[i : i + 1])[0] for i in range(6)])
    assert torch.allclose(observed.log_likelihood(x, decoded), expected, atol=1e-4)
    pixels_last = decoded.to(memory_format=torch.channels_last)  # as convolutions in a training leave it
    assert torch.allclose(observed.log_likelihood(x, pixels_last), expected, atol=1e-4)


def test_what_the_model_is_asked_for_are_zeros_and_ones_as_often_as_the_grey_says():
    x = torch.tensor([0.0, 0.25, 1.0]).expand(4000, 3)[:, None, None]
    drawn = coins(ItemSpec((1, 1, 3))).binary(x)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn.mean((0, 1, 2)).tolist() == pytest.approx([0, 0.25, 1], abs=0.03)
    assert x[0, 0, 0].tolist() == [0, 0.25, 1]  # the items themselves stay grey
    assert coins(ItemSpec((1, 1, 3)), binarize=False).binary(x) is x


def test_the_mean_item_is_a_picture_a_sound_or_a_vector():
    decoded = torch.tensor([-3.0, 0.5, 4.0])
    assert torch.allclose(coins().mean(decoded), decoded.sigmoid())
    assert coins(COLOR).mean(decoded).tolist() == [0, 0.5, 1]
    assert coins(ItemSpec((1, 3), "sound", rate=8000)).mean(decoded).tolist() == [-1, 0.5, 1]
    assert coins(VECTOR).mean(decoded).tolist() == decoded.tolist()


def test_what_auto_means():
    assert [resolve(spec, "auto") for spec in (GREY, COLOR, VECTOR)] == ["bernoulli", "gaussian", "gaussian"]
    assert resolve(COLOR, "bernoulli") == "bernoulli" and resolve(GREY, "gaussian") == "gaussian"


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(UnknownName, match="did you mean: bernoulli"):
        resolve(GREY, "bernouli")
    with pytest.raises(WrongUsage, match="vectors are standardized\n  try: --likelihood gaussian"):
        resolve(VECTOR, "bernoulli")
    with pytest.raises(WrongUsage, match="sounds go below zero\n  try: --likelihood gaussian"):
        resolve(ItemSpec((1, 80), "sound", rate=8000), "bernoulli")
    with pytest.raises(WrongUsage, match="sigma is a standard deviation above 0, not -1"):
        coins(sigma=-1)
    with pytest.raises(WrongUsage, match="at least one sample, not 0"):
        log_prob(two_levels(), coins(), torch.rand(1, 1, 4, 4), standard_normal, samples=0)

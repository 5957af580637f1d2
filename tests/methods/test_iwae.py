import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, MultivariateNormal, Normal

from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.iwae import IWAE

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 8, 8)), ItemSpec((5,), "vector")


def test_the_loss_is_equation_8():
    torch.manual_seed(0)
    method, x = IWAE(GREY, samples=4, latent_dim=3, width=8), torch.rand(3, 1, 8, 8).round()
    torch.manual_seed(1)
    terms = method.loss(x)
    torch.manual_seed(1)
    torch.rand_like(x)  # the coins, which leave zeros and ones as they are
    noise = torch.randn(4, 3, 3)
    mean, log_var = (part.detach() for part in method.posterior(x))
    bound = elbo = 0.0
    for b in range(3):
        weights = []
        for k in range(4):
            z = mean[b] + (log_var[b] / 2).exp() * noise[k, b]
            logits = method.body.decoder(z[None]).detach()[0]
            log_w = Bernoulli(logits=logits).log_prob(x[b]).sum() + Normal(0.0, 1.0).log_prob(z).sum()
            log_w -= Normal(mean[b], (log_var[b] / 2).exp()).log_prob(z).sum()
            weights.append(log_w.item())
            elbo += log_w.item() / 12
        top = max(weights)
        bound += (top + math.log(sum(math.exp(w - top) for w in weights) / 4)) / 3
    assert terms["bound"].item() == pytest.approx(bound, rel=1e-4)
    assert terms["loss"].item() == pytest.approx(-bound, rel=1e-4)
    assert terms["elbo"].item() == pytest.approx(elbo, rel=1e-4)


def test_one_sample_is_the_elbo():
    torch.manual_seed(0)
    method, x = IWAE(GREY, samples=1, width=8), torch.rand(3, 1, 8, 8)
    terms = method.loss(x)
    assert terms["bound"].item() == pytest.approx(terms["elbo"].item(), rel=1e-6)


@pytest.mark.parametrize("body", ["vae", "hvae", "conv_hvae", "residual"])
def test_the_bound_lies_above_the_elbo_of_its_own_draws(body):
    torch.manual_seed(0)
    method, x = IWAE(GREY, samples=5, latent_dim=3, body=body, width=8), torch.rand(4, 1, 8, 8)
    terms = method.loss(x)
    assert terms["bound"] > terms["elbo"]


def test_the_bound_rises_with_the_number_of_samples():
    torch.manual_seed(0)
    x, bounds = torch.rand(1, 1, 8, 8).round().expand(2000, 1, 8, 8), []
    for samples in (1, 5, 50):
        torch.manual_seed(0)
        method = IWAE(GREY, samples=samples, latent_dim=2, width=8)
        bounds.append(method.loss(x[: 2000 // samples])["bound"].item())
    assert bounds[0] + 0.05 < bounds[1] < bounds[2] - 0.02


def test_a_heavier_draw_gets_more_of_the_gradient():
    """The gradient of log mean w is that of log w, weighed by w: Burda et al. 2016, eq. 14."""
    torch.manual_seed(0)
    method, x = IWAE(GREY, samples=6, latent_dim=2, width=8), torch.rand(1, 1, 8, 8).round()
    decoded = []

    def keep(_, __, out):
        out.retain_grad()
        decoded.append(out)

    method.body.decoder.register_forward_hook(keep)
    torch.manual_seed(1)
    method.loss(x)["loss"].backward()
    torch.manual_seed(1)
    torch.rand_like(x)
    mean, log_var = method.posterior(x)
    z = mean + (log_var / 2).exp() * torch.randn(6, 1, 2)[:, 0]
    log_w = Bernoulli(logits=decoded[0]).log_prob(x).sum((1, 2, 3)) + method.log_prior(z)
    log_w = log_w - Normal(mean, (log_var / 2).exp()).log_prob(z).sum(1)
    weight = log_w.softmax(0).detach()
    expected = weight[:, None, None, None] * (decoded[0].sigmoid() - x)
    assert torch.allclose(decoded[0].grad, expected, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 3, 20])
def test_the_bound_is_exact_where_the_posterior_is(samples):
    """x = w z + noise with one number z: q is the exact posterior, and every draw has the same weight."""
    w, sigma = torch.tensor([1.5, -0.3, 0.8, 0.0, 0.4]), 0.6
    var = 1 / (1 + w.square().sum() / sigma**2)
    method = IWAE(VECTOR, samples=samples, latent_dim=1, sigma=sigma)
    method.body.encoder = nn.Identity()
    method.body.to_posterior, method.body.decoder = nn.Linear(5, 2), nn.Linear(1, 5)
    with torch.no_grad():
        method.body.decoder.weight.copy_(w[:, None])
        method.body.decoder.bias.zero_()
        method.body.to_posterior.weight.copy_(torch.stack([var * w / sigma**2, torch.zeros(5)]))
        method.body.to_posterior.bias.copy_(torch.tensor([0.0, var.log()]))
    x = torch.randn(6, 5)
    exact = MultivariateNormal(torch.zeros(5), torch.outer(w, w) + sigma**2 * torch.eye(5)).log_prob(x)
    assert method.loss(x)["bound"].item() == pytest.approx(exact.mean().item(), abs=1e-4)
    assert torch.allclose(method.eval().log_prob(x, samples), exact, atol=1e-4)


@pytest.mark.parametrize("spec", [GREY, COLOR, VECTOR], ids=["grey", "color", "vector"])
def test_new_items_are_like_items(spec):
    method = IWAE(spec, width=8).eval()
    a, b = (method.sample(4, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == (4, *spec.shape)
    assert spec.kind == "vector" or (a.min() >= 0 and a.max() <= 1)


def test_it_explains_unseen_digits_better_than_the_elbo_does(trained_on_digits):
    _, elbo = trained_on_digits("vae", trunk="gated", beta_warmup=0.3)
    _, bound = trained_on_digits("iwae", body="vae", samples=5)
    assert bound > elbo + 0.1


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="at least one sample, not 0"):
        IWAE(GREY, samples=0)
    with pytest.raises(UnknownName, match="did you mean: residual"):
        IWAE(GREY, body="residuals")
    with pytest.raises(WrongUsage, match="needs images"):
        IWAE(VECTOR, body="residual")

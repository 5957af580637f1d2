import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.vamp_prior import VampPrior

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 8, 8)), ItemSpec((5,), "vector")


def small(pseudo_inputs: int = 6, spec: ItemSpec = GREY, **options) -> VampPrior:
    torch.manual_seed(0)
    method = VampPrior(spec, pseudo_inputs=pseudo_inputs, latent_dim=3, width=8, **options)
    with torch.no_grad():
        method.pseudo.copy_(torch.rand_like(method.pseudo))  # further apart than they start
    return method


def test_the_loss_is_the_bound_with_the_mean_posterior_of_the_pseudo_inputs_for_a_prior():
    method, x = small(beta_warmup=0.0), torch.rand(4, 1, 8, 8).round()
    torch.manual_seed(1)
    terms = method.loss(x)
    torch.manual_seed(1)
    torch.rand_like(x)  # the coins, which leave zeros and ones as they are
    mean, log_var = (part.detach() for part in method.posterior(x))
    z = mean + (log_var / 2).exp() * torch.randn(1, 4, 3)[0]
    log_likelihood = kl = 0.0
    for b in range(4):
        terms_of_prior = []
        for u in method.pseudo.detach():
            pseudo_mean, pseudo_log_var = (part.detach()[0] for part in method.posterior(u[None]))
            terms_of_prior.append(Normal(pseudo_mean, (pseudo_log_var / 2).exp()).log_prob(z[b]).sum().exp().item())
        log_prior = math.log(sum(terms_of_prior) / 6)
        kl += (Normal(mean[b], (log_var[b] / 2).exp()).log_prob(z[b]).sum().item() - log_prior) / 4
        logits = method.body.decoder(z[b : b + 1]).detach()[0]
        log_likelihood += Bernoulli(logits=logits).log_prob(x[b]).sum().item() / 4
    assert terms["log_likelihood"].item() == pytest.approx(log_likelihood, rel=1e-4)
    assert terms["kl"].item() == pytest.approx(kl, rel=1e-3, abs=1e-3)
    assert terms["loss"].item() == pytest.approx(kl - log_likelihood, rel=1e-4)


def test_one_pseudo_input_makes_its_posterior_the_prior():
    method, z = small(1), torch.randn(5, 3)
    mean, log_var = method.posterior(method.pseudo_items())
    expected = Normal(mean, (log_var / 2).exp()).log_prob(z).sum(1)
    assert torch.allclose(method.log_prior(z), expected, atol=1e-5)


def test_copies_of_a_pseudo_input_and_their_order_change_nothing():
    one, six, z = small(1), small(6), torch.randn(5, 3)
    expected = one.log_prior(z)
    one.pseudo = nn.Parameter(one.pseudo.detach().repeat(6, 1, 1, 1))
    assert torch.allclose(one.log_prior(z), expected, atol=1e-5)
    expected = six.log_prior(z)
    six.pseudo = nn.Parameter(six.pseudo.detach().flip(0))
    assert torch.allclose(six.log_prior(z), expected, atol=1e-5)


def test_pseudo_inputs_of_images_are_seen_in_0_to_1_and_those_of_vectors_as_they_are():
    method = small()
    with torch.no_grad():
        method.pseudo[0], method.pseudo[1] = -3.0, 7.0
    assert method.pseudo_items()[0].max() == 0 and method.pseudo_items()[1].min() == 1
    z = torch.randn(5, 3)
    before = method.log_prior(z)
    with torch.no_grad():
        method.pseudo[0], method.pseudo[1] = -0.5, 1.5
    assert torch.equal(method.log_prior(z), before)
    vectors = small(spec=VECTOR)
    with torch.no_grad():
        vectors.pseudo.mul_(9)
    assert torch.equal(vectors.pseudo_items(), vectors.pseudo)


def test_pseudo_inputs_start_dark_or_like_standardized_vectors():
    torch.manual_seed(0)
    pseudo = VampPrior(GREY, width=8).pseudo
    assert pseudo.shape == (500, 1, 8, 8)
    assert pseudo.mean().item() == pytest.approx(0.05, abs=1e-3)
    assert pseudo.std().item() == pytest.approx(0.01, rel=0.05)
    pseudo = VampPrior(VECTOR, width=8).pseudo
    assert abs(pseudo.mean().item()) < 0.1 and pseudo.std().item() == pytest.approx(1, rel=0.1)


def test_pseudo_inputs_learn_from_where_codes_lie():
    method, x = small(), torch.rand(4, 1, 8, 8)
    method.after_step(1.0)
    terms = method.loss(x)
    (pull,) = torch.autograd.grad(terms["loss"], method.pseudo)
    assert pull.flatten(1).any(1).all()


@pytest.mark.parametrize("body", ["vae", "hvae", "conv_hvae", "residual"])
def test_the_prior_is_about_the_upper_code_of_any_body(body):
    method, x = small(body=body), torch.rand(4, 1, 8, 8)
    parts = method.posterior(method.pseudo_items())
    mixture = MixtureSameFamily(Categorical(torch.ones(6)), Independent(Normal(parts[0], (parts[1] / 2).exp()), 1))
    z = torch.randn(5, 3)
    assert torch.allclose(method.log_prior(z), mixture.log_prob(z), atol=1e-4)
    assert method.loss(x)["loss"].isfinite()


def test_log_prob_is_the_likelihood_of_a_mixture_where_that_is_known():
    """x = w z + noise with a mixture over z: x is a mixture as well, and many draws find how likely it is."""
    method = small(4, VECTOR, sigma=0.7).eval()
    method.body.decoder = nn.Linear(3, 5)
    with torch.no_grad():
        method.body.to_posterior.bias[3:] += 2  # posteriors wide enough to reach all of the prior
    w, bias = method.body.decoder.weight.detach(), method.body.decoder.bias.detach()
    mean, log_var = (part.detach() for part in method.posterior(method.pseudo_items()))
    cov = torch.stack([w @ row.exp().diag() @ w.T for row in log_var]) + 0.49 * torch.eye(5)
    exact = MixtureSameFamily(Categorical(torch.ones(4)), MultivariateNormal(mean @ w.T + bias, cov))
    torch.manual_seed(1)
    x = exact.sample((3,))
    assert torch.allclose(method.log_prob(x, samples=50_000), exact.log_prob(x), atol=0.1)


def test_new_items_are_decoded_draws_around_the_codes_of_pseudo_inputs():
    method = small(2).eval()
    drawn = []
    method.body.decoder.register_forward_pre_hook(lambda _, args: drawn.append(args[0]))
    items = method.sample(20_000, torch.Generator().manual_seed(0))
    assert items.shape == (20_000, 1, 8, 8) and items.min() >= 0 and items.max() <= 1
    mean, log_var = method.posterior(method.pseudo_items())
    assert torch.allclose(drawn[0].mean(0), mean.mean(0), atol=0.05)
    second_moment = (log_var.exp() + mean.square()).mean(0)
    assert torch.allclose(drawn[0].square().mean(0), second_moment, rtol=0.05)
    assert torch.equal(items[:5], method.sample(20_000, torch.Generator().manual_seed(0))[:5])


def test_it_explains_unseen_digits_better_than_a_standard_normal_prior(trained_on_digits):
    _, standard = trained_on_digits("vae", trunk="gated", beta_warmup=0.3)
    _, vamp = trained_on_digits("vamp_prior", body="vae", pseudo_inputs=100, beta_warmup=0.3)
    assert vamp > standard + 0.1


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="at least one pseudo-input, not 0"):
        VampPrior(GREY, pseudo_inputs=0)
    with pytest.raises(UnknownName, match="did you mean: conv_hvae"):
        VampPrior(GREY, body="conv-hvae")

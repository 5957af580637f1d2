import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.errors import WrongUsage
from tacit.methods.hvae import HVAE
from tacit.methods.method import Recipe

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 8, 8)), ItemSpec((5,), "vector")


def normal(both) -> Normal:
    mean, log_var = both.detach().chunk(2, 1)
    return Normal(mean, (log_var.clamp(-6, 2) / 2).exp())


def test_the_loss_is_the_bound_of_two_levels():
    """log p(x | z1, z2) + log p(z1 | z2) + log p(z2) - log q(z2 | x) - log q(z1 | x, z2), one draw of each."""
    torch.manual_seed(0)
    method, x = HVAE(GREY, latent_dim=3, width=8, beta_warmup=0.0), torch.rand(4, 1, 8, 8).round()
    torch.manual_seed(1)
    terms = method.loss(x)
    torch.manual_seed(1)
    torch.rand_like(x)  # the coins, which leave zeros and ones as they are
    body = method.body
    q2 = normal(body.to_posterior(body.encoder(x)))
    z2 = q2.mean + q2.stddev * torch.randn(1, 4, 3)[0]
    q1 = normal(body.to_lower(body.together(torch.cat([body.eye(x), body.from_upper(z2)], 1))))
    z1 = q1.mean + q1.stddev * torch.randn(4, 3)
    p1, p2 = normal(body.lower_prior(z2)), Normal(0.0, 1.0)
    logits = body.decoder(torch.cat([body.hands[0](z1), body.hands[1](z2)], 1)).detach()
    log_likelihood = Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3)).mean().item()
    kl = (q2.log_prob(z2) - p2.log_prob(z2) + q1.log_prob(z1) - p1.log_prob(z1)).sum(1).mean().item()
    assert terms["log_likelihood"].item() == pytest.approx(log_likelihood, rel=1e-4)
    assert terms["kl"].item() == pytest.approx(kl, rel=1e-3, abs=1e-3)
    assert terms["loss"].item() == pytest.approx(kl - log_likelihood, rel=1e-4)
    assert terms["elbo"].item() == pytest.approx(log_likelihood - kl, rel=1e-4)


def test_sampled_kls_of_both_levels_are_closed_ones_in_the_mean():
    torch.manual_seed(0)
    method, x = HVAE(GREY, latent_dim=2, width=8, beta_warmup=0.0), torch.rand(1, 1, 8, 8).round()
    many = x.expand(5000, 1, 8, 8)
    body = method.body
    q2 = normal(body.to_posterior(body.encoder(many)))
    z2 = q2.sample()
    q1 = normal(body.to_lower(body.together(torch.cat([body.eye(many), body.from_upper(z2)], 1))))
    closed = kl_divergence(q2, Normal(0.0, 1.0)).sum(1) + kl_divergence(q1, normal(body.lower_prior(z2))).sum(1)
    error = 3 * 20 / 5000**0.5  # a draw is off by 20 nats
    assert method.loss(many)["kl"].item() == pytest.approx(closed.mean().item(), abs=2 * error)


class LinearGaussian:
    """z1 = a z2 + noise, x = w1 z1 + w2 z2 + noise, with one number a code: exact posteriors are within reach."""

    def __init__(self) -> None:
        w1, w2 = torch.tensor([1.2, -0.4, 0.5, 0.0, 0.9]), torch.tensor([0.3, 0.8, -0.6, 0.7, 0.0])
        a, v, sigma = 0.7, 0.5, 0.6
        through = w1 * a + w2
        rest = v * torch.outer(w1, w1) + sigma**2 * torch.eye(5)
        solved = torch.linalg.solve(rest, through)
        var2, var1 = 1 / (1 + through @ solved), 1 / (1 / v + w1.square().sum() / sigma**2)

        self.method = HVAE(VECTOR, latent_dim=1, sigma=sigma, beta_warmup=0.0).eval()
        body = self.method.body
        for part in ("encoder", "eye", "from_upper", "together"):
            setattr(body, part, nn.Identity())
        body.hands = nn.ModuleList([nn.Identity(), nn.Identity()])
        x_to_z1, z2_to_z1 = var1 * w1 / sigma**2, var1 * (a / v - w1 @ w2 / sigma**2)
        body.to_posterior = linear([[*(var2 * solved).tolist()], [0.0] * 5], [0.0, var2.log().item()])
        body.to_lower = linear([[*x_to_z1.tolist(), z2_to_z1.item()], [0.0] * 6], [0.0, var1.log().item()])
        body.lower_prior = linear([[a], [0.0]], [0.0, torch.tensor(v).log().item()])
        body.decoder = linear(torch.stack([w1, w2], 1).tolist(), [0.0] * 5)
        self.exact = MultivariateNormal(torch.zeros(5), torch.outer(through, through) + rest)


def linear(weight: list[list[float]], bias: list[float]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))
    return layer


@pytest.mark.parametrize(("samples", "rows"), [(1, 5000), (7, 12), (30, 5000)])
def test_log_prob_is_exact_with_exact_posteriors_whatever_the_chunks(samples, rows):
    toy, x = LinearGaussian(), torch.randn(6, 5)
    assert torch.allclose(toy.method.log_prob(x, samples, rows), toy.exact.log_prob(x), atol=1e-4)
    assert toy.method.loss(x)["elbo"].item() == pytest.approx(toy.exact.log_prob(x).mean().item(), abs=1e-4)


def test_the_weight_of_both_kls_rises_over_its_share_of_the_training():
    torch.manual_seed(0)
    method, x = HVAE(GREY, width=8, beta_warmup=0.2), torch.rand(4, 1, 8, 8)
    seen = []
    for progress in (0.0, 0.05, 0.1, 0.2, 0.9):
        method.after_step(progress)
        terms = method.loss(x)
        seen.append(((terms["loss"] + terms["log_likelihood"]) / terms["kl"]).item())
        assert terms["elbo"].item() == pytest.approx((terms["log_likelihood"] - terms["kl"]).item(), rel=1e-5)
    assert seen == pytest.approx([0, 0.25, 0.5, 1, 1], abs=1e-3)


def test_the_code_of_an_item_is_the_upper_one():
    torch.manual_seed(0)
    method, x = HVAE(GREY, latent_dim=3, width=8).eval(), torch.rand(4, 1, 8, 8)
    assert torch.equal(method.embed(x), method.posterior(x)[0]) and method.embed(x).shape == (4, 3)
    mean = method.body.lower_prior(method.embed(x)).chunk(2, 1)[0]
    both = torch.cat([method.body.hands[0](mean), method.body.hands[1](method.embed(x))], 1)
    assert torch.allclose(method.decode(method.embed(x)), method.body.decoder(both).sigmoid(), atol=1e-6)


@pytest.mark.parametrize("spec", [GREY, COLOR, VECTOR], ids=["grey", "color", "vector"])
def test_new_items_are_like_items(spec):
    method = HVAE(spec, width=8).eval()
    a, b = (method.sample(4, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == (4, *spec.shape)
    assert spec.kind == "vector" or (a.min() >= 0 and a.max() <= 1)


def test_a_few_items_can_be_learned_by_heart_and_both_codes_say_something(digits):
    few = Pool(GREY, (digits[0][:16] > 127).astype("uint8") * 255)
    torch.manual_seed(0)
    method = HVAE(GREY, latent_dim=4, width=32)
    recipe = Recipe(steps=300, batch=16, lr=5e-3)
    terms = fit(method, few, recipe=recipe, device=Device(torch.device("cpu"), bf16=False, onednn=False)).terms
    assert terms["log_likelihood"] > -8  # from 64 coins at -0.69 each
    z, context = method.embed(few.floats(slice(None))), method.body.context(few.floats(slice(None)))
    assert z.std(0).max() > 0.5
    lower = method.body.explain(z, context)[1]
    q1, p1 = Normal(lower.mean, (lower.log_var / 2).exp()), Normal(lower.prior_mean, (lower.prior_log_var / 2).exp())
    assert kl_divergence(q1, p1).sum(1).mean() > 0.5


def test_a_depth_is_no_setting_of_two_levels():
    with pytest.raises(TypeError, match="depth"):
        HVAE(GREY, depth=2)
    with pytest.raises(WrongUsage, match="at least one dimension"):
        HVAE(GREY, latent_dim=0)

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal

from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.conv_hvae import ConvHVAE

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 9, 7)), ItemSpec((5,), "vector")


def normal(both) -> Normal:
    mean, log_var = both.detach().chunk(2, 1)
    return Normal(mean, (log_var.clamp(-6, 2) / 2).exp())


def test_the_loss_is_the_bound_of_two_levels():
    torch.manual_seed(0)
    method, x = ConvHVAE(GREY, latent_dim=3, width=4, beta_warmup=0.0), torch.rand(4, 1, 8, 8).round()
    torch.manual_seed(1)
    terms = method.loss(x)
    torch.manual_seed(1)
    torch.rand_like(x)  # the coins, which leave zeros and ones as they are
    body = method.body
    q2 = normal(body.to_posterior(body.encoder(x)))
    z2 = q2.mean + q2.stddev * torch.randn(1, 4, 3)[0]
    q1 = normal(body.to_lower(body.together(torch.cat([body.eye(x), body.from_upper(z2)], 1))))
    z1 = q1.mean + q1.stddev * torch.randn(4, 3)
    logits = body.decoder(torch.cat([body.hands[0](z1), body.hands[1](z2)], 1)).detach()
    log_likelihood = Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3)).mean().item()
    kl = q2.log_prob(z2) - Normal(0.0, 1.0).log_prob(z2) + q1.log_prob(z1) - normal(body.lower_prior(z2)).log_prob(z1)
    assert terms["log_likelihood"].item() == pytest.approx(log_likelihood, rel=1e-4)
    assert terms["kl"].item() == pytest.approx(kl.sum(1).mean().item(), rel=1e-3, abs=1e-3)
    assert terms["loss"].item() == pytest.approx(kl.sum(1).mean().item() - log_likelihood, rel=1e-4)


def test_the_benchmark_network_looks_twice_and_draws_with_64_channels():
    method = ConvHVAE(ItemSpec((1, 28, 28)))
    convs = [(m.out_channels // 2, m.kernel_size[0]) for m in method.encoder.modules() if isinstance(m, nn.Conv2d)]
    assert convs == [(32, 7), (32, 3), (64, 5), (64, 3), (6, 3)]
    assert method.embed(torch.rand(2, 1, 28, 28)).shape == (2, 40)
    assert method.body.decoder[-1].weight.shape == (1, 64, 1, 1)


@pytest.mark.parametrize("spec", [GREY, COLOR], ids=["grey", "color of odd size"])
def test_new_items_are_like_items(spec):
    method = ConvHVAE(spec, width=4).eval()
    a, b = (method.sample(4, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == (4, *spec.shape)
    assert a.min() >= 0 and a.max() <= 1


def test_the_weight_of_the_kl_rises_and_the_bound_does_not_see_it():
    torch.manual_seed(0)
    method, x = ConvHVAE(GREY, width=4, beta_warmup=0.5), torch.rand(4, 1, 8, 8)
    for progress, beta in ((0.0, 0), (0.25, 0.5), (0.5, 1), (1.0, 1)):
        method.after_step(progress)
        terms = method.loss(x)
        assert ((terms["loss"] + terms["log_likelihood"]) / terms["kl"]).item() == pytest.approx(beta, abs=1e-3)
        assert terms["elbo"].item() == pytest.approx((terms["log_likelihood"] - terms["kl"]).item(), rel=1e-5)


def test_more_samples_tighten_the_bound():
    torch.manual_seed(0)
    method, x = ConvHVAE(GREY, latent_dim=2, width=4).eval(), torch.rand(1, 1, 8, 8).round().expand(600, 1, 8, 8)
    one, many = method.log_prob(x, samples=1).mean(), method.log_prob(x[:30], samples=20, rows=100).mean()
    assert many > one + 0.1


def test_vectors_have_no_pixels():
    with pytest.raises(WrongUsage, match="a conv_hvae body needs images"):
        ConvHVAE(VECTOR)

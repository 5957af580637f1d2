import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import Stream, items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.vae import VAE

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 8, 8)), ItemSpec((5,), "vector")


def train(method: VAE, pool: Pool, steps: int, batch: int = 100, lr: float = 1e-3) -> dict[str, float]:
    """The mean terms of the last 50 steps."""
    optimizer = torch.optim.Adam(method.parameters(), lr, fused=True)
    shown = []
    for step, x in zip(range(steps), items(pool, torch.empty(0), batch, Stream()), strict=False):
        terms = method.loss(x)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        method.after_step((step + 1) / steps)
        shown.append({key: value.item() for key, value in terms.items()})
    return {key: sum(terms[key] for terms in shown[-50:]) / 50 for key in shown[-1]}


def test_the_loss_is_the_negative_evidence_lower_bound():
    method, x = VAE(GREY, trunk="mlp", latent_dim=3), torch.rand(4, 1, 8, 8).round()
    torch.manual_seed(1)
    terms = method.loss(x)
    torch.manual_seed(1)
    torch.rand_like(x)  # the coins, which leave zeros and ones as they are
    noise = torch.randn(4, 3)
    out = method.body.to_posterior(method.body.encoder(x)).detach()
    mean, log_var = out[:, :3], out[:, 3:].clamp(-6, 2)
    p = method.body.decoder(mean + (log_var / 2).exp() * noise).sigmoid().detach()
    log_likelihood = kl = 0.0
    for b in range(4):
        for r in range(8):
            for c in range(8):
                log_likelihood += math.log(p[b, 0, r, c] if x[b, 0, r, c] == 1 else 1 - p[b, 0, r, c]) / 4
        for d in range(3):
            kl += 0.5 * (mean[b, d] ** 2 + math.exp(log_var[b, d]) - 1 - log_var[b, d]).item() / 4
    assert terms["log_likelihood"].item() == pytest.approx(log_likelihood, rel=1e-4)
    assert terms["kl"].item() == pytest.approx(kl, rel=1e-3)
    assert terms["loss"].item() == pytest.approx(kl - log_likelihood, rel=1e-4)
    assert terms["elbo"].item() == pytest.approx(log_likelihood - kl, rel=1e-4)


def test_the_benchmark_network_is_784_300_300_40():
    method = VAE(ItemSpec((1, 28, 28)), trunk="mlp")
    widths = [m.weight.shape[::-1] for m in method.modules() if isinstance(m, nn.Linear)]
    assert widths == [(784, 300), (300, 300), (300, 80), (40, 300), (300, 300), (300, 784)]


def test_gradients_pass_through_the_draw_of_z():
    torch.manual_seed(0)
    method, x = VAE(GREY, trunk="mlp", latent_dim=3, width=16), torch.rand(8, 1, 8, 8).round()
    weight = method.body.to_posterior.weight
    direction = torch.randn_like(weight)

    def loss_at(step: float) -> float:
        with torch.no_grad():
            weight.add_(step * direction)
            torch.manual_seed(1)
            loss = method.loss(x)["loss"].item()
            weight.sub_(step * direction)
        return loss

    torch.manual_seed(1)
    (gradient,) = torch.autograd.grad(method.loss(x)["loss"], weight)
    slope = (loss_at(0.01) - loss_at(-0.01)) / 0.02
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=0.02)


def test_binarization_throws_coins_and_leaves_zeros_and_ones():
    method = VAE(GREY)
    x = torch.full((400, 1, 8, 8), 0.3)
    drawn = method.observed.binary(x)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.02)
    assert not torch.equal(drawn, method.observed.binary(x))
    assert torch.equal(method.observed.binary(drawn), drawn)
    assert torch.equal(VAE(GREY, binarize=False).observed.binary(x), x)
    assert torch.equal(VAE(COLOR).observed.binary(x), x)


def test_beta_zero_leaves_the_reconstruction_alone():
    terms = VAE(GREY, beta=0.0).loss(torch.rand(4, 1, 8, 8))
    assert torch.equal(terms["loss"].detach(), -terms["log_likelihood"])


def test_beta_counts_from_the_first_step_without_a_warm_up():
    terms = VAE(GREY, beta=4.0).loss(torch.rand(4, 1, 8, 8))
    assert terms["loss"].item() == pytest.approx((4 * terms["kl"] - terms["log_likelihood"]).item(), rel=1e-5)


def test_beta_rises_over_its_share_of_the_training_and_the_elbo_does_not_see_it():
    method, x = VAE(GREY, beta=4.0, beta_warmup=0.2), torch.rand(4, 1, 8, 8)
    seen = []
    for progress in (0.0, 0.05, 0.1, 0.2, 0.9):
        method.after_step(progress)
        terms = method.loss(x)
        seen.append(((terms["loss"] + terms["log_likelihood"]) / terms["kl"]).item())
        assert terms["elbo"].item() == pytest.approx((terms["log_likelihood"] - terms["kl"]).item(), rel=1e-5)
    assert seen == pytest.approx([0, 1, 2, 4, 4], abs=1e-3)


def test_a_warm_up_starts_where_it_was_saved():
    method = VAE(GREY, beta_warmup=0.5)
    method.after_step(0.25)
    again = VAE(GREY, beta_warmup=0.5)
    again.load_state_dict(method.state_dict())
    assert again.beta.value.item() == 0.5


def test_free_bits_cost_their_floor_and_not_less():
    method = VAE(GREY, latent_dim=3, free_bits=50.0)
    terms = method.loss(torch.rand(4, 1, 8, 8))
    assert terms["loss"].item() == pytest.approx(150 - terms["log_likelihood"].item(), rel=1e-5)
    assert terms["kl"] < 150


def test_grey_images_are_coins_and_everything_else_is_gaussian():
    assert [VAE(spec).observed.likelihood for spec in (GREY, COLOR, VECTOR)] == ["bernoulli", "gaussian", "gaussian"]


def test_the_most_likely_sigma_is_the_error_of_the_batch_and_is_remembered():
    torch.manual_seed(0)
    method, x = VAE(COLOR, trunk="mlp"), torch.rand(16, 3, 8, 8)
    decoded = torch.rand(16, 3, 8, 8)
    mse = (decoded - x).square().mean().item()
    expected = -0.5 * 192 * (1 + math.log(2 * math.pi * mse))
    assert method.observed.log_likelihood(x, decoded).mean().item() == pytest.approx(expected, rel=1e-4)
    for _ in range(200):
        method.observed.log_likelihood(x, decoded)
    assert method.observed.log_noise.item() == pytest.approx(math.log(mse), rel=1e-3)
    state = method.observed.log_noise.clone()
    method.observed.eval().log_likelihood(x, x)
    assert torch.equal(method.observed.log_noise, state)


def test_a_fixed_sigma_stays():
    method, x = VAE(COLOR, sigma=0.1), torch.rand(2, 3, 8, 8)
    expected = torch.distributions.Normal(torch.zeros_like(x), 0.1).log_prob(x).sum((1, 2, 3))
    assert torch.allclose(method.observed.log_likelihood(x, torch.zeros_like(x)), expected, rtol=1e-4)


def test_perfect_items_do_not_end_in_infinity():
    method, x = VAE(COLOR), torch.rand(2, 3, 8, 8)
    assert method.observed.log_likelihood(x, x).isfinite().all()


class LinearGaussian:
    """x = W z + noise of sigma. The columns of W are orthogonal: the exact posterior has independent dimensions."""

    def __init__(self, widen: float = 1.0) -> None:
        generator = torch.Generator().manual_seed(0)
        w = torch.linalg.qr(torch.randn(5, 2, generator=generator)).Q * torch.tensor([1.5, 0.8])
        self.sigma = 0.6
        var = 1 / (1 + w.square().sum(0) / self.sigma**2)
        self.method = VAE(VECTOR, latent_dim=2, sigma=self.sigma).eval()
        self.method.body.encoder = nn.Identity()
        self.method.body.to_posterior, self.method.body.decoder = nn.Linear(5, 4), nn.Linear(2, 5)
        with torch.no_grad():
            self.method.body.decoder.weight.copy_(w)
            self.method.body.decoder.bias.zero_()
            self.method.body.to_posterior.weight.copy_(
                torch.cat((var[:, None] * w.T / self.sigma**2, torch.zeros(2, 5)))
            )
            self.method.body.to_posterior.bias.copy_(torch.cat((torch.zeros(2), (var * widen**2).log())))
        self.x = torch.randn(6, 5, generator=generator)
        cov = w @ w.T + self.sigma**2 * torch.eye(5)
        self.exact = torch.distributions.MultivariateNormal(torch.zeros(5), cov).log_prob(self.x)


@pytest.mark.parametrize(("samples", "rows"), [(1, 5000), (7, 6), (7, 20), (50, 5000)])
def test_log_prob_is_exact_with_the_exact_posterior_whatever_the_chunks(samples, rows):
    toy = LinearGaussian()
    assert torch.allclose(toy.method.log_prob(toy.x, samples, rows), toy.exact, atol=1e-4)


def test_a_posterior_too_wide_loosens_the_bound_and_samples_tighten_it():
    toy = LinearGaussian(widen=2.5)
    torch.manual_seed(0)
    bounds = [toy.method.log_prob(toy.x.repeat(2000 // k, 1), k).mean().item() for k in (1, 10, 500)]
    exact = toy.exact.mean().item()
    assert bounds[0] < exact - 0.3
    assert bounds[0] < bounds[1] < bounds[2] < exact + 0.02
    assert bounds[2] == pytest.approx(exact, abs=0.05)


def test_log_prob_with_one_sample_is_the_elbo_in_the_mean():
    torch.manual_seed(0)
    method, x = VAE(GREY, trunk="mlp", latent_dim=2).eval(), torch.rand(1, 1, 8, 8).round()
    many = x.expand(4000, 1, 8, 8)
    sampled = method.log_prob(many, samples=1)
    error = 3 * sampled.std().item() / 4000**0.5
    assert sampled.mean().item() == pytest.approx(method.loss(many)["elbo"].item(), abs=2 * error)


def test_one_seed_gives_one_log_prob_and_one_set_of_new_items():
    method, x = VAE(GREY).eval(), torch.rand(4, 1, 8, 8)

    def log_prob() -> Tensor:
        torch.manual_seed(3)
        return method.log_prob(x, samples=10)

    assert torch.equal(log_prob(), log_prob())
    a, b = (method.sample(6, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b)
    assert a.shape == (6, 1, 8, 8) and a.min() >= 0 and a.max() <= 1
    assert not torch.equal(a[0], a[1])


def test_a_code_is_the_mean_of_the_posterior():
    method, x = VAE(GREY).eval(), torch.rand(4, 1, 8, 8)
    mean, log_var = method.posterior(x)
    assert torch.equal(method.embed(x), mean)
    assert log_var.shape == mean.shape == (4, 40)


def test_the_posterior_s_variance_is_bounded():
    method = VAE(VECTOR).eval()
    _, log_var = method.posterior(1e4 * torch.randn(20, 5))
    assert log_var.min() >= -6 and log_var.max() <= 2


def test_32_items_can_be_learned_by_heart(digits):
    torch.manual_seed(0)
    big = np.kron(digits[0][:32] > 127, np.ones((1, 1, 3, 3))).astype(np.uint8) * 255
    spec = ItemSpec((1, 24, 24))
    assert train(VAE(spec, trunk="mlp"), Pool(spec, big), steps=500, batch=32)["log_likelihood"] > -30


def test_a_larger_beta_buys_less_kl_at_the_cost_of_the_likelihood(digits_pool):
    rows = []
    for beta in (0.25, 1.0, 4.0):
        torch.manual_seed(0)
        method = VAE(digits_pool.spec, trunk="mlp", latent_dim=8, width=64, beta=beta)
        rows.append(train(method, digits_pool, steps=150, lr=3e-3))
    kl, log_likelihood = ([row[key] for row in rows] for key in ("kl", "log_likelihood"))
    assert kl[0] > kl[1] > kl[2]
    assert log_likelihood[0] > log_likelihood[1] > log_likelihood[2]


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(UnknownName, match="did you mean: gaussian"):
        VAE(GREY, likelihood="gauss")
    with pytest.raises(WrongUsage, match="vectors are standardized"):
        VAE(VECTOR, likelihood="bernoulli")
    with pytest.raises(WrongUsage, match="sigma"):
        VAE(COLOR, sigma=0.0)

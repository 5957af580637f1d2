import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from tacit.data.feeds import FromPool
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.errors import BadData, UnknownName, WrongUsage
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.methods.method import Recipe

GREY, COLOR, VECTOR = ItemSpec((1, 8, 8)), ItemSpec((3, 8, 8)), ItemSpec((5,), "vector")
CPU = Device(torch.device("cpu"), bf16=False, onednn=False)


def pool_of(spec: ItemSpec, n: int = 30) -> Pool:
    stored = np.random.default_rng(0).integers(0, 256, (n, *spec.shape), dtype=np.uint8)
    return Pool(spec, stored if spec.kind == "image" else stored.astype(np.float32) / 100 - 1)


class Asking:
    """A batch of a pool, and the positions it was asked for beside its own."""

    def __init__(self, pool: Pool, rows: list[int]) -> None:
        self.asked: list[Tensor] = []
        self.batch = FromPool(pool.floats(rows), torch.tensor(rows), len(pool), self.fetch)
        self.pool = pool

    def fetch(self, rows: Tensor) -> Tensor:
        self.asked.append(rows)
        return self.pool.floats(rows)


def small(spec: ItemSpec = GREY, **options) -> ExemplarVAE:
    torch.manual_seed(0)
    method = ExemplarVAE(spec, **{"latent_dim": 3, "width": 8, "beta_warmup": 0.0, **options})
    with torch.no_grad():
        method.log_var.fill_(-1.2)
    return method


def seeded(method: ExemplarVAE, batch: FromPool, seed: int = 1) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return method.loss(batch)


def spelled_out(method: ExemplarVAE, asking: Asking, exemplars: Tensor, masked: bool = True) -> dict[str, float]:
    """The bound of Norouzi et al. 2020, eq. 7 and 8, in loops: one draw, exemplars seen in grey."""
    x, rows = asking.batch.x, asking.batch.rows.tolist()
    torch.manual_seed(1)
    x = torch.rand_like(x).lt(x).float()
    mean, log_var = (part.detach() for part in method.posterior(x))
    torch.randperm(asking.batch.total)
    z = mean + (log_var / 2).exp() * torch.randn(1, *mean.shape)[0]
    tau = method.tau.item()
    log_likelihood = kl = 0.0
    for b in range(len(x)):
        seen = [i for i in exemplars.tolist() if not (masked and i == rows[b])]
        density = 0.0
        for i in seen:
            center = method.embed(asking.pool.floats([i])).detach()[0]
            density += Normal(center, tau).log_prob(z[b]).sum().exp().item() / len(seen)
        log_q = Normal(mean[b], (log_var[b] / 2).exp()).log_prob(z[b]).sum().item()
        kl += (log_q - math.log(density)) / len(x)
        logits = method.body.decoder(z[b : b + 1]).detach()[0]
        log_likelihood += Bernoulli(logits=logits).log_prob(x[b]).sum().item() / len(x)
    return {"loss": kl - log_likelihood, "elbo": log_likelihood - kl, "log_likelihood": log_likelihood, "kl": kl}


@pytest.mark.parametrize("exemplars", [12, 29, 30])
def test_the_loss_is_the_bound_with_the_other_exemplars_for_a_prior(exemplars):
    method, asking = small(exemplars=exemplars), Asking(pool_of(GREY), [3, 7, 21, 29])
    terms = seeded(method, asking.batch)
    (drawn,) = asking.asked
    assert len(drawn) == exemplars == len(drawn.unique())
    for name, value in spelled_out(method, asking, drawn).items():
        assert terms[name].item() == pytest.approx(value, rel=1e-3), name
    assert terms["tau"].item() == pytest.approx(math.exp(-0.6))


def test_only_in_training_is_an_item_kept_from_seeing_itself():
    asking = Asking(pool_of(GREY), [3, 7, 21, 29])
    training, looking, free = (
        small(exemplars=30),
        small(exemplars=30).eval(),
        small(exemplars=30, leave_one_out=False),
    )
    masked, plain = (spelled_out(training, asking, torch.arange(30), masked)["kl"] for masked in (True, False))
    assert seeded(training, asking.batch)["kl"].item() == pytest.approx(masked, rel=1e-3)
    assert seeded(looking, asking.batch)["kl"].item() == pytest.approx(plain, rel=1e-3)
    assert seeded(free, asking.batch)["kl"].item() == pytest.approx(plain, rel=1e-3)
    assert plain < masked - 0.05  # it would help, and be learned by heart


def test_of_two_items_each_is_explained_by_the_other():
    method, pool = small(exemplars=2), pool_of(GREY, 2)
    for rows in ([0], [1], [0, 1]):
        asking = Asking(pool, rows)
        terms = seeded(method, asking.batch)
        assert terms["kl"].item() == pytest.approx(spelled_out(method, asking, torch.arange(2))["kl"], rel=1e-3)


@pytest.mark.parametrize("nearest", [0, 4])
def test_exemplars_are_encoded_in_grey_and_items_as_zeros_and_ones(nearest):
    method, asking = small(exemplars=20, nearest=nearest), Asking(pool_of(GREY), [3, 7, 21, 29])
    read = []
    method.encoder.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    method.loss(asking.batch)
    seen = torch.cat(read[1:] if nearest else read)  # what comes first is the memory being filled
    assert set(seen[:4].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(seen[4:], asking.pool.floats(asking.asked[-1]))
    if nearest:
        assert torch.equal(read[0], asking.pool.floats(slice(None)))


@pytest.mark.parametrize("nearest", [0, 5])
def test_gradients_reach_the_encoder_through_every_exemplar_that_counts(nearest):
    method, asking = small(exemplars=20, nearest=nearest), Asking(pool_of(GREY), [3, 7, 21, 29])
    fetched = []

    def fetch(rows: Tensor) -> Tensor:
        fetched.append(asking.fetch(rows).requires_grad_())
        return fetched[-1]

    method.loss(asking.batch._replace(fetch=fetch))["loss"].backward()
    assert fetched[-1].grad.flatten(1).any(1).all()
    assert method.encoder[1].both.weight.grad.any() and method.log_var.grad.item() != 0


def test_all_of_the_nearest_are_the_exact_prior():
    pool, results = pool_of(GREY), []
    for nearest in (0, 20):
        method, asking = small(exemplars=20, nearest=nearest), Asking(pool, [3, 7, 21, 29])
        terms = seeded(method, asking.batch)
        terms["loss"].backward()
        results.append((terms["loss"].item(), [p.grad for p in method.parameters()], asking.asked[-1].sort().values))
    (exact, exact_slopes, drawn), (near, near_slopes, used) = results
    assert torch.equal(drawn, used)
    assert near == pytest.approx(exact, rel=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(exact_slopes, near_slopes, strict=True))


def test_the_nearest_are_those_remembered_nearest_to_the_mean_without_oneself():
    method, asking = small(exemplars=30, nearest=3), Asking(pool_of(GREY), [3, 7, 21, 29])
    seeded(method, asking.batch)
    torch.manual_seed(1)
    mean = method.embed(torch.rand_like(asking.batch.x).lt(asking.batch.x).float()).detach()
    remembered = method.embed(asking.pool.floats(slice(None))).detach()
    remembered[asking.batch.rows] = mean
    wanted = set()
    for b, row in enumerate(asking.batch.rows.tolist()):
        far = {i: (remembered[i] - mean[b]).norm().item() for i in range(30) if i != row}
        wanted |= set(sorted(far, key=far.get)[:3])
    assert asking.asked[-1].sort().values.tolist() == sorted(wanted)


@pytest.mark.parametrize("nearest", [1, 2, 5])
def test_leaving_exemplars_out_of_the_sum_only_lowers_the_bound(nearest):
    exact, some = (
        seeded(small(exemplars=25, nearest=k), Asking(pool_of(GREY), [3, 7, 21, 29]).batch) for k in (0, nearest)
    )
    assert some["elbo"] <= exact["elbo"] + 1e-4
    assert some["log_likelihood"].item() == pytest.approx(exact["log_likelihood"].item(), rel=1e-5)


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_the_two_normalisers_differ_by_a_constant_and_have_one_gradient(leave_one_out):
    rows, results = [3, 7, 21, 29], {}
    for normaliser in ("bound", "code"):
        method = small(exemplars=25, nearest=3, normaliser=normaliser, leave_one_out=leave_one_out)
        asking = Asking(pool_of(GREY), rows)
        terms = seeded(method, asking.batch)
        terms["loss"].backward()
        results[normaliser] = terms["loss"].item(), [p.grad.clone() for p in method.parameters()]
    torch.manual_seed(1)
    torch.rand(4, 1, 8, 8)
    drawn, used = torch.randperm(30)[:25].tolist(), asking.asked[-1].tolist()
    constant = 0.0
    for row in rows:
        all_others = 25 - (leave_one_out and row in drawn)
        constant += math.log(all_others / (len(used) - (leave_one_out and row in used))) / 4
    assert set(used) <= set(drawn) and constant > 0.3
    assert results["bound"][0] - results["code"][0] == pytest.approx(constant, abs=1e-4)
    for a, b in zip(results["bound"][1], results["code"][1], strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_codes_are_remembered_whenever_an_item_or_an_exemplar_passes_by():
    method, asking = small(exemplars=30, nearest=2), Asking(pool_of(GREY), [3, 7, 21, 29])
    seeded(method, asking.batch)
    used, before = asking.asked[-1], method.memory.codes.clone()
    assert len(method.memory) == 30 and not method.memory.codes.requires_grad
    torch.manual_seed(1)
    mean = method.embed(torch.rand_like(asking.batch.x).lt(asking.batch.x).float())
    for place, row in enumerate(asking.batch.rows.tolist()):
        if row not in used:
            assert torch.allclose(before[row], mean[place], atol=1e-5)
    with torch.no_grad():
        method.encoder[1].both.weight.mul_(1.5)
    again = Asking(asking.pool, [0, 1])
    seeded(method, again.batch)
    (used,) = again.asked  # it was filled before
    changed = (method.memory.codes != before).any(1).nonzero().flatten().tolist()
    assert sorted(changed) == sorted({0, 1, *used.tolist()})
    assert torch.allclose(method.memory.codes[used], method.embed(asking.pool.floats(used)), atol=1e-5)


def test_the_prior_of_a_trained_model_is_all_that_it_remembers():
    method, pool = small().eval(), pool_of(GREY)
    with pytest.raises(WrongUsage, match="seen no items yet: train it, or call remember\\(pool\\)"):
        method.log_prior(torch.zeros(1, 3))
    with pytest.raises(WrongUsage, match="seen no items yet"):
        method.sample(1)
    method.remember(pool)
    codes = method.embed(pool.floats(slice(None)))
    assert torch.allclose(method.memory.codes, codes, atol=1e-6)
    parts = Independent(Normal(codes.detach(), method.tau.detach().expand(30, 3)), 1)
    z = torch.randn(5, 3)
    expected = MixtureSameFamily(Categorical(torch.ones(30)), parts).log_prob(z)
    assert torch.allclose(method.log_prior(z), expected, atol=1e-4)


def test_the_exemplars_can_be_swapped_without_a_training():
    method, pool = small().eval(), pool_of(GREY)
    method.remember(pool)
    z = method.embed(pool.floats([4]))
    near = method.log_prior(z)
    method.remember(pool.take(torch.arange(4)))
    assert len(method.memory) == 4 and method.log_prior(z) < near
    assert torch.allclose(method.memory.codes, method.embed(pool.floats([0, 1, 2, 3])), atol=1e-6)


def test_new_items_are_decoded_jittered_codes_of_exemplars():
    method, pool = small().eval(), pool_of(GREY, 2)
    method.remember(pool)
    drawn = []
    method.body.decoder.register_forward_pre_hook(lambda _, args: drawn.append(args[0]))
    items = method.sample(20_000, torch.Generator().manual_seed(0))
    codes = method.memory.codes
    assert items.shape == (20_000, 1, 8, 8) and items.min() >= 0 and items.max() <= 1
    assert torch.allclose(drawn[0].mean(0), codes.mean(0), atol=0.03)
    spread = codes.var(0, unbiased=False) + method.tau.square().detach()
    assert torch.allclose(drawn[0].var(0), spread, rtol=0.05)
    assert torch.equal(items[:4], method.sample(20_000, torch.Generator().manual_seed(0))[:4])


def test_without_jitter_new_items_are_the_reconstructions_of_exemplars():
    method, pool = small().eval(), pool_of(GREY, 5)
    method.remember(pool)
    with torch.no_grad():
        method.log_var.fill_(-60)
    z = torch.randn(4, 3)
    assert torch.allclose(method.jitter(z), z, atol=1e-6)
    rebuilt = method.decode(method.embed(pool.floats(slice(None)))).detach()
    for item in method.sample(12):
        assert torch.isclose(rebuilt, item, atol=1e-5).flatten(1).all(1).any()


def linear_model(codes: Tensor, sigma: float = 0.7) -> tuple[ExemplarVAE, MixtureSameFamily]:
    """x = w z + noise with exemplars at `codes`: x is a mixture of normals as well, and how likely it is is known."""
    method = small(VECTOR, sigma=sigma).eval()
    method.body.decoder = nn.Linear(3, 5)
    w, bias = method.body.decoder.weight.detach(), method.body.decoder.bias.detach()
    method.memory.fill(codes)
    cov = math.exp(-1.2) * w @ w.T + sigma**2 * torch.eye(5)
    parts = MultivariateNormal(codes @ w.T + bias, cov.expand(len(codes), 5, 5))
    return method, MixtureSameFamily(Categorical(torch.ones(len(codes))), parts)


def test_log_prob_is_the_likelihood_where_that_is_known():
    torch.manual_seed(2)
    method, exact = linear_model(torch.randn(6, 3))
    with torch.no_grad():
        method.body.to_posterior.weight.zero_()
        method.body.to_posterior.bias.copy_(torch.tensor([0.0] * 3 + [2.0] * 3))  # wide enough for all exemplars
    x = exact.sample((4,))
    assert torch.allclose(method.log_prob(x, samples=50_000), exact.log_prob(x), atol=0.1)
    assert method.log_prob(x.repeat(200, 1), samples=1).mean() < exact.log_prob(x).mean() - 1  # the ELBO


@pytest.mark.parametrize(("samples", "rows"), [(1, 5000), (7, 12), (30, 5000)])
def test_log_prob_is_exact_with_one_exemplar_and_the_exact_posterior_whatever_the_chunks(samples, rows):
    method, _ = linear_model(torch.tensor([[0.3, -0.5, 0.2]]), sigma=0.6)
    w = torch.linalg.qr(torch.randn(5, 3)).Q * torch.tensor([1.5, 0.8, 0.4])  # orthogonal: independent dimensions
    var = 1 / (math.exp(1.2) + w.square().sum(0) / 0.36)
    method.body.encoder, method.body.to_posterior = nn.Identity(), nn.Linear(5, 6)
    center = method.memory.codes[0]
    with torch.no_grad():
        method.body.decoder.weight.copy_(w)
        method.body.decoder.bias.zero_()
        method.body.to_posterior.weight.copy_(torch.cat([var[:, None] * w.T / 0.36, torch.zeros(3, 5)]))
        method.body.to_posterior.bias.copy_(torch.cat([var * center * math.exp(1.2), var.log()]))
    exact = MultivariateNormal(w @ center, math.exp(-1.2) * w @ w.T + 0.36 * torch.eye(5))
    x = torch.randn(6, 5)
    assert torch.allclose(method.log_prob(x, samples, rows), exact.log_prob(x), atol=1e-4)
    assert torch.allclose(method.log_prob(x, samples, rows, nearest=1), exact.log_prob(x), atol=1e-4)


def test_the_nearest_exemplars_give_a_bound_on_the_bound_and_all_of_them_the_same():
    torch.manual_seed(2)
    method, _ = linear_model(torch.randn(60, 3))
    x, bounds = torch.randn(5, 5), []
    for nearest in (1, 5, 30, 60, None):
        torch.manual_seed(3)
        bounds.append(method.log_prob(x, samples=10, nearest=nearest))
    for less, more in pairwise(bounds):
        assert (less <= more + 1e-4).all()
    assert torch.allclose(bounds[3], bounds[4], atol=1e-4)


@pytest.mark.parametrize("nearest", [0, 3])
@pytest.mark.parametrize("spec", [GREY, COLOR, VECTOR], ids=["grey", "color", "vector"])
def test_it_learns_any_kind_of_item_and_remembers_the_pool_at_the_end(spec, nearest):
    method, pool = small(spec, exemplars=10, nearest=nearest), pool_of(spec)
    fit(method, pool, recipe=Recipe(steps=3, batch=8), device=CPU)
    assert torch.allclose(method.memory.codes, method.embed(pool.floats(slice(None))), atol=1e-5)
    assert method.sample(3).shape == (3, *spec.shape)
    assert method.log_prob(pool.floats([0, 1]), samples=2).isfinite().all()


@pytest.mark.parametrize("body", ["vae", "hvae", "conv_hvae", "residual"])
def test_the_prior_is_about_the_upper_code_of_any_body(body):
    method, pool = small(body=body, exemplars=10), pool_of(GREY)
    fit(method, pool, recipe=Recipe(steps=2, batch=8), device=CPU)
    assert method.memory.codes.shape == (30, 3)
    assert method.log_prob(pool.floats([0, 1]), samples=3).shape == (2,)


@pytest.mark.parametrize("nearest", [0, 3])
@pytest.mark.parametrize("spec", [GREY, COLOR], ids=["grey", "color"])
def test_items_that_are_all_alike_train_to_the_end(spec, nearest):
    method = small(spec, exemplars=5, nearest=nearest, width=4)
    black = Pool(spec, np.zeros((20, *spec.shape), dtype=np.uint8))
    result = fit(method, black, recipe=Recipe(steps=25, batch=8, lr=0.02), device=CPU)
    assert all(math.isfinite(value) for value in result.terms.values())
    assert all(p.isfinite().all() for p in method.parameters())


def test_of_many_items_few_exemplars_are_drawn_and_all_of_few():
    method = small()
    for total, expected in ((30, 30), (3000, 500), (250_000, 500)):
        asked = []

        def fetch(rows: Tensor, asked: list[Tensor] = asked) -> Tensor:
            asked.append(rows)
            return torch.rand(len(rows), 1, 8, 8)

        terms = method.loss(FromPool(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 29]), total, fetch))
        assert terms["loss"].isfinite() and len(asked[0]) == expected
        assert asked[0].min() >= 0 and asked[0].max() < total


def test_each_step_draws_other_exemplars():
    method, asking = small(exemplars=5), Asking(pool_of(GREY), [0])
    for _ in range(40):
        method.loss(asking.batch)
    assert len({tuple(drawn.tolist()) for drawn in asking.asked}) == 40
    assert set(torch.cat(asking.asked).tolist()) == set(range(30))


def test_the_weight_of_the_kl_rises_over_its_share_of_the_training():
    method, asking = small(beta_warmup=0.2), Asking(pool_of(GREY), [3, 7, 21, 29])
    for progress, beta in ((0.0, 0), (0.02, 0.1), (0.1, 0.5), (0.2, 1), (0.9, 1)):
        method.after_step(progress)
        terms = method.loss(asking.batch)
        assert ((terms["loss"] + terms["log_likelihood"]) / terms["kl"]).item() == pytest.approx(beta, abs=1e-3)
        assert terms["elbo"].item() == pytest.approx((terms["log_likelihood"] - terms["kl"]).item(), rel=1e-5)


def test_codes_come_back_from_the_state():
    method, again, pool = small(), small(), pool_of(GREY)
    method.remember(pool)
    again.load_state_dict(method.state_dict())
    z = torch.randn(4, 3)
    assert torch.equal(again.log_prior(z), method.log_prior(z))


def test_it_explains_unseen_digits_better_than_a_standard_normal_prior(trained_on_digits):
    _, standard = trained_on_digits("vae", trunk="gated", beta_warmup=0.3)
    method, exemplar = trained_on_digits("exemplar_vae", body="vae", exemplars=200, beta_warmup=0.3)
    assert exemplar > standard + 0.2
    assert len(method.memory) == 1400 and 0.2 < method.tau.item() < 1


def test_too_few_items_or_exemplars_are_refused_in_a_sentence():
    with pytest.raises(BadData, match="needs at least two items: one is explained by the other"):
        fit(small(), pool_of(GREY, 1), recipe=Recipe(steps=1, batch=1), device=CPU)
    with pytest.raises(WrongUsage, match="31 exemplars asked for, and there are 30 items\n  try: --exemplars 15"):
        fit(small(exemplars=31), pool_of(GREY), recipe=Recipe(steps=1, batch=4), device=CPU)
    with pytest.raises(WrongUsage, match="at least 2 exemplars, not 1"):
        small(exemplars=1)
    with pytest.raises(WrongUsage, match="at least 1 exemplars, not 0"):
        small(exemplars=0, leave_one_out=False)


def test_settings_that_do_not_fit_are_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="nearest is 21: it counts among the exemplars drawn, from 1 to 20"):
        small(exemplars=20, nearest=21)
    with pytest.raises(WrongUsage, match="nearest is -1"):
        small(nearest=-1)
    with pytest.raises(WrongUsage, match="normaliser is 'sum', expected bound or code"):
        small(normaliser="sum")
    with pytest.raises(UnknownName, match="did you mean: hvae"):
        small(body="hvaes")
    with pytest.raises(WrongUsage, match="vectors are standardized"):
        small(VECTOR, likelihood="bernoulli")


def test_grey_values_outside_0_to_1_are_refused_in_a_sentence():
    batch = Asking(pool_of(GREY), [0, 1]).batch
    with pytest.raises(BadData, match="grey values from 0 to 255; a bernoulli likelihood needs them in \\[0, 1\\]"):
        small().loss(batch._replace(x=torch.linspace(0, 255, 128).view(2, 1, 8, 8)))

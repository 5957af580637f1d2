import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal

from tacit.data.feeds import FromPool, Stream, from_pool
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.fit import fit
from tacit.errors import BadData, UnknownName, WrongUsage
from tacit.methods import parzen_window
from tacit.methods.checks import CHECKS, check_it_says_what_it_is
from tacit.methods.method import Recipe
from tacit.methods.parzen_window import ParzenWindow

GREY, COLOR, VECTOR = ItemSpec((1, 4, 4)), ItemSpec((3, 4, 4)), ItemSpec((5,), "vector")


class InComponents(ParzenWindow):
    def __init__(self, spec: ItemSpec, *, space: str = "pca", latent_dim: int | None = None) -> None:
        super().__init__(spec, space=space, latent_dim=latent_dim)


def pool_of(spec: ItemSpec, n: int = 12) -> Pool:
    rng = np.random.default_rng(0)
    if spec.kind == "vector":
        return Pool(spec, rng.normal(size=(n, *spec.shape)).astype(np.float32))
    return Pool(spec, rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8))


def windows(spec: ItemSpec, n: int = 12, **options: object) -> tuple[ParzenWindow, Pool]:
    """A Parzen window of some width that remembers a pool."""
    torch.manual_seed(0)
    method, pool = ParzenWindow(spec, **options), pool_of(spec, n)
    method.width.data.fill_(-1.3)
    method.remember(pool)
    return method.eval(), pool


def window(method: ParzenWindow, center: Tensor) -> Independent:
    """The window around one exemplar as a distribution over items."""
    if method.observed.likelihood == "bernoulli":
        p = method.eps + (1 - 2 * method.eps) * center
        return Independent(Bernoulli(p.detach()), center.ndim)
    return Independent(Normal(center, method.tau.detach()), center.ndim)


def spelled_out(method: ParzenWindow, x: Tensor, pool: Pool) -> Tensor:
    """log (1/N) sum_n window(x; x_n), one item and one exemplar at a time."""
    answers = []
    for item in x:
        total = 0.0
        for n in range(len(pool)):
            total += window(method, pool.floats([n])[0]).log_prob(item).double().exp().item()
        answers.append(math.log(total / len(pool)))
    return torch.tensor(answers)


@pytest.mark.parametrize("spec", [GREY, COLOR, VECTOR], ids=["bernoulli", "gaussian", "vector"])
def test_log_prob_is_the_mean_of_all_windows(spec, monkeypatch):
    monkeypatch.setattr(parzen_window, "AT_ONCE", 5)  # 12 exemplars in three parts
    method, pool = windows(spec)
    x = pool_of(spec, 15).floats(slice(9, 15))
    x = x.round() if spec == GREY else x
    assert torch.allclose(method.log_prob(x), spelled_out(method, x, pool), atol=1e-3)
    assert torch.allclose(method.log_prob(x), method.log_prior(method.embed(x)))


def test_the_loss_leaves_each_item_out_of_its_own_exemplars():
    method, pool = windows(GREY)
    method.train()
    x = pool.floats([3, 7]).round()
    batch = FromPool(x, torch.tensor([3, 7]), 12, pool.floats)
    terms = method.loss(batch)
    total = 0.0
    for row, item in zip((3, 7), x, strict=True):
        others = [window(method, pool.floats([n])[0]).log_prob(item).double().exp() for n in range(12) if n != row]
        total += math.log(sum(others) / 11) / 2
    assert terms["log_likelihood"].item() == pytest.approx(total, rel=1e-5)
    assert terms["loss"].item() == -terms["log_likelihood"].item()
    assert terms["eps"].item() == method.eps.item()


@pytest.mark.parametrize("spec", [COLOR, VECTOR])
@pytest.mark.parametrize("space", ["pixel", "pca"])
def test_leaving_out_takes_away_the_window_around_itself_and_no_more(spec, space):
    method, pool = windows(spec, space=space, **({"latent_dim": 3} if space == "pca" else {}))
    x = pool.floats([4])
    batch = FromPool(x, torch.tensor([4]), 12, pool.floats)
    plain = method.loss(batch)["log_likelihood"].double()
    without = method.train().loss(batch)["log_likelihood"].double()
    itself = (method.log_windows(method.embed(x), method.embed(x)) + method.log_left_out(x)).double()
    assert without.exp().item() * 11 + itself.exp().item() == pytest.approx(plain.exp().item() * 12, rel=1e-4)
    assert plain.item() == pytest.approx(method.log_prob(x).item(), abs=1e-4)
    assert without < plain


@pytest.mark.parametrize("spec", [GREY, COLOR, VECTOR])
def test_one_exemplar_is_its_window_and_copies_of_it_change_nothing(spec):
    method, pool = windows(spec, 1)
    x = pool_of(spec, 6).floats(slice(6))
    x = x.round() if spec == GREY else x
    alone = method.log_prob(x)
    assert torch.allclose(alone, window(method, pool.floats([0])[0]).log_prob(x), atol=1e-3)
    method.remember(pool.take(torch.zeros(7, dtype=torch.long)))
    assert torch.allclose(method.log_prob(x), alone, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"space": "pca", "latent_dim": 3}])
def test_the_order_of_exemplars_changes_nothing(options):
    method, pool = windows(COLOR, **options)
    x = pool_of(COLOR, 20).floats(slice(12, 20))
    before = method.log_prob(x)
    method.remember(pool.take(torch.randperm(12)))
    assert torch.allclose(method.log_prob(x), before, atol=1e-3)


def test_a_gaussian_window_integrates_to_one():
    method, _ = windows(ItemSpec((1,), "vector"), 9)
    line = torch.linspace(-12, 12, 20001)
    assert torch.trapezoid(method.log_prob(line[:, None]).exp(), line).item() == pytest.approx(1, abs=1e-4)


def test_a_window_in_components_is_a_density_of_items():
    method, _ = windows(ItemSpec((2,), "vector"), 9, space="pca", latent_dim=1)
    line = torch.linspace(-8, 8, 401)
    plane = torch.cartesian_prod(line, line)
    volume = torch.trapezoid(torch.trapezoid(method.log_prob(plane).exp().view(401, 401), line), line)
    assert volume.item() == pytest.approx(1, abs=1e-3)


def test_all_components_are_the_pixels_turned_round():
    whole, _ = windows(VECTOR)
    turned, _ = windows(VECTOR, space="pca")
    assert turned.components.dim == 5
    x = torch.randn(6, 5)
    assert torch.allclose(turned.log_prob(x), whole.log_prob(x), atol=1e-4)


def test_items_on_a_plane_do_not_make_what_is_left_out_infinitely_sharp():
    line = torch.linspace(-1, 1, 10)[:, None] * torch.ones(5)
    method = ParzenWindow(VECTOR, space="pca", latent_dim=1)
    method.remember(Pool(VECTOR, line.numpy()))
    sharpest = -0.5 * 4 * (math.log(2 * math.pi) + parzen_window.SHARPEST)
    assert torch.allclose(method.log_left_out(line), torch.tensor(sharpest), atol=0.1)
    assert method.log_prob(line + torch.tensor([1.0, -1, 0, 0, 0])).isfinite().all()


@pytest.mark.parametrize("likelihood", ["auto", "bernoulli"])
def test_a_bernoulli_window_sums_to_one_over_all_images(likelihood):
    method, _ = windows(ItemSpec((1, 1, 3)), 5, likelihood=likelihood)
    every = torch.tensor(list(product((0.0, 1.0), repeat=3))).view(8, 1, 1, 3)
    assert method.log_prob(every).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_grey_exemplars_are_the_mean_over_what_they_may_turn_out_to_be():
    method, _ = windows(ItemSpec((1, 1, 2)), 1)
    grey = torch.tensor([[0.3, 0.9]])
    x = torch.tensor([[1.0, 0.0]])
    total = 0.0
    for coins in product((0.0, 1.0), repeat=2):
        weight = Independent(Bernoulli(grey[0]), 1).log_prob(torch.tensor(coins)).exp()
        total += weight.item() * method.log_windows(x, torch.tensor([coins])).exp().item()
    assert method.log_windows(x, grey).exp().item() == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"likelihood": "gaussian"}, {"space": "pca", "latent_dim": 8}])
def test_the_width_learned_is_near_the_best_of_a_grid(digits, options):
    pool = Pool(ItemSpec((1, 8, 8)), (digits[0][:200] > 127).astype(np.uint8) * 255)  # no coins: they leave these
    method = ParzenWindow(pool.spec, **options)
    fit(method, pool, recipe=Recipe(steps=100, batch=100, lr=0.1, schedule="cosine"))
    learned = method.train().width.item()
    batch = FromPool(pool.floats(slice(None)), torch.arange(200), 200, pool.floats)

    def left_out(width: float) -> float:
        method.width.data.fill_(width)
        return method.loss(batch)["log_likelihood"].item()

    best = max((i / 10 for i in range(-60, 20)), key=left_out)
    assert learned == pytest.approx(best, abs=0.15)
    assert left_out(learned) > left_out(best) - 0.05
    assert -6 < best < 1.9


def test_copies_of_items_do_not_narrow_the_window_without_end():
    for spec in (COLOR, GREY, VECTOR):
        pool = pool_of(spec).take(torch.zeros(10, dtype=torch.long))
        method = ParzenWindow(spec)
        result = fit(method, pool, recipe=Recipe(steps=40, batch=5, lr=2.0))
        assert all(math.isfinite(term) for term in result.terms.values())
        assert method.log_prob(pool.floats(slice(None))).isfinite().all()
        if spec == GREY:
            assert method.eps >= parzen_window.SAFEST
        else:
            assert method.log_var >= parzen_window.SHARPEST


@pytest.mark.parametrize("check", [c for c in CHECKS if c is not check_it_says_what_it_is], ids=lambda c: c.__name__)
def test_principal_components_pass_the_suite(check):
    check(InComponents)


def test_components_are_those_of_the_pool_and_the_same_after_the_training():
    pool = pool_of(COLOR, 60)
    method = ParzenWindow(COLOR, space="pca", latent_dim=4)
    start = method.components.axes.clone()
    method.train().loss(next(from_pool(pool, torch.empty(0), 16, Stream())))
    axes = method.components.axes.clone()
    assert method.components.fitted and not torch.allclose(axes, start)
    method.remember(pool)
    assert torch.equal(method.components.axes, axes)
    method.remember(pool.take(torch.arange(30)))
    assert not torch.allclose(method.components.axes, axes)


@pytest.mark.parametrize("space", ["pixel", "pca"])
def test_exemplars_come_back_from_the_state(space):
    for spec in (GREY, COLOR, VECTOR):
        method, pool = windows(spec, 50, space=space)
        again = ParzenWindow(spec, space=space)
        again.load_state_dict(method.state_dict())
        x = pool.floats(slice(4)).round()
        assert torch.equal(again.log_prob(x), method.log_prob(x))
        assert again.kept.dtype == (torch.uint8 if space == "pixel" and spec.kind == "image" else torch.float32)


def test_exemplars_are_kept_as_the_items_are_seen():
    spec = ItemSpec((2,), "vector", center=(3.0, -1.0), scale=(2.0, 0.5))
    for kind in (spec, GREY, COLOR):
        method, pool = windows(kind)
        assert torch.equal(method.known(torch.arange(12)), method.embed(pool.floats(slice(None))))


def test_items_come_back_from_their_codes():
    for spec in (GREY, COLOR, VECTOR):
        method, pool = windows(spec)
        x = pool.floats(slice(None))
        assert torch.equal(method.decode(method.embed(x)), x)
    method, pool = windows(COLOR, 100, space="pca", latent_dim=48)
    x = pool.floats(slice(None))
    assert torch.allclose(method.decode(method.embed(x)), x, atol=1e-4)


def test_jitter_draws_from_the_window():
    method, pool = windows(GREY)
    z = method.embed(pool.floats([0]))
    drawn = method.jitter(z.expand(4000, -1), torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    p = method.eps + (1 - 2 * method.eps) * z[0]
    assert torch.allclose(drawn.mean(0), p, atol=0.04)
    method, pool = windows(COLOR)
    z = method.embed(pool.floats([0]))
    drawn = method.jitter(z.expand(4000, -1), torch.Generator().manual_seed(0)) - z
    assert drawn.std().item() == pytest.approx(method.tau.item(), rel=0.02)


@pytest.mark.parametrize("options", [{}, {"space": "pca", "latent_dim": 3}])
def test_new_items_are_exemplars_and_noise(options):
    method, _ = windows(COLOR, **options)
    method.width.data.fill_(-30.0)  # the sharpest window
    x = method.sample(40, torch.Generator().manual_seed(0))
    assert torch.equal(x, method.sample(40, torch.Generator().manual_seed(0)))
    assert x.shape == (40, 3, 4, 4) and x.min() >= 0 and x.max() <= 1
    near = torch.cdist(x.flatten(1), method.decode(method.known(torch.arange(12))).flatten(1))
    assert near.min(1).values.max() < 0.05
    assert len(near.argmin(1).unique()) > 5


def test_a_density_is_float32_also_where_products_are_not():
    method, pool = windows(COLOR, space="pca", latent_dim=3)
    x = pool.floats(slice(None))
    with torch.autocast("cpu", torch.bfloat16):
        seen = method.log_prob(x)
    assert seen.dtype == torch.float32 and torch.equal(seen, method.log_prob(x))


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(UnknownName, match="did you mean: pixel"):
        ParzenWindow(GREY, space="pixels")
    with pytest.raises(WrongUsage, match=r"a sound a moment later has other values.*\n.*tacit learn vae"):
        ParzenWindow(ItemSpec((1, 80), "sound", rate=8000))
    with pytest.raises(WrongUsage, match="has 1 to 16 principal components, not 17"):
        ParzenWindow(GREY, space="pca", latent_dim=17)
    with pytest.raises(WrongUsage, match="add: --space pca"):
        ParzenWindow(GREY, latent_dim=3)
    with pytest.raises(WrongUsage, match="not zeros and ones"):
        ParzenWindow(GREY, space="pca", likelihood="bernoulli")
    with pytest.raises(WrongUsage, match="at least 2 exemplars, not 1"):
        ParzenWindow(GREY, exemplars=1)
    with pytest.raises(WrongUsage, match="seen no items yet"):
        ParzenWindow(GREY).log_prob(torch.zeros(1, 1, 4, 4))
    with pytest.raises(WrongUsage, match="seen no items yet"):
        ParzenWindow(GREY).sample(3)
    with pytest.raises(BadData, match="at least two items"):
        fit(ParzenWindow(GREY), pool_of(GREY, 1), recipe=Recipe(steps=1, batch=1))
    with pytest.raises(WrongUsage, match="13 exemplars asked for, and there are 12 items\n  try: --exemplars 12"):
        fit(ParzenWindow(GREY, exemplars=13), pool_of(GREY), recipe=Recipe(steps=1, batch=4))
    with pytest.raises(BadData, match="5 principal components need more than 5 items; there are 4"):
        fit(ParzenWindow(VECTOR, space="pca"), pool_of(VECTOR, 4), recipe=Recipe(steps=1, batch=4))
    with pytest.raises(BadData, match="are the same"):
        same = pool_of(COLOR).take(torch.zeros(50, dtype=torch.long))
        fit(ParzenWindow(COLOR, space="pca"), same, recipe=Recipe(steps=1, batch=4))

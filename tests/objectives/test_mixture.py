import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from tacit.errors import BadData
from tacit.objectives.divergence import log_normal
from tacit.objectives.mixture import (
    log_diagonal_mixture,
    log_mixture,
    log_mixture_of_all,
    mixture_around,
    nearest_centers,
)

SIZES = {"b": st.integers(1, 6), "m": st.integers(2, 12), "d": st.integers(1, 5), "seed": st.integers(0, 2**30)}
any_mixture = given(**SIZES, log_var=st.floats(-3, 3))
quick = settings(max_examples=40, deadline=None)


def codes(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def number(value: float) -> Tensor:
    return torch.tensor(float(value))


def spelled_out(z: Tensor, centers: Tensor, log_var: float, leave_out: Tensor | None = None) -> Tensor:
    """Two loops over torch's own normal, in double precision."""
    rows = []
    for b in range(len(z)):
        terms = []
        for m in range(len(centers)):
            if leave_out is None or not leave_out[b, m]:
                component = Normal(centers[m].double(), math.exp(log_var / 2))
                terms.append(component.log_prob(z[b].double()).sum())
        rows.append(torch.stack(terms).logsumexp(0) - math.log(len(terms)))
    return torch.stack(rows).float()


@any_mixture
@quick
def test_the_mixture_is_two_loops_over_normals(b, m, d, seed, log_var):
    z, centers = codes(b, d, seed), codes(m, d, seed + 1)
    leave_out = codes(b, m, seed + 2) > 0.5
    leave_out[:, 0] = False
    s = number(log_var)
    assert torch.allclose(log_mixture(z, centers, s), spelled_out(z, centers, log_var), rtol=1e-4, atol=1e-4)
    expected = spelled_out(z, centers, log_var, leave_out)
    assert torch.allclose(log_mixture(z, centers, s, leave_out=leave_out), expected, rtol=1e-4, atol=1e-4)


def test_one_component_is_an_isotropic_normal():
    z, center = codes(7, 4), codes(1, 4, 1)
    isotropic = MultivariateNormal(center[0], math.exp(-0.7) * torch.eye(4))
    assert torch.allclose(log_mixture(z, center, number(-0.7)), isotropic.log_prob(z), atol=1e-5)


@given(m=st.integers(1, 40), log_var=st.floats(-3, 3))
@quick
def test_copies_of_one_component_are_that_component(m, log_var):
    z, center, s = codes(5, 3), codes(1, 3, 1), number(log_var)
    assert torch.allclose(log_mixture(z, center.repeat(m, 1), s), log_mixture(z, center, s), atol=1e-4)


def test_it_is_a_density():
    at = torch.linspace(-12, 12, 4001)[:, None]
    density = log_mixture(at, torch.tensor([[-2.0], [0.3], [3.0]]), number(-1)).exp()
    assert density.sum().item() * (24 / 4000) == pytest.approx(1, abs=1e-4)


def test_what_is_left_out_does_not_count_and_is_not_counted():
    z, pair = codes(1, 4), codes(2, 4, 1)
    itself, s = torch.tensor([[True, False]]), number(0.3)
    left = log_mixture(z, pair, s, leave_out=itself)
    assert torch.allclose(left, log_mixture(z, pair[1:], s), atol=1e-6)
    pair[0] += 100
    assert torch.allclose(left, log_mixture(z, pair, s, leave_out=itself), atol=1e-3)


def test_a_code_that_may_see_nothing_is_refused():
    z, centers = codes(3, 2), codes(4, 2, 1)
    leave_out = torch.zeros(3, 4, dtype=torch.bool)
    leave_out[1] = True
    with pytest.raises(BadData, match="every exemplar of an item is left out\n  draw at least two"):
        log_mixture(z, centers, number(0), leave_out=leave_out)
    with pytest.raises(BadData, match="at least one exemplar"):
        log_mixture(z, centers[:0], number(0))
    with pytest.raises(BadData, match="at least one exemplar"):
        log_mixture_of_all(z, centers[:0], number(0))


def test_gradients_are_finite_and_those_of_the_formula():
    z, centers, leave_out = codes(5, 3), codes(7, 3, 1), codes(5, 7, 2) > 0
    leave_out[:, -1] = False
    leave_out[0, :-1] = True  # a code that sees one component only
    fast = [t.clone().requires_grad_() for t in (z, centers, number(-0.5))]
    log_mixture(*fast, leave_out=leave_out).sum().backward()
    slow = [t.double().requires_grad_() for t in (z, centers, number(-0.5))]
    squares = (slow[0][:, None] - slow[1]).square().sum(-1)
    exponent = -squares / (2 * slow[2].exp()) - 1.5 * (math.log(2 * math.pi) + slow[2])
    exponent.masked_fill(leave_out, -torch.inf).logsumexp(1).sum().backward()
    for ours, theirs in zip(fast, slow, strict=True):
        assert torch.allclose(ours.grad, theirs.grad.float(), atol=1e-4)


def test_the_slope_in_the_width_is_that_of_finite_differences():
    z, centers = codes(8, 3), codes(6, 3, 1)
    s = number(-0.4).requires_grad_()
    (slope,) = torch.autograd.grad(log_mixture(z, centers, s).sum(), s)
    above, below = (log_mixture(z, centers, number(-0.4 + step)).sum().item() for step in (0.01, -0.01))
    assert slope.item() == pytest.approx((above - below) / 0.02, rel=1e-2)


def test_single_precision_is_enough_beside_a_center():
    centers = codes(500, 40)
    z = centers[:50] + 1e-4 * codes(50, 40, 1)
    squares = torch.cdist(z.double(), centers.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    exact = (-0.5 * (squares + 40 * math.log(2 * math.pi))).logsumexp(1) - math.log(500)
    for fast in (log_mixture, log_mixture_of_all):
        assert torch.allclose(fast(z, centers, number(0)).double(), exact, atol=1e-4)


@given(**SIZES, log_var=st.floats(-1, 2))
@quick
def test_moving_everything_changes_nothing(b, m, d, seed, log_var):
    z, centers, s = codes(b, d, seed), codes(m, d, seed + 1), number(log_var)
    far = 1000 * codes(1, d, seed + 2).sign()  # so far out, squares would round by a tenth of a nat
    expected = log_mixture(z, centers, s)
    assert torch.allclose(log_mixture(z + far, centers + far, s), expected, rtol=0, atol=0.02)
    assert torch.allclose(log_mixture_of_all(z + far, centers + far, s), expected, rtol=0, atol=0.02)


@any_mixture
@quick
def test_the_order_of_components_does_not_matter(b, m, d, seed, log_var):
    z, centers, s = codes(b, d, seed), codes(m, d, seed + 1), number(log_var)
    order = torch.randperm(m, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(log_mixture(z, centers[order], s), log_mixture(z, centers, s), rtol=1e-4, atol=1e-4)


def test_a_component_far_away_costs_its_share_of_the_weight_and_nothing_else():
    z, centers, s = codes(6, 3), codes(5, 3, 1), number(-1)
    with_it = log_mixture(z, torch.cat([centers, torch.full((1, 3), 60.0)]), s)
    assert torch.allclose(with_it, log_mixture(z, centers, s) - math.log(6 / 5), atol=1e-3)


@any_mixture
@quick
def test_more_components_never_lower_the_sum_and_all_of_them_are_the_mixture(b, m, d, seed, log_var):
    z, centers, s = codes(b, d, seed), codes(m, d, seed + 1), number(log_var)
    before = torch.full((b,), -torch.inf)
    for k in range(1, m + 1):
        nearest = nearest_centers(z, centers, k)
        here = torch.cat([log_mixture(z[i : i + 1], centers[nearest[i]], s, count=m) for i in range(b)])
        assert (here >= before - 1e-4 * (1 + here.abs())).all()
        before = here
    assert torch.allclose(before, log_mixture(z, centers, s), rtol=1e-4, atol=1e-4)


def test_a_count_divides_the_sum_code_by_code():
    z, centers, s = codes(3, 2), codes(4, 2, 1), number(0)
    plain = log_mixture(z, centers, s)
    assert torch.allclose(log_mixture(z, centers, s, count=10), plain - math.log(10 / 4), atol=1e-6)
    counts = torch.tensor([4.0, 8.0, 40.0])
    assert torch.allclose(log_mixture(z, centers, s, count=counts), plain - (counts / 4).log(), atol=1e-6)


def test_the_kl_to_the_mixture_is_at_most_the_kl_to_one_component_and_log_m():
    centers, mean, log_var = codes(20, 3), codes(20, 3)[:1] + 0.3, torch.full((1, 3), -1.5)
    z = mean + (log_var / 2).exp() * codes(20_000, 3, 1)
    log_q = log_normal(z, mean, log_var)
    to_mixture = log_q - log_mixture(z, centers, number(-1))
    to_own = log_q - log_mixture(z, centers[:1], number(-1))
    slack = to_own + math.log(20) - to_mixture
    assert slack.mean() > -3 * slack.std() / 20_000**0.5
    assert to_mixture.mean() < to_own.mean() + math.log(20)
    assert to_mixture.mean() > to_own.mean()  # the other components are no help so near to one's own


def test_products_stay_exact_under_autocast():
    z, centers, s = codes(20, 10), codes(30, 10, 1), number(-2)

    def all_of_them() -> list[Tensor]:
        return [
            log_mixture(z, centers, s),
            log_mixture_of_all(z, centers, s),
            log_diagonal_mixture(z, centers, codes(30, 10, 2)),
            mixture_around(z, centers, s, 5)(z),
            nearest_centers(z, centers, 4).sort(1).values,
        ]

    expected = all_of_them()
    with torch.autocast("cpu", torch.bfloat16):
        again = all_of_them()
        assert log_mixture(z.bfloat16(), centers.bfloat16(), s).dtype == torch.float32
    assert all(torch.equal(a, b) for a, b in zip(expected, again, strict=True))


@given(**SIZES, block=st.integers(1, 200))
@quick
def test_block_by_block_is_all_at_once(b, m, d, seed, block):
    z, centers, s = codes(b, d, seed), codes(m, d, seed + 1), number(-0.5)
    whole = log_mixture(z, centers, s)
    assert torch.allclose(log_mixture_of_all(z, centers, s, block), whole, rtol=1e-4, atol=1e-4)


def test_thousands_of_codes_and_components_are_all_at_once_too():
    z, centers, s = codes(1500, 4), codes(3000, 4, 1), number(-1)
    assert torch.allclose(log_mixture_of_all(z, centers, s), log_mixture(z, centers, s), atol=1e-4)


@given(**SIZES)
@quick
def test_the_mixture_of_diagonal_normals_is_torch_s(b, m, d, seed):
    z, means, log_vars = codes(b, d, seed), codes(m, d, seed + 1), codes(m, d, seed + 2)
    parts = Independent(Normal(means.double(), (log_vars.double() / 2).exp()), 1)
    expected = MixtureSameFamily(Categorical(torch.ones(m)), parts).log_prob(z.double()).float()
    assert torch.allclose(log_diagonal_mixture(z, means, log_vars), expected, rtol=1e-4, atol=1e-3)


def test_one_diagonal_component_copies_and_their_order():
    z, means, log_vars = codes(6, 3), codes(4, 3, 1), codes(4, 3, 2)
    one = log_diagonal_mixture(z, means[:1], log_vars[:1])
    assert torch.allclose(one, log_normal(z, means[:1], log_vars[:1]), atol=1e-5)
    assert torch.allclose(log_diagonal_mixture(z, means[:1].repeat(9, 1), log_vars[:1].repeat(9, 1)), one, atol=1e-5)
    assert torch.allclose(
        log_diagonal_mixture(z, means.flip(0), log_vars.flip(0)), log_diagonal_mixture(z, means, log_vars), atol=1e-5
    )


def test_with_one_common_variance_both_mixtures_agree():
    z, means = codes(6, 3), codes(5, 3, 1)
    common = log_diagonal_mixture(z, means, torch.full((5, 3), -0.8))
    assert torch.allclose(common, log_mixture(z, means, number(-0.8)), atol=1e-5)


def test_gradients_reach_means_and_variances_of_the_diagonal_mixture():
    z, means, log_vars = codes(5, 3), codes(4, 3, 1), codes(4, 3, 2)
    fast = [t.clone().requires_grad_() for t in (z, means, log_vars)]
    log_diagonal_mixture(*fast).sum().backward()
    slow = [t.double().requires_grad_() for t in (z, means, log_vars)]
    parts = Independent(Normal(slow[1], (slow[2] / 2).exp()), 1)
    MixtureSameFamily(Categorical(torch.ones(4)), parts).log_prob(slow[0]).sum().backward()
    for ours, theirs in zip(fast, slow, strict=True):
        assert torch.allclose(ours.grad, theirs.grad.float(), atol=1e-4)


@given(**SIZES, k=st.integers(1, 15))
@quick
def test_the_nearest_are_those_of_a_plain_search_and_never_oneself(b, m, d, seed, k):
    z, centers = codes(b, d, seed), codes(m, d, seed + 1)
    distance = torch.stack([(centers - row).square().sum(1) for row in z])
    found = distance.gather(1, nearest_centers(z, centers, k)).sort(1).values
    assert torch.allclose(found, distance.sort(1).values[:, :k], atol=1e-4)
    k = min(k, m - 1)
    itself = torch.randint(-1, m, (b,), generator=torch.Generator().manual_seed(seed))
    others = nearest_centers(z, centers, k, itself)
    assert (others != itself[:, None]).all()
    known = (itself >= 0).nonzero().flatten()
    distance[known, itself[known]] = torch.inf
    assert torch.allclose(distance.gather(1, others).sort(1).values, distance.sort(1).values[:, :k], atol=1e-4)


@pytest.mark.parametrize(("m", "k"), [(129, 1), (500, 3), (3000, 10), (3000, 40)])
def test_the_nearest_of_many_are_those_of_a_plain_search(m, k):
    z, centers = codes(20, 6), codes(m, 6, 1)
    itself = torch.cdist(z, centers).argmin(1)
    found = nearest_centers(z, centers, k, itself)
    distance = torch.cdist(z, centers).scatter(1, itself[:, None], torch.inf)
    assert torch.equal(found.sort(1).values, distance.topk(k, largest=False).indices.sort(1).values)


@given(**SIZES, draws=st.integers(1, 4), k=st.integers(1, 12))
@quick
def test_around_a_point_the_nearest_components_are_never_above_the_whole_and_all_of_them_equal_it(
    b, m, d, seed, draws, k
):
    mean, centers, s = codes(b, d, seed), codes(m, d, seed + 1), number(-0.5)
    z = mean + 0.5 * codes(draws * b, d, seed + 2).view(draws, b, d)
    whole = log_mixture(z.flatten(0, 1), centers, s)
    some = mixture_around(mean, centers, s, min(k, m))(z.flatten(0, 1))
    assert (some <= whole + 1e-4 * (1 + whole.abs())).all()
    assert torch.allclose(mixture_around(mean, centers, s, m + 3)(z.flatten(0, 1)), whole, rtol=1e-4, atol=1e-4)
    near = centers[nearest_centers(mean, centers, min(k, m))]
    expected = torch.stack([log_mixture(z[:, i], near[i], s, count=m) for i in range(b)], 1).flatten()
    assert torch.allclose(some, expected, rtol=1e-4, atol=1e-4)

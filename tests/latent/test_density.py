import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from tacit.errors import WrongUsage
from tacit.latent import density
from tacit.latent.density import best_bandwidth, log_density
from tacit.latent.neighbours import neighbour_graph


@pytest.fixture
def codes():
    return torch.randn(30, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def z():
    return torch.randn(7, 3, generator=torch.Generator().manual_seed(1))


def slowly(z, codes, h: float, leave_out=None) -> torch.Tensor:
    """The formula of a kernel density, with loops and no logarithms before the end."""
    densities = []
    for q, point in enumerate(z.double()):
        kernels = [
            math.exp(-sum((point - code).square().tolist()) / (2 * h**2)) / (2 * math.pi * h**2) ** (codes.shape[1] / 2)
            for n, code in enumerate(codes.double())
            if leave_out is None or n != leave_out[q]
        ]
        densities.append(math.log(sum(kernels) / len(kernels)))
    return torch.tensor(densities)


@pytest.mark.parametrize("h", [0.2, 0.7, 3.0])
def test_it_is_the_mean_of_gaussians_around_the_items(codes, z, h):
    assert torch.allclose(log_density(z, codes, h), slowly(z, codes, h), atol=1e-4)
    rows = torch.tensor([3, 0, 29])
    left_out = log_density(codes[rows], codes, h, leave_out=rows)
    assert torch.allclose(left_out, slowly(codes[rows], codes, h, rows.tolist()), atol=1e-4)


def test_around_one_item_it_is_a_gaussian(codes, z):
    gaussian = MultivariateNormal(codes[0], 0.7**2 * torch.eye(3))
    assert torch.allclose(log_density(z, codes[:1], 0.7), gaussian.log_prob(z), atol=1e-5)


def test_in_one_dimension_it_integrates_to_one(codes):
    x = torch.linspace(-8, 8, 4001)
    assert torch.trapezoid(log_density(x[:, None], codes[:, :1], 0.4).exp(), x).item() == pytest.approx(1, abs=1e-4)


def test_in_two_dimensions_it_integrates_to_one(codes):
    x = torch.linspace(-7, 7, 281)
    p = log_density(torch.cartesian_prod(x, x), codes[:, :2], 0.4).exp().view(281, 281)
    assert torch.trapezoid(torch.trapezoid(p, x), x).item() == pytest.approx(1, abs=1e-3)


def test_leaving_an_item_out_takes_away_exactly_its_own_kernel(codes):
    n, h = len(codes), 0.6
    everything = n * log_density(codes, codes, h).double().exp()
    others = (n - 1) * log_density(codes, codes, h, leave_out=torch.arange(n)).double().exp()
    assert torch.allclose(everything - others, torch.full((n,), (2 * math.pi * h**2) ** -1.5).double(), rtol=1e-5)


def test_more_copies_order_place_and_blocks_do_not_matter(codes, z, monkeypatch):
    once = log_density(z, codes, 0.5)
    assert torch.allclose(log_density(z, codes.repeat(3, 1), 0.5), once, atol=1e-5)
    assert torch.allclose(log_density(z, codes.flip(0), 0.5), once, atol=1e-5)
    assert torch.allclose(log_density(z + 1024, codes + 1024, 0.5), once, atol=2e-3)  # floats there are 1e-4 apart
    monkeypatch.setattr(density, "CHUNK_BYTES", 2 * 8 * len(codes))  # two rows at a time
    assert torch.allclose(log_density(z, codes, 0.5), once, atol=1e-5)
    rows = torch.arange(7)
    in_blocks = log_density(codes[rows], codes, 0.5, leave_out=rows)
    assert torch.allclose(in_blocks, slowly(codes[rows], codes, 0.5, rows.tolist()), atol=1e-4)
    assert log_density(z[:0], codes, 0.5).shape == (0,)


def test_a_narrow_kernel_sees_tight_groups_far_apart():
    """Squared distances of 1e-6 between codes of squared length 100: single precision loses them."""
    generator = torch.Generator().manual_seed(2)
    codes = 10 * torch.eye(3).repeat(5, 1) + 1e-3 * torch.randn(15, 3, generator=generator)
    assert torch.allclose(log_density(codes, codes, 1e-3), slowly(codes, codes, 1e-3), atol=1e-3)


def test_the_bandwidth_is_the_one_that_left_out_items_like_best(codes):
    rows = torch.arange(30)
    grid = [0.5 * 10 ** (i / 6 - 1) for i in range(13)]
    scores = [float(log_density(codes, codes, h, leave_out=rows).mean()) for h in grid]
    assert best_bandwidth(codes, 0.5) == pytest.approx(grid[scores.index(max(scores))])


def test_the_best_bandwidth_of_digits_is_inside_the_grid(digit_codes):
    typical = float(neighbour_graph(digit_codes, 1).distance.median())
    found = best_bandwidth(digit_codes, typical, sample=300)
    assert 0.11 * typical < found < 9 * typical
    assert found == best_bandwidth(digit_codes, typical, sample=300)


def test_a_gaussian_is_met_within_a_tenth_of_a_nat():
    """With the bandwidth found from 3,000 items, fresh ones are as likely as under the truth."""
    generator = torch.Generator().manual_seed(3)
    codes, fresh = torch.randn(3000, 2, generator=generator), torch.randn(500, 2, generator=generator)
    h = best_bandwidth(codes, float(neighbour_graph(codes, 1).distance.median()), sample=300)
    truth = MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(fresh)
    assert abs(float((log_density(fresh, codes, h) - truth).mean())) < 0.1


def test_an_item_alone_is_seen_by_nobody():
    one = torch.zeros(1, 3)
    assert log_density(one, one, 1.0, leave_out=torch.tensor([0])).tolist() == [-math.inf]
    assert best_bandwidth(one, 0.3) == 0.3


@pytest.mark.parametrize("h", [0.0, -1.0, math.nan])
def test_a_bandwidth_is_above_zero(codes, h):
    with pytest.raises(WrongUsage, match="a distance above 0"):
        log_density(codes, codes, h)

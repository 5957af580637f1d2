import torch
from torch.distributions import Normal, kl_divergence

from tacit.objectives.divergence import free_bits, kl_standard_normal, log_normal


def test_kl_is_torch_s():
    mean, log_var = torch.randn(5, 3), torch.randn(5, 3)
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0))
    assert torch.allclose(kl_standard_normal(mean, log_var), expected, atol=1e-6)


def test_kl_is_the_mean_log_ratio_of_samples():
    generator = torch.Generator().manual_seed(0)
    mean, log_var = torch.tensor([[0.7, -0.2]]), torch.tensor([[-1.0, 0.4]])
    z = mean + (log_var / 2).exp() * torch.randn(100_000, 2, generator=generator)
    ratio = log_normal(z, mean, log_var) - log_normal(z, torch.zeros(1, 2), torch.zeros(1, 2))
    error = 3 * ratio.std() / len(z) ** 0.5
    assert (ratio.mean() - kl_standard_normal(mean, log_var).sum()).abs() < error


def test_kl_is_zero_at_the_prior_and_only_there():
    assert kl_standard_normal(torch.zeros(1, 1), torch.zeros(1, 1)).item() == 0
    step = torch.tensor([[-0.1], [0.1]])
    assert (kl_standard_normal(step, torch.zeros(2, 1)) > 0).all()
    assert (kl_standard_normal(torch.zeros(2, 1), step) > 0).all()


def test_log_normal_is_the_sum_over_dimensions():
    z, mean, log_var = torch.randn(4, 5, 3), torch.randn(5, 3), torch.randn(5, 3)
    expected = Normal(mean, (log_var / 2).exp()).log_prob(z).sum(-1)
    assert torch.allclose(log_normal(z, mean, log_var), expected, atol=1e-5)


def test_free_bits_is_the_formula():
    kl = torch.rand(6, 4)
    expected = sum(max(0.5, sum(kl[b, d].item() for b in range(6)) / 6) for d in range(4))
    assert abs(free_bits(kl, 0.5).item() - expected) < 1e-5


def test_a_dimension_below_its_free_bits_feels_nothing():
    kl = torch.tensor([[0.05, 0.9], [0.15, 1.1]], requires_grad=True)
    free_bits(kl, 0.2).backward()
    assert torch.equal(kl.grad, torch.tensor([[0.0, 0.5], [0.0, 0.5]]))


def test_no_free_bits_is_the_plain_kl():
    kl = torch.rand(6, 4)
    assert torch.isclose(free_bits(kl, 0.0), kl.sum(1).mean())

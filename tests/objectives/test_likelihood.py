import math

import pytest
import torch

from tacit.objectives.likelihood import bernoulli_log_likelihood, gaussian_log_likelihood, importance_bound


def test_bernoulli_is_the_sum_of_log_p_over_coins():
    logits, x = torch.randn(3, 2, 4), torch.rand(3, 2, 4).round()
    expected = []
    for item in range(3):
        total = 0.0
        for logit, value in zip(logits[item].flatten().tolist(), x[item].flatten().tolist(), strict=True):
            p = 1 / (1 + math.exp(-logit))
            total += math.log(p if value == 1 else 1 - p)
        expected.append(total)
    assert torch.allclose(bernoulli_log_likelihood(logits.flatten(1), x.flatten(1)), torch.tensor(expected), atol=1e-5)


def test_logits_agree_with_clamped_probabilities():
    p = torch.rand(50, 784).clamp(1e-4, 1 - 1e-4)
    x = torch.rand(50, 784).round()
    clamped = p.clamp(1e-5, 1 - 1e-5)  # as the reference code of the Exemplar VAE has it
    expected = (x * clamped.log() + (1 - x) * (1 - clamped).log()).sum(1)
    assert torch.allclose(bernoulli_log_likelihood(p.logit(), x) / 784, expected / 784, atol=1e-4)


def test_certain_logits_stay_finite():
    logits, x = torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 1.0]])
    assert bernoulli_log_likelihood(logits, x).item() == -400


def test_gaussian_is_torch_s_normal():
    mean, x, log_var = torch.randn(3, 2, 4), torch.randn(3, 2, 4), -1.3
    normal = torch.distributions.Normal(mean, math.exp(log_var / 2))
    assert torch.allclose(gaussian_log_likelihood(mean, x, log_var), normal.log_prob(x).flatten(1).sum(1), atol=1e-5)
    assert torch.allclose(
        gaussian_log_likelihood(mean, x, torch.tensor(log_var)), gaussian_log_likelihood(mean, x, log_var)
    )


def test_the_most_likely_variance_is_the_mean_squared_error():
    mean, x = torch.randn(4, 30), torch.randn(4, 30)
    log_var = (mean - x).square().mean().log().requires_grad_()
    (slope,) = torch.autograd.grad(gaussian_log_likelihood(mean, x, log_var).sum(), log_var)
    assert slope.abs() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_likelihoods_are_summed_in_single_precision(dtype):
    decoded, x = torch.randn(2, 1, 28, 28, dtype=dtype), torch.rand(2, 1, 28, 28).round()
    assert bernoulli_log_likelihood(decoded.flatten(1), x.flatten(1)).dtype == torch.float32
    assert gaussian_log_likelihood(decoded, x).dtype == torch.float32


@pytest.mark.parametrize("chunk", [1, 3, 7, 20, 100])
def test_the_streamed_bound_is_the_full_one(chunk):
    log_w = 30 * torch.randn(20, 4)
    full = log_w.double().exp().mean(0).log().float()
    assert torch.allclose(importance_bound(log_w.split(chunk)), full, atol=1e-4)


def test_equal_weights_give_the_weight():
    log_w = torch.full((50, 3), -84.45)
    assert torch.allclose(importance_bound(log_w.split(8)), torch.full((3,), -84.45))


def test_more_samples_tighten_the_bound():
    log_w = torch.randn(4000, 60, generator=torch.Generator().manual_seed(0))
    bounds = [torch.stack([importance_bound([rows]) for rows in log_w.split(k)]).mean().item() for k in (1, 4, 40, 400)]
    assert bounds == sorted(bounds)
    assert bounds[0] == pytest.approx(log_w.mean().item(), abs=1e-4)  # one sample: the ELBO
    assert bounds[-1] == pytest.approx(0.5, abs=0.01)  # log E exp(N(0, 1))

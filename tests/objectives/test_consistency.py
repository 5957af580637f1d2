import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tacit.errors import WrongUsage
from tacit.objectives.consistency import brier, divergence_from, entropy, sharpen, soft_cross_entropy


def guesses(n=7, k=4, seed=0):
    return torch.rand(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).softmax(1)


def entropies(p):
    return -(p * p.clamp(min=1e-300).log()).sum(1)


@pytest.mark.parametrize("temperature", [0.3, 0.5, 1.0, 2.0])
def test_sharpening_is_the_literal_power_over_its_sum(temperature):
    p = guesses()
    expected = torch.stack([row ** (1 / temperature) / sum(v ** (1 / temperature) for v in row) for row in p])
    assert torch.allclose(sharpen(p, temperature), expected, atol=1e-12)


@given(st.floats(0.05, 1.0), st.integers(0, 1000))
def test_sharpening_never_raises_entropy_and_keeps_the_likeliest_class(temperature, seed):
    p = guesses(seed=seed)
    q = sharpen(p, temperature)
    assert torch.allclose(q.sum(1), torch.ones(7, dtype=torch.float64))
    assert (entropies(q) <= entropies(p) + 1e-12).all() and torch.equal(q.argmax(1), p.argmax(1))


def test_sharpening_at_its_ends():
    p = guesses()
    assert torch.allclose(sharpen(p, 1.0), p)
    assert torch.allclose(sharpen(p, 1e-3), F.one_hot(p.argmax(1), 4).double(), atol=1e-6)
    certain = torch.tensor([[1.0, 0.0, 0.0]])
    assert torch.equal(sharpen(certain, 0.5), certain)
    with pytest.raises(WrongUsage, match="above 0"):
        sharpen(p, 0.0)


def test_the_squared_error_is_a_mean_over_rows_and_classes():
    logits, p = torch.randn(5, 4, dtype=torch.float64), guesses(5)
    by_hand = sum((p[i, k] - logits[i].softmax(0)[k]) ** 2 for i in range(5) for k in range(4)) / (4 * 5)
    assert brier(logits, p).item() == pytest.approx(by_hand.item(), rel=1e-12)


def test_the_squared_error_lies_between_its_bounds():
    wrong = torch.tensor([[100.0] + [0.0] * 9])
    answer = F.one_hot(torch.tensor([3]), 10).float()
    assert brier(wrong, answer).item() == pytest.approx(2 / 10)
    assert brier(torch.zeros(1, 10), answer).item() == pytest.approx((1 - 1 / 10) / 10)
    assert brier(100 * answer, answer).item() == pytest.approx(0, abs=1e-8)


def test_soft_answers_of_one_class_cost_the_plain_cross_entropy():
    logits, y = torch.randn(6, 4), torch.arange(6) % 4
    assert soft_cross_entropy(logits, F.one_hot(y, 4).float()).item() == pytest.approx(
        F.cross_entropy(logits, y).item()
    )


def test_the_entropy_of_even_predictions_is_log_k_and_of_sure_ones_0():
    assert entropy(torch.zeros(3, 7)).item() == pytest.approx(math.log(7))
    assert entropy(torch.tensor([[50.0, 0.0, 0.0]])).item() == pytest.approx(0, abs=1e-6)


def test_the_divergence_is_the_literal_sum_at_least_0_and_0_from_itself():
    logits, p = torch.randn(5, 4, dtype=torch.float64), guesses(5)
    q = logits.softmax(1)
    assert divergence_from(p, logits).item() == pytest.approx((p * (p / q).log()).sum(1).mean().item())
    assert divergence_from(q, logits).item() == pytest.approx(0, abs=1e-12)
    certain = torch.tensor([[1.0, 0.0]])
    assert divergence_from(certain, torch.zeros(1, 2)).item() == pytest.approx(math.log(2))


def test_no_gradient_reaches_what_a_prediction_is_held_to():
    logits, p = torch.randn(5, 4, requires_grad=True), guesses(5).float().requires_grad_()
    divergence_from(p, logits).backward()
    assert p.grad is None and logits.grad.abs().sum() > 0

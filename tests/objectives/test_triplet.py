import math

import pytest
import torch

from tacit.objectives.triplet import batch_hard


def test_batch_hard_is_the_formula_spelled_out():
    torch.manual_seed(0)
    z, item = torch.randn(12, 5), torch.arange(12) % 4
    unit = [row / row.norm() for row in z]
    total = 0.0
    for a in range(12):
        positive = max((unit[a] - unit[p]).norm().item() for p in range(12) if item[p] == item[a] and p != a)
        negative = min((unit[a] - unit[n]).norm().item() for n in range(12) if item[n] != item[a])
        total += math.log1p(math.exp(positive - negative))
    assert batch_hard(z, item).item() == pytest.approx(total / 12, rel=1e-5)


def test_two_items_of_two_copies_by_hand():
    """On the circle at 0, 60, 90 and 180 degrees; two points at an angle are 2 sin(angle / 2) apart."""
    at = torch.tensor([0.0, 60.0, 90.0, 180.0]).deg2rad()
    z = torch.stack((at.cos(), at.sin()), 1) * torch.tensor([[1.0], [2.0], [3.0], [4.0]])  # lengths do not matter

    def apart(degrees: float) -> float:
        return 2 * math.sin(math.radians(degrees / 2))

    margins = [apart(60) - apart(90), apart(60) - apart(30), apart(90) - apart(30), apart(90) - apart(120)]
    expected = sum(math.log1p(math.exp(m)) for m in margins) / 4
    assert batch_hard(z, torch.tensor([0, 0, 1, 1])).item() == pytest.approx(expected, abs=1e-6)


def test_rows_all_alike_are_chance():
    z = torch.randn(1, 7).repeat(8, 1)
    assert batch_hard(z, torch.arange(8) // 2).item() == pytest.approx(math.log(2), abs=1e-6)


def test_the_order_of_rows_and_the_names_of_items_do_not_matter():
    torch.manual_seed(1)
    z, item, order = torch.randn(16, 6), torch.arange(16) // 4, torch.randperm(16)
    assert batch_hard(z[order], item[order]).item() == pytest.approx(batch_hard(z, item).item(), abs=1e-6)
    assert torch.equal(batch_hard(z, 7 - item), batch_hard(z, item))


def test_the_gradient_is_finite_where_rows_coincide_and_moves_the_rest():
    z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], requires_grad=True)
    batch_hard(z, torch.tensor([0, 0, 1, 1])).backward()
    assert z.grad.isfinite().all() and z.grad[2:].any()
    same = torch.ones(4, 3, requires_grad=True)
    batch_hard(same, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.equal(same.grad, torch.zeros(4, 3))


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(2)
    item = torch.arange(6) // 2
    z = torch.randn(6, 4, requires_grad=True)
    batch_hard(z, item).backward()
    direction = torch.randn(6, 4)
    with torch.no_grad():
        slope = (batch_hard(z + 1e-2 * direction, item) - batch_hard(z - 1e-2 * direction, item)) / 2e-2
    assert (z.grad * direction).sum().item() == pytest.approx(slope.item(), abs=2e-3)


def test_it_is_computed_in_float32_under_autocast():
    torch.manual_seed(3)
    z, item = torch.randn(8, 5), torch.arange(8) // 2
    with torch.autocast("cpu", torch.bfloat16):
        mixed = batch_hard(z, item)
    assert mixed.dtype == torch.float32 and torch.equal(mixed, batch_hard(z, item))

import math

import pytest
import torch
from torch.nn import functional as F

from tacit.errors import WrongUsage
from tacit.objectives.contrastive import check_temperature, info_nce, nt_xent


def unit(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_nt_xent_is_equation_1(n, temperature):
    torch.manual_seed(n)
    z_a, z_b = torch.randn(n, 5), torch.randn(n, 5)
    z = torch.cat([z_a, z_b]).double()
    s = [[float(a @ b / a.norm() / b.norm()) / temperature for b in z] for a in z]
    terms = []
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        terms.append(-math.log(math.exp(s[i][j]) / sum(math.exp(s[i][k]) for k in range(2 * n) if k != i)))
    assert nt_xent(z_a, z_b, temperature).item() == pytest.approx(sum(terms) / len(terms), abs=1e-5)


def test_nt_xent_of_equal_rows_is_chance():
    z = torch.ones(6, 4)
    assert nt_xent(z, z, 0.1).item() == pytest.approx(math.log(11), abs=1e-5)


def test_nt_xent_of_perfect_positives_among_orthogonal_items():
    z = torch.eye(8)
    assert nt_xent(z, z, 0.5).item() == pytest.approx(-2 + math.log(math.exp(2) + 14), abs=1e-5)
    assert nt_xent(z, z, 0.5).item() == pytest.approx(1.0629, abs=1e-4)


def test_nt_xent_does_not_see_length_order_views_or_rotation():
    torch.manual_seed(1)
    z_a, z_b = torch.randn(7, 4), torch.randn(7, 4)
    loss = nt_xent(z_a, z_b, 0.3)
    turn, _ = torch.linalg.qr(torch.randn(4, 4))
    order = torch.randperm(7)
    for other in (
        nt_xent(3 * z_a, 0.1 * z_b, 0.3),
        nt_xent(z_b, z_a, 0.3),
        nt_xent(z_a[order], z_b[order], 0.3),
        nt_xent(z_a @ turn, z_b @ turn, 0.3),
    ):
        assert torch.allclose(loss, other, atol=1e-5)


def test_nt_xent_is_lower_where_views_belong_together():
    z = torch.randn(20, 8)
    near = z + 0.1 * torch.randn(20, 8)
    assert nt_xent(z, near, 0.2) < nt_xent(z, near.roll(1, 0), 0.2) - 1


def test_the_gradient_of_nt_xent_is_orthogonal_to_each_row_and_right():
    torch.manual_seed(2)
    z_a, z_b = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    (gradient,) = torch.autograd.grad(nt_xent(z_a, z_b, 0.5), z_a)
    assert (gradient * z_a).sum(1).abs().max() < 1e-6
    step = torch.zeros(3, 4)
    step[1, 2] = 1e-2
    slope = (nt_xent(z_a + step, z_b, 0.5) - nt_xent(z_a - step, z_b, 0.5)) / 2e-2
    assert gradient[1, 2].item() == pytest.approx(slope.item(), abs=1e-3)


def test_nt_xent_keeps_float32_under_autocast():
    z = torch.randn(4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(z.bfloat16(), z.bfloat16(), 0.05)
    assert loss.dtype == torch.float32 and loss.isfinite()


def test_info_nce_is_a_naive_loop():
    query, key, queue = unit(5, 6, 0), unit(5, 6, 1), unit(9, 6, 2)
    terms = []
    for q, k in zip(query.double(), key.double(), strict=True):
        scores = [math.exp(float(q @ other) / 0.2) for other in [k, *queue.double()]]
        terms.append(-math.log(scores[0] / sum(scores)))
    assert info_nce(query, key, queue, 0.2).item() == pytest.approx(sum(terms) / 5, abs=1e-6)


@pytest.mark.parametrize(("size", "temperature", "value"), [(65536, 0.07, 0.0401), (4096, 0.1, 0.1706)])
def test_info_nce_with_orthogonal_negatives(size, temperature, value):
    query = torch.eye(2)[:1]
    loss = info_nce(query, query, torch.eye(2)[1:].expand(size, 2), temperature)
    assert loss.item() == pytest.approx(value, abs=1e-4)


def test_info_nce_where_all_is_one_is_chance():
    query = torch.eye(2)[:1]
    assert info_nce(query, query, query.expand(4096, 2), 0.1).item() == pytest.approx(math.log(4097), abs=1e-3)


def test_info_nce_of_random_directions_is_as_the_analysis_says():
    query, key, queue = unit(2000, 128, 0), unit(2000, 128, 1), unit(4096, 128, 2)
    assert info_nce(query, key, queue, 0.1).item() == pytest.approx(math.log(4096) + 1 / (2 * 128 * 0.01), abs=0.1)


def test_no_gradient_reaches_keys_and_queue():
    query, key, queue = (unit(4, 3, i).requires_grad_() for i in range(3))
    info_nce(query, key, queue, 0.2).backward()
    assert query.grad is not None and query.grad.abs().sum() > 0
    assert key.grad is None and queue.grad is None


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_that_cannot_be_divided_by_is_refused(temperature):
    with pytest.raises(WrongUsage, match="above 0"):
        check_temperature(temperature)

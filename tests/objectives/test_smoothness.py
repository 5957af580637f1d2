import math

import pytest
import torch
from torch import nn

from tacit.objectives.smoothness import unit, virtual_adversarial, virtual_adversarial_direction


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 5))


def kl(net: nn.Module, x: torch.Tensor, move: torch.Tensor) -> torch.Tensor:
    """KL of each row, spelled out."""
    here, there = net(x).log_softmax(1).double(), net(x + move).log_softmax(1).double()
    return (here.exp() * (here - there)).sum(1)


def test_it_is_the_divergence_at_the_end_of_a_move_of_this_length():
    net, x = network(), torch.rand(6, 3, 4, 4)
    torch.manual_seed(1)
    value = virtual_adversarial(net, x, 2.0)
    torch.manual_seed(1)
    d = virtual_adversarial_direction(net, x, net(x).softmax(1).detach(), 0.2)
    assert d.shape == x.shape and torch.allclose(d.flatten(1).norm(dim=1), torch.ones(6))
    expected = sum(kl(net, x[i : i + 1], 2.0 * d[i : i + 1]).item() for i in range(6)) / 6
    assert value.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_items_move_by_epsilon(epsilon):
    net, x, seen = network(), torch.rand(6, 3, 4, 4), []
    virtual_adversarial(lambda items: seen.append(items) or net(items), x, epsilon)
    assert len(seen) == 3 and torch.equal(seen[0], x)
    assert torch.allclose((seen[2] - x).flatten(1).norm(dim=1), torch.full((6,), epsilon), rtol=1e-4)


def test_of_two_classes_of_a_linear_model_the_direction_is_the_difference_of_their_weights():
    """The Hessian has rank one there, so one iteration ends at its only direction."""
    torch.manual_seed(0)
    net, x = nn.Linear(20, 2), torch.randn(8, 20)
    d = virtual_adversarial_direction(net, x, net(x).softmax(1).detach(), 0.05)
    wanted = unit((net.weight[1] - net.weight[0])[None])
    assert torch.allclose((d @ wanted.T).abs(), torch.ones(8, 1), atol=1e-4)


def test_predictions_move_more_along_it_than_along_random_directions():
    net, x = network(), torch.rand(64, 3, 4, 4)
    d = virtual_adversarial_direction(net, x, net(x).softmax(1).detach(), 0.1)
    there = kl(net, x, d)
    for seed in range(5):
        torch.manual_seed(seed)
        random = kl(net, x, unit(torch.randn_like(x)))
        assert there.mean() > 3 * random.mean() and (there > random).double().mean() > 0.9


def test_it_is_0_where_nothing_moves_and_where_predictions_do_not():
    net, x = network(), torch.rand(4, 3, 4, 4)
    assert virtual_adversarial(net, x, 0.0).item() == pytest.approx(0.0, abs=1e-7)
    constant = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    nn.init.zeros_(constant[1].weight)
    loss = virtual_adversarial(constant, x, 1.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-7) and constant[1].weight.grad.isfinite().all()


def test_the_gradient_is_that_of_the_moved_prediction_alone():
    net, x = network(), torch.rand(6, 3, 4, 4)
    torch.manual_seed(1)
    virtual_adversarial(net, x, 2.0).backward()
    torch.manual_seed(1)
    p = net(x).softmax(1).detach()
    d = virtual_adversarial_direction(net, x, p, 0.2)
    found = [parameter.grad.clone() for parameter in net.parameters()]
    loss = (p * (p.log() - net(x + 2.0 * d).log_softmax(1))).sum(1).mean()
    expected = torch.autograd.grad(loss, list(net.parameters()))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_the_direction_leaves_no_gradient_behind_and_needs_none_around_it():
    net, x = network(), torch.rand(4, 3, 4, 4)
    with torch.no_grad():
        d = virtual_adversarial_direction(net, x, net(x).softmax(1), 0.1)
    assert not d.requires_grad and d.any()
    assert all(parameter.grad is None for parameter in net.parameters())


def test_the_direction_is_found_in_float32_under_autocast():
    net, x, seen = network(), torch.rand(4, 3, 4, 4), []
    with torch.autocast("cpu", torch.bfloat16):
        value = virtual_adversarial(lambda items: seen.append(net(items)) or seen[-1], x, 1.0)
    assert [logits.dtype for logits in seen] == [torch.float32, torch.float32, torch.bfloat16]
    assert value.dtype == torch.float32 and value > 0


def test_a_row_gets_length_1_however_short_it_was_and_zeros_stay():
    v = torch.tensor([[3.0, 4.0], [3e-30, 4e-30], [3e30, 4e30], [0.0, 0.0]])
    assert torch.allclose(unit(v)[:3], torch.tensor([0.6, 0.8])) and not unit(v)[3].any()
    assert math.isclose(unit(torch.rand(1, 2, 3)).norm().item(), 1.0, rel_tol=1e-6)

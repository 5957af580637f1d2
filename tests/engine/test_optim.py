import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from tacit.engine.optim import learning_rate, optimizer
from tacit.methods.method import Recipe, Turn


def turn(module):
    return Turn("all", lambda batch: {}, module.parameters)


def test_weight_decay_spares_biases():
    groups = optimizer(turn(nn.Linear(3, 2)), Recipe(optimizer="adamw", weight_decay=0.1)).param_groups
    assert {p.ndim: g["weight_decay"] for g in groups for p in g["params"]} == {2: 0.1, 1: 0.0}


def test_decoupled_decay_without_a_gradient_takes_its_share_of_matrices_and_of_nothing_else():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    step = optimizer(turn(module), Recipe(optimizer="adamw", lr=0.002, weight_decay=0.02))
    for p in module.parameters():
        p.grad = torch.zeros_like(p)
    step.step()
    for name, p in module.named_parameters():
        share = 1 - 0.002 * 0.02 if p.ndim > 1 else 1.0
        assert torch.allclose(p, share * before[name], rtol=1e-6, atol=0), name


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_fused_step_is_the_step_of_the_plain_optimizer(name):
    torch.manual_seed(0)
    ours, plain = nn.Linear(4, 3), nn.Linear(4, 3)
    plain.load_state_dict(ours.state_dict())
    recipe = Recipe(optimizer=name, lr=0.05, sgd_momentum=0.9)
    by_name = {"adam": torch.optim.Adam, "adamw": lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.0)}
    by_name["sgd"] = lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True)
    a, b = optimizer(turn(ours), recipe), by_name[name](plain.parameters(), 0.05)
    for _ in range(4):
        x = torch.randn(5, 4)
        for module, step in ((ours, a), (plain, b)):
            step.zero_grad()
            module(x).square().sum().backward()
            step.step()
    assert torch.allclose(ours.weight, plain.weight, atol=1e-6)


def test_the_schedule_rises_then_falls_along_half_a_cosine():
    recipe = Recipe(steps=100, lr=2.0, warmup=0.1, schedule="cosine")
    rates = [learning_rate(recipe, t) for t in range(100)]
    assert rates[:3] == pytest.approx([2 / 11, 4 / 11, 6 / 11])
    assert max(rates) == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0) and rates[99] == pytest.approx(1 + math.cos(math.pi * 89 / 90))
    assert [learning_rate(Recipe(lr=0.5), t) for t in (0, 2999)] == [0.5, 0.5]


def moved(module, recipe, losses) -> torch.Tensor:
    """Where some steps on these losses take a module's weights."""
    step = optimizer(turn(module), recipe)
    for loss in losses:
        step.zero_grad()
        loss(module).backward()
        step.step()
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_adam_on_normalized_gradients_is_the_formula_tensor_by_tensor():
    torch.manual_seed(0)
    ours, slow = nn.Linear(4, 3), nn.Linear(4, 3)
    slow.load_state_dict(ours.state_dict())
    xs = [torch.randn(5, 4) for _ in range(6)]
    losses = [lambda module, x=x: module(x).square().sum() for x in xs]
    got = moved(ours, Recipe(optimizer="adam_norm_grad", lr=0.05), losses)

    means = [torch.zeros_like(p) for p in slow.parameters()]
    squares = [torch.zeros_like(p) for p in slow.parameters()]
    for t, loss in enumerate(losses, start=1):
        gradients = torch.autograd.grad(loss(slow), list(slow.parameters()))
        for p, g, m, v in zip(slow.parameters(), gradients, means, squares, strict=True):
            g = g / (g.square().sum().sqrt() + 1e-7)  # the length of the whole tensor
            m.copy_(0.9 * m + 0.1 * g)
            v.copy_(0.999 * v + 0.001 * g**2)
            with torch.no_grad():
                p.sub_(0.05 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8))
    assert torch.allclose(got, torch.cat([p.detach().flatten() for p in slow.parameters()]), atol=1e-5)


def test_a_loss_a_thousand_times_as_large_makes_the_same_steps():
    start, steps = nn.Linear(4, 3).state_dict(), {}
    torch.manual_seed(0)
    xs = [torch.randn(5, 4) for _ in range(4)]
    for name in ("adam_norm_grad", "sgd"):
        for factor in (1, 1000):
            module = nn.Linear(4, 3)
            module.load_state_dict(start)
            losses = [lambda module, x=x, f=factor: f * module(x).square().sum() for x in xs]
            steps[name, factor] = moved(module, Recipe(optimizer=name, lr=1e-4), losses)
    assert torch.allclose(steps["adam_norm_grad", 1], steps["adam_norm_grad", 1000], atol=1e-7)
    assert not torch.allclose(steps["sgd", 1], steps["sgd", 1000], atol=1e-3)


def test_tensors_without_a_gradient_and_numbers_are_normalized_too():
    module = nn.ParameterDict({"used": torch.full((), 3.0), "zero": torch.ones(2), "unused": torch.ones(2)})
    losses = [lambda module: 7 * module["used"] + 0 * module["zero"].sum()]
    moved(module, Recipe(optimizer="adam_norm_grad", lr=0.1), losses)
    assert module["used"].item() == pytest.approx(2.9, abs=1e-5)
    assert module["zero"].tolist() == module["unused"].tolist() == [1, 1]


def test_the_linear_schedule_falls_on_a_line_to_a_hundredth():
    recipe = Recipe(steps=101, lr=0.1, schedule="linear")
    rates = [learning_rate(recipe, t) for t in range(102)]
    assert rates[0] == 0.1 and rates[101] == pytest.approx(0.001)
    falls = [a - b for a, b in pairwise(rates)]
    assert falls == pytest.approx([0.099 / 101] * 101)


def test_a_first_step_of_lars_is_a_share_of_each_matrix():
    torch.manual_seed(0)
    module = nn.Linear(4, 3)
    before = module.weight.detach().clone(), module.bias.detach().clone()
    x = torch.randn(5, 4)
    step = optimizer(turn(module), Recipe(optimizer="lars", lr=0.5, weight_decay=0.1))
    module(x).square().sum().backward()
    bias_gradient = module.bias.grad.clone()
    step.step()
    moved_by = (module.weight - before[0]).norm()
    assert moved_by.item() == pytest.approx(0.5 * 1e-3 * before[0].norm().item(), rel=1e-4)
    assert torch.allclose(module.bias, before[1] - 0.5 * bias_gradient, atol=1e-6), "biases: plain momentum, no decay"


def test_lars_keeps_its_velocity_with_the_rate_inside_and_starts_zero_weights():
    weight = nn.Parameter(torch.zeros(2, 2))
    step = optimizer(Turn("all", lambda batch: {}, lambda: [weight]), Recipe(optimizer="lars", lr=1.0))
    expected, velocity = torch.zeros(2, 2), torch.zeros(2, 2)
    for lr in (1.0, 0.5, 0.25):
        gradient = torch.full((2, 2), 0.3)
        weight.grad = gradient.clone()
        step.param_groups[0]["lr"] = lr
        size = expected.norm()
        trust = 1e-3 * size / gradient.norm() if size > 0 else 1.0
        velocity = 0.9 * velocity + lr * trust * gradient
        expected = expected - velocity
        step.step()
        assert torch.allclose(weight.detach(), expected, atol=1e-6)

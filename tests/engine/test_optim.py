import math

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

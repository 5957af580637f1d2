"""Optimisers and schedules, as a recipe names them."""

import math
from typing import Any

import torch
from torch.optim import Optimizer

from tacit.errors import WrongUsage
from tacit.methods.method import Recipe, Turn


def optimizer(turn: Turn, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser over one turn's parameters; fused, because one tensor at a time costs a fifth of a step.

    Weight decay leaves biases and normalisation alone: it is meant for the matrices.
    """
    parameters = list(turn.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [g for g in groups if g["params"]]
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr, fused=fused)
    if recipe.optimizer == "adam_norm_grad":
        return AdamNormGrad(groups, lr=recipe.lr, fused=fused)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=fused)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=recipe.lr, momentum=recipe.sgd_momentum, nesterov=recipe.sgd_momentum > 0, fused=fused
        )
    if recipe.optimizer == "lars":
        return LARS(groups, lr=recipe.lr, momentum=recipe.sgd_momentum)
    raise WrongUsage(f"optimizer is {recipe.optimizer!r}, expected adam, adamw, sgd, lars or adam_norm_grad")


class AdamNormGrad(torch.optim.AdamW):
    """Adam on gradients of length one: each tensor's gradient divided by its L2 norm + 1e-7.

    The optimiser of the authors' code for VampPrior and Exemplar VAE. A loss times a constant makes the same step.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        torch._foreach_div_(gradients, [norm + 1e-7 for norm in torch._foreach_norm(gradients)])
        return super().step(closure)


class LARS(Optimizer):
    """Stochastic gradient descent whose steps are a share of each tensor's own length (You et al. 2017, alg. 1).

    g <- gradient + weight_decay w;  v <- momentum v + lr (eta |w| / |g|) g;  w <- w - v, as the code of SimCLR has it.
    Biases and normalization, and tensors of length zero or without gradient, have the factor 1.
    """

    def __init__(self, groups: Any, lr: float, momentum: float = 0.9, eta: float = 1e-3) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "eta": eta, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            if not weights:
                continue
            gradients = torch._foreach_add([w.grad for w in weights], weights, alpha=group["weight_decay"])
            velocities = [self.state[w].setdefault("velocity", torch.zeros_like(w)) for w in weights]
            sizes, slopes = torch._foreach_norm(weights), torch._foreach_norm(gradients)
            rates = [
                group["lr"] * torch.where((size > 0) & (slope > 0), group["eta"] * size / slope, 1.0)
                if w.ndim > 1
                else torch.full_like(size, group["lr"])
                for w, size, slope in zip(weights, sizes, slopes, strict=True)
            ]
            torch._foreach_mul_(gradients, rates)
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, gradients)
            torch._foreach_sub_(weights, velocities)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear rise over the warm-up, then constant, a half cosine down to zero or a line down to a hundredth."""
    rise = recipe.warmup * recipe.steps
    if step < rise:
        return recipe.lr * (step + 1) / (rise + 1)
    if recipe.schedule == "constant":
        return recipe.lr
    done = (step - rise) / max(1, recipe.steps - rise)
    if recipe.schedule == "cosine":
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "linear":
        return recipe.lr * (1 - 0.99 * done)
    raise WrongUsage(f"schedule is {recipe.schedule!r}, expected constant, cosine or linear")

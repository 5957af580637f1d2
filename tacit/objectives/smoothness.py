"""Predictions that stay where items move a little, in the direction that would change them most.

Virtual Adversarial Training (Miyato, Maeda, Koyama & Ishii 2018, https://arxiv.org/abs/1704.03976).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from tacit.objectives.consistency import divergence_from

FINITE = 0.1  # of epsilon: how far predictions are probed; shorter steps drown in the rounding of single precision

LogitsOf = Callable[[Tensor], Tensor]  # (B, *item) -> (B, K)


def virtual_adversarial(logits_of: LogitsOf, x: Float[Tensor, "B *item"], epsilon: float) -> Float[Tensor, ""]:
    """The mean over rows of KL(p(x) || p(x + epsilon d)), d the virtual adversarial direction (sec. 3.2), from 0 on.

    `epsilon` is the Euclidean length of the move, in units of the items. No gradient reaches p(x) or d. `logits_of` is
    called three times, with as many items each time, and has to answer the same for the same items.
    """
    with torch.autocast(x.device.type, enabled=False), torch.no_grad():  # small differences of predictions decide
        p = logits_of(x).float().softmax(1)
        d = virtual_adversarial_direction(logits_of, x, p, FINITE * epsilon)
    return divergence_from(p, logits_of(x + epsilon * d).float())


def virtual_adversarial_direction(
    logits_of: LogitsOf, x: Float[Tensor, "B *item"], p: Float[Tensor, "B K"], step: float
) -> Float[Tensor, "B *item"]:
    """Unit vectors along which predictions leave p soonest: one power iteration from a random start (sec. 3.3).

    The Hessian of the divergence at x, times that start, is the slope of the divergence `step` away from x, where
    it is 0 together with its slope. A row whose predictions do not move at all gets a zero.
    """
    start = unit(torch.randn_like(x))
    with torch.enable_grad():
        moved = (x + step * start).detach().requires_grad_()
        (slope,) = torch.autograd.grad(divergence_from(p, logits_of(moved)), moved)
    return unit(slope)


def unit(v: Float[Tensor, "B *item"]) -> Float[Tensor, "B *item"]:
    """Every row at length 1, however short it was; zeros stay."""
    rows = v.flatten(1)
    rows = rows / rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
    return F.normalize(rows, dim=1).view_as(v)

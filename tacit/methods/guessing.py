"""Guesses, mixtures and dealt batches: what MixMatch does with items, for every method that has its loss inside.
Berthelot, Carlini, Goodfellow, Papernot, Oliver & Raffel, 2019. https://arxiv.org/abs/1905.02249
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.data.feeds import Labeled
from tacit.data.mixing import check_alpha, dealt, mixup
from tacit.errors import WrongUsage
from tacit.nn.statistics import statistics_kept
from tacit.objectives.consistency import brier, sharpen, soft_cross_entropy


def check_guessing(copies: int, temperature: float, alpha: float) -> None:
    """A sentence where these settings make no guess or no mixture."""
    check_alpha(alpha)
    if copies < 1:
        raise WrongUsage(f"a guess needs one copy of an item or more, not {copies}\n  try: --copies 2")
    if not temperature > 0:
        raise WrongUsage(f"temperature is {temperature:g}, expected above 0; 0.5 is the paper's")


def mixed_losses(method: Any, batch: Labeled, u: Tensor, q: Tensor, copies: int, alpha: float) -> tuple[Tensor, Tensor]:
    """L_X and L_U (eq. 3 and 4): of mixtures nearest to a labeled item, and of those nearest to one of the copies
    (copies M, *item) of items with the guesses q (M, K)."""
    p = F.one_hot(batch.y, q.shape[1]).float()
    mixed, targets = mixup(torch.cat([batch.x, u]), torch.cat([p, q.repeat(copies, 1)]), alpha)
    logits, n = dealt_logits(method, mixed, 1 + copies).float(), len(p)
    return soft_cross_entropy(logits[:n], targets[:n]), brier(logits[n:], targets[n:])


@torch.no_grad()
def guessed(method: Any, u: Tensor, copies: int, temperature: float) -> Tensor:
    """Sharpened mean predictions (M, K) of `copies` copies of M items, (copies M, *item), one copy of all after the
    other. By the statistics of this very batch, which the running ones do not follow."""
    with statistics_kept(method):
        p = method.logits(u).float().softmax(1)
    return sharpen(p.unflatten(0, (copies, -1)).mean(0), temperature)


def dealt_logits(method: Any, x: Tensor, sources: int) -> Tensor:
    """Logits of equally many items of each source, in batches that hold some of each.

    The first of these batches moves running statistics.
    """
    order = dealt(len(x), sources).to(x.device)
    first, *others = x[order].chunk(sources)
    found = [method.logits(first)]
    with statistics_kept(method):
        found += [method.logits(other) for other in others]
    return torch.cat(found)[order]

"""Guesses and dealt batches: what MixMatch does with items, for every method that has its loss inside.
Berthelot, Carlini, Goodfellow, Papernot, Oliver & Raffel, 2019. https://arxiv.org/abs/1905.02249
"""

from typing import Any

import torch
from torch import Tensor

from tacit.data.mixing import dealt
from tacit.nn.statistics import statistics_kept
from tacit.objectives.consistency import sharpen


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

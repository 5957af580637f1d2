"""Predictions that have to find their own target among candidates: the loss of CPC (van den Oord et al. 2018, eq. 4).

A score is a plain inner product: nothing is normalized and there is no temperature, so that exp(score) can become the
density ratio p(x | c) / p(x). Then I(x; c) >= log N - L for N candidates, and never more than log N.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F


class Guesses(NamedTuple):
    """What became of each prediction. Without knowledge `nats` is `chance` and `first` true once in N times or never."""

    nats: Float[Tensor, "n"]  # cross entropy of the choice, float32
    first: Bool[Tensor, "n"]  # whether its target has the highest score, alone
    chance: Float[Tensor, "n"]  # log N, where N is how many it chose among: its target and what is not excluded


def predictive_nce(
    predictions: Float[Tensor, "n D"],
    targets: Float[Tensor, "n D"],
    negatives: Float[Tensor, "m D"],
    excluded: Bool[Tensor, "n m"] | None = None,
) -> Guesses:
    """Each prediction chooses between its own target and the negatives, which all share, but those excluded.

    Where a target is among the negatives it is to be excluded there, or it would be counted twice.
    """
    with torch.autocast(predictions.device.type, enabled=False):  # 8 bits of mantissa would make neighbors ties
        predictions, targets, negatives = predictions.float(), targets.float(), negatives.float()
        own = (predictions * targets).sum(1)  # (n,)
        scores = predictions @ negatives.T  # (n, m)
    count = torch.full_like(own, scores.shape[1])
    if excluded is not None:
        scores = scores.masked_fill_(excluded, torch.finfo(scores.dtype).min)  # finite: no nan where nothing is left
        count = (~excluded).sum(1)
    nats = F.softplus(scores.logsumexp(1) - own)  # -log(e^own / (e^own + sum e^scores))
    return Guesses(nats, own > scores.detach().amax(1), (count + 1).float().log())

"""What a representation of sounds has to beat: the statistics of their cepstral coefficients, which need no learning."""

import torch
from torch import Tensor

from tacit.data.pool import Items
from tacit.nn.mel import LogMel, mfcc

COEFFICIENTS = 20
AT_ONCE = 500  # clips


def mfcc_statistics(items: Items, index: Tensor | None = None, n: int = COEFFICIENTS) -> Tensor:
    """Mean and standard deviation of each of n MFCC over the frames of every clip, (len(index), 2 n).

    Frames in the zeros behind a clip do not count. On spoken digits (2,250 clips of five speakers) a linear probe on
    these 40 numbers names 94.4 % of 250 others with all labels and 65 % with five of each digit (10 draws, +- 2).
    """
    index = torch.arange(len(items)) if index is None else index
    n = min(n, LogMel(items.spec.rate).bands)
    parts = [_statistics(items.floats(rows), items.spec.rate, n) for rows in index.split(AT_ONCE)]
    return torch.cat(parts) if parts else torch.empty(0, 2 * n)


def _statistics(x: Tensor, rate: int, n: int) -> Tensor:
    cepstra, heard = mfcc(x, rate, n)  # (B, n, F), (B, F)
    weight = heard[:, None] / heard.sum(1)[:, None, None]  # (B, 1, F)
    mean = (cepstra * weight).sum(2)
    variance = ((cepstra - mean[..., None]).square() * weight).sum(2)
    return torch.cat([mean, variance.sqrt()], dim=1)

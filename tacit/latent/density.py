"""How crowded the space is around a code: kernel density, with leave-one-out where the code is one of the items."""

import math

import torch
from torch import Tensor

CHUNK = 1000


def log_density(z: Tensor, codes: Tensor, bandwidth: float, *, leave_out: Tensor | None = None) -> Tensor:
    """log of the mean of N(z; code_n, bandwidth^2 I) over the items, (Q,).

    `leave_out` (Q,) are the positions each z must not see of itself: without it a small bandwidth always wins on the
    items themselves.
    """
    n, d = codes.shape
    constant = 0.5 * d * math.log(2 * math.pi * bandwidth**2)
    parts = []
    for i in range(0, len(z), CHUNK):
        some = z[i : i + CHUNK]
        exponent = -torch.cdist(some, codes).square() / (2 * bandwidth**2)
        if leave_out is not None:
            exponent[torch.arange(len(some)), leave_out[i : i + CHUNK]] = -torch.inf
        parts.append(exponent.logsumexp(1))
    counted = n if leave_out is None else n - 1
    return torch.cat(parts) - math.log(counted) - constant


def best_bandwidth(codes: Tensor, typical: float, *, sample: int = 1000, seed: int = 0) -> float:
    """The bandwidth under which left-out items are likeliest, among 13 from 0.1 to 10 typical neighbour distances."""
    rows = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:sample]
    grid = [typical * 10 ** (i / 6 - 1) for i in range(13)]
    scores = [float(log_density(codes[rows], codes, h, leave_out=rows).mean()) for h in grid]
    return grid[max(range(len(grid)), key=scores.__getitem__)]

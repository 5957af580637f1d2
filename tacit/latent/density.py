"""How crowded the space is around a code: kernel density, with leave-one-out where the code is one of the items."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from tacit.errors import WrongUsage

CHUNK_BYTES = 2**26  # of the block of distances held at once
WIDTHS = [10 ** (i / 6 - 1) for i in range(13)]  # bandwidths tried, in typical neighbour distances: 0.1 to 10


def log_density(z: Tensor, codes: Tensor, bandwidth: float, *, leave_out: Tensor | None = None) -> Tensor:
    """log of the mean of N(z; code_n, bandwidth^2 I) over the items, (Q,).

    `leave_out` (Q,) are the positions each z must not see of itself: without it a small bandwidth always wins on the
    items themselves. A single item, left out, has nobody to be seen by: -inf.
    """
    if not bandwidth > 0:
        raise WrongUsage(f"a bandwidth is a distance above 0, not {bandwidth}")
    parts = [log_mean(d, codes, bandwidth, leave_out is not None) for d in squares(z, codes, leave_out)]
    return torch.cat(parts) if parts else z.new_empty(0)


def best_bandwidth(codes: Tensor, typical: float, *, sample: int = 1000, seed: int = 0) -> float:
    """The bandwidth under which left-out items are likeliest, among 13 from 0.1 to 10 typical neighbour distances."""
    if len(codes) < 2:
        return typical
    rows = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:sample]
    score = torch.zeros(len(WIDTHS))
    for d in squares(codes[rows], codes, rows):
        score += torch.stack([log_mean(d, codes, typical * width, True).sum() for width in WIDTHS])
    return typical * WIDTHS[int(score.argmax())]


def squares(z: Tensor, codes: Tensor, leave_out: Tensor | None) -> Iterator[Tensor]:
    """Squared distances of codes z to all codes, (q, N) block by block; infinite where one is left out.

    In double precision as far as the product goes, |a|^2 + |b|^2 - 2ab: a narrow kernel would see what is cancelled.
    """
    center = codes[:1000].mean(0)
    far = (codes - center).double()
    length = far.square().sum(1)
    rows = max(1, CHUNK_BYTES // (8 * len(codes)))
    for i in range(0, len(z), rows):
        some = (z[i : i + rows] - center).double()
        square = torch.addmm(length, some, far.T, alpha=-2).add_(some.square().sum(1, keepdim=True)).clamp_(min=0)
        if leave_out is not None:
            square[torch.arange(len(some)), leave_out[i : i + rows]] = torch.inf
        yield square.to(codes.dtype)


def log_mean(square: Tensor, codes: Tensor, bandwidth: float, without_one: bool) -> Tensor:
    """log of the mean Gaussian at these squared distances (q, N), (q,)."""
    n, d = codes.shape
    counted = max(1, n - 1 if without_one else n)
    constant = math.log(counted) + d * (math.log(bandwidth) + 0.5 * math.log(2 * math.pi))
    return (square / (-2 * bandwidth**2)).logsumexp(1) - constant

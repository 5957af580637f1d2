"""Is a latent space in good health? Numbers that need no labels.

Use the same number of codes for every row of a comparison, a few thousand: all of these move with it.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F


def rank_me(codes: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    """How many directions the codes use, from 1 to D (RankMe, Garrido et al. 2023, eq. 1).

    exp of the entropy of the singular values, each over their sum. It ranks runs of one method, not methods.
    """
    sizes = torch.linalg.svdvals(codes.double())
    share = sizes / sizes.sum().clamp(min=torch.finfo(sizes.dtype).tiny)  # all-zero codes have rank 1, not nan
    return torch.special.entr(share).sum().exp().float()  # entr(0) is 0: the paper adds 1e-7 instead


def spread(codes: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    """Standard deviation of a coordinate of L2-normalized codes, averaged, times sqrt(D): 1 is healthy, 0 collapsed."""
    return F.normalize(codes, dim=1).std(0).mean() * math.sqrt(codes.shape[1])


def mean_cosine(codes: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    """Mean cosine of two different codes: near 0 is healthy, 1 collapsed."""
    n = len(codes)
    return (F.normalize(codes, dim=1).sum(0).square().sum() - n) / (n * (n - 1))


def neighbours_kept(codes_a: Float[Tensor, "N D"], codes_b: Float[Tensor, "N D2"], k: int = 10) -> Float[Tensor, ""]:
    """Share of an item's k nearest items that stayed among them from one space to another, in [0, 1].

    Chance is k / (N - 1). Exact search: fine for a few thousand codes.
    """
    k = min(k, len(codes_a) - 1)
    a, b = _nearest(codes_a, k), _nearest(codes_b, k)
    return (a[:, :, None] == b[:, None, :]).any(2).float().mean()


def alignment(z_a: Float[Tensor, "B D"], z_b: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """Mean squared distance of two views of an item on the unit sphere, in [0, 4] (Wang & Isola 2020, sec. 4.1)."""
    return (F.normalize(z_a, dim=1) - F.normalize(z_b, dim=1)).square().sum(1).mean()


def uniformity(z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """log of the mean of exp(-2 squared distance) over pairs on the unit sphere (Wang & Isola 2020, sec. 4.1).

    0 when all codes are one point; about -4 + 8 / D when they fill the sphere evenly. All B^2 / 2 pairs are looked at.
    """
    return torch.pdist(F.normalize(z, dim=1)).square().mul(-2).exp().mean().log()


def _nearest(codes: Float[Tensor, "N D"], k: int) -> Int[Tensor, "N k"]:
    parts = []
    for rows in torch.arange(len(codes), device=codes.device).split(1000):
        distance = torch.cdist(codes[rows], codes)
        distance.scatter_(1, rows[:, None], torch.inf)  # an item is no neighbour of itself
        parts.append(distance.topk(k, largest=False).indices)
    return torch.cat(parts)

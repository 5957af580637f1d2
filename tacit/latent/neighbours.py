"""Exact nearest neighbours in chunks."""

from dataclasses import dataclass

import torch
from torch import Tensor

SPARE = 4  # candidates beyond k whose distances are settled exactly
CHUNK_BYTES = 2**26  # of the block of distances held at once


@dataclass(frozen=True)
class Graph:
    """The k nearest neighbours of every item, nearest first, itself excluded."""

    index: Tensor  # (N, k) int64
    distance: Tensor  # (N, k) Euclidean


def nearest(
    z: Tensor, codes: Tensor, k: int, *, allowed: Tensor | None = None, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """Euclidean distances and positions (Q, k) of the k codes nearest to each row of z, among `allowed` (N,) bool.

    Candidates come from one matrix product, |a|^2 + |b|^2 - 2ab, whose cancellation can misplace near ties; the
    winners' distances are then taken from the differences themselves. Ties go to the lower position.
    """
    rows = None if allowed is None else allowed.nonzero().flatten()
    pool = codes if rows is None else codes[rows]
    k = min(k, len(pool))
    center = pool[:1000].mean(0)  # smaller numbers lose fewer digits in the product
    pool_centered, square = pool - center, (pool - center).square().sum(1)
    chunk = chunk or min(2000, 1 + CHUNK_BYTES // (4 * max(1, len(pool))))
    distances, positions = [], []
    for some in z.split(chunk):
        rough = torch.addmm(square, some - center, pool_centered.T, alpha=-2)  # (q, n), without the |z|^2 all share
        candidate = rough.topk(min(k + SPARE, len(pool)), largest=False).indices.sort(1).values
        exact = (pool[candidate] - some[:, None]).norm(dim=2)
        order = exact.sort(dim=1, stable=True)
        distances.append(order.values[:, :k])
        positions.append(candidate.gather(1, order.indices[:, :k]))
    found = torch.cat(positions) if positions else torch.empty(0, k, dtype=torch.long)
    return torch.cat(distances) if distances else torch.empty(0, k), found if rows is None else rows[found]


def neighbour_graph(codes: Tensor, k: int = 15) -> Graph:
    """The k nearest neighbours of every code, itself excluded (fewer where there are not so many items)."""
    k = min(k, len(codes) - 1)
    distance, index = nearest(codes, codes, k + 1)
    own = index == torch.arange(len(codes))[:, None]
    own[:, -1] |= ~own.any(1)  # more than k exact copies of it: drop the last instead
    return Graph(index[~own].view(len(codes), k), distance[~own].view(len(codes), k))

"""Nearest neighbours: exact, in chunks; a graph of very many codes by faiss where it is installed."""

import importlib.util
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.errors import BadData

SPARE = 4  # candidates beyond k whose distances are settled exactly
CHUNK_BYTES = 2**26  # of the block of distances held at once
MANY = 100_000  # codes beyond which a graph is approximate, where faiss is installed
LINKS, BUILD, LOOK = 32, 80, 96  # of the index: links of a code, candidates when it is built, and when it is searched


@dataclass(frozen=True)
class Graph:
    """The k nearest neighbours of every item, nearest first, itself excluded."""

    index: Tensor  # (N, k) int64
    distance: Tensor  # (N, k) Euclidean


def nearest(
    z: Tensor, codes: Tensor, k: int, *, allowed: Tensor | None = None, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """Euclidean distances and positions (Q, k) of the k codes nearest to each row of z, among `allowed` (N,) bool.

    Exact: ties go to the lower position, and where rounding could have hidden a neighbour the row is done again with
    more digits. Fewer than k columns where there are not so many codes. `chunk` rows are searched at a time.
    """
    check_finite(codes)
    if z is not codes:
        check_finite(z)
    rows = None if allowed is None else allowed.nonzero().flatten()
    pool = codes if rows is None else codes[rows]
    k = max(0, min(k, len(pool)))
    distance, index, unsure = by_product(z, pool, k, chunk)
    if unsure.any():
        again, which = torch.unique(z[unsure], dim=0, return_inverse=True)  # copies of a query have the same answer
        again, precise = again.double(), pool.double()
        far, near, still = by_product(again, precise, k, chunk)
        far[still], near[still] = by_differences(again[still], precise, k)
        distance[unsure], index[unsure] = far[which].to(distance.dtype), near[which]
    return distance, index if rows is None else rows[index]


def by_product(z: Tensor, pool: Tensor, k: int, chunk: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Distances and positions (Q, k), and which rows (Q,) bool cannot be sure of them.

    Candidates come from one matrix product, |a|^2 + |b|^2 - 2ab; their distances are then taken from the differences
    themselves. A row is sure when its k-th distance is below that of everything that was no candidate by more than the
    product can have lost to cancellation.
    """
    center = pool[:1000].mean(0) if len(pool) else 0.0  # smaller numbers lose fewer digits in the product
    centered = pool - center
    square = centered.square().sum(1)
    width = min(k + SPARE, len(pool))
    chunk = chunk or min(2000, 1 + CHUNK_BYTES // (pool.element_size() * max(1, len(pool), width * pool.shape[1])))
    distance, index = z.new_empty(len(z), k), torch.empty(len(z), k, dtype=torch.long)
    unsure = torch.zeros(len(z), dtype=torch.bool)
    if k == 0:
        return distance, index, unsure
    for i in range(0, len(z), chunk):
        some, at = z[i : i + chunk], slice(i, i + chunk)
        rough = torch.addmm(square, some - center, centered.T, alpha=-2)  # (q, n), without the |a|^2 all share
        found = rough.topk(width, largest=False)
        candidate = found.indices.sort(1).values
        order = (pool[candidate] - some[:, None]).norm(dim=2).sort(dim=1, stable=True)
        distance[at], index[at] = order.values[:, :k], candidate.gather(1, order.indices[:, :k])
        if width < len(pool):
            length, last = (some - center).norm(dim=1), distance[at, -1]
            # sums of D products are off by at most D u of the sum of their sizes, u = eps / 2 (Higham 2002, sec. 3.1),
            # and a code no farther than `last` is no longer than length + last
            lost = 2 * (pool.shape[1] + 4) * torch.finfo(pool.dtype).eps * (length + last).square()
            unsure[at] = found.values[:, -1] + length.square() - lost <= last.square()
    return distance, index, unsure


def by_differences(z: Tensor, pool: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The same row by row, from all the differences."""
    distance, index = z.new_empty(len(z), k), torch.empty(len(z), k, dtype=torch.long)
    for i, code in enumerate(z):
        away = (pool - code).norm(dim=1)
        within = (away <= away.kthvalue(k).values).nonzero().flatten()  # topk alone keeps no order among ties
        order = away[within].sort(stable=True)
        distance[i], index[i] = order.values[:k], within[order.indices[:k]]
    return distance, index


def neighbour_graph(codes: Tensor, k: int = 15) -> Graph:
    """The k nearest neighbours of every code, itself excluded (fewer where there are not so many items).

    Exact up to 100,000 codes, and beyond them where faiss is missing (`pip install 'tacit[ann]'`); the time is that of
    all pairs. With faiss, more codes are searched by HNSW (Malkov & Yashunin 2016, https://arxiv.org/abs/1603.09320),
    which misses a few: of 60,000 MNIST images (40 principal components) it found 99.9 % of the true neighbours, in
    clumps of a hundred near copies 99 %. Built by several threads, it need not miss the same ones twice.
    """
    k = max(0, min(k, len(codes) - 1))
    if len(codes) > MANY and importlib.util.find_spec("faiss"):
        distance, index = by_faiss(codes, k + 1)
    else:
        distance, index = nearest(codes, codes, k + 1)
    own = index == torch.arange(len(codes))[:, None]
    own[:, k:] |= ~own.any(1, keepdim=True)  # more than k exact copies of it: drop the last instead
    return Graph(index[~own].view(len(codes), k), distance[~own].view(len(codes), k))


def by_faiss(codes: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances and positions (N, k) of nearly all of the k codes nearest to every code."""
    import faiss

    check_finite(codes)
    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexHNSWFlat(codes.shape[1], LINKS)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD, max(LOOK, 2 * k)
    codes = codes.float()
    held = (copy_number(codes) < k).nonzero().flatten()  # with ties to the lower position nobody wants more copies,
    index.add(codes[held].numpy())  # and codes with more copies than links would be cut off from all others
    square, found = index.search(codes.numpy(), k)
    distance, position = torch.from_numpy(square).sqrt(), torch.from_numpy(found)
    short = (position < 0).any(1)  # fewer than k codes could be reached
    position = held[position]
    if short.any():
        distance[short], position[short] = nearest(codes[short], codes, k)
    return distance, position


def copy_number(codes: Tensor) -> Tensor:
    """How many exact copies of it lie at lower positions, for every code (N,)."""
    _, which, count = torch.unique(codes, dim=0, return_inverse=True, return_counts=True)
    order = which.argsort(stable=True)
    number = torch.empty_like(order)
    number[order] = torch.arange(len(codes)) - (count.cumsum(0) - count)[which[order]]
    return number


def check_finite(codes: Tensor) -> None:
    """Raise BadData where a code (N, D) has a number that is nan or infinite, or so large that squares would be."""
    bad = ~torch.linalg.vector_norm(codes, dim=1).isfinite()
    if bad.any():
        raise BadData(
            f"{int(bad.sum()):,} of {len(codes):,} codes are not finite numbers, the first at position "
            f"{int(bad.nonzero()[0])}: the training that made them went astray\n"
            "  learn again with smaller steps: tacit learn --lr 1e-4"
        )

"""How a pool and its label vector become batches.

A feed is a pure function of its stream: batch t of seed s is always the same, so a training that was
interrupted goes on at step t by asking for the batches from t on, and W processes share a batch by each taking every
W-th of its rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.data.spec import SET_ASIDE
from tacit.errors import NotEnoughLabels

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Stream:
    """Where a feed begins, which random order it follows, and which part of each batch this process takes."""

    seed: int = 0
    start: int = 0  # the first step to yield
    rank: int = 0
    world: int = 1
    device: torch.device = CPU

    def indices(self, n: int, batch: int) -> Iterator[Tensor]:
        """Rows of the batches: shuffled passes over n items laid end to end, cut into batches (this rank's part)."""
        step = self.start
        epoch, order = -1, torch.empty(0, dtype=torch.long)
        while True:
            parts, at, end = [], step * batch, (step + 1) * batch
            while at < end:
                if at // n != epoch:
                    epoch = at // n
                    order = torch.randperm(n, generator=torch.Generator().manual_seed(mix(self.seed, epoch)))
                stop = min(end, (epoch + 1) * n)
                parts.append(order[at - epoch * n : stop - epoch * n])
                at = stop
            rows = parts[0] if len(parts) == 1 else torch.cat(parts)
            yield rows[self.rank :: self.world] if self.world > 1 else rows
            step += 1


Feed = Callable[[Pool, Tensor, int, Stream], Iterator[Any]]


class Labeled(NamedTuple):
    """Items with answers."""

    x: Tensor  # (B, *item) float
    y: Tensor  # (B,) int64 class indices
    rows: Tensor | None = None  # (B,) positions in the pool, where they come from one


class Semi(NamedTuple):
    """Items with answers, and items whose answers, where there are any, are not told."""

    x: Tensor  # (B, *item) float
    y: Tensor  # (B,) int64 class indices
    u: Tensor  # (M, *item) float

    @property
    def labeled(self) -> Labeled:
        return Labeled(self.x, self.y)


class FromPool(NamedTuple):
    """Items, where they come from, and a way to the others."""

    x: Tensor  # (B, *item) float
    rows: Tensor  # (B,) positions in the pool
    total: int  # items in the pool
    fetch: Callable[[Tensor], Tensor]  # positions -> items, floats (n, *item)


def mix(seed: int, number: int) -> int:
    """Two integers into one seed; neighbouring inputs give unrelated ones."""
    return (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) % (1 << 63)


def items(pool: Pool, labels: Tensor, batch: int, stream: Stream) -> Iterator[Tensor]:
    """Every item of the pool, labelled or not: (B, *item) floats."""
    for rows in stream.indices(len(pool), batch):
        yield pool.spec.to_float(pool[rows].to(stream.device, non_blocking=True))


def from_pool(pool: Pool, labels: Tensor, batch: int, stream: Stream) -> Iterator[FromPool]:
    """The same items with their positions, for methods that ask the pool for more."""

    def fetch(rows: Tensor) -> Tensor:
        return pool.spec.to_float(pool[rows.cpu()].to(stream.device, non_blocking=True))

    for rows in stream.indices(len(pool), batch):
        yield FromPool(fetch(rows), rows.to(stream.device), len(pool), fetch)


def labeled(pool: Pool, labels: Tensor, batch: int, stream: Stream) -> Iterator[Labeled]:
    """Only what has been answered. Labelled sets are small: they are gathered once."""
    known = (labels >= 0).nonzero().flatten()
    if len(known) == 0:
        raise NotEnoughLabels(
            "there are no labels to learn from\n  try: tacit choose -k 20, then tacit label, or tacit learn (no labels needed)"
        )
    x, y = pool.spec.to_float(pool[known]).to(stream.device), labels[known].to(stream.device)
    known = known.to(stream.device)
    for rows in stream.indices(len(known), batch):
        rows = rows.to(stream.device)
        yield Labeled(x[rows], y[rows], known[rows])


def semi(pool: Pool, labels: Tensor, batch: int, stream: Stream, times: int = 1) -> Iterator[Semi]:
    """`batch` answered items and `times` as many of all items, the answered ones among them.

    An item that was set aside belongs to no class, and stays out. Few answered items come more than once in a batch.
    """
    usable = (labels != SET_ASIDE).nonzero().flatten()
    everything = replace(stream, seed=mix(stream.seed, 1))  # another order
    for known, rows in zip(
        labeled(pool, labels, batch, stream), everything.indices(len(usable), times * batch), strict=True
    ):
        u = pool.spec.to_float(pool[usable[rows]].to(stream.device, non_blocking=True))
        yield Semi(known.x, known.y, u)

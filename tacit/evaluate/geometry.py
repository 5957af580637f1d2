"""How codes lie on the sphere: close for two views of an item, far apart for different items?

Wang & Isola 2020 (https://arxiv.org/abs/2005.10242) for alignment and uniformity; no label is needed. All rows are of
the same items, since every one of these numbers moves with how many there are.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.engine.apply import apply
from tacit.engine.health import SAMPLE
from tacit.evaluate.intervals import plain
from tacit.evaluate.layers import chosen, named
from tacit.methods.method import Method
from tacit.objectives.health import alignment, rank_me, spread, uniformity

ENOUGH = 10  # items a dimension; with fewer, rank says more about the items than about the space


@dataclass(frozen=True)
class Row:
    """One layer. `alignment` is None where the method shows no views of whole items."""

    name: str
    dim: int
    rank: float  # directions in use, 1 .. dim (RankMe of the codes around their mean)
    spread: float  # 1 when codes fill the sphere evenly, 0 when all are one
    alignment: float | None  # mean squared distance of two views of an item, 0 .. 4: small is close
    uniformity: float  # log mean exp(-2 squared distance) of different items: -4 is even, 0 is one point


@dataclass(frozen=True)
class Geometry:
    """`n` items were looked at, the same for all rows; with `views`, alignment and uniformity are of two of each."""

    rows: list[Row]
    n: int
    views: bool

    def to_dict(self) -> dict[str, Any]:
        return plain(self)

    def lines(self) -> list[str]:
        two = ", alignment and uniformity of two random views of each" if self.views else ""
        said = [f"geometry of {self.n:,} items{two}"]
        for row in self.rows:
            aligned = "" if row.alignment is None else f"   alignment {row.alignment:.2f}"
            said.append(
                f"  {row.name:<18} {row.dim:>6} numbers   rank {row.rank:.1f}   spread {row.spread:.2f}{aligned}"
                f"   uniformity {row.uniformity:.2f}"
            )
        widest = max(row.dim for row in self.rows)
        if self.n < ENOUGH * widest:
            said.append(
                f"  a rank among {widest} numbers would need {ENOUGH * widest:,} items: take it as a lower bound"
            )
        return said


def geometry(method: Method, pool: Pool, *, layer: str | None = None, n: int = SAMPLE, seed: int = 0) -> Geometry:
    """A row for the codes, and one for each layer that is asked for (a name, or `all`), on n items of the pool at most."""
    index = torch.randperm(len(pool), generator=torch.Generator().manual_seed(mix(seed, 1)))[:n]
    layers = chosen(method, layer, pool.floats(index[:1]))
    dims: list[int] = []

    def features(x: Tensor) -> Tensor:
        """Codes and layers side by side, (B, sum of D)."""
        found = named(method, x) if layers else {}
        parts = [method.embed(x).float(), *(found[name] for name in layers)]
        dims[:] = [part.shape[1] for part in parts]
        return torch.cat(parts, dim=1)

    def of_two_views(x: Tensor) -> Tensor:
        """The same of two views, (B, 2, sum of D)."""
        views = method.views(x)[:, :2]  # type: ignore[operator]
        return features(views.flatten(0, 1)).unflatten(0, (-1, 2))

    alone = apply(method, features, pool, index)
    two = None
    if shows_items(method, pool.floats(index[:1])):
        with torch.random.fork_rng():
            torch.manual_seed(mix(seed, 2))
            two = apply(method, of_two_views, pool, index)
    rows, start = [], 0
    for name, dim in zip(["codes", *layers], dims, strict=True):
        part = slice(start, start + dim)
        rows.append(row_of(name, alone[:, part], None if two is None else two[:, :, part]))
        start += dim
    return Geometry(rows, len(index), two is not None)


def row_of(name: str, codes: Tensor, two: Tensor | None) -> Row:
    """One row, of codes (n, D) and those of two views of each (n, 2, D)."""
    a, b = (codes, codes) if two is None else (two[:, 0], two[:, 1])
    return Row(
        name,
        codes.shape[1],
        rank_me(codes - codes.mean(0)).item(),
        spread(codes).item(),
        None if two is None else alignment(a, b).item(),
        (uniformity(a).item() + uniformity(b).item()) / 2,
    )


@torch.no_grad()
def shows_items(method: Method, x: Tensor) -> bool:
    """Whether it has two views or more of an item that look like items: patches, say, have no code of their own."""
    if not hasattr(method, "views"):
        return False
    with torch.random.fork_rng():
        views = method.views(x.to(next(method.parameters()).device))  # type: ignore[operator]
    return views.shape[1] >= 2 and views.shape[2:] == x.shape[1:]

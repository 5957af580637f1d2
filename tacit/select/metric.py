"""What counts as near, and which way is up: all dimensions of a code, the active ones, or the active ones whitened.

A decoder ignores dimensions that have collapsed: every item has nearly the same value there. They add noise to
distances, and a direction may spend its length on them.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from tacit.latent.neighbours import nearest
from tacit.latent.space import Space

ACTIVE = 0.01  # of the largest standard deviation over the pool; a dimension below it has collapsed
ENOUGH = 2000  # items whose nearest neighbours tell the typical step of a metric to a few percent

Name = Literal["plain", "active", "whitened"]


class Metric(NamedTuple):
    """Euclidean distance between u = codes * scale. A dimension with scale 0 does not exist for it."""

    codes: Tensor  # (N, D) u of the pool
    scale: Tensor  # (D,)
    step: float  # the typical distance between nearest neighbours, in u

    @classmethod
    def of(cls, space: Space, name: Name, seed: int = 0) -> "Metric":
        """`plain` takes codes as they are, `active` drops collapsed dimensions, `whitened` also divides by spread."""
        if name == "plain":
            return cls(space.codes, torch.ones(space.codes.shape[1]), space.step)
        spread = space.codes.std(0)
        active = spread > ACTIVE * spread.max()
        scale = torch.where(active, 1 / spread if name == "whitened" else 1.0, 0.0)
        codes = space.codes * scale
        some = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:ENOUGH]
        return cls(codes, scale, float(nearest(codes[some], codes, 2)[0][:, 1].median()))

    def slope(self, gradient: Tensor) -> Tensor:
        """A gradient with respect to codes (m, D) as one with respect to u (the chain rule)."""
        return gradient * self._back

    def move(self, p: Tensor, direction: Tensor, length: Tensor) -> Tensor:
        """Codes p (m, D) moved by `length` (m,) along `direction` (m, D), both in u. Collapsed dimensions stay."""
        direction = direction * (self.scale > 0)
        return p + length[:, None] * direction / direction.norm(dim=1, keepdim=True) * self._back

    def steps_between(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances of codes a (m, D) to codes b (m, D), row by row, in typical steps (m,)."""
        return ((a - b) * self.scale).norm(dim=1) / self.step

    def snap(self, z: Tensor, allowed: Tensor, width: int = 16) -> tuple[Tensor, Tensor]:
        """For codes z (Q, D), one after the other, the nearest item `allowed` (N,) that no earlier row took.

        Positions and distances in u, (q,) each: q is smaller than Q when the items run out.
        """
        free = allowed.clone()
        u = (z * self.scale)[: int(free.sum())]
        if len(u) == 0:
            return torch.empty(0, dtype=torch.long), torch.empty(0)
        distance, index = nearest(u, self.codes, min(width, int(free.sum())), allowed=free)
        picked, far = torch.empty(len(u), dtype=torch.long), torch.empty(len(u))
        for row in range(len(u)):
            near, there = distance[row], index[row]
            if not free[there].any():  # earlier rows took all of these: look further out
                near, there = (found[0] for found in nearest(u[row : row + 1], self.codes, 1, allowed=free))
            first = int(free[there].byte().argmax())
            picked[row], far[row] = there[first], near[first]
            free[picked[row]] = False
        return picked, far

    @property
    def _back(self) -> Tensor:
        return torch.where(self.scale > 0, 1 / self.scale, 0.0)

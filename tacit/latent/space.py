"""The latent space: a code for every item of the pool, and what one can ask of it."""

from functools import cached_property

from torch import Tensor

from tacit.data.pool import Pool
from tacit.engine.apply import embed
from tacit.errors import WrongUsage
from tacit.latent.neighbours import Graph, nearest, neighbour_graph
from tacit.methods.method import Method


class Space:
    """Codes (N, D) of a pool's items, the method that made them, and one shared neighbour graph.

    `codes[i]` belongs to `pool[i]`. `method` may be None for codes that came from elsewhere; then nothing can be
    decoded and no new item can be given a code.
    """

    def __init__(self, codes: Tensor, pool: Pool, method: Method | None = None) -> None:
        if len(codes) != len(pool):
            raise WrongUsage(f"{len(codes)} codes for {len(pool)} items; a space has one code an item")
        self.codes, self.pool, self.method = codes, pool, method

    @classmethod
    def of(cls, pool: Pool, method: Method) -> "Space":
        """The space a trained method gives a pool."""
        return cls(embed(method, pool), pool, method)

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def graph(self) -> Graph:
        """The 15 nearest neighbours of every item, itself excluded; computed once, shared by everyone."""
        return neighbour_graph(self.codes, k=15)

    @cached_property
    def step(self) -> float:
        """The typical distance between nearest neighbours: the unit of steps in this space."""
        return float(self.graph.distance[:, 0].median())

    def nearest(self, z: Tensor, k: int, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Distances and positions (Q, k) of the items nearest to codes z (Q, D), among `allowed` (N,) bool."""
        return nearest(z, self.codes, k, allowed=allowed)

    @property
    def can_decode(self) -> bool:
        return self.method is not None and hasattr(self.method, "decode")

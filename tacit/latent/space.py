"""The latent space: a code for every item of the pool, and what one can ask of it."""

import mmap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.disk import replacing
from tacit.engine.apply import apply, embed
from tacit.errors import BadData, WrongUsage
from tacit.latent import attributes, clusters, density, walks
from tacit.latent.map import LARGEST, Map, draw
from tacit.latent.neighbours import Graph, check_finite, nearest, neighbour_graph
from tacit.methods.method import Method

CODES, MAP = "codes.npy", "map.npz"
ACTIVE = 0.01  # of the largest standard deviation; a dimension below it has collapsed


@dataclass(frozen=True)
class Walk:
    """Steps from one item to another: codes (S, D), decoded items (S, *item), and the real item nearest to each (S,)."""

    codes: Tensor
    items: Tensor
    nearest: Tensor


class Space:
    """Codes (N, D) of a pool's items, the method that made them, and one shared neighbour graph.

    `codes[i]` belongs to `pool[i]`. `method` may be None for codes that came from elsewhere; then nothing can be
    decoded and no new item can be given a code. `folder` is where a run keeps it; its map is kept there too.
    """

    def __init__(self, codes: Tensor, pool: Pool, method: Method | None = None, folder: Path | None = None) -> None:
        if len(codes) != len(pool):
            raise WrongUsage(f"{len(codes)} codes for {len(pool)} items; a space has one code an item")
        check_finite(codes)
        self.codes, self.pool, self.method, self.folder = codes, pool, method, folder

    @classmethod
    def of(cls, pool: Pool, method: Method, folder: Path | None = None) -> "Space":
        """The space a trained method gives a pool. With a folder, codes go to a file there and not to memory."""
        if folder is None:
            return cls(embed(method, pool), pool, method)
        (folder / MAP).unlink(missing_ok=True)  # of other codes
        write_codes(method, pool, folder / CODES)
        return cls.load(folder, pool, method)

    @classmethod
    def load(cls, folder: Path, pool: Pool, method: Method | None = None) -> "Space":
        """The space a run left, memory-mapped; items that joined the pool since then get their codes now."""
        try:
            array = np.load(folder / CODES, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BadData(f"{folder / CODES} cannot be read ({error})\n  learn again: tacit learn") from error
        codes = torch.from_numpy(array)
        if len(codes) < len(pool) and method is not None:
            late = torch.arange(len(codes), len(pool))
            codes = torch.cat([codes, embed(method, pool, late)])
        if len(codes) != len(pool):
            raise BadData(
                f"{folder / CODES} has {len(codes):,} codes for {len(pool):,} items\n  learn again: tacit learn"
            )
        return cls(codes, pool, method, folder)

    def __len__(self) -> int:
        return len(self.codes)

    # neighbours

    @cached_property
    def graph(self) -> Graph:
        """The 15 nearest neighbours of every item, itself excluded; computed once, shared by everyone."""
        return neighbour_graph(self.codes, k=15)

    @cached_property
    def step(self) -> float:
        """The typical distance between different neighbours: the unit of steps in this space.

        The median over items of the distance to the nearest that is no exact copy, among the 15; 1 where there is none.
        """
        different = self.graph.distance > 0
        first = self.graph.distance[different & (different.cumsum(1) == 1)]
        return float(first.median()) if len(first) else 1.0

    @cached_property
    def active(self) -> Tensor:
        """Dimensions in use, (D,) bool: the others have (nearly) the same value for every item; all if all are alike."""
        spread = self.codes.std(0) if len(self) > 1 else torch.ones(self.codes.shape[1])
        return spread >= ACTIVE * spread.max()

    def nearest(self, z: Tensor, k: int, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Distances and positions (Q, k) of the items nearest to codes z (Q, D), among `allowed` (N,) bool."""
        return nearest(z, self.codes, k, allowed=allowed)

    # there and back

    @property
    def can_decode(self) -> bool:
        return self.method is not None and hasattr(self.method, "decode")

    def encode(self, x: Tensor) -> Tensor:
        """Codes (n, D) of new items, floats (n, *item)."""
        if self.method is None:
            raise WrongUsage("these codes came without the method that made them; new items cannot be given one")
        fits("items", x, self.pool.spec.shape)
        return embed(self.method, x)

    def decode(self, z: Tensor) -> Tensor:
        """Items (n, *item) of codes (n, D)."""
        if self.method is None or not self.can_decode:
            raise WrongUsage("this space cannot decode\n  learn one that can: tacit learn vae")
        fits("codes", z, self.codes.shape[1:])
        return apply(self.method, self.method.decode, z)  # type: ignore[arg-type]

    def reconstruct(self, index: Tensor) -> Tensor:
        """What is left of items when only their codes are kept, (n, *item)."""
        return self.decode(self.codes[index])

    # what lies between and around

    def walk(self, a: int | Tensor, b: int | Tensor, steps: int = 9, kind: str = "auto") -> Walk:
        """From item (or code) a to b. "spherical" suits codes with a Gaussian prior, "straight" all others.

        "auto" looks whether the method can draw codes from a prior (`sample`).
        """
        if kind == "auto":
            kind = "spherical" if hasattr(self.method, "sample") else "straight"
        if kind not in ("straight", "spherical"):
            raise WrongUsage(f"a walk is {kind!r}, expected straight, spherical or auto")
        start, end = (self.codes[i] if isinstance(i, int) else i for i in (a, b))
        way = walks.straight if kind == "straight" else walks.spherical
        codes = way(start, end, torch.linspace(0, 1, steps))
        return Walk(codes, self.decode(codes), self.nearest(codes, 1)[1][:, 0])

    def attribute(self, has: Tensor) -> Tensor:
        """The direction (D,) of an attribute that some items have, `has` (N,) bool."""
        return attributes.difference(self.codes, has)

    def attributes(self, table: Tensor) -> Tensor:
        """Directions (A, D) of attributes (N, A) that may go together, without borrowing from each other."""
        return attributes.directions(self.codes, table)

    def edit(self, index: Tensor, direction: Tensor, strength: float = 1.0) -> Tensor:
        """Items (n, *item) with an attribute added; strength 1 is the distance between those with and without it."""
        return self.decode(self.codes[index] + strength * direction)

    def variations(self, index: int, n: int, *, scale: float = 1.0, seed: int = 0) -> Tensor:
        """n relatives of one item, (n, *item): its code jittered by `scale` typical neighbour distances, decoded."""
        noise = torch.randn(n, self.codes.shape[1], generator=torch.Generator().manual_seed(seed))
        noise *= self.active / self.active.sum().sqrt()  # a step of that length, whatever the number of dimensions
        return self.decode(self.codes[index] + scale * self.step * noise)

    # how crowded, how strange, which group

    @cached_property
    def bandwidth(self) -> float:
        """Of the kernel density: the one under which left-out items are likeliest."""
        return density.best_bandwidth(self.codes, self.step)

    def density(self, z: Tensor | None = None, *, bandwidth: float | None = None) -> Tensor:
        """log density at codes z (Q, D); without z at every item, seen by all the others (N,)."""
        itself = None if z is not None else torch.arange(len(self))
        at = self.codes if z is None else z
        width = self.bandwidth if bandwidth is None else bandwidth
        return density.log_density(at, self.codes, width, leave_out=itself)

    def outliers(self) -> Tensor:
        """How far each item is from its 15th (or last) neighbour, in typical steps (N,): larger is stranger."""
        if len(self) < 2:
            return torch.zeros(len(self))
        return self.graph.distance[:, -1] / self.step

    def rebuilt_badly(self) -> Tensor:
        """Squared error of each item's reconstruction, summed over the item (N,): larger is stranger."""
        parts = [
            (self.pool.floats(rows) - self.reconstruct(rows)).square().flatten(1).sum(1)
            for rows in torch.arange(len(self)).split(1000)
        ]
        return torch.cat(parts)

    def clusters(self, kind: str = "hdbscan", n: int = 10, *, smallest: int = 15, seed: int = 0) -> Tensor:
        """Groups (N,) int64: "hdbscan" finds how many there are, and calls the rest noise (-1); "kmeans" makes n."""
        if kind == "hdbscan":
            return clusters.hdbscan(self.codes, smallest=smallest)
        if kind == "kmeans":
            return clusters.kmeans(self.codes, n, seed=seed)
        raise WrongUsage(f"clusters are {kind!r}, expected hdbscan or kmeans")

    def map(self, *, seed: int = 0) -> Map:
        """Every item in two dimensions; kept in the run's folder once it is drawn.

        When items have joined the pool since then, those on the kept map stay near their places; when more joined than
        were there, a fresh map is better and keeps more neighbours.
        """
        path = self.folder / MAP if self.folder else None
        kept = kept_map(path)
        if kept is not None and len(kept) == len(self):
            return kept
        start = kept.points if kept is not None and len(self) / 2 <= len(kept) < len(self) else None
        drawn = draw(self.codes, self.graph if len(self) <= LARGEST else None, start=start, seed=seed)
        if path is not None:
            drawn.save(path)
        return drawn


def kept_map(path: Path | None) -> Map | None:
    """The map at `path`; None where there is none, or only what is left of one: it can be drawn again."""
    if path is None or not path.exists():
        return None
    try:
        return Map.load(path)
    except BadData:
        return None


def fits(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    if x.shape[1:] != shape:
        raise WrongUsage(f"{what} have shape {tuple(x.shape[1:])}, and in this space {tuple(shape)}")


def write_codes(method: Method, pool: Pool, path: Path) -> int:
    """Codes of a pool straight into a file (N, D) float32, so that memory does not grow with the pool; returns D."""
    dim = embed(method, pool, torch.arange(1)).shape[1]
    with replacing(path) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=(len(pool), dim))
        for rows in torch.arange(len(pool)).split(20_000):
            array[rows.numpy()] = embed(method, pool, rows).numpy()
            array.flush()
            if hasattr(mmap, "MADV_DONTNEED"):
                array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # on disk now; these pages would count as ours
    return dim

"""The latent space: a code for every item of the pool, and what one can ask of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.data.pool import Items, Pool
from tacit.engine.apply import apply, embed
from tacit.errors import BadData, WrongUsage
from tacit.latent import attributes, clusters, density, walks
from tacit.latent.codes import with_exemplars, write_codes
from tacit.latent.map import LARGEST, Map, draw, kept_map
from tacit.latent.neighbours import Graph, check_finite, nearest, neighbour_graph
from tacit.methods.method import Method

CODES, MAP = "codes.npy", "map.npz"
NO_METHOD = "these codes came without the method that made them; new items cannot be given one"
CHECKED = 5000  # items that say what a typical step is
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
        """The space a run left, memory-mapped; items that joined the pool since then join it as in `add`."""
        try:
            array = np.load(folder / CODES, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BadData(f"{folder / CODES} cannot be read ({error})\n  learn again: tacit learn") from error
        codes = torch.from_numpy(array)
        if len(codes) < len(pool) and method is not None:
            late = embed(method, pool, torch.arange(len(codes), len(pool)))
            codes, method = torch.cat([codes, late]), with_exemplars(method, late)
        if len(codes) != len(pool):
            raise BadData(
                f"{folder / CODES} has {len(codes):,} codes for {len(pool):,} items\n  learn again: tacit learn"
            )
        return cls(codes, pool, method, folder)

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, x: Tensor) -> "Space":
        """A space with new items, floats (n, *item), behind its own. This one stays as it is, and so does the disk.

        They get codes and neighbours, and where the prior is made of exemplars (`exemplar_vae`) they join them, all
        without a training. Codes are of what the pool keeps of an item: images with 8 bits. A project takes in new
        files by itself: `tacit init SOURCE` once more.
        """
        if self.method is None:
            raise WrongUsage(NO_METHOD)
        fits("items", x, self.pool.spec.shape)
        if len(x) == 0:
            return self
        pool = self.pool.with_items(x)
        late = embed(self.method, pool, torch.arange(len(self), len(pool)))
        return Space(torch.cat([self.codes, late]), pool, with_exemplars(self.method, late))

    # neighbours

    @cached_property
    def graph(self) -> Graph:
        """The 15 nearest neighbours of every item, itself excluded; computed once, shared by everyone."""
        return neighbour_graph(self.codes, k=15)

    @cached_property
    def step(self) -> float:
        """The typical distance between different neighbours: the unit of steps in this space.

        The median, over up to 5,000 items, of the distance to the nearest that is no exact copy among 15; 1 where there
        is none. It takes no graph, which for a large pool is the time of all pairs.
        """
        rows = torch.randperm(len(self), generator=torch.Generator().manual_seed(0))[:CHECKED]
        distance = nearest(self.codes[rows], self.codes, 16)[0]
        different = distance > 0
        first = distance[different & (different.cumsum(1) == 1)]
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
            raise WrongUsage(NO_METHOD)
        fits("items", x, self.pool.spec.shape)
        return embed(self.method, x)

    def decode(self, z: Tensor) -> Tensor:
        """Items (n, *item) of codes (n, D)."""
        ability = self._ability("decode", "decode")
        fits("codes", z, self.codes.shape[1:])
        return apply(*ability, z)

    def reconstruct(self, index: Tensor) -> Tensor:
        """What is left of items when only their codes are kept, (n, *item)."""
        return self.decode(self.codes[index])

    def _ability(self, name: str, what: str) -> tuple[Method, Callable[..., Tensor]]:
        """The method, and something that not every method can do."""
        if self.method is None or not hasattr(self.method, name):
            raise WrongUsage(f"this space cannot {what}\n  learn one that can: tacit learn vae")
        return self.method, getattr(self.method, name)

    # what lies between and around

    def walk(self, a: int | Tensor, b: int | Tensor, steps: int = 9, kind: str = "auto") -> Walk:
        """From item (or code) a to b. "spherical" suits codes with a Gaussian prior, "straight" all others.

        "auto" looks whether the method can draw codes from a prior (`sample`) that is no mixture.
        """
        if kind == "auto":
            mixture = any(hasattr(self.method, name) for name in ("jitter", "pseudo_items"))
            kind = "spherical" if hasattr(self.method, "sample") and not mixture else "straight"
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

    def generate(self, exemplar: int | Tensor, n: int, *, scale: float = 1.0, seed: int = 0) -> Tensor:
        """n new items (n, *item) like one exemplar: its code jittered, decoded.

        The exemplar is a position in the pool, or any other item, floats (*item), which is encoded first. The jitter
        is the spread around exemplars that the method has learned (tau of `exemplar_vae`), where it has one, otherwise
        as long as the distance between typical neighbours; `scale` multiplies it. 0 decodes the code itself.
        """
        self._ability("decode", "decode")
        z = self.codes[exemplar] if isinstance(exemplar, int) else self.encode(exemplar[None])[0]
        with seeded(seed):
            return self.decode(self._jittered(z.expand(n, -1), scale))

    def cycle(self, start: Tensor, turns: int = 30, *, scale: float = 1.0, seed: int = 0) -> Tensor:
        """Where items (n, *item) drift that are encoded, jittered as in `generate` and decoded again and again.

        All turns (turns + 1, n, *item), the start first. From noise, a good model finds its way to what it knows.
        """
        self._ability("decode", "decode")
        fits("items", start, self.pool.spec.shape)
        items = [start]
        with seeded(seed):
            for _ in range(turns):
                items.append(self.decode(self._jittered(self.encode(items[-1]), scale)))
        return torch.stack(items)

    def sample(self, n: int, *, seed: int = 0) -> Tensor:
        """New items (n, *item) from the method's own prior: of an exemplar VAE, relatives of exemplars at random."""
        method, sample = self._ability("sample", "draw items from a prior")
        with seeded(seed):
            return apply(method, lambda rows: sample(len(rows)), torch.empty(n, 0))  # a part at a time

    def _jittered(self, z: Tensor, scale: float) -> Tensor:
        if hasattr(self.method, "jitter"):
            return z + scale * (apply(*self._ability("jitter", "jitter"), z) - z)
        noise = torch.randn(z.shape) * (self.active / self.active.sum().sqrt())  # of length 1, in any dimension
        return z + scale * self.step * noise

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

    def log_prior(self, z: Tensor | None = None) -> Tensor:
        """log p(z) under the method's own prior, in nats, at codes z (Q, D); without z at every item (N,).

        Beside `density`: there every item is left out of its own, and the bandwidth is found; here the exemplars of an
        `exemplar_vae` are all of them, an item itself included, and tau was learned.
        """
        method, log_prior = self._ability("log_prior", "say how likely codes are")
        at = self.codes if z is None else z
        fits("codes", at, self.codes.shape[1:])
        return apply(method, log_prior, at, batch=5000)

    def log_prob(self, x: Items | Tensor | None = None, *, samples: int | None = None, seed: int = 0) -> Tensor:
        """log p(x) in nats of items, floats (n, *item) or the rows of a pool (its own by default), (n,).

        Of a VAE the importance-weighted bound with `samples` codes an item (None: as many as the method takes by
        itself, 100); few are enough to tell outliers. Grey pixels of a Bernoulli model become zeros and ones first, by
        chance. Parts are asked about one after the other, so that memory does not grow with n.

        Low is strange, but high is not familiar: a model of Fashion-MNIST finds the digits of MNIST likelier than
        clothes (Nalisnick et al. 2019, https://arxiv.org/abs/1810.09136). Ask `outliers` and `rebuilt_badly` as well.
        """
        method, log_prob = self._ability("log_prob", "say how likely items are")
        items = self.pool if x is None else x
        if isinstance(items, Tensor):
            fits("items", items, self.pool.spec.shape)
        with seeded(seed):
            return apply(method, log_prob if samples is None else lambda part: log_prob(part, samples), items)

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


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What is random inside follows the seed; whoever called keeps their random numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def fits(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    if x.shape[1:] != shape:
        raise WrongUsage(f"{what} have shape {tuple(x.shape[1:])}, and in this space {tuple(shape)}")

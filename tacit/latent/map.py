"""The space in two dimensions: principal components at once, then t-SNE with its forces from a grid.

t-SNE: van der Maaten & Hinton 2008, https://jmlr.org/papers/v9/vandermaaten08a.html. Repulsion from a grid by FFT:
Linderman et al. 2019, https://arxiv.org/abs/1712.09005. Principal components to begin with, and the learning rate n /
exaggeration: Kobak & Berens 2019, https://arxiv.org/abs/1811.11246.

Departures: every item pulls its 15 nearest neighbours with the same weight instead of weights of a set perplexity, so
the neighbour graph everybody shares is all that is needed; items are spread on the grid by quadratic B-splines.
"""

import time
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.disk import replacing
from tacit.errors import BadData, WrongUsage
from tacit.latent.neighbours import Graph, check_finite, nearest, neighbour_graph

STEPS, EARLY = 400, 100  # of the descent, and those of them with exaggeration
AGAIN = 100  # steps when an earlier map is gone on with
EXAGGERATION = 12.0
NEIGHBOURS = 15
FEW = 200  # items whose repulsion is summed pair by pair, which takes no longer than the grid
CELL, CELLS = 0.5, (50, 700)  # side of a grid cell in units of the layout; fewest and most cells along the layout
MARGIN = 32.0  # empty border of the grid: repulsion beyond it is wrapped round, and negligible
LARGEST = 100_000  # items laid out one by one; larger pools are laid out by landmarks
LANDMARKS = 50_000
CHECKED, CHECKED_OF_MANY, MANY = 2000, 500, 200_000  # items whose neighbours are counted; fewer of so many


@dataclass(frozen=True)
class Map:
    """A place (N, 2) for every item, and how far it can be believed."""

    points: Tensor
    kept: float  # share of an item's 15 true neighbours that are among its 15 nearest on the map
    name: str  # how it was made
    seconds: float
    note: str = ""  # what a person should know: a sample, landmarks

    def __len__(self) -> int:
        return len(self.points)

    def save(self, path: Path) -> None:
        with replacing(path) as temporary:
            points = self.points.numpy()
            np.savez(temporary, points=points, kept=self.kept, seconds=self.seconds, name=self.name, note=self.note)

    @classmethod
    def load(cls, path: Path) -> "Map":
        try:
            with np.load(path, allow_pickle=False) as kept:
                words = str(kept["name"]), float(kept["seconds"]), str(kept["note"])
                return cls(torch.from_numpy(kept["points"]), float(kept["kept"]), *words)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise BadData(f"{path} is no map that can be read ({error})\n  remove it, and it is drawn again") from error


def kept_map(path: Path | None) -> Map | None:
    """The map at `path`; None where there is none, or only what is left of one: it can be drawn again."""
    if path is None or not path.exists():
        return None
    try:
        return Map.load(path)
    except BadData:
        return None


def draw(codes: Tensor, graph: Graph | None = None, *, start: Tensor | None = None, seed: int = 0) -> Map:
    """Lay out codes (N, D). `graph` saves finding neighbours again.

    `start` (M, 2) are the places of the first M items on an earlier map: they stay near them, and the others join. On
    digits half of the items moved by less than 1 % of the map's width when a fifth joined, 2 % when the pool doubled;
    when it grew tenfold, little was left of the earlier places.
    """
    began = time.perf_counter()
    check_finite(codes)
    codes, note = codes.float(), ""
    if start is not None and len(start) > len(codes):
        raise WrongUsage(
            f"the earlier map has {len(start)} items and the codes only {len(codes)}; draw without a start"
        )
    if start is not None and len(start) < 4:
        start = None  # nothing to be near to
    if len(codes) < 4:
        points, name = principal_components(codes), "principal components"
    elif len(codes) > LARGEST:
        (points, note), name = by_landmarks(codes, start, seed), "t-SNE of landmarks"
    else:
        points, name = tsne(codes, graph or neighbour_graph(codes, NEIGHBOURS), start=start), "t-SNE"
    kept = neighbours_kept_on_map(codes, points, seed=seed)
    return Map(points, kept, name, time.perf_counter() - began, note)


def by_landmarks(codes: Tensor, start: Tensor | None, seed: int) -> tuple[Tensor, str]:
    """Places (N, 2) of items too many to be laid out one by one, and what a person should know."""
    if start is not None:
        joining = len(codes) - len(start)
        return joined(codes, start), f"{joining:,} items joined later; each lies between the ones nearest to it."
    rows = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:LANDMARKS].sort().values
    places = tsne(codes[rows], neighbour_graph(codes[rows], NEIGHBOURS))
    note = f"{len(rows):,} random items were laid out; each of the others lies between the ones nearest to it."
    return beside(codes, codes[rows], places), note


def principal_components(codes: Tensor) -> Tensor:
    """The two directions of largest variance, (N, 2), signs fixed by their largest loading."""
    centered = codes - codes.mean(0)
    if codes.shape[1] == 1:
        return torch.cat([centered, torch.zeros_like(centered)], 1)
    _, axes = torch.linalg.eigh(centered.T @ centered)
    axes = axes[:, -2:].flip(1)
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return centered @ (axes * largest.sign())


def tsne(codes: Tensor, graph: Graph, *, start: Tensor | None = None) -> Tensor:
    """Gradient descent on KL(P || Q) with p_ij from the neighbour graph and q_ij of Student's t, (N, 2).

    With momentum and gains per coordinate as in the paper's implementation. From a start the steps are fewer and twelve
    times shorter, so that items glide.
    """
    n, k = graph.index.shape
    if start is None:
        y, steps, early, held, slow = beginning(codes), STEPS, EARLY, n, 1.0
    else:
        y, steps, early, held, slow = joined(codes, start), AGAIN, 0, len(start), EXAGGERATION
    middle = y[:held].mean(0)  # of the items held there: the map as a whole does not drift
    velocity, gains = torch.zeros_like(y), torch.ones_like(y)
    end = graph.index.flatten()
    for step in range(steps):
        exaggeration, momentum = (EXAGGERATION, 0.5) if step < early else (1.0, 0.8)
        rate = max(n / max(exaggeration, slow), 50.0)
        gradient = 4 * (exaggeration * attraction(y, end, k) - repulsion(y))
        gains = torch.where((velocity > 0) != (gradient > 0), gains + 0.2, gains * 0.8).clamp_(min=0.01)
        velocity = momentum * velocity - rate * gains * gradient
        velocity *= (5 / velocity.norm(dim=1, keepdim=True)).clamp_(max=1)  # nobody leaps across the map
        y = y + velocity
        y -= y[:held].mean(0) - middle
    return y


def beginning(codes: Tensor) -> Tensor:
    y = principal_components(codes)
    return y / y[:, 0].std().clamp(min=1e-12) * 1e-2


def joined(codes: Tensor, start: Tensor) -> Tensor:
    """Earlier places, and the newcomers beside the earlier items nearest to them."""
    m, start = len(start), start.float()
    return torch.cat([start, beside(codes[m:], codes[:m], start)])


def beside(codes: Tensor, landmarks: Tensor, places: Tensor, k: int = 5) -> Tensor:
    """Places (N, 2) between the k nearest landmarks, the nearer the heavier."""
    parts = []
    for some in codes.split(20_000):
        distance, index = nearest(some, landmarks, k)
        farthest = distance[:, -1:].clamp(min=torch.finfo(distance.dtype).tiny)
        weight = 1 / (distance / farthest).clamp(min=1e-6)  # on top of a landmark there is no other
        parts.append((places[index] * (weight / weight.sum(1, keepdim=True))[..., None]).sum(1))
    return torch.cat(parts)


def attraction(y: Tensor, end: Tensor, k: int) -> Tensor:
    """sum_j p_ij (y_i - y_j) / (1 + |y_i - y_j|^2), with p_ij = 1 / (2 n k) for each direction of an edge."""
    n = len(y)
    place = torch.view_as_complex(y)
    apart = place[:, None] - place[end].view(n, k)
    pull = apart / (1 + apart.real.square() + apart.imag.square())
    total = pull.sum(1).index_add_(0, end, -pull.flatten())
    return torch.view_as_real(total) / (2 * n * k)


def repulsion(y: Tensor) -> Tensor:
    """sum_j q_ij (y_i - y_j) / (1 + |y_i - y_j|^2), with q_ij = (1 + |y_i - y_j|^2)^-1 / Z."""
    return repulsion_of_pairs(y) if len(y) <= FEW else repulsion_on_grid(y)


def repulsion_of_pairs(y: Tensor) -> Tensor:
    place = torch.view_as_complex(y)
    apart = place[:, None] - place
    q = (1 / (1 + apart.real.square() + apart.imag.square())).fill_diagonal_(0)  # times Z
    return torch.view_as_real((q.square() * apart).sum(1)) / q.sum()


def repulsion_on_grid(y: Tensor) -> Tensor:
    """The potential sum_j (1 + |y_i - y_j|^2)^-1 is a convolution, done on a grid by FFT; its gradient is the force.

    What an item feels of itself is known and taken away, in the potential and so in Z. The rest is a few percent off.
    """
    low = y.amin(0)
    span = max(float((y - low).max()), 1e-6)
    cell = max(min(CELL, span / CELLS[0]), span / CELLS[1])
    cells = int(span / cell) + 4
    side = smooth_number(cells + min(cells, int(MARGIN / cell)))
    at = (y - low) / cell + 1
    middle = (at + 0.5).floor()
    f = at - middle  # in [-1/2, 1/2)
    spline = torch.stack([0.5 * (0.5 - f) ** 2, 0.75 - f * f, 0.5 * (0.5 + f) ** 2])  # (3, N, 2)
    slope = torch.stack([f - 0.5, -2 * f, f + 0.5])
    around = torch.arange(-1, 2)
    corner = middle[:, 0].long() * side + middle[:, 1].long()
    index = corner + (around[:, None] * side + around).flatten()[:, None]  # (9, N)
    sx, sy = spline[:, None, :, 0], spline[None, :, :, 1]
    weight = (sx * sy).flatten(0, 1)
    mass = torch.bincount(index.flatten(), weights=weight.flatten(), minlength=side * side).view(side, side)
    kernel, itself = transfer(side, cell)
    field = torch.fft.irfft2(torch.fft.rfft2(mass) * kernel, s=(side, side)).flatten()
    potential = field[index] - itself @ weight  # (9, N)
    z = float((potential * weight).sum())
    potential = potential.view(3, 3, -1)
    force_x = ((potential * sy).sum(1) * slope[..., 0]).sum(0)
    force_y = ((potential * sx).sum(0) * slope[..., 1]).sum(0)
    return torch.stack([force_x, force_y], 1) * (-0.5 / cell / z)


@lru_cache(maxsize=4)  # a layout keeps its size for many steps
def transfer(side: int, cell: float) -> tuple[Tensor, Tensor]:
    """The kernel (1 + r^2)^-1 on the grid in frequencies, divided by those of the splines that go there and back.

    And, as (9, 9), what mass at one of the nine cells around an item does to the potential at another.
    """
    r = torch.arange(side, dtype=torch.float32)
    r = torch.minimum(r, side - r) * cell
    kernel = torch.fft.rfft2(1 / (1 + r[:, None] ** 2 + r**2)).real
    spline = torch.sinc(torch.fft.fftfreq(side))[:, None] ** 3 * torch.sinc(torch.fft.rfftfreq(side)) ** 3
    kernel /= spline.square()
    around = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    apart = (around[:, None] - around) % side
    return kernel, torch.fft.irfft2(kernel, s=(side, side))[apart[..., 0], apart[..., 1]]


def smooth_number(n: int) -> int:
    """The next size from n on that an FFT likes: a small odd factor times a power of two."""
    sizes = [odd * 2**power for odd in (1, 3, 5, 9, 15) for power in range(12)]
    return min(size for size in sizes if size >= n)


def neighbours_kept_on_map(codes: Tensor, points: Tensor, k: int = NEIGHBOURS, *, seed: int = 0) -> float:
    """Share of the k nearest by code that are among the k nearest on the map, over up to 2,000 items.

    Of more than 200,000 items it is 500.
    """
    k = min(k, len(codes) - 1)
    if k < 1:
        return 1.0
    rows = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    rows = rows[: CHECKED if len(codes) <= MANY else CHECKED_OF_MANY]
    true = nearest(codes[rows], codes, k + 1)[1]
    drawn = nearest(points[rows], points, k + 1)[1]
    shared = (true[:, :, None] == drawn[:, None, :]).any(2) & (true != rows[:, None])
    return float(shared.sum(1).clamp(max=k).float().mean() / k)

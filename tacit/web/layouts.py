"""Where every item lies on the map of a space: drawn in the background, aligned to what was shown before, and kept."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tacit.disk import replacing
from tacit.errors import BadData
from tacit.web.background import Background
from tacit.web.open_project import QUICK, OpenProject, Rows, weights_hash

if TYPE_CHECKING:
    from tacit.latent.space import Space

FILE, QUICK_FILE = "layout.npz", "quick.npz"
LARGEST_QUICK = 20_000  # items whose quick map is laid out by t-SNE: a learned one comes soon
BESIDE = 3  # items of the pool that an item of the yardstick lies between
AMONG = 100_000  # items of the pool that are looked through for these
AT_ONCE = 1000  # items of the yardstick that are coded at once
GRID = 128  # cells along a side of the density
SMOOTH = 2.0  # cells, the standard deviation of its kernel


@dataclass(frozen=True)
class Layout:
    """A point for every item: the pool's first, then the yardstick's."""

    space: str
    key: str  # of the items and the weights it was drawn from
    rows: np.ndarray  # (P,) int32
    pool: int
    points: np.ndarray  # (P, 2) float32 in [-1, 1]
    before: np.ndarray  # (P, 2) float32, where they lay on the layout shown before; NaN where they did not
    raw: np.ndarray  # (pool, 2) float32 as drawn, to go on from when items join
    made: str
    kept: float  # share of true neighbours
    note: str
    final: bool  # nothing better is being drawn

    @cached_property
    def version(self) -> str:
        return hashlib.sha256(self.points.tobytes() + self.rows.tobytes()).hexdigest()[:12]

    @cached_property
    def crowd(self) -> np.ndarray:
        """How crowded it is, (GRID, GRID), row by row from y = -1 up; the largest is 1."""
        return crowd_of(self.points[: self.pool])

    @cached_property
    def crowd_at(self) -> np.ndarray:
        """The same at every point of the pool, (pool,) float32."""
        column, row = cells(self.points[: self.pool])
        return self.crowd[row, column].astype(np.float32)

    def save(self, path: Path) -> None:
        with replacing(path) as temporary:
            np.savez(temporary, **{name: value for name, value in vars(self).items() if name in SAVED})

    @classmethod
    def load(cls, path: Path) -> "Layout | None":
        """The one kept there; None where there is none that can be read: it can be drawn again."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                return cls(
                    space=str(kept["space"]),
                    key=str(kept["key"]),
                    rows=kept["rows"],
                    pool=int(kept["pool"]),
                    points=kept["points"],
                    before=kept["before"],
                    raw=kept["raw"],
                    made=str(kept["made"]),
                    kept=float(kept["kept"]),
                    note=str(kept["note"]),
                    final=bool(kept["final"]),
                )
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None


SAVED = frozenset(Layout.__dataclass_fields__)


class Layouts:
    """The layouts of a project's spaces, and the thread that draws them."""

    def __init__(self, desk: OpenProject) -> None:
        self.desk = desk
        self.background = Background(desk)
        self._kept: dict[str, Layout | None] = {}
        self._digest: tuple[Rows, str] | None = None

    def get(self, name: str) -> Layout | None:
        """What can be shown of a space now. Where a better layout is possible, the work on it begins."""
        layout = self._known(name)
        if layout is None or layout.key != self.key(name) or not layout.final:
            self.waiting(name)
        return layout

    def waiting(self, name: str) -> str:
        """What is being done for the map of this space, in words; "" where it is final."""
        key, layout = self.key(name), self._known(name)
        if layout is None or layout.key != key:
            return self.background.ask(
                ("layout", key, 1), f"drawing the map of {title(name)}", lambda: self._draw(name)
            )
        if not layout.final:
            doing = f"laying out the map of {title(name)} by t-SNE"
            return self.background.ask(("layout", key, 2), doing, lambda: self._draw_well(name))
        return ""

    def latest(self, name: str | None = None) -> str:
        """The space whose map is shown: the one asked for; without a name the latest that has a layout already."""
        if name is not None:
            return self.desk.space_name(name)
        newest = self.desk.space_name()
        if self.get(newest) is not None:
            return newest
        return next((other for other in self._others(newest) if self._known(other) is not None), newest)

    def key(self, name: str) -> str:
        """Of all that a layout is drawn from: the items, and the weights that gave them their codes."""
        rows = self.desk.rows
        if self._digest is None or self._digest[0] is not rows:
            said = "\n".join(rows.ids.tolist()).encode() + rows.pool.tobytes()
            self._digest = rows, hashlib.sha256(said).hexdigest()[:16]
        weights = "" if name == QUICK else weights_hash(next(run for run in self.desk.learned if run.name == name))
        return f"{name}-{len(rows)}-{self._digest[1]}-{weights}"

    def folder(self, name: str) -> Path:
        return self.desk.folder if name == QUICK else self.desk.folder / "runs" / name

    def path(self, name: str) -> Path:
        return self.folder(name) / (QUICK_FILE if name == QUICK else FILE)

    def _known(self, name: str) -> Layout | None:
        if name not in self._kept:
            self._kept[name] = Layout.load(self.path(name))
        return self._kept[name]

    def _others(self, name: str) -> Iterator[str]:
        """Other spaces, those before this one first, the latest of them first."""
        names = [QUICK, *(run.name for run in self.desk.learned)]
        at = names.index(name)
        yield from reversed(names[:at])
        yield from names[at + 1 :]

    def _keep(self, layout: Layout) -> None:
        self._kept[layout.space] = layout
        layout.save(self.path(layout.space))

    # in the background

    def _draw(self, name: str) -> None:
        """The map the run has kept; without one, principal components at once."""
        from tacit.latent.map import kept_map, neighbours_kept_on_map, principal_components
        from tacit.latent.space import MAP

        key, space = self.key(name), self.space(name)
        kept = kept_map(self.folder(name) / MAP) if name != QUICK else None
        if kept is not None and len(kept) == len(space):
            self._keep(self._laid(name, key, space, kept.points.numpy(), kept.name, kept.kept, kept.note, final=True))
            return
        former, quickly = self._known(name), name == QUICK and len(space) > LARGEST_QUICK
        if former is not None and 4 <= former.pool < len(space) <= 2 * former.pool and not quickly:
            self._draw_well(name)  # what is known stays meanwhile, and the new items glide in
            return
        places = principal_components(space.codes.float())
        note = f"More than {LARGEST_QUICK:,} items: no t-SNE before a space is learned." if quickly else ""
        share = neighbours_kept_on_map(space.codes.float(), places)
        self._keep(self._laid(name, key, space, places.numpy(), "principal components", share, note, final=quickly))

    def _draw_well(self, name: str) -> None:
        """The t-SNE, from the earlier places where there are some."""
        import torch

        from tacit.latent.map import draw

        key, space = self.key(name), self.space(name)
        former = self._known(name)
        if name != QUICK:
            drawn = space.map()
        else:
            joins = former is not None and former.made == "t-SNE" and former.pool < len(space)
            start = torch.from_numpy(former.raw) if former is not None and joins else None
            drawn = draw(space.codes, space.graph, start=start, seed=self.desk.project.seed)
        places = drawn.points.numpy()
        self._keep(self._laid(name, key, space, places, drawn.name, drawn.kept, drawn.note, final=True))

    def space(self, name: str) -> "Space":
        """The space with all items that there are by now."""
        if not len(self.desk.rows.pool):
            raise BadData("the pool is empty, so there is no map\n  make the project anew with --yardstick 0")
        space = self.desk.space(name)
        if len(space) != len(self.desk.rows.pool):
            raise BadData(
                f"{title(name)} has {len(space):,} items and the pool {len(self.desk.rows.pool):,}\n"
                "  start the server again: tacit serve"
            )
        return space

    def _laid(
        self, name: str, key: str, space: "Space", raw: np.ndarray, made: str, kept: float, note: str, *, final: bool
    ) -> Layout:
        """The layout as it is shown: with the yardstick, aligned to what was shown before, within [-1, 1]."""
        from tacit.latent.alignment import procrustes, within_one

        rows = self.desk.rows
        order = np.concatenate([rows.pool, rows.yardstick]).astype(np.int32)
        places = np.concatenate([raw, self._beside(space, raw)]).astype(np.float64)
        before = np.full((len(order), 2), np.nan, dtype=np.float32)
        shown = next((found for other in (name, *self._others(name)) if (found := self._known(other))), None)
        if shown is not None:
            _, here, there = np.intersect1d(order[: len(raw)], shown.rows[: shown.pool], return_indices=True)
            before[here] = shown.points[there]
            places = procrustes(places[here], before[here])(places)
        points = within_one(places[: len(raw)])(places).clip(-1, 1).astype(np.float32)
        return Layout(
            name, key, order, len(raw), points, before, raw.astype(np.float32), made, float(kept), note, final
        )

    def _beside(self, space: "Space", places: np.ndarray) -> np.ndarray:
        """Places (M, 2) of the yardstick: the mean of those of the items of the pool nearest by code, or of a sample of it."""
        import torch

        from tacit.latent.neighbours import nearest

        yardstick, among = self.desk.project.yardstick, torch.arange(len(space))
        if len(space) > AMONG:
            among = torch.randperm(len(space), generator=torch.Generator().manual_seed(0))[:AMONG]
        known = space.codes[among]
        parts = [np.empty((0, 2))]
        for rows in torch.arange(len(yardstick)).split(AT_ONCE):
            with self.desk.model_lock:
                codes = space.encode(yardstick.floats(rows)).to(space.codes.dtype)
            parts.append(places[among[nearest(codes, known, BESIDE)[1]].numpy()].mean(1))
        return np.concatenate(parts)


def title(name: str) -> str:
    """A space as a person calls it."""
    return "the items themselves" if name == QUICK else name


def cells(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of the density's grid for points (N, 2) in [-1, 1]."""
    at = ((points + 1) * (GRID / 2)).astype(np.int64).clip(0, GRID - 1)
    return at[:, 0], at[:, 1]


def crowd_of(points: np.ndarray) -> np.ndarray:
    """A histogram of points (N, 2) in [-1, 1], smoothed by a Gaussian, (GRID, GRID) float64; the largest is 1."""
    from scipy.ndimage import gaussian_filter

    column, row = cells(points)
    counts = np.bincount(row * GRID + column, minlength=GRID * GRID).reshape(GRID, GRID)
    smooth = gaussian_filter(counts.astype(np.float64), SMOOTH, mode="constant")
    return smooth / max(float(smooth.max()), 1e-12)

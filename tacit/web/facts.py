"""What a space says of its items beyond their places: groups, strange ones, near copies, and how crowded it is there.

Each kind is found in the background, and kept beside the run (for quick codes beside the project).
"""

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.disk import replacing
from tacit.web.layouts import Layouts, title
from tacit.web.open_project import QUICK

if TYPE_CHECKING:
    from tacit.latent.space import Space

BY_DENSITY = 10_000  # items up to which HDBSCAN and the kernel density are quick
FEWEST_GROUPS = 8  # k-means in larger pools
SMALLEST = 15  # items of a group
EXACT = 100_000  # items up to which a neighbour graph takes minutes without faiss
OUTLIERS = 0.01  # share of the items that is marked
DOING = {
    "groups": "looking for clusters in {}",
    "graph": "finding the neighbours of every item in {}",
    "density": "measuring how crowded {} is",
    "rebuilt": "decoding every item of {}",
}


@dataclass(frozen=True)
class Fact:
    """Numbers for every item of the pool, and how they were found; none where they could not be."""

    key: str  # of what they were found from
    arrays: dict[str, np.ndarray]  # (n,) each
    said: str


class Facts:
    """Facts by space and kind ("groups", "graph", "density", "rebuilt")."""

    def __init__(self, layouts: Layouts) -> None:
        self.layouts, self.desk = layouts, layouts.desk
        self._kept: dict[tuple[str, str], Fact] = {}

    def get(self, name: str, kind: str) -> Fact | str:
        """The fact, or what is being done about it, in words."""
        key = self.layouts.key(name)
        if (name, kind) not in self._kept and (kept := self._load(name, kind)) is not None:
            self._kept[name, kind] = kept
        found = self._kept.get((name, kind))
        if found is not None and found.key == key:
            return found
        doing = DOING[kind].format(title(name))
        return self.layouts.background.ask((kind, key), doing, lambda: self._find(name, kind, key))

    def _path(self, name: str, kind: str) -> Path:
        return self.layouts.folder(name) / (f"quick-{kind}.npz" if name == QUICK else f"{kind}.npz")

    def _load(self, name: str, kind: str) -> Fact | None:
        try:
            with np.load(self._path(name, kind), allow_pickle=False) as kept:
                arrays = {column: kept[column] for column in kept.files if column not in ("key", "said")}
                return Fact(str(kept["key"]), arrays, str(kept["said"]))
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None  # it can be found again

    def _find(self, name: str, kind: str, key: str) -> None:
        space = self.layouts.space(name)
        if kind == "groups":
            arrays, said = groups(space, len(self.desk.project.classes))
        elif kind == "graph":
            arrays, said = strange(space)
        elif kind == "density":
            arrays, said = crowded(space)
        else:
            arrays = {"rebuilt": space.rebuilt_badly().numpy()}
            said = "Squared error of an item rebuilt from its code, summed over it: large where the space misses something."
        self._kept[name, kind] = Fact(key, arrays, said)
        with replacing(self._path(name, kind)) as temporary:
            words: dict[str, Any] = {"key": np.array(key), "said": np.array(said)}
            np.savez(temporary, **words, **arrays)  # type: ignore[arg-type]


def groups(space: "Space", classes: int) -> tuple[dict[str, np.ndarray], str]:
    """`group` (n,) int16, the largest first, -1 for those in none."""
    if len(space) < SMALLEST:
        return {"group": np.full(len(space), -1, dtype=np.int16)}, f"No clusters among fewer than {SMALLEST} items."
    if len(space) <= BY_DENSITY:
        found = space.clusters("hdbscan", smallest=SMALLEST).numpy()
        said = f"Dense clusters of at least {SMALLEST} items, found by HDBSCAN; items in none are left out."
    else:
        n = max(FEWEST_GROUPS, classes)
        found = space.clusters("kmeans", n).numpy()
        said = f"{n} clusters by k-means: with more than {BY_DENSITY:,} items, HDBSCAN would take too long."
    size = np.bincount(found[found >= 0], minlength=1)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    return {"group": np.where(found >= 0, rank[found.clip(0)], -1).astype(np.int16)}, said


def strange(space: "Space") -> tuple[dict[str, np.ndarray], str]:
    """`outlier` (n,) float32, and `near` (n,) bool: nearly the same as another item."""
    if len(space) > EXACT and not importlib.util.find_spec("faiss"):
        return {}, f"Neighbours of more than {EXACT:,} items need faiss: pip install 'tacit[ann]'."
    from tacit.latent.duplicates import WITHIN

    outlier = space.outliers().float().numpy()
    first = space.graph.distance[:, :1].numpy()
    near = np.asarray((first <= WITHIN * space.step).any(1))  # no neighbour at all is no copy
    return {
        "outlier": outlier,
        "near": near,
    }, "Distance to the 15th neighbour, in units of the usual distance between neighbours: large is strange."


def crowded(space: "Space") -> tuple[dict[str, np.ndarray], str]:
    """`density` (n,) float32; nothing for pools in which it would take too long."""
    if len(space) > BY_DENSITY:
        said = f"How crowded the map is there, as a share of its most crowded place: the density of codes takes too long for more than {BY_DENSITY:,} items."
        return {}, said
    found = space.density().float().numpy()
    found[~np.isfinite(found)] = np.nan
    return {"density": found}, "Logarithm of the density of codes around an item, by all the others: low is lonely."


def marked_outliers(outlier: np.ndarray) -> np.ndarray:
    """The strangest hundredth, (n,) bool; at least one, and none where all are alike."""
    if not len(outlier) or outlier.max() <= outlier.min():
        return np.zeros(len(outlier), dtype=bool)
    k = max(1, int(len(outlier) * OUTLIERS))
    marked = np.zeros(len(outlier), dtype=bool)
    marked[np.argpartition(-outlier, k - 1)[:k]] = True
    return marked

"""A project's folder and what is in it."""

import sqlite3
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from tacit.data.labels import Labels
from tacit.data.pack import Packed, open_items, pack, read_truth
from tacit.data.pool import Items, Pool, Yardstick
from tacit.data.store import connect
from tacit.engine.run import Run, all_runs
from tacit.errors import BadData, WrongUsage
from tacit.project.settings import Settings, find

H = TypeVar("H", bound="Home")


class Home:
    """Items, answers, runs and spaces in one folder; `Project` adds the verbs."""

    packed: Packed  # what the latest scan found

    def __init__(self, folder: str | Path | None = None) -> None:
        """Open the project in `folder`, around the current folder, or the only one beside it."""
        self.folder = find(Path(folder) if folder is not None else None)
        self.settings = Settings(self.folder)
        self._here = threading.local()

    @classmethod
    def create(
        cls: type[H],
        source: str | Path,
        folder: str | Path | None = None,
        *,
        size: int | None = None,
        aspect: str | None = None,
        rate: int | None = None,
        seconds: float | None = None,
        yardstick: float | int | None = None,
        truth: str | None = None,
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> H:
        """Read a folder of images or sounds, an array file or a table into a new project.

        `folder` defaults to SOURCE.tacit beside the source.

        On a project of the same source: take in what was added, moved or removed since.
        """
        source = Path(source)
        folder = Path(folder) if folder else source.resolve().with_name(source.resolve().stem + ".tacit")
        if (folder / "project.toml").exists():
            kept = Settings(folder).source
            if kept.resolve() != source.resolve():
                raise WrongUsage(
                    f"{folder} is a project of {kept}, not of {source}\n"
                    f"  choose another folder: tacit init {source} -p NAME.tacit"
                )
        packed = pack(
            source,
            folder,
            size=size,
            aspect=aspect,
            rate=rate,
            seconds=seconds,
            yardstick=yardstick,
            truth=truth,
            seed=seed,
            on_progress=on_progress,
        )
        if not (folder / "project.toml").exists():
            Settings.write_new(folder, source, seed=seed)
        project = cls(folder)
        project.packed = packed
        return project

    def refresh(self, on_progress: Callable[[int, int], None] | None = None) -> Packed:
        """Look at the source again: read what is new, note what moved or went."""
        self.packed = pack(self.settings.source, self.folder, seed=self.seed, on_progress=on_progress)
        self.__dict__.pop("_items", None)
        return self.packed

    # what is in it

    @cached_property
    def _items(self) -> tuple[Pool, Yardstick]:
        return open_items(self.folder)

    @property
    def pool(self) -> Pool:
        """What may be learned from and chosen from."""
        return self._items[0].with_classes(self.classes)

    @property
    def yardstick(self) -> Yardstick:
        """What may only be measured on."""
        return self._items[1].with_classes(self.classes)

    @property
    def sides(self) -> tuple[Pool, Yardstick]:
        """Both without their classes: there at once, where `pool` and `yardstick` ask the ledger which classes there are."""
        return self._items

    def files_of(self, id_: str) -> list[tuple[str, int]]:
        """Where one item was seen, relative to the source, and how many bytes its file had."""
        return list(self._db.execute("SELECT path, size FROM files WHERE id = ? ORDER BY path", (id_,)))

    @cached_property
    def labels(self) -> Labels:
        return Labels(self.folder / "project.db")

    @property
    def classes(self) -> tuple[str, ...]:
        """Declared in project.toml, then those answered beyond it in order of first use."""
        declared = self.settings.classes
        return (*declared, *(c for c in self.labels.classes(overruled=False) if c not in declared))

    @property
    def seed(self) -> int:
        return int(self.settings.get("seed", 0))

    @property
    def _db(self) -> sqlite3.Connection:
        """This thread's connection."""
        if not hasattr(self._here, "db"):
            self._here.db = connect(self.folder / "project.db")
        return self._here.db

    def paths_by_id(self) -> dict[str, list[str]]:
        """Where each item was seen, relative to the source; duplicates share an item."""
        places: dict[str, list[str]] = {}
        for id_, path in self._db.execute("SELECT id, path FROM files ORDER BY path"):
            places.setdefault(id_, []).append(path)
        return places

    def seen(self) -> list[tuple[str, str, int]]:
        """Id, first path and size in bytes of every item that was seen in a file."""
        return list(self._db.execute("SELECT id, min(path), max(size) FROM files GROUP BY id"))

    def paths(self, ids: list[str]) -> list[str]:
        """One path an item, for people to read; its id where the file is gone."""
        query = "SELECT min(path) FROM files WHERE id = ?"
        return [self._db.execute(query, (id_,)).fetchone()[0] or id_ for id_ in ids]

    def known(self) -> dict[str, str]:
        """Ids and file paths of all items, to their ids: what a table of answers may name."""
        names = {path: id_ for id_, paths in self.paths_by_id().items() for path in paths}
        return names | {id_: id_ for (id_,) in self._db.execute("SELECT id FROM items")}

    def answers(self, items: Items) -> Tensor:
        """What people have answered about these items, (N,) int64."""
        with self.labels.one_moment():  # somebody may be answering with a new class
            return self.labels.vector(items.ids, self.classes)

    def truth(self, items: Items) -> tuple[Tensor, tuple[str, ...]]:
        """Hidden labels and their class names, for simulations and for measuring; BadData where there are none."""
        found = read_truth(self.folder, items)
        if found is None:
            raise BadData(
                f"{self.folder} has no hidden labels to answer from\n"
                "  a simulation needs them: an array y, a label column, or tacit init SOURCE --truth folders"
            )
        return found

    @property
    def runs(self) -> list[Run]:
        return all_runs(self.folder / "runs")

    def run(self, name: str | None, task: str) -> Run:
        """The named run, or the latest finished one of a task ("learn" or "train")."""
        if name is not None:
            matches = [
                r for r in self.runs if r.name == name or r.name.startswith(name) or r.name.split("-", 1)[1] == name
            ]
            if not matches:
                known = ", ".join(r.name for r in self.runs) or "none yet"
                raise WrongUsage(f"there is no run called {name!r}\n  known: {known}")
            return matches[-1]
        done = [r for r in self.runs if r.record.get("task") == task and r.finished]
        if not done:
            raise WrongUsage(f"nothing has been {'learned' if task == 'learn' else 'trained'} yet\n  try: tacit {task}")
        return done[-1]

"""A project that a server has opened: its items, answers, spaces and runs, read once and again where they changed."""

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tacit.errors import TacitError, WrongUsage
from tacit.web import schemas

if TYPE_CHECKING:  # torch takes seconds to load, and the page should be there before
    from tacit.engine.run import Run
    from tacit.evaluate.guesses import Guesses
    from tacit.latent.space import Space
    from tacit.project import Project
    from tacit.web.imported import Imported
    from tacit.web.standing import Standing

WAIT = 120.0  # seconds that a request waits for the project to be opened
QUICK = "quick"  # the space before one is learned


@dataclass(frozen=True)
class Rows:
    """Which item is in which row (R,), on which side, and at which position of that side."""

    ids: np.ndarray
    place: dict[str, int]
    pool: np.ndarray  # rows of the pool, in its order
    yardstick: np.ndarray
    position: np.ndarray  # (R,) int64, in the pool or the yardstick
    is_pool: np.ndarray  # (R,) bool

    def __len__(self) -> int:
        return len(self.ids)


class OpenProject:
    """One project, opened in a thread of its own; whoever asks for it earlier waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = threading.Event()
        self.failure: Exception | None = None
        self._opener = 0  # the thread that opens it does not wait for itself
        self._project: Project | None = None
        self._signature: Any = None
        self.told: schemas.State | None = None  # the state of the latest version
        self.settings_stamp = 0  # when project.toml was read
        self.vanished: list[str] = []  # paths that scans of this server have found gone
        self._version = int(time.time()) * 1000  # greater than any that a server before this one told
        self._lock = threading.RLock()
        self.model_lock = threading.RLock()  # around every use of a method: they switch modes, and random numbers
        self._loading = threading.RLock()  # of its own: who asks what changed does not wait for a space
        self._spaces: dict[str, Space] = {}
        self._parsed: dict[str, tuple[int, Run]] = {}
        self._guesses: tuple[str, Guesses] | None = None
        self._bumped = 0
        self.doing = "opening the project"  # for people who wait

    def open(self) -> None:
        """Open the project; to be run in a thread."""
        try:
            from tacit.project import Project

            self._opener = threading.get_ident()
            self._project = Project(self.folder)
            self._begin()
            self.doing = ""
        except Exception as error:  # told to everybody who asks
            self.failure = error
        finally:
            self.ready.set()

    def _begin(self) -> None:
        """What the first requests would wait for."""
        _ = self.rows, self.standing

    @property
    def project(self) -> "Project":
        if self._project is None or not self.ready.is_set():
            if threading.get_ident() != self._opener and not self.ready.wait(WAIT):
                raise WrongUsage("the project is still being opened\n  try again in a moment")
            if self.failure is not None:
                raise self.failure
        assert self._project is not None
        return self._project

    @cached_property
    def identity(self) -> str:
        """Which project this is, 16 hexadecimal digits: it differs between copies, for their answers do too, and where
        it was made anew from other items. Items that join later do not change it."""
        name = f"{os.fsencode(self.folder.resolve())!r} {self.project.settings.get('id', '')}"
        fixed = np.append(self.rows.yardstick, 0)  # rows whose items stay what they were when it was made
        said = " ".join([name, *(f"{row} {self.rows.ids[row]}" for row in fixed)])
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    @cached_property
    def imported(self) -> "Imported":
        from tacit.web.imported import Imported

        return Imported(self.folder)

    # items

    @cached_property
    def rows(self) -> Rows:
        pool, yardstick = self.project.pool, self.project.yardstick
        sides = [np.asarray(side.rows, dtype=np.int64) for side in (pool, yardstick)]
        total = len(sides[0]) + len(sides[1])
        ids = np.empty(total, dtype=object)
        position, is_pool = np.zeros(total, dtype=np.int64), np.zeros(total, dtype=bool)
        for rows, side in zip(sides, (pool, yardstick), strict=True):
            ids[rows], position[rows] = side.ids, np.arange(len(rows))
        is_pool[sides[0]] = True
        return Rows(ids, {str(id_): row for row, id_ in enumerate(ids)}, sides[0], sides[1], position, is_pool)

    @cached_property
    def standing(self) -> "Standing":
        from tacit.web.standing import Standing

        return Standing(self.project.labels, len(self.rows), self.rows.place)

    def check(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """These rows as an array; WrongUsage where one is none of the project's."""
        try:
            found = np.asarray(rows, dtype=np.int64)
        except OverflowError:
            raise WrongUsage(f"there is no such item; the rows are 0 to {len(self.rows) - 1}") from None
        if len(found) and not (found.min() >= 0 and found.max() < len(self.rows)):
            strange = int(found[(found < 0) | (found >= len(self.rows))][0])
            raise WrongUsage(f"there is no item in row {strange}; the rows are 0 to {len(self.rows) - 1}")
        return found

    def ids_of(self, rows: Sequence[int] | np.ndarray) -> list[str]:
        return [str(id_) for id_ in self.rows.ids[self.check(rows)]]

    def item(self, row: int) -> schemas.Item:
        return self.items([row])[0]

    def items(self, rows: Sequence[int] | np.ndarray) -> list[schemas.Item]:
        """What the page shows of items: a few at a time, for their names are looked up one by one."""
        ids = self.ids_of(rows)
        names = self.project.paths(ids)
        flags, reasons, kind = self.project.labels.flags(), self.reasons(), self.project.sides[0].spec.kind
        guesses = self.guesses()
        self.standing.refresh()
        return [
            schemas.Item(
                row=int(row),
                id=id_,
                name=name,
                side="pool" if self.rows.is_pool[row] else "yardstick",
                kind=kind,  # type: ignore[arg-type]
                label=self.standing.answer(int(row)),
                guess=self.guess(int(row), guesses),
                reason=reasons.get(id_),
                flag=flags[id_][1] if id_ in flags else None,
                version=id_[:12],
            )
            for row, id_, name in zip(rows, ids, names, strict=True)
        ]

    def reasons(self) -> dict[str, str]:
        """Why items were suggested in the latest round, by id."""
        return {pick.item: pick.reason for pick in self.project.labels.picks()}

    # the space and the model

    @property
    def learned(self) -> list["Run"]:
        """Runs that left a space, oldest first."""
        from tacit.latent.space import CODES

        return [r for r in self.runs if r.record.get("task") == "learn" and r.finished and (r.folder / CODES).exists()]

    @property
    def runs(self) -> list["Run"]:
        """Those that can be read, oldest first; read again only where they were written since."""
        from tacit.engine.run import Run

        found = []
        for folder, stamp in self._stamps():
            if self._parsed.get(folder.name, (0, None))[0] != stamp:
                try:
                    self._parsed[folder.name] = stamp, Run.open(folder)
                except TacitError:
                    continue
            found.append(self._parsed[folder.name][1])
        return found

    def _stamps(self) -> list[tuple[Path, int]]:
        """Folders of runs, and when their records were written."""
        found = []
        for folder in sorted((self.folder / "runs").glob("[0-9][0-9][0-9]-*")):
            with suppress(OSError):
                found.append((folder, (folder / "run.toml").stat().st_mtime_ns))
        return found

    def space_name(self, name: str | None = None) -> str:
        """The name of a space there is: of this run, or the latest; QUICK before anything is learned."""
        names = [run.name for run in self.learned]
        if name is not None and name not in (*names, QUICK):
            raise WrongUsage(f"there is no space called {name!r}\n  known: {', '.join([*names, QUICK])}")
        return name or (names[-1] if names else QUICK)

    def space(self, name: str | None = None) -> "Space":
        """Loaded when it is first asked for, which can take a while; kept from then on."""
        name = self.space_name(name)
        with self._loading:
            if name not in self._spaces:
                self._spaces[name] = self._load(name)
            return self._spaces[name]

    def has_loaded(self, name: str | None = None) -> bool:
        return self.space_name(name) in self._spaces

    def _load(self, name: str) -> "Space":
        from tacit.deploy.export import load
        from tacit.latent.space import Space
        from tacit.project.choosing import quick_space

        if name == QUICK:
            return quick_space(self.project)
        folder = self.folder / "runs" / name
        return Space.load(folder, self.project.pool, load(folder, trust_code=True))

    @property
    def trained(self) -> list["Run"]:
        return [run for run in self.runs if run.record.get("task") == "train" and run.finished]

    @property
    def model_run(self) -> "Run | None":
        """The run that suggestions come from: the one that said last what it takes every item for."""
        found = [(stamp, i, run) for i, run in enumerate(self.trained) if (stamp := guessed(run))]
        return max(found)[2] if found else None

    def guesses(self) -> "Guesses | None":
        """What the current model takes the items of the pool for."""
        from tacit.evaluate.guesses import Guesses

        run = self.model_run
        if run is None:
            return None
        with self._lock:
            said = f"{run.name} {guessed(run)}"
            if self._guesses is None or self._guesses[0] != said:
                self._guesses = said, Guesses.load(run.folder)
            return self._guesses[1]

    def guess(self, row: int, found: "Guesses | None") -> schemas.Guess | None:
        """What they say of a row; never of the yardstick: whoever answers it must not be led."""
        if found is None or not self.rows.is_pool[row]:
            return None
        at = int(self.rows.position[row])
        if at >= len(found):
            return None  # it joined later
        return schemas.Guess(
            answer=found.classes[int(found.best[at])],
            confidence=float(found.p[at]),
            second=found.classes[int(found.second[at])],
            second_confidence=float(found.q[at]),
        )

    # what changed

    def forget_items(self) -> None:
        """A scan has found other items: what was read of them is read again."""
        with self._lock:
            for name in ("rows", "standing"):
                self.__dict__.pop(name, None)
            self._spaces.clear()
        self.changed()

    def changed(self) -> None:
        """Something that no file tells of has changed."""
        with self._lock:
            self._bumped += 1

    def version(self) -> int:
        """Rises when anything did that a page shows: answers, rounds, runs, settings, jobs; whoever wrote it."""
        with self._lock:
            signature = self._now()
            if signature != self._signature:
                self._signature = signature
                self._version += 1
            return self._version

    def _now(self) -> tuple[Any, ...]:
        labels = self.project.labels
        told = labels.latest_event(), labels.rounds(), len(labels.flags())  # first: it says so where the folder is gone
        settings = (self.folder / "project.toml").stat().st_mtime_ns
        return *told, tuple(self._stamps()), settings, self._bumped


def guessed(run: "Run") -> int:
    """When it said what it takes every item for; 0 where it has not."""
    from tacit.evaluate.guesses import FILE

    try:
        return (run.folder / FILE).stat().st_mtime_ns
    except OSError:
        return 0


_hashes: dict[tuple[str, int], str] = {}


def weights_hash(run: "Run") -> str:
    """The first 12 digits of the SHA-256 of its weights."""
    from tacit.deploy.export import WEIGHTS

    path = run.folder / WEIGHTS
    key = str(path), path.stat().st_mtime_ns
    if key not in _hashes:
        with path.open("rb") as file:
            _hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return _hashes[key]

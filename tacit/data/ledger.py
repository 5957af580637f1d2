"""What can be read off the ledger: answers as of now, what happened, disagreements, flags, rounds, what it all cost."""

import difflib
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.data.events import CANNOT_TELL, OF_CLASSES, Cost, Event, Pick
from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.data.store import connect, explain, which
from tacit.errors import BadData, BadEnvironment, WrongUsage

COLUMNS = ", ".join(field.name for field in fields(Event))
BY = "(:who IS NULL OR who = :who)"
AT_ONCE = 500  # values in one statement, below SQLite's limit


class Ledger:
    """The answers of a project, for whoever asks; `Labels` writes them.

    Threads and processes may share the file: each thread has a connection of its own, and readers neither wait nor make
    wait.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._here, self._process = threading.local(), os.getpid()
        self._file: tuple[int, int] | None = None
        self._db()  # a file that cannot be used is refused now
        self._file = which(self.path)

    def answers(self, who: str | None = None) -> dict[str, str]:
        """Item id -> answer as of now (of `who`, or of anybody): the latest that counts."""
        return dict(self._read(f"SELECT item, answer FROM live WHERE {BY} ORDER BY event", {"who": who}))

    def current(self) -> list[Event]:
        """The answers behind `answers()`, one an item, in the order they were given."""
        query = f"SELECT {COLUMNS} FROM live WHERE event IN (SELECT MAX(event) FROM live GROUP BY item) ORDER BY event"
        return self._events(query)

    def vector(self, ids: Sequence[str] | np.ndarray, classes: Sequence[str]) -> Tensor:
        """Labels of these items, (N,) int64: a class index, UNLABELED where nobody answered, SET_ASIDE for "?"."""
        number = {name: i for i, name in enumerate(classes)} | {CANNOT_TELL: SET_ASIDE}
        answers = self.answers()
        said = [answers.get(id_) for id_ in (ids.tolist() if isinstance(ids, np.ndarray) else ids)]
        strange = Counter(answer for answer in said if answer is not None and answer not in number)
        if strange:
            listed = "".join(f"\n  {name!r} ({n} items){closest(name, classes)}" for name, n in strange.most_common(5))
            raise BadData(
                f"{len(strange)} answers are not among the classes ({', '.join(classes)}){listed}\n"
                "  add them to the classes in project.toml, or answer those items again"
            )
        return torch.tensor([UNLABELED if answer is None else number[answer] for answer in said], dtype=torch.long)

    def classes(self, *, overruled: bool = True) -> tuple[str, ...]:
        """Names in answers that count, in order of first use; "?" is none.

        Without `overruled` only those that some item has as of now: a class that all its items have left is gone.
        """
        query = "SELECT answer FROM live WHERE answer != ? GROUP BY answer ORDER BY MIN(event)"
        names = tuple(name for (name,) in self._read(query, [CANNOT_TELL]))
        if overruled:
            return names
        latest = "SELECT DISTINCT answer FROM live WHERE event IN (SELECT MAX(event) FROM live GROUP BY item)"
        standing = {name for (name,) in self._read(latest)}
        return tuple(name for name in names if name in standing)

    def history(self, item: str | None = None) -> list[Event]:
        """Everything that happened (to this item), oldest first."""
        of = "" if item is None else "WHERE item = :item"
        return self._events(f"SELECT {COLUMNS} FROM events {of} ORDER BY event", {"item": item})

    def latest_event(self) -> int:
        """The number of the latest event; 0 where nothing has happened."""
        return int(self._read("SELECT COALESCE(MAX(event), 0) FROM events")[0][0])

    def since(self, event: int) -> list[Event]:
        """What happened after this event, oldest first."""
        return self._events(f"SELECT {COLUMNS} FROM events WHERE event > ? ORDER BY event", [event])

    def about(self, items: Sequence[str]) -> dict[str, Event]:
        """The answers that count about these items, by item; those without one are left out."""
        found: dict[str, Event] = {}
        for i in range(0, len(items), AT_ONCE):
            some = items[i : i + AT_ONCE]
            query = f"SELECT {COLUMNS} FROM live WHERE item IN ({', '.join('?' * len(some))}) ORDER BY event"
            found |= {event.item: event for event in self._events(query, some)}
        return found

    def recorded_with(self, key: str) -> list[str]:
        """The items of the call that was recorded with this key, whether its answers count by now or not."""
        with self._explained():
            return [item for _, item in batch_of(self._db(), key)]

    def arrived(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys whose answers have arrived."""
        return {key for key in keys if self._read("SELECT 1 FROM receipts WHERE key = ?", [key])}

    def by_one(self, items: Sequence[str] | None = None) -> dict[str, str]:
        """Items (of these) that one person alone has answered, and who.

        A change of a class is nobody's answer, and what was set aside as a near copy is not asked about again.
        """
        query = (
            f"SELECT item, MIN(who) FROM live WHERE {{}} NOT {OF_CLASSES} "
            "AND NOT (source = 'bulk' AND COALESCE(note, '') LIKE 'near duplicate of %') "
            "GROUP BY item HAVING COUNT(DISTINCT who) = 1"
        )
        if items is None:
            return dict(self._read(query.format("")))
        parts = [items[i : i + AT_ONCE] for i in range(0, len(items), AT_ONCE)]
        some = (self._read(query.format(f"item IN ({', '.join('?' * len(p))}) AND"), list(p)) for p in parts)
        return {item: who for rows in some for item, who in rows}

    def flags(self) -> dict[str, tuple[str, str]]:
        """Item id -> (who, note) of the flags that stand."""
        query = (
            "SELECT item, who, note FROM flags WHERE flag IN (SELECT MAX(flag) FROM flags GROUP BY item) ORDER BY flag"
        )
        return {item: (who, note) for item, who, note in self._read(query) if note is not None}

    def conflicts(self) -> dict[str, list[Event]]:
        """Items with different answers that count, oldest first: people disagree, or somebody changed their mind."""
        several = "SELECT item FROM live GROUP BY item HAVING COUNT(DISTINCT answer) > 1"
        found: dict[str, list[Event]] = {}
        for event in self._events(f"SELECT {COLUMNS} FROM live WHERE item IN ({several}) ORDER BY event"):
            found.setdefault(event.item, []).append(event)
        return found

    def cost(self) -> Cost:
        """How much was asked so far, and of whom."""
        rows = self._read("SELECT item, seconds, who, source FROM events WHERE kind = 'answer' ORDER BY event")
        took = [seconds for _, seconds, _, _ in rows if seconds is not None]
        people, sources = Counter(row[2] for row in rows), Counter(row[3] for row in rows)
        return Cost(len(rows), len({row[0] for row in rows}), sum(took, 0.0), len(took), dict(people), dict(sources))

    def minutes(self) -> list[tuple[int, int]]:
        """Minutes since 1970 in which somebody answered items one at a time, and how many answers each had."""
        query = (
            "SELECT CAST(time / 60 AS INTEGER), COUNT(*) FROM events WHERE kind = 'answer' AND source = 'single'"
            " GROUP BY 1 ORDER BY 1"
        )
        return [(int(minute), int(answers)) for minute, answers in self._read(query)]

    def picks(self, round: int | None = None) -> list[Pick]:
        """What was proposed in this round (default: the latest), best first; empty where nothing ever was."""
        query = "SELECT round, place, item, strategy, reason FROM picks WHERE round = {} ORDER BY place"
        if round is None:
            return [Pick(*row) for row in self._read(query.format("(SELECT MAX(round) FROM picks)"))]
        found = [Pick(*row) for row in self._read(query.format("?"), [round])]
        if not found:
            raise WrongUsage(f"there is no round {round} of picks\n  make one: tacit choose -k 20")
        return found

    def rounds(self) -> int:
        """How many rounds of picks there are; they are numbered from 1."""
        return int(self._read("SELECT COALESCE(MAX(round), 0) FROM picks")[0][0])

    def close(self) -> None:
        """Close this thread's connection; the next call opens it again."""
        if getattr(self._here, "db", None) is not None:
            self._here.db.close()
        self._here.db = None

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What this thread reads inside was all true at one moment, whatever others write meanwhile."""
        with self._explained():
            self._db().execute("BEGIN")
        try:
            yield
        finally:
            self._db().execute("COMMIT")

    def _events(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Event]:
        return [Event(*row) for row in self._read(query, values)]

    def _db(self) -> sqlite3.Connection:
        """This thread's connection."""
        if self._process != os.getpid():  # SQLite's file locks do not survive a fork: answers could be lost
            raise WrongUsage("these labels were opened before the process was forked; start the other process by spawn")
        if self._file is not None and which(self.path) != self._file:  # SQLite would write into the one that is gone
            raise BadEnvironment(
                f"{self.path} is not the file that was opened: it was moved, removed or replaced since\n"
                "  put it back, or start again what was working with it"
            )
        if getattr(self._here, "db", None) is None:
            self._here.db = connect(self.path)
        return self._here.db

    def _read(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple]:
        with self._explained():
            return self._db().execute(query, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise explain(error, self.path) from error
        except UnicodeEncodeError as error:
            raise WrongUsage(f"{error.object!r} is not valid text ({error.reason})") from error


def closest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: what may have been meant, where a known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def batch_of(db: sqlite3.Connection, key: str) -> list[tuple[int, str]]:
    """Events and items of the call that came with this key; none where it is new."""
    first = db.execute("SELECT event FROM receipts WHERE key = ?", [key]).fetchone()
    if first is None:
        return []
    return db.execute("SELECT event, item FROM events WHERE event >= ? AND batch = ?", [first[0], first[0]]).fetchall()

"""The ledger of answers: what was said about which item, by whom, when, and what was taken back.

Nothing in it is ever changed or deleted. An undo is one more event about an answer, and so is a redo; an answer counts
unless the latest of these is an undo. Of several answers about one item the latest that counts wins.
"""

import difflib
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from tacit.data.events import CANNOT_TELL, LATEST_TIME, OF_CLASSES, SOURCES, Cost, Event, Pick
from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.data.store import connect, explain, transaction
from tacit.errors import BadData, WrongUsage

COLUMNS = ", ".join(field.name for field in fields(Event))
INSERT = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(fields(Event)))})"
BY = "(:who IS NULL OR who = :who)"
AT_ONCE = 500  # values in one statement, below SQLite's limit


class Labels:
    """The append-only ledger of a project.

    Every call that records is one transaction, on disk when it returns. Threads and processes may share the file: each
    thread has a connection of its own, writers queue for a moment, and readers neither wait nor make wait.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = Path(path), clock
        self._here, self._process = threading.local(), os.getpid()
        self._db()  # a file that cannot be used is refused now

    def record(
        self,
        ids: Sequence[Any] | np.ndarray,
        answers: Sequence[Any] | np.ndarray,
        *,
        who: str | Sequence[str] = "me",
        source: str = "single",
        round: int | Sequence[int | None] | None = None,
        seconds: int | float | Sequence[int | float | None] | None = None,
        suggestions: Sequence[str | None] | None = None,
        note: str | Sequence[str | None] | None = None,
        times: Sequence[int | float | None] | None = None,
        keys: Sequence[str] | None = None,
        key: str | None = None,
        since: int | None = None,
        alone: bool = False,
        beside: Callable[[sqlite3.Connection], None] | None = None,
    ) -> list[int]:
        """Append one answer an item, all of them or none; their event numbers.

        White space around an answer is dropped; "?" says "cannot tell". `seconds` is one number an answer, or how long
        the whole call took, which is shared evenly. `who`, `round` and `note` are one for all, or one an answer. `times`
        (seconds since 1970) is for answers that were given elsewhere; the default is now. `keys`, one an answer, make
        it safe to send a call again when nobody knows whether it arrived: an answer whose key is known is not recorded
        a second time, and the number of its first event is handed back. `key` does the same for all answers of a call
        together. With `since`, the number of an event, items that something happened to after it are left out, and so
        are their numbers: for answers about many items that were unanswered when somebody looked. With `alone` each answer is a batch of its own, to be undone by itself.
        `beside` writes to other tables before the answers, in the same transaction.
        """
        items, said = _texts("item id", ids), [answer.strip() for answer in _texts("answer", answers)]
        n = len(items)
        people = _texts("name", [who] * n if isinstance(who, str) else who)
        if "" in items or "" in said or "" in people:
            raise WrongUsage(f"an item id, an answer or a name is empty; {CANNOT_TELL!r} is the answer for cannot tell")
        if source not in SOURCES:
            raise WrongUsage(f"there is no source of answers called {source!r}\n  known: {', '.join(SOURCES)}")
        took = [seconds / max(n, 1)] * n if isinstance(seconds, int | float) else _each("seconds", seconds, n)
        when, shown = _each("times", times, n), _each("suggestions", suggestions, n)
        if any(value is not None and not 0 <= value < LATEST_TIME for value in (*took, *when)):
            raise WrongUsage("the seconds or the time of an answer are negative, no number, or beyond the year 9999")
        said, people = _each("answers", said, n), _each("names", people, n)
        notes = [note] * n if note is None or isinstance(note, str) else _each("notes", note, n)
        rounds = [round] * n if round is None or isinstance(round, int) else _each("rounds", round, n)
        rows = list(zip(when, items, said, people, took, shown, notes, rounds, strict=True))
        with self._write() as db:
            if beside is not None:
                beside(db)
            if key is not None and (batch := _batch(db, key)):
                return [event for event, _ in batch]
            known = _receipts(db, _each("keys", None if keys is None else _texts("key", keys), n))
            first, now = _next_event(db), self.clock()
            busy = set() if since is None else _items_since(db, since)
            fresh = [i for i in range(n) if known[i] is None and items[i] not in busy]
            new = []
            for event, i in enumerate(fresh, start=first):
                t, item, answer, by, s, guess, why, asked = rows[i]
                known[i] = event
                told = (now if t is None else t, "answer", item, answer, None, by, source, asked, s, guess, why)
                new.append((event, event if alone else first, *told))
            db.executemany(INSERT, new)
            receipts = [] if keys is None else [(keys[i], known[i]) for i in fresh]
            if key is not None and new:
                receipts.append((key, first))
            db.executemany("INSERT INTO receipts (key, event) VALUES (?, ?)", receipts)
        return [event for event in known if event is not None]

    def undo(self, event: int | None = None, *, who: str | None = None) -> Event:
        """Take back an answer: the latest that counts (of `who`), or this one. The undo, which repeats the answer.

        An undo can be undone in its turn, by its number or with `redo`.
        """
        if event is None:
            return self._undo_latest(who, whole_batch=False)[0]
        with self._write() as db:
            target = self._event(db, event)
            answer = target if target.undoes is None else self._event(db, target.undoes)
            counts = db.execute("SELECT 1 FROM live WHERE event = ?", [answer.event]).fetchone() is not None
            if counts == (target.kind == "undo"):
                done = "brought back" if counts else "taken back"
                raise WrongUsage(f"event {event}: the answer {answer.answer!r} about {answer.item} was {done} already")
            return self._append(db, "undo" if counts else "redo", [answer], who)[0]

    def undo_batch(self, *, who: str | None = None) -> list[Event]:
        """Take back the latest answer that counts (of `who`) and all that were recorded in the same call."""
        return self._undo_latest(who, whole_batch=True)

    def redo(self, *, who: str | None = None) -> Event:
        """Bring back what was taken back last (by `who`), as long as no new answer (of theirs) came after it."""
        return self._redo_latest(who, whole_batch=False)[0]

    def redo_batch(self, *, who: str | None = None) -> list[Event]:
        """Bring back all that the latest undo (of `who`) took back in one call."""
        return self._redo_latest(who, whole_batch=True)

    def take_back(self, answer: str, *, who: str | None = None) -> list[Event]:
        """Take back every answer that counts and says this, whoever gave it, in one batch; the undos."""
        with self._write() as db:
            query = f"SELECT {COLUMNS} FROM live WHERE answer = ? ORDER BY event DESC"
            return self._append(db, "undo", [Event(*row) for row in db.execute(query, [answer])], who)

    def answers(self, who: str | None = None) -> dict[str, str]:
        """Item id -> answer as of now (of `who`, or of anybody): the latest that counts."""
        return dict(self._read(f"SELECT item, answer FROM live WHERE {BY} ORDER BY event", {"who": who}))

    def current(self) -> list[Event]:
        """The answers behind `answers()`, one an item, in the order they were given."""
        query = f"SELECT {COLUMNS} FROM live WHERE event IN (SELECT MAX(event) FROM live GROUP BY item) ORDER BY event"
        return [Event(*row) for row in self._read(query)]

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
        return [Event(*row) for row in self._read(f"SELECT {COLUMNS} FROM events {of} ORDER BY event", {"item": item})]

    def latest_event(self) -> int:
        """The number of the latest event; 0 where nothing has happened."""
        return int(self._read("SELECT COALESCE(MAX(event), 0) FROM events")[0][0])

    def since(self, event: int) -> list[Event]:
        """What happened after this event, oldest first."""
        return [
            Event(*row) for row in self._read(f"SELECT {COLUMNS} FROM events WHERE event > ? ORDER BY event", [event])
        ]

    def about(self, items: Sequence[str]) -> dict[str, Event]:
        """The answers that count about these items, by item; those without one are left out."""
        found: dict[str, Event] = {}
        for i in range(0, len(items), AT_ONCE):
            some = items[i : i + AT_ONCE]
            query = f"SELECT {COLUMNS} FROM live WHERE item IN ({', '.join('?' * len(some))}) ORDER BY event"
            found |= {event.item: event for event in (Event(*row) for row in self._read(query, some))}
        return found

    def recorded_with(self, key: str) -> list[str]:
        """The items of the call that was recorded with this key, whether its answers count by now or not."""
        with self._explained():
            return [item for _, item in _batch(self._db(), key)]

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

    def flag(self, item: str, note: str | None, *, who: str = "me") -> None:
        """Ask somebody to look at an item again, and say why; None takes the flag away."""
        if note is not None and not note.strip():
            raise WrongUsage("a flag needs a note that says why")
        with self._write() as db:
            values = (self.clock(), item, who, None if note is None else note.strip())
            db.execute("INSERT INTO flags (time, item, who, note) VALUES (?, ?, ?, ?)", values)

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
        for row in self._read(f"SELECT {COLUMNS} FROM live WHERE item IN ({several}) ORDER BY event"):
            event = Event(*row)
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

    def record_picks(self, strategy: str, ids: Sequence[Any] | np.ndarray, reasons: Sequence[str]) -> int:
        """Keep what a strategy proposed, best first, each with its reason; the number of the new round, from 1."""
        items = _texts("item id", ids)
        if not items or len(items) != len(reasons):
            raise WrongUsage(
                f"a round of picks needs one reason for each item; got {len(items)} items, {len(reasons)} reasons"
            )
        with self._write() as db:
            round_ = int(db.execute("SELECT COALESCE(MAX(round), 0) + 1 FROM picks").fetchone()[0])
            rows = [(round_, place, item, strategy, reasons[place]) for place, item in enumerate(items)]
            db.executemany("INSERT INTO picks (round, place, item, strategy, reason) VALUES (?, ?, ?, ?, ?)", rows)
        return round_

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

    def _undo_latest(self, who: str | None, *, whole_batch: bool) -> list[Event]:
        with self._write() as db:
            query = f"SELECT event, batch FROM live WHERE {BY} ORDER BY event DESC LIMIT 1"
            row = db.execute(query, {"who": who}).fetchone()
            if row is None:
                raise WrongUsage("there is no answer left to undo" + (f" of {who}" if who else ""))
            between = [row[1] if whole_batch else row[0], row[0]]
            query = f"SELECT {COLUMNS} FROM live WHERE event BETWEEN ? AND ? ORDER BY event DESC"
            return self._append(db, "undo", [Event(*row) for row in db.execute(query, between)], who)

    def _redo_latest(self, who: str | None, *, whole_batch: bool) -> list[Event]:
        holds = "kind = 'undo' AND event = (SELECT MAX(event) FROM events AS later WHERE later.undoes = events.undoes)"
        since = f"SELECT COALESCE(MAX(event), 0) FROM live WHERE {BY}"
        with self._write() as db:
            latest = f"{holds} AND {BY} AND event > ({since}) ORDER BY event DESC LIMIT 1"
            row = db.execute(f"SELECT event, batch FROM events WHERE {latest}", {"who": who}).fetchone()
            if row is None:
                raise WrongUsage("there is nothing to redo: no answer was taken back since the latest one")
            between = [row[1] if whole_batch else row[0], row[0]]
            which = f"SELECT undoes FROM events WHERE {holds} AND event BETWEEN ? AND ?"
            query = f"SELECT {COLUMNS} FROM events WHERE event IN ({which}) ORDER BY event"
            return self._append(db, "redo", [Event(*row) for row in db.execute(query, between)], who)

    def _append(
        self, db: sqlite3.Connection, kind: Literal["undo", "redo"], answers: list[Event], who: str | None
    ) -> list[Event]:
        """Undos or redos of these answers, in the name of whoever gave them where nobody is named."""
        first, now = _next_event(db), self.clock()
        told: dict[str, Any] = {
            "batch": first,
            "time": now,
            "kind": kind,
            "round": None,
            "seconds": None,
            "suggestion": None,
            "note": None,
        }
        new = [
            replace(answer, event=first + i, undoes=answer.event, who=who or answer.who, **told)
            for i, answer in enumerate(answers)
        ]
        db.executemany(INSERT, [tuple(vars(event).values()) for event in new])
        return new

    def _event(self, db: sqlite3.Connection, number: int | None) -> Event:
        row = db.execute(f"SELECT {COLUMNS} FROM events WHERE event = ?", [number]).fetchone()
        if row is None:
            raise WrongUsage(f"there is no event {number} in {self.path}")
        return Event(*row)

    def _db(self) -> sqlite3.Connection:
        """This thread's connection."""
        if self._process != os.getpid():  # SQLite's file locks do not survive a fork: answers could be lost
            raise WrongUsage("these labels were opened before the process was forked; start the other process by spawn")
        if getattr(self._here, "db", None) is None:
            self._here.db = connect(self.path)
        return self._here.db

    def _read(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple]:
        with self._explained():
            return self._db().execute(query, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), transaction(self._db()) as db:
            yield db

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


def _next_event(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COALESCE(MAX(event), 0) + 1 FROM events").fetchone()[0])


def _receipts(db: sqlite3.Connection, keys: list[str | None]) -> list[int | None]:
    """The events that came with these keys before; None for new ones. A key given twice in one call is refused."""
    if len({key for key in keys if key is not None}) < sum(key is not None for key in keys):
        raise WrongUsage("two answers of one call have the same key; a key names one answer")
    wanted, found = [key for key in keys if key is not None], dict[str | None, int]()
    for i in range(0, len(wanted), AT_ONCE):
        some = wanted[i : i + AT_ONCE]
        found |= db.execute(f"SELECT key, event FROM receipts WHERE key IN ({', '.join('?' * len(some))})", some)
    return [found.get(key) for key in keys]


def _batch(db: sqlite3.Connection, key: str) -> list[tuple[int, str]]:
    """Events and items of the call that came with this key; none where it is new."""
    first = db.execute("SELECT event FROM receipts WHERE key = ?", [key]).fetchone()
    if first is None:
        return []
    return db.execute("SELECT event, item FROM events WHERE event >= ? AND batch = ?", [first[0], first[0]]).fetchall()


def _items_since(db: sqlite3.Connection, event: int) -> set[str]:
    return {item for (item,) in db.execute("SELECT DISTINCT item FROM events WHERE event > ?", [event])}


def _texts(what: str, values: Sequence[Any] | np.ndarray) -> list[str]:
    """These values as a list of strings, or a sentence why not."""
    if isinstance(values, str):
        raise WrongUsage(f"expected a list of {what}s, got the single text {values!r}")
    values = values.tolist() if isinstance(values, np.ndarray) else list(values)
    for value in values:
        if not isinstance(value, str):
            raise WrongUsage(f"every {what} must be text; got {value!r} ({type(value).__name__})")
    return values


def _each(what: str, values: Sequence[Any] | None, n: int) -> list[Any]:
    """One value for each of n items; None for all where nothing was given."""
    if values is not None and len(values) != n:
        raise WrongUsage(f"{n} items came with {len(values)} {what}; give one for each")
    return [None] * n if values is None else list(values)

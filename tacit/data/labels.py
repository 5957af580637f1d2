"""The ledger of answers: what was said about which item, by whom, when, and what was taken back.

Nothing in it is ever changed or deleted. An undo is one more event about an answer, and so is a redo; an answer counts
unless the latest of these is an undo. Of several answers about one item the latest that counts wins.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tacit.data.events import CANNOT_TELL, LATEST_TIME, SOURCES, Event
from tacit.data.ledger import AT_ONCE, BY, COLUMNS, Ledger, batch_of
from tacit.data.store import transaction
from tacit.errors import WrongUsage

INSERT = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(fields(Event)))})"


class Labels(Ledger):
    """The append-only ledger of a project, to be written as well.

    Every call that records is one transaction, on disk when it returns. Writers, of whatever thread or process, queue for
    a moment.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path)
        self.clock = clock

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
        are their numbers: for answers about many items that were unanswered when somebody looked. With `alone` each
        answer is a batch of its own, to be undone by itself. `beside` writes to other tables before the answers, in the
        same transaction.
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
            if key is not None and (batch := batch_of(db, key)):
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

    def reword(self, answers: Sequence[Event], said: Sequence[str]) -> None:
        """Say these answers in other words: each that counts is taken back and given anew, by whoever gave it."""
        with self._write() as db:
            counts = "SELECT 1 FROM live WHERE event = ?"
            pairs = zip(answers, said, strict=True)
            both = [(old, new) for old, new in pairs if db.execute(counts, [old.event]).fetchone()]
            self._append(db, "undo", [old for old, _ in both], None)
            first = _next_event(db)
            anew = [
                replace(old, event=first + i, batch=first + i, answer=new, seconds=None)  # the time was told once
                for i, (old, new) in enumerate(both)
            ]
            db.executemany(INSERT, [tuple(vars(event).values()) for event in anew])

    def flag(self, item: str, note: str | None, *, who: str = "me") -> None:
        """Ask somebody to look at an item again, and say why; None takes the flag away."""
        if note is not None and not note.strip():
            raise WrongUsage("a flag needs a note that says why")
        with self._write() as db:
            values = (self.clock(), item, who, None if note is None else note.strip())
            db.execute("INSERT INTO flags (time, item, who, note) VALUES (?, ?, ?, ?)", values)

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

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), transaction(self._db()) as db:
            yield db


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

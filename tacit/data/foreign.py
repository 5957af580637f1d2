"""What comes from another program's file, kept whole for the way back, and which answers are news to it.

An answer of such a file is recorded with a key that names its origin. So a file that is read again brings only what is
new in it, and an export knows which answers its file has already.
"""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tacit.data.events import CANNOT_TELL, Event
from tacit.data.exchange import Imported
from tacit.data.labels import Labels
from tacit.data.ledger import COLUMNS, closest
from tacit.data.rows import text_of
from tacit.data.store import reading
from tacit.disk import replacing
from tacit.errors import BadData, BadEnvironment, WrongUsage

SHOWN = 5  # offending places that an error spells out
OWN = "tacit-"  # the beginning of the marks that answers given here carry elsewhere
MARK = re.compile(OWN + "[0-9a-f]{16}")


@dataclass(frozen=True)
class Told:
    """One answer that a file holds."""

    where: str  # for people: "task 3"
    item: str | None  # None where it is not in the project
    name: str  # what the file calls the item
    answer: str
    who: str
    seconds: float | None
    time: float | None  # seconds since 1970
    identity: str  # the same whenever the same answer is met again
    mark: str = ""  # of an answer that was given here, and comes home


@dataclass(frozen=True)
class Kept:
    """A part of a file as it was: its item ("" where there is none) and its JSON."""

    item: str
    task: str


@dataclass(frozen=True)
class Written:
    """What an export wrote."""

    rows: int  # tasks or images
    added: int  # answers that the file they came from did not have
    new: int  # items that it did not have
    notes: tuple[str, ...] = ()


def read_json(path: Path) -> Any:
    """The whole file; its failures as sentences."""
    text = text_of(path)
    try:
        return _with_less_stack(lambda: json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path}: this is no JSON ({error})\n  export it again from where it came from") from error


def _with_less_stack(read: Callable[[], Any], frames: int = 300) -> Any:
    """What can be read this deep in calls can be written from anywhere else."""
    return _with_less_stack(read, frames - 1) if frames else read()


def kept(labels: Labels, origin: str) -> list[Kept]:
    """What is kept of an origin, in the order of its file."""
    query = "SELECT item, task FROM tasks WHERE origin = ? ORDER BY place"
    with reading(labels.path) as db:
        return [Kept(*row) for row in db.execute(query, [origin])]


def origins(labels: Labels) -> list[str]:
    """Where kept tasks came from."""
    with reading(labels.path) as db:
        return [name for (name,) in db.execute("SELECT DISTINCT origin FROM tasks ORDER BY origin")]


def take_in(
    labels: Labels, family: str, told: Sequence[Told], origin: str, merge: Callable[[list[Kept]], list[Kept]]
) -> int:
    """Keep a file and record what is new among its answers about items of the project, all or nothing; how many were new.

    `family` begins the keys of the answers. `merge` is handed what is kept of `origin` already.
    """
    ours = about_ours(told)
    own = _own(labels.path, {one.mark for one in ours} - {""})
    told = in_order(one for one in ours if one.mark not in own)
    keys = _keys(labels.path, family, told)
    before = 0

    def beside(db: sqlite3.Connection) -> None:
        nonlocal before
        rows = db.execute("SELECT item, task FROM tasks WHERE origin = ? ORDER BY place", [origin])
        parts = merge([Kept(*row) for row in rows])
        db.execute("DELETE FROM tasks WHERE origin = ?", [origin])
        db.executemany(
            "INSERT INTO tasks (origin, place, item, task) VALUES (?, ?, ?, ?)",
            ((origin, place, part.item, part.task) for place, part in enumerate(parts)),
        )
        before = db.execute("SELECT COALESCE(MAX(event), 0) FROM events").fetchone()[0]

    events = labels.record(
        [one.item for one in told],
        [one.answer for one in told],
        who=[one.who for one in told],
        source="import",
        seconds=[one.seconds for one in told],
        times=[one.time for one in told],
        keys=keys,
        beside=beside,
    )
    return sum(event > before for event in events)


def summed_up(
    told: Sequence[Told], recorded: int, items: Iterable[str | None], *, several: int, kept: int, skipped: int = 0
) -> Imported:
    """What became of the answers of a file; `items` are those that its tasks or images are about, None for strange ones."""
    ours = about_ours(told)
    said: dict[str | None, set[str]] = {}
    for one in ours:
        said.setdefault(one.item, set()).add(one.answer)
    return Imported(
        recorded,
        len(said),
        empty=sum(item is not None and item not in said for item in items),
        unknown=len(told) - len(ours),
        conflicting=sum(len(answers) > 1 for answers in said.values()),
        known_before=len(ours) - recorded,
        skipped=skipped,
        several=several,
        kept=kept,
    )


def about_ours(told: Sequence[Told]) -> list[Told]:
    """Without the answers about items that are not in the project."""
    return [one for one in told if one.item is not None]


def in_order(told: Iterable[Told]) -> list[Told]:
    """Of several answers about an item the latest counts: by their times, where all of them have one."""
    by_item: dict[str | None, list[Told]] = {}
    for one in told:
        by_item.setdefault(one.item, []).append(one)
    found = []
    for group in by_item.values():
        dated = all(one.time is not None for one in group)
        found += sorted(group, key=lambda one: one.time or 0.0) if dated else group
    return found


def news(labels: Labels, family: str, parts: Sequence[Kept]) -> tuple[dict[str, list[Event]], int]:
    """By item, the latest answer that counts of every person, where it neither came from such a file nor stands in these
    parts; and how many answers of the file were taken back here."""
    home = {found for part in parts for found in MARK.findall(part.task)}
    with reading(labels.path) as db:
        held = _held(db, family)
        latest = "SELECT MAX(event) FROM live GROUP BY item, who"
        rows = db.execute(f"SELECT {COLUMNS} FROM live WHERE event IN ({latest}) ORDER BY event")
        events = [Event(*row) for row in rows]
        counting = {event for (event,) in db.execute("SELECT event FROM live")}
    said = {(item, who): answer for event, item, who, answer in held if event in counting}
    theirs = {event for event, *_ in held}
    found: dict[str, list[Event]] = {}
    for event in events:
        there = event.event in theirs or said.get((event.item, event.who)) == event.answer or mark(event) in home
        if not there:
            found.setdefault(event.item, []).append(event)
    return found, len(theirs - counting)


def check(path: Path, told: Sequence[Told], classes: Sequence[str] | None, *, skip_unknown: bool) -> None:
    """Refuse what cannot be recorded, before anything is."""
    strange = [one for one in told if one.item is None]
    if strange and not skip_unknown:
        raise BadData(
            f"{path}: {len(strange)} of {len(told)} answers are about items that are not in the project (or that several "
            f"files are called); nothing was recorded{_listed(strange)}\n"
            f"  mend the names, or pass over them: tacit label --import {path} --skip-unknown"
        )
    if classes is None:
        return
    names = {CANNOT_TELL, *classes}
    wrong = [one for one in told if one.item is not None and one.answer not in names]
    if wrong:
        shown = "".join(f"\n  {one.where}: {one.answer!r}{closest(one.answer, classes)}" for one in wrong[:SHOWN])
        raise BadData(
            f"{path}: {len(wrong)} labels are not among the classes ({', '.join(classes)}); nothing was recorded{shown}\n"
            "  mend them, or add the classes in project.toml"
        )


def refuse_several(path: Path, several: Sequence[tuple[str, Sequence[str]]], *, skip_unknown: bool) -> None:
    """An item has one class here; whoever wants to go on without these may say so."""
    if several and not skip_unknown:
        shown = "".join(f"\n  {where}: {', '.join(map(repr, answers[:SHOWN]))}" for where, answers in several[:SHOWN])
        raise BadData(
            f"{path}: {len(several)} items have several classes at once, and here an item has one; "
            f"nothing was recorded{shown}\n"
            f"  leave these without an answer (they stay in the file): tacit label --import {path} --skip-unknown"
        )


def write_parts(path: Path, parts: Iterable[str], *, overwrite: bool) -> None:
    """These pieces of text as one file, complete or not at all."""
    if path.exists() and not overwrite:
        raise WrongUsage(f"{path} exists already\n  choose another name, or overwrite it: --overwrite")
    try:
        with replacing(path) as part, part.open("w", encoding="ascii", newline="") as file:
            file.writelines(parts)
    except OSError as error:
        raise BadEnvironment(
            f"{path} could not be written ({error.strerror})\n  check the name and the folder"
        ) from error


def listed(pieces: Iterable[str]) -> Iterator[str]:
    """A JSON list, one element a line."""
    yield "["
    for i, piece in enumerate(pieces):
        yield (",\n" if i else "\n") + piece
    yield "\n]"


def mark(event: Event) -> str:
    """What an answer given here carries elsewhere, so that it is known when it comes back."""
    said = f"{event.item}\n{event.who}\n{event.answer}\n{event.time!r}"
    return OWN + sha256(said.encode()).hexdigest()[:16]


def digest(*values: Any) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()[:24]


def _listed(told: Sequence[Told]) -> str:
    more = f"\n  and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return "".join(f"\n  {one.where}: {one.name!r:.100} {one.answer!r}" for one in told[:SHOWN]) + more


def _keys(path: Path, family: str, told: Sequence[Told]) -> list[str]:
    """A key for every answer. One that has been there before, and is the last word again after another, is news."""
    seen: Counter[str] = Counter()
    keys = []
    for one in told:
        key = f"{family}/{digest(one.item, one.identity)}"
        seen[key] += 1
        keys.append(f"{key}/{seen[key]}")
    with reading(path) as db:
        held = _held(db, family)
        known = {key for (key,) in db.execute("SELECT key FROM receipts WHERE key BETWEEN ? AND ?", _span(family))}
        (latest,) = db.execute("SELECT COALESCE(MAX(event), 0) FROM events").fetchone()
    before = {(item, who): answer for _, item, who, answer in held}
    last = {(one.item or "", one.who): i for i, one in enumerate(told)}
    for pair, i in last.items():
        if keys[i] in known and before.get(pair, told[i].answer) != told[i].answer:
            keys[i] += f"@{latest}"
    return keys


def _own(path: Path, marks: set[str]) -> set[str]:
    """Those of these marks that answers of this ledger have."""
    if not marks:
        return set()
    with reading(path) as db:
        events = [Event(*row) for row in db.execute(f"SELECT {COLUMNS} FROM events WHERE kind = 'answer'")]
    return {mark(event) for event in events} & marks


def _held(db: sqlite3.Connection, family: str) -> list[tuple[int, str, str, str]]:
    """Event, item, person and answer of all that files of this family have brought, oldest first."""
    query = (
        "SELECT DISTINCT events.event, item, who, answer FROM receipts JOIN events ON events.event = receipts.event "
        "WHERE key BETWEEN ? AND ? ORDER BY events.event"
    )
    return db.execute(query, _span(family)).fetchall()


def _span(family: str) -> tuple[str, str]:
    """All keys that begin with the family and a slash."""
    return f"{family}/", f"{family}0"

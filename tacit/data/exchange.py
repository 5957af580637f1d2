"""Answers in and out of the ledger as tables that people and other programs read: CSV and JSON lines."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from tacit.data.events import CANNOT_TELL, LATEST_TIME, Event
from tacit.data.labels import Labels
from tacit.data.ledger import closest
from tacit.data.rows import ITEM, LABEL, file_format, records
from tacit.disk import replacing
from tacit.errors import BadData, BadEnvironment, WrongUsage

WRITTEN = ("id", "path", "label", "who", "time", "source", "seconds", "round")
SHOWN = 5  # offending rows that an error spells out


@dataclass(frozen=True)
class Imported:
    """What became of the rows of a file."""

    recorded: int  # answers now in the ledger
    items: int  # different items they are about
    empty: int = 0  # rows without a label
    unknown: int = 0  # rows left out: items that are not in the project
    taken_back: int = 0  # rows left out: answers that were undone later in the history
    repeated: int = 0  # rows left out: the answer of the row before, for another file with the same content
    conflicting: int = 0  # items with different labels in the file: the last one counts
    known_before: int = 0  # answers that an earlier import, or this project itself, had recorded already
    skipped: int = 0  # tasks that somebody skipped elsewhere
    several: int = 0  # items with several classes at once, left without an answer
    kept: int = 0  # tasks or images that are kept whole for the way back

    def notes(self) -> list[str]:
        """What was not recorded, and why."""
        rest = {
            "rows have no label": self.empty,
            "rows are about items that are not in the project": self.unknown,
            "answers were taken back": self.taken_back,
            "rows repeat the answer for a file with the same content": self.repeated,
            "items have several labels; the last one counts": self.conflicting,
            "answers had been recorded before": self.known_before,
            "tasks were skipped by somebody, which is no answer": self.skipped,
            "items have several classes at once; they got no answer": self.several,
            "tasks or images are kept whole for the way back": self.kept,
        }
        return [f"{count:,} {what}" for what, count in rest.items() if count]

    def __str__(self) -> str:
        said = f"imported {self.recorded} answers about {self.items} items"
        return "\n  ".join([said, *self.notes()])


@dataclass(frozen=True)
class Row:
    """One line of a file."""

    line: int
    names: list[str]  # what the item is called: id, path
    item: str | None  # its id; None where it is not in the project
    label: str  # "" where unanswered
    who: str
    seconds: float | None
    time: float | None


def import_labels(
    labels: Labels,
    path: Path,
    *,
    known: Mapping[str, str],
    who: str = "me",
    classes: Sequence[str] | None = None,
    strict: bool = False,
    skip_unknown: bool = False,
    form: str | None = None,
) -> Imported:
    """Record the answers of a `.csv` or `.jsonl` file, all or nothing; the last row about an item counts.

    Columns (or keys): `id`, `path`, `file` or `filename`; `label`, `answer` or `class`; where there are such, `who`,
    `seconds` and `time` (seconds since 1970, or ISO 8601, UTC where no zone is given). `known` maps item ids and file
    paths to item ids. With `classes`, other labels are refused. `strict` also refuses rows without a label and items
    with several. Whatever an exported history says was taken back stays out. `form` says ".csv" or ".jsonl" where the
    name of the file does not.
    """
    rows, taken_back = _rows(path, known, who, form)
    answered = [row for row in rows if row.label]
    blank = [row for row in rows if not row.label]
    strange = [row for row in answered if row.item is None]
    if classes is not None:
        _check_classes(path, answered, classes)
    if strange and not skip_unknown:
        raise BadData(
            f"{path}: {len(strange)} of {len(answered)} answers are about items that are not in the project; "
            f"nothing was recorded{_listed(strange)}\n"
            f"  mend the names, or leave these rows out: tacit label --import {path} --skip-unknown"
        )
    ours = [row for row in answered if row.item is not None]
    kept = _without_repeats(ours)
    said: dict[str | None, set[str]] = {}
    for row in kept:
        said.setdefault(row.item, set()).add(row.label)
    several = [row for row in kept if len(said[row.item]) > 1]
    if strict and (blank or several):
        raise BadData(
            f"{path}: {len(blank)} rows have no label, {len(several)} rows are about items with several; "
            f"nothing was recorded{_listed([*blank, *several])}\n  mend these rows, or import without strict"
        )
    labels.record(
        [row.item for row in kept],
        [row.label for row in kept],
        who=[row.who for row in kept],
        source="import",
        seconds=[row.seconds for row in kept],
        times=[row.time for row in kept],
    )
    repeated, conflicting = len(ours) - len(kept), len({row.item for row in several})
    return Imported(len(kept), len(said), len(blank), len(strange), taken_back, repeated, conflicting)


def export_labels(
    labels: Labels,
    path: Path,
    *,
    paths: Mapping[str, Sequence[str]],
    history: bool = False,
    overwrite: bool = False,
    form: str | None = None,
) -> int:
    """Write the answers as of now to a `.csv` (one row a file) or `.jsonl` (one line an item); the number of rows.

    With `history`, a `.jsonl` gets every event instead: earlier answers, undos and redos. `paths` maps item ids to the
    files with that content. The file appears complete or not at all.
    """
    write = _write_csv if (form or file_format(path)) == ".csv" else _write_json_lines
    if history and write is _write_csv:
        raise WrongUsage(f"a history has more than a table can hold\n  export it to {path.with_suffix('.jsonl')}")
    if path.exists() and not overwrite:
        raise WrongUsage(f"{path} exists already\n  choose another name, or overwrite it: --overwrite")
    events = labels.history() if history else labels.current()
    try:
        with replacing(path) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            return write(file, events, paths)
    except OSError as error:
        raise BadEnvironment(
            f"{path} could not be written ({error.strerror})\n  check the name and the folder"
        ) from error


def _write_csv(file: TextIO, events: list[Event], paths: Mapping[str, Sequence[str]]) -> int:
    writer, rows = csv.writer(file), 0
    writer.writerow(WRITTEN)
    for event in events:
        for name in paths.get(event.item) or [""]:
            writer.writerow(
                (event.item, name, event.answer, event.who, _date(event), event.source, event.seconds, event.round)
            )
            rows += 1
    return rows


def _write_json_lines(file: TextIO, events: list[Event], paths: Mapping[str, Sequence[str]]) -> int:
    for event in events:
        record = asdict(event) | {"time": _date(event)}
        head = {"id": record.pop("item"), "paths": list(paths.get(event.item, [])), "label": record.pop("answer")}
        file.write(json.dumps(head | record, ensure_ascii=False) + "\n")
    return len(events)


def _date(event: Event) -> str:
    return datetime.fromtimestamp(event.time, UTC).isoformat()


def _rows(path: Path, known: Mapping[str, str], who: str, form: str | None) -> tuple[list[Row], int]:
    """The answers of a file, and how many more were taken back in it."""
    answers: list[tuple[str, Row]] = []
    last_word: dict[str, str] = {}
    for line, record in records(path, form):
        if record.get("kind") in ("undo", "redo") and record.get("undoes"):
            last_word[record["undoes"]] = record["kind"]
        else:
            answers.append((record.get("event", ""), _row(path, line, record, known, who)))
    rows = [row for event, row in answers if last_word.get(event) != "undo"]
    return rows, len(answers) - len(rows)


def _without_repeats(rows: list[Row]) -> list[Row]:
    """One row an answer: a table has the same answer of the same moment once for each file with the same content."""
    kept: list[Row] = []
    latest: dict[str | None, Row] = {}
    for row in rows:
        before = latest.get(row.item)
        again = before and row.names != before.names and row == replace(before, line=row.line, names=row.names)
        if row.time is None or not again:
            kept.append(row)
        latest[row.item] = row
    return kept


def _row(path: Path, line: int, record: dict[str, str], known: Mapping[str, str], who: str) -> Row:
    names = [record[key] for key in ITEM if record.get(key, "").strip()]
    label = next((record[key].strip() for key in LABEL if key in record), "")
    if label and not names:
        raise BadData(f"{path}, line {line}: the label {label!r} is about no item\n  fill in {' or '.join(ITEM)}")
    item = next((found for name in names if (found := _find(name, known)) is not None), None)
    return Row(
        line,
        names,
        item,
        label,
        record.get("who", "").strip() or who,
        _number(path, line, "seconds", record.get("seconds", "")),
        _number(path, line, "time", record.get("time", "")),
    )


def _find(name: str, known: Mapping[str, str]) -> str | None:
    """The item of this name; paths may be written as on another system."""
    for form in (name, name.strip(), os.path.normpath(name.strip().replace("\\", "/"))):
        if form in known:
            return known[form]
    return None


def _number(path: Path, line: int, column: str, cell: str) -> float | None:
    """Seconds: how long an answer took, or since 1970."""
    if not (cell := cell.strip()):
        return None
    try:
        value = float(cell)
    except ValueError:
        value = _since_1970(cell) if column == "time" else -1.0
    if not 0 <= value < LATEST_TIME:
        expected = "seconds since 1970 or a date such as 2026-01-31T12:00:00Z" if column == "time" else "a number"
        raise BadData(f"{path}, line {line}: {column} is {cell!r}; expected {expected}")
    return value


def _since_1970(date: str) -> float:
    """Seconds; negative where this is no date."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return -1.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _check_classes(path: Path, answered: list[Row], classes: Sequence[str]) -> None:
    strange = [row for row in answered if row.label != CANNOT_TELL and row.label not in set(classes)]
    if strange:
        shown = "".join(f"\n  line {row.line}: {row.label!r}{closest(row.label, classes)}" for row in strange[:SHOWN])
        raise BadData(
            f"{path}: {len(strange)} labels are not among the classes ({', '.join(classes)}); nothing was recorded"
            f"{shown}\n  mend them, or add the classes in project.toml"
        )


def _listed(rows: list[Row]) -> str:
    more = f"\n  and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return (
        "".join(f"\n  line {row.line}: {' '.join(map(repr, row.names))} {row.label!r}" for row in rows[:SHOWN]) + more
    )

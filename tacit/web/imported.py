"""Columns that people bring along: a table with one item a line, read whole or not at all, kept in columns.json."""

import csv
import io
import json
import math
import threading
from dataclasses import dataclass
from pathlib import Path

from tacit.disk import write_atomic
from tacit.errors import BadData

FILE = "columns.json"
KEYS = ("id", "path", "file")  # the column that names the items
MISSING = frozenset({"", "-", "na", "n/a", "nan", "none", "null"})
DELIMITERS = ("\t", ";", ",")
MOST = 100  # columns of a project
LONGEST = 200  # characters of a name or a word
LARGEST = 3.0e38  # of a number: what float32 holds

Values = dict[str, float] | dict[str, str]

_lock = threading.Lock()


@dataclass(frozen=True)
class Table:
    """Values by column, then by item id: all numbers or all words; empty cells are left out."""

    columns: dict[str, Values]
    items: int
    unknown: int


def parse(content: bytes, known: dict[str, str]) -> Table:
    """A CSV file in UTF-8. `known` are names of items (ids and paths), to their ids.

    Raises BadData with the line for anything that is no such table: then nothing is taken.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"the file is not UTF-8 text (byte {error.start})\n  save it as CSV in UTF-8") from error
    head, lines = records(text)
    key = next((head.index(name) for name in KEYS if name in head), None)
    if key is None:
        raise BadData(
            f"no column is called {', '.join(KEYS)}; found: {', '.join(head)[:LONGEST]}\n  name one of them so"
        )
    names = [name for i, name in enumerate(head) if i != key]
    check_names(names)
    cells: dict[str, list[str]] = {}
    unknown = 0
    for line, record in lines:
        if len(record) != len(head):
            raise BadData(f"line {line} has {len(record)} cells, expected {len(head)}\n  mend that line")
        named = record.pop(key)
        item = known.get(named)
        if item is None:
            unknown += 1
        elif cells.setdefault(item, record) != record:
            raise BadData(
                f"line {line}: {named[:LONGEST]!r} is an item that has other values further up\n  keep one of them"
            )
    values = {name: {item: record[i] for item, record in cells.items()} for i, name in enumerate(names)}
    return Table({name: typed(name, column) for name, column in values.items()}, len(cells), unknown)


def records(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The head of a table, and its other records with their line numbers; cells without white space around them."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=lambda d: first.count(d))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for record in reader:
            if record:
                found.append((reader.line_num, [cell.strip() for cell in record]))
    except csv.Error as error:
        raise BadData(f"line {reader.line_num}: {error}\n  save the table as CSV in UTF-8") from error
    if not found:
        raise BadData(f"the file is empty\n  expected: a line of column names, one of them {' or '.join(KEYS)}")
    return [name.lower() if name.lower() in KEYS else name for name in found[0][1]], found[1:]


def check_names(names: list[str]) -> None:
    if not names:
        raise BadData("there is no column beside the names of the items\n  add one")
    for i, name in enumerate(names):
        if not name or len(name) > LONGEST:
            raise BadData(f"column {i + 1} has {'no name' if not name else f'a name of {len(name)} characters'}")
        if name in names[:i]:
            raise BadData(f"two columns are called {name!r}\n  rename one")


def typed(name: str, column: dict[str, str]) -> Values:
    """Numbers where every cell that is not empty is one, otherwise words."""
    said = {item: cell for item, cell in column.items() if cell.lower() not in MISSING}
    numbers = {item: number for item, cell in said.items() if (number := number_in(cell)) is not None}
    if said and len(numbers) == len(said):
        return numbers
    long = next((cell for cell in said.values() if len(cell) > LONGEST), None)
    if long is not None:
        raise BadData(f"column {name!r} has a word of {len(long)} characters; {LONGEST} at most\n  shorten it")
    return said


def number_in(cell: str) -> float | None:
    """A finite number that fits into 32 bits; Python would take 1_000 for one as well."""
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return value if abs(value) <= LARGEST else None


class Imported:
    """The columns brought into a project, read again when the file has changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._read: tuple[int, dict[str, Values]] = (0, {})

    def columns(self) -> dict[str, Values]:
        """Column -> item id -> number or word."""
        try:
            stamp = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if self._read[0] != stamp:
            try:
                found = json.loads(self.path.read_text(encoding="utf-8"))
                self._read = stamp, {str(name): dict(values) for name, values in found.items()}
            except (ValueError, TypeError, AttributeError) as error:
                said = f"{self.path} cannot be read ({error})\n  remove it, and import the columns again"
                raise BadData(said) from error
        return self._read[1]

    def add(self, table: Table) -> None:
        """Keep these columns; one of the same name takes the place of the earlier one."""
        with _lock:
            now = self.columns() | table.columns
            if len(now) > MOST:
                raise BadData(f"that would make {len(now)} columns; {MOST} at most\n  import fewer")
            write_atomic(self.path, json.dumps(now))


def of_numbers(values: Values) -> bool:
    """Whether a column holds numbers; all its values are of one kind."""
    return not isinstance(next(iter(values.values()), ""), str)

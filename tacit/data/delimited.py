"""Tables as text: delimiter and header are found out, and every cell is looked at before any is used."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tacit.data.columns import Survey, block_rows
from tacit.data.source import FLOAT32, reason
from tacit.errors import BadData

DELIMITERS = ("\t", ";", "|", ",")  # in this order: a comma may also be a decimal sign
MISSING = frozenset({"", "-", "?", "na", "n/a", "nil", "none", "null"})  # and numbers that are not finite
SAMPLE = 21  # records that decide about delimiter and header


class Delimited:
    """A CSV file. Decimal commas are understood where another character parts the cells."""

    counts = "line"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delimiter, sample = self._sniff()
        self.header = self._has_header(sample)
        first = [cell.strip() for cell in sample[0]]
        self.names = first if self.header else [f"column {i + 1}" for i in range(len(first))]

    def survey(self, columns: list[str]) -> Survey:
        """One pass over the cells of these columns."""
        found = Survey()
        place = {name: i for i, name in enumerate(self.names)}
        live = {column: place[column] for column in columns}
        missing: dict[str, list[int]] = {column: [] for column in columns}
        for line, cells in self._rows():
            found.rows += 1
            if self._all_numbers([cells[i] for i in live.values()]):
                continue
            for column, i in list(live.items()):
                value = self._number(cells[i])
                if value is None:
                    found.passed[column] = f"not numbers: {cells[i].strip()[:40]!r} in line {line}"
                    del live[column]
                elif not abs(value) <= FLOAT32:
                    missing[column].append(line)
        return found.conclude({column: missing[column] for column in live})

    def blocks(self, columns: list[str], truth: str | None) -> Iterator[tuple[np.ndarray, list[str | None]]]:
        """The numbers of these columns, (n, F) float32, and the hidden answers, in order."""
        place = {name: i for i, name in enumerate(self.names)}
        live = [place[column] for column in columns]
        hidden = None if truth is None else place[truth]
        rows = (cells for _, cells in self._rows())
        while block := list(itertools.islice(rows, block_rows(len(place)))):
            values = np.array([list(map(float, self._decimal([cells[i] for i in live]))) for cells in block])
            answers = [None if hidden is None else cells[hidden].strip() or None for cells in block]
            yield values.astype(np.float32), answers

    def _sniff(self) -> tuple[str, list[list[str]]]:
        """The first delimiter that gives every record of the sample the same number of cells, more than one."""
        samples = {delimiter: self._sample(delimiter) for delimiter in DELIMITERS}
        if not any(samples.values()):
            raise BadData(f"{self.path} is empty\n  expected: a line of column names and a line for every item")
        for delimiter, sample in samples.items():
            widths = {len(cells) for cells in sample}
            if len(widths) == 1 and widths.pop() > 1:
                return delimiter, sample
        ragged = max(DELIMITERS, key=lambda d: (len(samples[d][0]) if samples[d] else 0, d == ","))
        return ragged, samples[ragged]

    def _sample(self, delimiter: str) -> list[list[str]]:
        """The first records; none where a delimiter makes no sense: a long line that it leaves in one piece, say."""
        try:
            return [cells for _, cells in itertools.islice(self._records(delimiter), SAMPLE)]
        except BadData:
            if delimiter == DELIMITERS[-1]:
                raise
            return []

    def _has_header(self, sample: list[list[str]]) -> bool:
        """Whether the first line is words only, or has a word above numbers; a word above words may be an item."""
        first, *rest = ([self._number(cell) for cell in cells] for cells in sample)
        if all(value is None or value != value for value in first):
            return True
        below = list(itertools.zip_longest(*rest)) or [(None,)] * len(first)  # the columns under the first line
        return any(
            head is None and all(value is not None for value in column)
            for head, column in zip(first, below, strict=False)
        )

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every record below the header."""
        width = len(self.names)
        for line, cells in itertools.islice(self._records(self.delimiter), int(self.header), None):
            if len(cells) != width:
                raise BadData(
                    f"{self.path}: line {line} has {len(cells)} cells, expected {width}\n"
                    f"  mend that line (cells are parted by {self.delimiter!r})"
                )
            yield line, cells

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        line = 0
        try:
            with open(self.path, newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, delimiter=delimiter)
                for cells in reader:
                    line = reader.line_num
                    if cells:  # an empty line is no record
                        yield line, cells
        except UnicodeDecodeError as error:
            raise BadData(f"{self.path} is not UTF-8 text, after line {line}\n  save it as CSV in UTF-8") from error
        except csv.Error as error:
            raise BadData(f"{self.path} is no table: {error}, after line {line}\n  save it as CSV in UTF-8") from error
        except OSError as error:
            raise BadData(f"{self.path} cannot be read: {reason(error)}") from error

    def _decimal(self, cells: list[str]) -> list[str]:
        return cells if self.delimiter == "," else [cell.replace(",", ".") for cell in cells]

    def _all_numbers(self, cells: list[str]) -> bool:
        try:  # Python reads 1_000 as a number; a table means a name by it
            return sum(map(abs, map(float, self._decimal(cells)))) <= FLOAT32 and "_" not in "".join(cells)
        except ValueError:
            return False

    def _number(self, cell: str) -> float | None:
        """The value of a cell, NaN where it is missing, None where it is a word."""
        if cell.strip().lower() in MISSING:
            return float("nan")
        try:
            return float(self._decimal([cell])[0]) if "_" not in cell else None
        except ValueError:
            return None

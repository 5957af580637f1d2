"""Reading label files: CSV and JSON lines as numbered records of text."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from tacit.errors import BadData, BadEnvironment, WrongUsage

ITEM = ("id", "path", "file", "filename")  # the first that names a known item is taken
LABEL = ("label", "answer", "class")
READ = (*ITEM, *LABEL, "who", "seconds", "time", "event", "kind", "undoes")
Record = tuple[int, dict[str, str]]  # line number in the file, cells by column name


def records(path: Path, form: str | None = None) -> Iterator[Record]:
    """The records of a `.csv` or `.jsonl` file, as text; a file that is neither is refused with the line to look at.

    `form`, ".csv" or ".jsonl", is for files whose name does not say it.
    """
    read = _csv_records if (form or file_format(path)) == ".csv" else _json_records
    return read(path, text_of(path))


def file_format(path: Path) -> str:
    """The suffix that says how to read or write this file."""
    if (suffix := path.suffix.lower()) not in (".csv", ".jsonl"):
        raise WrongUsage(f"labels are read and written as .csv or .jsonl, not {path.name!r}")
    return suffix


def text_of(path: Path) -> str:
    """The whole file as text; its failures as sentences."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise WrongUsage(f"there is no file {path}") from error
    except OSError as error:
        raise BadEnvironment(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not UTF-8 text (byte {error.start}: {error.reason})\n  save it as UTF-8") from error
    if not text.strip():
        raise BadData(f"{path} is empty")
    return text


def _csv_records(path: Path, text: str) -> Iterator[Record]:
    """Line numbers and cells by column. Spreadsheets separate by comma, semicolon or tab, as the country has it."""
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    columns, line = None, 0
    try:
        for cells in reader:
            line, start = reader.line_num, line + 1
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [cell.strip().lower() for cell in cells]
                _check_columns(f"{path}", columns)
            elif len(cells) > len(columns):
                raise BadData(
                    f"{path}, line {start}: {len(cells)} cells in {len(columns)} columns\n  quote labels with commas"
                )
            else:
                yield start, dict(zip(columns, cells, strict=False))
        if columns is None:
            _check_columns(f"{path}", [])
    except csv.Error as error:
        raise BadData(f"{path}, line {reader.line_num}: this is no CSV ({error})") from error


def _json_records(path: Path, text: str) -> Iterator[Record]:
    """Line numbers and values by key."""
    for line, source in enumerate(text.split("\n"), start=1):  # not splitlines: JSON may hold other line separators
        if not source.strip():
            continue
        where = f"{path}, line {line}"
        try:
            record = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise BadData(f"{where}: this is no JSON ({error})\n  expected one object a line") from error
        if not isinstance(record, dict):
            raise BadData(f'{where}: expected an object such as {{"id": "...", "label": "..."}}, got {source[:40]!r}')
        record = {key.strip().lower(): value for key, value in record.items()}
        _check_columns(where, list(record))
        yield line, {key: _cell(where, key, record[key]) for key in READ if key in record}


def _cell(where: str, key: str, value: Any) -> str:
    """A value of a JSON object as a table would have it."""
    if isinstance(value, list | dict):
        raise BadData(f"{where}: {key} must be text or a number, not a {type(value).__name__}")
    cell = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    try:
        cell.encode()
    except UnicodeEncodeError as error:
        raise BadData(f"{where}: {key} is not valid text: {cell!r:.60}") from error
    return cell


def _check_columns(where: str, columns: list[str]) -> None:
    for what, names in (("item", ITEM), ("label", LABEL)):
        if not set(names) & set(columns):
            found = ", ".join(repr(name) for name in columns)
            raise BadData(f"{where}: there is no {what}; found {found:.200}\n  expected one of: {', '.join(names)}")

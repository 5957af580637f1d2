"""The tables items, files and truth: what was packed before, and how new things enter."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tacit.data.store import connect, explain, transaction
from tacit.errors import BadData, BadEnvironment

DATABASE = "project.db"
Found = tuple[str, int, int]  # content, and size in bytes and mtime_ns of the file it was found in


@dataclass
class Past:
    """What the tables say."""

    rows: int = 0
    yardstick: int = 0
    ids: set[str] = field(default_factory=set)
    files: dict[str, Found] = field(default_factory=dict)  # by path


@dataclass
class News:
    """What a scan found, to enter the tables together."""

    added: list[str] = field(default_factory=list)  # contents, in the order of their new rows
    aside: set[int] = field(default_factory=set)  # rows of the yardstick; only the first pack sets some aside
    files: dict[str, Found] = field(default_factory=dict)  # read just now, by path
    gone: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)  # hidden, by content
    conflicts: set[str] = field(default_factory=set)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, content: str, answer: str) -> None:
        """The first answer to a content counts."""
        if self.answers.setdefault(content, answer) != answer:
            self.conflicts.add(content)


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / DATABASE
    with closing(connect(path)) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise explain(error, path) from error


def past(folder: Path) -> Past:
    """Nothing where there is no database yet; none is made."""
    if not (folder / DATABASE).exists():
        return Past()
    with opened(folder) as db:
        ids = {id_ for (id_,) in db.execute("SELECT id FROM items")}
        rows = db.execute("SELECT path, id, size, mtime_ns FROM files")
        files = {path: (id_, size, mtime) for path, id_, size, mtime in rows}
        (yardstick,) = db.execute("SELECT count(*) FROM items WHERE yardstick").fetchone()
        return Past(len(ids), yardstick, ids, files)


@contextmanager
def entering(folder: Path, rows: int, news: News) -> Iterator[None]:
    """The news enter behind `rows` items when the block ends well; the block brings the items to the disk."""
    with opened(folder) as db, transaction(db):
        if db.execute("SELECT count(*) FROM items").fetchone() != (rows,):
            raise BadEnvironment(f"another process has packed items into {folder}\n  repeat the command")
        yield
        db.executemany(
            "INSERT INTO items (row, id, yardstick) VALUES (?, ?, ?)",
            ((row, id_, row in news.aside) for row, id_ in enumerate(news.added, rows)),
        )
        db.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in news.gone))
        db.executemany(
            "INSERT OR REPLACE INTO files (path, id, size, mtime_ns) VALUES (?, ?, ?, ?)",
            ((path, *found) for path, found in news.files.items()),
        )
        db.executemany("INSERT OR REPLACE INTO truth (id, answer) VALUES (?, ?)", news.answers.items())


def rows_and_aside(folder: Path) -> tuple[int, list[int]]:
    """How many rows count, and which of them are the yardstick."""
    if not (folder / DATABASE).exists():
        raise BadData(f"there are no items in {folder} ({DATABASE} is missing)\n  make them: tacit init SOURCE")
    with opened(folder) as db:
        (rows,) = db.execute("SELECT count(*) FROM items").fetchone()
        if rows == 0:
            raise BadData(f"there are no items in {folder}\n  make them: tacit init SOURCE")
        aside = db.execute("SELECT row FROM items WHERE yardstick AND row < ? ORDER BY row", (rows,))
        return rows, [row for (row,) in aside]


def ids(folder: Path, rows: int) -> list[str]:
    """Contents of the first rows, in order."""
    with opened(folder) as db:
        return [id_ for (id_,) in db.execute("SELECT id FROM items WHERE row < ? ORDER BY row", (rows,))]


def truth(folder: Path) -> dict[str, str]:
    """Hidden answers by content."""
    with opened(folder) as db:
        return dict(db.execute("SELECT id, answer FROM truth").fetchall())


def classes(folder: Path, class_order: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the hidden answers."""
    with opened(folder) as db:
        return in_order([answer for (answer,) in db.execute("SELECT DISTINCT answer FROM truth")], class_order)


def in_order(answers: Iterable[str], class_order: tuple[str, ...]) -> tuple[str, ...]:
    """Class names: first those the source lists, then the others, numbers by value and before words."""

    def place(name: str) -> tuple[bool, int, str]:
        number = name.removeprefix("-").isdecimal()
        return not number, int(name) if number else 0, name

    return tuple(dict.fromkeys([*class_order, *sorted(set(answers), key=place)]))

"""The project's one database: SQLite in WAL mode, one file, no service."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tacit.errors import BadData, BadEnvironment

VERSION = 2  # of the tables below; a project of a newer version is refused, never guessed at
WAIT = 30  # seconds a writer waits for another one

SCHEMA = """
CREATE TABLE items (                    -- one row of the packed array each
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,            -- content hash, hex
    yardstick INTEGER NOT NULL          -- 1: set aside for measuring, fixed at init
);
CREATE TABLE files (                    -- where an item was seen; duplicates share an item
    path TEXT PRIMARY KEY,              -- relative to its root
    id TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
);
CREATE INDEX files_by_id ON files (id);
CREATE TABLE truth (                    -- hidden labels: simulations only
    id TEXT PRIMARY KEY,
    answer TEXT NOT NULL
);
CREATE TABLE events (                   -- append-only: nothing here is ever changed or deleted
    event INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER NOT NULL,             -- first event of the call that recorded it; a call's events follow each other
    time REAL NOT NULL,                 -- seconds since 1970
    kind TEXT NOT NULL,                 -- "answer"; "undo" takes one back, "redo" brings it back
    item TEXT NOT NULL,                 -- id of the item answered
    answer TEXT NOT NULL,               -- class name, or "?" for cannot tell; undo and redo repeat it
    undoes INTEGER,                     -- the answer that an undo or redo is about; the latest of them decides
    who TEXT NOT NULL,
    source TEXT NOT NULL,               -- "single", "bulk", "import" or "oracle"
    round INTEGER,                      -- the round of picks that asked
    seconds REAL,                       -- how long the answer took
    suggestion TEXT,                    -- what the model proposed, if anything
    note TEXT
);
CREATE INDEX events_by_item ON events (item);
CREATE INDEX undos_by_answer ON events (undoes) WHERE undoes IS NOT NULL;
CREATE VIEW live AS                     -- the answers that count: never taken back, or brought back since
    SELECT * FROM events WHERE kind = 'answer' AND 'undo' IS NOT (
        SELECT later.kind FROM events AS later WHERE later.undoes = events.event ORDER BY later.event DESC LIMIT 1
    );
CREATE TABLE picks (
    round INTEGER NOT NULL,
    place INTEGER NOT NULL,             -- best first
    item TEXT NOT NULL,
    strategy TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (round, place)
);
"""

SINCE_2 = """
CREATE TABLE receipts (                 -- answers that came with a key: sent twice, they are recorded once
    key TEXT PRIMARY KEY,
    event INTEGER NOT NULL
);
CREATE TABLE flags (                    -- append-only: the latest of an item decides
    flag INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,                 -- seconds since 1970
    item TEXT NOT NULL,
    who TEXT NOT NULL,
    note TEXT                           -- why somebody should look again; NULL takes the flag away
);
CREATE INDEX flags_by_item ON flags (item);
CREATE TABLE tasks (                    -- what another program said of an item, kept whole for the way back
    origin TEXT NOT NULL,               -- "label-studio", "label-studio-min", or "coco/" and the name of the file
    place INTEGER NOT NULL,             -- order in the file
    item TEXT NOT NULL,                 -- "" where it is none of the project's
    task TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (origin, place)
);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open (or create) the database. Commits are on disk when they return; writers wait for each other."""
    db = None
    try:
        db = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        found = _version(db) or _create(db, path)
        if found < VERSION:
            found = _upgrade(db)
        if found > VERSION:
            raise BadEnvironment(
                f"{path} was written by a newer Tacit (tables of version {found}; this one knows {VERSION})\n"
                "  upgrade: pip install --upgrade tacit"
            )
        _use_wal(db)
        db.execute("PRAGMA synchronous = FULL")
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise explain(error, path) from error
        raise
    return db


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database for a few questions; its failures as sentences."""
    with closing(connect(path)) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise explain(error, path) from error


def which(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever it is called; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _create(db: sqlite3.Connection, path: Path) -> int:
    """Make the tables, unless somebody else was faster; the version found afterwards."""
    with transaction(db):
        if found := _version(db):
            return found
        if db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise BadData(f"{path} is a database of something else; nothing in it was changed")
        _run(db, SCHEMA + SINCE_2)
        db.execute(f"PRAGMA user_version = {VERSION}")
    return VERSION


def _upgrade(db: sqlite3.Connection) -> int:
    """Add the tables of version 2, unless somebody else was faster; nothing that was there changes."""
    with transaction(db):
        if (found := _version(db)) >= VERSION:
            return found
        _run(db, SINCE_2)
        db.execute(f"PRAGMA user_version = {VERSION}")
    return VERSION


def _run(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            db.execute(statement)


def _use_wal(db: sqlite3.Connection) -> None:
    """The one statement for which SQLite itself does not wait: several processes may open a new project at once."""
    give_up = time.monotonic() + WAIT
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; takes the write lock at once, so that two writers queue instead of failing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk may have rolled it back already
            db.execute("ROLLBACK")
        raise


def explain(error: sqlite3.Error, path: Path) -> BadData | BadEnvironment:
    """A database failure as a sentence."""
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return BadEnvironment(
            f"{path} could not be written ({text}); what was stored before is safe\n"
            "  free some disk space, then repeat the command"
        )
    if "locked" in text or "busy" in text:
        return BadEnvironment(
            f"{path} is held by another process for more than {WAIT} s\n  close it, then repeat the command"
        )
    if "readonly" in text or "unable to open" in text:
        return BadEnvironment(f"{path} cannot be opened for writing ({text})\n  check the folder and its permissions")
    return BadData(
        f"{path} is not a project database ({text})\n  restore it from a copy, or start anew: tacit init SOURCE"
    )

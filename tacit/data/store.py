"""The project's one database: SQLite in WAL mode, one file, no service."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tacit.errors import BadData, BadEnvironment

VERSION = 1  # of the tables below; a project of a newer version is refused, never guessed at

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
    time REAL NOT NULL,                 -- seconds since 1970
    kind TEXT NOT NULL,                 -- "answer" or "undo"
    item TEXT,                          -- id of the item answered
    answer TEXT,                        -- class name, or "?" for cannot tell
    undoes INTEGER,                     -- the event an undo takes back
    who TEXT NOT NULL,
    source TEXT NOT NULL,               -- "single", "bulk", "import" or "oracle"
    round INTEGER,                      -- the round of picks that asked
    seconds REAL,                       -- how long the answer took
    suggestion TEXT,                    -- what the model proposed, if anything
    note TEXT
);
CREATE INDEX events_by_item ON events (item);
CREATE TABLE picks (
    round INTEGER NOT NULL,
    place INTEGER NOT NULL,             -- best first
    item TEXT NOT NULL,
    strategy TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (round, place)
);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open (or create) the database. Commits are on disk when they return; writers wait up to 30 s for each other."""
    try:
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            with transaction(db):
                if db.execute("PRAGMA user_version").fetchone()[0] == 0:  # nobody else was faster
                    for statement in SCHEMA.split(";\n"):
                        if statement.strip():
                            db.execute(statement)
                    db.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.DatabaseError as error:
        raise explain(error, path) from error
    if found > VERSION:
        raise BadEnvironment(
            f"{path} was written by a newer Tacit (tables of version {found}; this one knows {VERSION})\n"
            "  upgrade: pip install --upgrade tacit"
        )
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; takes the write lock at once, so that two writers queue instead of failing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def explain(error: sqlite3.Error, path: Path) -> BadData | BadEnvironment:
    """A database failure as a sentence."""
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return BadEnvironment(f"the disk is full: {path} could not be written; what was stored before is safe\n  free some space, then repeat the command")
    if "locked" in text or "busy" in text:
        return BadEnvironment(f"{path} is held by another process for more than 30 s\n  close it, then repeat the command")
    if "readonly" in text or "unable to open" in text:
        return BadEnvironment(f"{path} cannot be opened for writing ({text})\n  check the folder and its permissions")
    return BadData(f"{path} is not a project database ({text})\n  restore it from a copy, or start anew: tacit init SOURCE")

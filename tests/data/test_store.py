"""The database opens for everybody, refuses what is not its own, and commits all or nothing."""

import sqlite3
import threading
import time

import pytest

from tacit.data import store
from tacit.data.store import VERSION, connect, explain, transaction
from tacit.errors import BadData, BadEnvironment


def test_a_new_database_has_the_tables_and_commits_to_disk(tmp_path):
    db = connect(tmp_path / "project.db")
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {"items", "files", "truth", "events", "picks"} <= names
    assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "project.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BadEnvironment, match=r"newer Tacit \(tables of version 99"):
        connect(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "bookmarks.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BadData, match="something else"):
        connect(path)
    assert path.read_bytes() == before


def test_a_text_file_is_no_database(tmp_path):
    path = tmp_path / "project.db"
    path.write_text("id,label\n" * 500)
    with pytest.raises(BadData, match="not a project database"):
        connect(path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BadEnvironment, match="nowhere"):
        connect(tmp_path / "nowhere" / "project.db")


def test_many_may_open_a_new_project_at_once(tmp_path):
    for attempt in range(5):
        gate, failures = threading.Barrier(6), []

        def open_it(path=tmp_path / f"{attempt}.db", gate=gate, failures=failures):
            gate.wait()
            try:
                connect(path).close()
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


def test_opening_waits_for_somebody_who_is_just_creating_the_project(tmp_path):
    path = tmp_path / "project.db"
    db = connect(path)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("BEGIN IMMEDIATE")
    opened = []
    thread = threading.Thread(target=lambda: opened.append(connect(path).execute("PRAGMA journal_mode").fetchone()))
    thread.start()
    time.sleep(0.1)
    assert not opened
    db.execute("COMMIT")
    thread.join()
    assert opened == [("wal",)]


def test_a_transaction_that_fails_leaves_nothing_behind(tmp_path):
    db = connect(tmp_path / "project.db")
    with pytest.raises(RuntimeError), transaction(db):
        db.execute("INSERT INTO truth VALUES ('a', 'cat')")
        raise RuntimeError
    assert db.execute("SELECT COUNT(*) FROM truth").fetchone() == (0,)


def test_a_commit_that_fails_leaves_the_connection_usable(tmp_path):
    db = connect(tmp_path / "project.db")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("CREATE TEMP TABLE parent (id INTEGER PRIMARY KEY)")
    db.execute("CREATE TEMP TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.execute("INSERT INTO child VALUES (1)")  # checked at the commit only
    with transaction(db):
        db.execute("INSERT INTO truth VALUES ('a', 'cat')")
    assert db.execute("SELECT COUNT(*) FROM truth").fetchone() == (1,)


def test_a_writer_waits_for_the_one_before(tmp_path):
    path = tmp_path / "project.db"
    db, order = connect(path), []

    def write():
        with transaction(connect(path)) as other:
            other.execute("INSERT INTO truth VALUES ('b', 'dog')")
            order.append("second")

    with transaction(db):
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_waiting_ends_with_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "project.db"
    db = connect(path)
    monkeypatch.setattr(store, "WAIT", 0.05)
    other = connect(path)
    with transaction(db), pytest.raises(sqlite3.OperationalError) as refused, transaction(other):
        pass
    assert isinstance(explain(refused.value, path), BadEnvironment)
    assert "held by another process" in str(explain(refused.value, path))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("database or disk is full", BadEnvironment, "free some disk space"),
        ("disk I/O error", BadEnvironment, "free some disk space"),
        ("attempt to write a readonly database", BadEnvironment, "permissions"),
        ("unable to open database file", BadEnvironment, "permissions"),
        ("database disk image is malformed", BadData, "restore it from a copy"),
    ],
)
def test_a_failure_says_what_to_do(tmp_path, text, kind, said):
    error = explain(sqlite3.OperationalError(text), tmp_path / "project.db")
    assert type(error) is kind
    assert said in str(error)
    assert "project.db" in str(error)


def test_a_database_of_version_1_gets_the_new_tables_and_keeps_what_it_has(tmp_path):
    path = tmp_path / "old.db"
    db = connect(path)
    for name in ("receipts", "flags", "tasks"):
        db.execute(f"DROP TABLE {name}")
    db.execute("INSERT INTO items (row, id, yardstick) VALUES (0, 'a', 0)")
    db.execute("PRAGMA user_version = 1")
    db.close()
    again = connect(path)
    assert again.execute("PRAGMA user_version").fetchone()[0] == VERSION
    assert again.execute("SELECT id FROM items").fetchall() == [("a",)]
    assert again.execute("SELECT count(*) FROM receipts").fetchone() == (0,)

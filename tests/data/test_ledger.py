"""What the ledger says when it is asked, and who may ask."""

import sqlite3

import numpy as np
import pytest

import tacit.data.ledger
from tacit.data.events import CANNOT_TELL
from tacit.data.labels import Labels
from tacit.data.ledger import Ledger
from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.data.store import connect
from tacit.errors import BadData, BadEnvironment, WrongUsage


@pytest.fixture
def labels(tmp_path):
    found = Labels(tmp_path / "project.db")
    yield found
    found.close()


def test_answers_of_one_person(labels):
    labels.record(["a", "b"], ["cat", "cat"], who="ann")
    labels.record(["a"], ["dog"], who="bob")
    assert labels.answers() == {"a": "dog", "b": "cat"}
    assert labels.answers(who="ann") == {"a": "cat", "b": "cat"}
    assert labels.answers(who="eve") == {}


def test_the_vector_counts_classes_and_marks_the_rest(labels):
    labels.record(["a", "b", "c"], ["dog", "cat", CANNOT_TELL])
    wanted = [1, UNLABELED, 0, SET_ASIDE]
    assert labels.vector(["a", "x", "b", "c"], ["cat", "dog"]).tolist() == wanted
    assert labels.vector(np.array(["a", "x", "b", "c"]), ("cat", "dog")).tolist() == wanted
    assert labels.vector([], ("cat",)).shape == (0,)


def test_a_vector_without_answers_is_unlabeled(labels):
    assert labels.vector(["a", "b"], ()).tolist() == [UNLABELED, UNLABELED]


def test_an_answer_that_is_no_class_is_named_with_the_class_that_was_meant(labels):
    labels.record(["a", "b"], ["cta", "dog"])
    with pytest.raises(BadData, match=r"'cta' \(1 items\), did you mean 'cat'\?"):
        labels.vector(["a", "b"], ["cat", "dog"])
    assert labels.vector(["b"], ["cat", "dog"]).tolist() == [1]


def test_classes_come_in_order_of_first_use(labels):
    labels.record(["a", "b", "c", "d"], ["zebra", CANNOT_TELL, "ant", "zebra"])
    assert labels.classes() == ("zebra", "ant")
    labels.undo(3)
    assert labels.classes() == ("zebra",)


def test_conflicts_are_items_with_different_answers_that_count(labels):
    labels.record(["a", "b", "c"], ["cat"] * 3, who="ann")
    labels.record(["a", "b", "c"], ["cat", "dog", "dog"], who="bob")
    labels.undo()  # bob's answer about c
    assert {item: [e.answer for e in events] for item, events in labels.conflicts().items()} == {"b": ["cat", "dog"]}


def test_the_cost_counts_what_was_taken_back_too(labels):
    labels.record(["a", "b"], ["cat", "cat"], who="ann", seconds=3.0, source="bulk")
    labels.record(["a"], ["dog"], who="bob", seconds=[2.0])
    labels.record(["c"], ["dog"], who="bob")
    labels.undo()
    cost = labels.cost()
    assert (cost.answers, cost.items, cost.seconds, cost.timed) == (4, 3, 5.0, 3)
    assert cost.people == {"ann": 2, "bob": 2}
    assert cost.by_source == {"bulk": 2, "single": 2}
    assert str(cost) == "4 answers about 3 items by 2 people in 5 s (2 bulk, 2 single)"


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path):
    path = tmp_path / "project.db"
    path.write_text("no database at all\n" * 100)
    with pytest.raises(BadData, match="not a project database"):
        Ledger(path)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    db = sqlite3.connect(tmp_path / "project.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BadEnvironment, match="pip install --upgrade tacit"):
        Ledger(tmp_path / "project.db")


def test_readers_and_writers_do_not_wait_for_each_other(labels):
    labels.record(["a"], ["cat"])
    other = connect(labels.path)
    other.execute("BEGIN")
    assert other.execute("SELECT COUNT(*) FROM events").fetchone() == (1,)
    labels.record(["b"], ["dog"])  # beside a reader that is not done
    assert other.execute("SELECT COUNT(*) FROM events").fetchone() == (1,)
    other.execute("COMMIT")
    other.execute("BEGIN IMMEDIATE")
    assert labels.answers() == {"a": "cat", "b": "dog"}  # beside a writer that is not done
    other.execute("ROLLBACK")


def test_what_is_read_of_one_moment_fits_together_while_others_write(labels):
    labels.record(["a"], ["cat"], who="ann")
    other = Labels(labels.path)
    with labels.one_moment():
        known = labels.classes()
        other.record(["b"], ["dog"], who="bob")
        assert labels.vector(["a", "b"], known).tolist() == [0, UNLABELED]
    assert labels.vector(["a", "b"], labels.classes()).tolist() == [0, 1]
    with pytest.raises(BadData), labels.one_moment():
        labels.vector(["a"], [])
    labels.record(["c"], ["cat"], who="ann")  # nothing is left open


def test_a_forked_process_must_open_the_ledger_itself(labels, monkeypatch):
    monkeypatch.setattr(tacit.data.ledger.os, "getpid", lambda: -1)
    with pytest.raises(WrongUsage, match="spawn"):
        labels.record(["a"], ["cat"])


def test_what_happened_since_and_what_counts_about_some_items(labels):
    labels.record(["a", "b"], ["cat", "dog"])
    seen = labels.latest_event()
    labels.record(["b"], ["cat"])
    labels.undo()
    assert [(e.kind, e.item) for e in labels.since(seen)] == [("answer", "b"), ("undo", "b")]
    assert {item: e.answer for item, e in labels.about(["b", "nobody"]).items()} == {"b": "dog"}


@pytest.mark.parametrize("end", ["moved", "replaced"])
def test_nothing_is_written_into_a_ledger_that_is_no_longer_there(labels, tmp_path, end):
    labels.record(["a"], ["cat"])
    (tmp_path / "project.db").rename(tmp_path / "former.db")
    if end == "replaced":
        Labels(tmp_path / "project.db").close()
    for call in (lambda: labels.record(["b"], ["cat"]), labels.undo, labels.answers, labels.latest_event):
        with pytest.raises(BadEnvironment, match="moved, removed or replaced"):
            call()
    assert (tmp_path / "project.db").exists() == (end == "replaced")
    (tmp_path / "former.db").rename(tmp_path / "project.db")
    labels.record(["b"], ["dog"])
    assert labels.answers() == {"a": "cat", "b": "dog"}

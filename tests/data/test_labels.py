"""The ledger says what was answered, by whom and when, and loses nothing."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import tacit.data.ledger
from tacit.data.labels import Labels
from tacit.data.store import connect
from tacit.errors import BadEnvironment, WrongUsage


@pytest.fixture
def labels(tmp_path):
    ticks = iter(range(1000, 10**9))
    ledger = Labels(tmp_path / "project.db", clock=lambda: float(next(ticks)))
    yield ledger
    ledger.close()


def test_an_answer_is_kept_with_all_that_is_known_about_it(labels):
    numbers = labels.record(
        ["a"], ["cat"], who="ann", source="bulk", round=3, seconds=1.5, suggestions=["dog"], note="blurred"
    )
    (event,) = labels.history()
    assert numbers == [event.event] == [1]
    assert (event.kind, event.item, event.answer, event.undoes) == ("answer", "a", "cat", None)
    assert (event.time, event.who, event.source, event.round) == (1000.0, "ann", "bulk", 3)
    assert (event.seconds, event.suggestion, event.note) == (1.5, "dog", "blurred")


def test_answers_are_there_when_the_project_is_opened_again(labels):
    labels.record(["a", "b"], ["cat", "dog"])
    assert Labels(labels.path).answers() == {"a": "cat", "b": "dog"}


def test_the_latest_answer_wins_and_the_earlier_stays_in_the_history(labels):
    labels.record(["a"], ["cat"])
    labels.record(["b"], ["dog"])
    labels.record(["a"], ["dog"])
    assert labels.answers() == {"a": "dog", "b": "dog"}
    assert [event.answer for event in labels.history("a")] == ["cat", "dog"]
    assert [event.event for event in labels.current()] == [2, 3]


def test_undo_takes_back_the_latest_answer_and_the_one_before_counts_again(labels):
    labels.record(["a"], ["cat"])
    labels.record(["a"], ["dog"])
    undone = labels.undo()
    assert (undone.kind, undone.item, undone.answer, undone.undoes) == ("undo", "a", "dog", 2)
    assert labels.answers() == {"a": "cat"}
    labels.undo()
    assert labels.answers() == {}
    with pytest.raises(WrongUsage, match="no answer left to undo"):
        labels.undo()
    assert [event.kind for event in labels.history("a")] == ["answer", "answer", "undo", "undo"]


def test_an_undo_of_an_undo_is_a_redo(labels):
    labels.record(["a"], ["cat"])
    undone = labels.undo()
    assert labels.undo(undone.event).kind == "redo"
    assert labels.answers() == {"a": "cat"}
    with pytest.raises(WrongUsage, match="brought back already"):
        labels.undo(undone.event)


def test_undo_of_one_event(labels):
    first, second = labels.record(["a", "b"], ["cat", "dog"])
    labels.undo(first)
    assert labels.answers() == {"b": "dog"}
    with pytest.raises(WrongUsage, match="'cat' about a was taken back already"):
        labels.undo(first)
    with pytest.raises(WrongUsage, match="no event 99"):
        labels.undo(99)
    labels.undo(second)
    assert labels.answers() == {}


def test_redo_walks_back_through_the_undos(labels):
    labels.record(["a", "b", "c"], ["1", "2", "3"])
    for _ in range(3):
        labels.undo()
    assert [labels.redo().item for _ in range(3)] == ["a", "b", "c"]
    assert labels.answers() == {"a": "1", "b": "2", "c": "3"}
    with pytest.raises(WrongUsage, match="nothing to redo"):
        labels.redo()


def test_a_new_answer_ends_the_redoing(labels):
    labels.record(["a"], ["cat"])
    labels.undo()
    labels.record(["b"], ["dog"])
    with pytest.raises(WrongUsage, match="nothing to redo"):
        labels.redo()


def test_people_undo_and_redo_their_own(labels):
    labels.record(["a"], ["cat"], who="ann")
    labels.record(["b"], ["dog"], who="bob")
    assert labels.undo(who="ann").item == "a"
    assert labels.answers() == {"b": "dog"}
    with pytest.raises(WrongUsage, match="of ann"):
        labels.undo(who="ann")
    labels.record(["c"], ["dog"], who="bob")
    with pytest.raises(WrongUsage, match="nothing to redo"):
        labels.redo(who="bob")
    assert labels.redo(who="ann").item == "a"


def test_what_was_answered_in_one_call_is_undone_and_redone_at_once(labels):
    labels.record(["z"], ["cat"])
    labels.record(["a", "b", "c"], ["dog"] * 3, source="bulk")
    labels.undo(3)  # one of them on its own
    assert [event.item for event in labels.undo_batch()] == ["c", "a"]
    assert labels.answers() == {"z": "cat"}
    assert {event.item for event in labels.redo_batch()} == {"a", "c"}
    assert labels.answers() == {"z": "cat", "a": "dog", "c": "dog"}


def test_the_seconds_of_a_call_are_shared_by_its_answers(labels):
    labels.record(["a", "b"], ["cat", "cat"], seconds=3)
    assert [event.seconds for event in labels.history()] == [1.5, 1.5]


def test_rounds_of_picks_are_numbered_and_kept_in_order(labels):
    assert labels.picks() == [] and labels.rounds() == 0
    assert labels.record_picks("typical", ["a", "b"], ["dense", "dense too"]) == 1
    assert labels.record_picks("random", np.array(["c"]), ["drawn"]) == 2
    assert [(pick.round, pick.item, pick.strategy, pick.reason) for pick in labels.picks()] == [
        (2, "c", "random", "drawn")
    ]
    assert [(pick.place, pick.item, pick.reason) for pick in labels.picks(1)] == [
        (0, "a", "dense"),
        (1, "b", "dense too"),
    ]
    assert labels.rounds() == 2
    with pytest.raises(WrongUsage, match="no round 7"):
        labels.picks(7)
    with pytest.raises(WrongUsage, match="2 items, 1 reasons"):
        labels.record_picks("random", ["a", "b"], ["drawn"])


@pytest.mark.parametrize(
    ("ids", "answers", "options", "said"),
    [
        (["a"], [""], {}, "empty"),
        (["a"], [" \n"], {}, "empty"),
        ([""], ["cat"], {}, "empty"),
        (["a"], ["cat"], {"who": ""}, "empty"),
        (["a", "b"], ["cat"], {}, "2 items came with 1 answers"),
        (["a"], ["cat"], {"suggestions": []}, "1 items came with 0 suggestions"),
        (["a"], ["cat"], {"who": ["ann", "bob"]}, "1 items came with 2 names"),
        (["a"], [3], {}, r"every answer must be text; got 3 \(int\)"),
        (["a"], [None], {}, "every answer must be text"),
        ([7], ["cat"], {}, "every item id must be text"),
        ("a", ["cat"], {}, "expected a list of item ids"),
        (["a"], "c", {}, "expected a list of answers"),
        (["a"], ["cat"], {"source": "guess"}, "no source of answers called 'guess'"),
        (["a"], ["cat"], {"seconds": -1.0}, "negative"),
        (["a"], ["cat"], {"seconds": float("nan")}, "no number"),
        (["a"], ["cat"], {"times": [1e300]}, "9999"),
        (["a"], ["\ud800"], {}, "not valid text"),
        (["a"], ["cat"], {"note": "\ud800"}, "not valid text"),
    ],
)
def test_what_cannot_be_an_answer_is_refused_and_nothing_is_recorded(labels, ids, answers, options, said):
    with pytest.raises(WrongUsage, match=said):
        labels.record(ids, answers, **options)
    assert labels.history() == []


def test_no_answers_are_no_event(labels):
    assert labels.record([], [], seconds=2.0) == []
    assert labels.history() == []


def test_space_around_an_answer_is_no_class_of_its_own(labels):
    labels.record(["a", "b"], ["cat", " cat\t"])
    assert labels.classes() == ("cat",)


def test_a_full_disk_keeps_the_former_answers(tmp_path, monkeypatch):
    def small_disk(path):
        db = connect(path)
        db.execute("PRAGMA max_page_count = 40")
        return db

    with monkeypatch.context() as patch:
        patch.setattr(tacit.data.ledger, "connect", small_disk)
        labels, kept = Labels(tmp_path / "project.db"), []
        with pytest.raises(BadEnvironment, match="free some disk space"):
            for i in range(10_000):
                kept += labels.record([f"item-{i}-{k}" for k in range(50)], ["cat"] * 50)
        assert len(labels.answers()) == len(kept) > 0
        labels.close()
    labels.record(["a"], ["dog"])  # somebody made room
    assert len(labels.answers()) == len(kept) + 1


def test_threads_share_a_ledger(labels):
    numbers: list[int] = []

    def answer(who: str) -> None:
        for i in range(25):
            numbers.extend(labels.record([f"{who}-{i}"], ["cat"], who=who))
        labels.close()

    threads = [threading.Thread(target=answer, args=[f"person-{k}"]) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 151))
    assert len(labels.answers()) == 150


def run(program: str, path: Path) -> str:
    """What a Python program, which may fork as it likes, prints."""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


FOUR_WRITERS = """
import os, sys
from tacit.data.labels import Labels
children = []
for k in range(4):
    if (child := os.fork()) == 0:
        labels = Labels(sys.argv[1])
        for i in range(50):
            labels.record([f"{k}-{i}", "shared"], [f"class {k}"] * 2, who=f"person {k}")
        labels.close()
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_four_processes_lose_no_answer(tmp_path):
    path = tmp_path / "project.db"
    assert run(FOUR_WRITERS, path).strip() == "[0, 0, 0, 0]"
    labels = Labels(path)
    history = labels.history()
    assert [event.event for event in history] == list(range(1, 401))
    wanted = {f"{k}-{i}": f"class {k}" for k in range(4) for i in range(50)}
    assert labels.answers() == wanted | {"shared": history[-1].answer}
    assert connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


KILLED = """
import os, random, signal, sys, time
from tacit.data.labels import Labels
random.seed(0)
acknowledged = 0
for attempt in range(8):
    receive, send = os.pipe()
    if (child := os.fork()) == 0:
        labels = Labels(sys.argv[1])
        while True:
            (number,) = labels.record([f"item {attempt}"], ["cat"])
            os.write(send, b"%d\\n" % number)
    os.close(send)
    heard = os.read(receive, 1)  # it is writing now
    time.sleep(random.uniform(0.0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(receive, 1 << 16):
        heard += more
    os.close(receive)
    told = [int(line) for line in heard.split(b"\\n")[:-1]]
    labels = Labels(sys.argv[1])
    there = {event.event for event in labels.history(f"item {attempt}")}
    labels.close()
    assert told and set(told) <= there and len(there) <= len(told) + 1, (len(told), len(there))
    acknowledged += len(told)
print(acknowledged)
"""


def test_kill_9_loses_no_acknowledged_answer(tmp_path):
    path = tmp_path / "project.db"
    acknowledged = int(run(KILLED, path))
    assert acknowledged <= len(Labels(path).history()) <= acknowledged + 8
    assert connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_many_answers_take_little_work(labels):
    ids = [f"{i:064x}" for i in range(60_000)]
    began = time.process_time()
    labels.record(ids, ["cat", "dog"] * 30_000, source="oracle")
    recorded = time.process_time()
    vector = labels.vector(ids, ["cat", "dog"])
    read = time.process_time()
    assert vector.tolist() == [0, 1] * 30_000
    assert recorded - began < 5.0  # about 0.5 s when nothing else runs
    assert read - recorded < 2.0  # about 0.2 s


def test_an_answer_sent_twice_with_its_key_is_recorded_once(labels):
    first = labels.record(["a", "b"], ["cat", "dog"], keys=["k1", "k2"])
    again = labels.record(["b", "c"], ["dog", "cat"], keys=["k2", "k3"])
    assert again == [first[1], first[1] + 1]
    assert [event.item for event in labels.history()] == ["a", "b", "c"]
    labels.undo()
    assert labels.record(["c"], ["cat"], keys=["k3"]) == again[1:]  # a late repeat does not bring it back
    assert labels.answers() == {"a": "cat", "b": "dog"}
    with pytest.raises(WrongUsage, match="the same key"):
        labels.record(["a", "b"], ["cat", "dog"], keys=["k9", "k9"])


def test_a_call_with_a_key_is_recorded_once_however_often_it_is_sent(labels):
    first = labels.record(["a", "b"], ["cat", "dog"], key="call-1")
    assert labels.record(["a", "b"], ["cat", "dog"], key="call-1") == first == [1, 2]
    assert labels.recorded_with("call-1") == ["a", "b"] and labels.recorded_with("call-2") == []
    labels.undo_batch()
    assert labels.record(["a", "b"], ["cat", "dog"], key="call-1") == first
    assert labels.answers() == {} and labels.recorded_with("call-1") == ["a", "b"]  # a late repeat brings nothing back
    assert labels.record(["a"], ["dog"], key="call-2") == [5]


def test_items_that_something_happened_to_since_are_left_out(labels):
    labels.record(["a", "b"], ["cat", "cat"])
    seen = labels.latest_event()
    labels.record(["b"], ["dog"])
    assert labels.record(["a", "b", "c"], ["owl"] * 3, since=seen, key="call-1") == [4, 5]
    assert labels.answers() == {"a": "owl", "b": "dog", "c": "owl"}
    assert labels.record(["a", "b"], ["elk"] * 2, since=seen, key="call-2") == []
    assert labels.recorded_with("call-2") == []


def test_a_note_for_all_or_one_an_answer(labels):
    labels.record(["a", "b"], ["cat", "cat"], note="both")
    labels.record(["a", "b"], ["dog", "dog"], note=["one", None])
    assert [event.note for event in labels.history()] == ["both", "both", "one", None]
    with pytest.raises(WrongUsage, match="notes"):
        labels.record(["a", "b"], ["dog", "dog"], note=["one"])


def test_the_latest_word_about_a_flag_decides(labels):
    labels.flag("a", "too dark", who="ada")
    labels.flag("b", "two animals")
    labels.flag("a", None)
    assert labels.flags() == {"b": ("me", "two animals")}
    with pytest.raises(WrongUsage, match="says why"):
        labels.flag("c", " ")

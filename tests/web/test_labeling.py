"""Answers, undo and flags as the page sends them."""

import json
import time
from itertools import count

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tacit.data.labels import Labels
from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk
from tacit.web.jobs import Jobs

numbers = count()


@pytest.fixture(autouse=True)
def rounds_begun(monkeypatch):
    begun = []
    monkeypatch.setattr(Jobs, "after_answers", lambda self: begun.append(1))
    return begun


@pytest.fixture
def three(client):
    """A client whose project has three classes."""
    client.desk.project.settings.set("classes", ["cat", "dog", "gull"])
    return client


def given(row, answer, **more):
    return {"key": f"key-{next(numbers):08}", "row": row, "answer": answer, **more}


def send(client, *answers, who="ann", session="tab-1"):
    return client.post("/api/answers", json={"who": who, "session": session, "answers": list(answers)})


def step(client, kind, who="ann"):
    return client.post(f"/api/{kind}", json={"who": who, "session": "tab-1"})


def now(client, *rows):
    return [client.desk.item(row).label for row in rows]


def pool_rows(client, n):
    return [int(row) for row in client.desk.rows.pool[:n]]


def test_all_that_the_page_knows_of_an_answer_is_kept(three):
    typed = time.time() - 60
    a, b = pool_rows(three, 2)
    labels = three.desk.project.labels
    labels.record_picks("random", three.desk.ids_of([a]), ["why not"])
    sent = send(
        three,
        given(a, " dog ", round=1, seconds=2.5, suggestion="cat", time=typed, note="dark"),
        given(b, "?"),
        who=" ann ",
    ).json()
    assert sent["recorded"] == 2 and sent["refused"] == [] and sent["renamed"] == {}
    first, second = labels.history()
    assert (first.answer, first.who, first.source, first.round) == ("dog", "ann", "single", 1)
    assert (first.seconds, first.suggestion, first.time, first.note) == (2.5, "cat", typed, "dark")
    assert (second.answer, second.round, second.seconds, second.suggestion) == ("?", None, None, None)
    assert now(three, a, b) == ["dog", "?"] and sent["version"] == three.get("/state.json").json()["version"]


def test_answers_that_arrive_again_are_recorded_once(three, rounds_begun):
    a, b = pool_rows(three, 2)
    answers = [given(a, "cat"), given(b, "dog")]
    first = send(three, *answers, answers[0]).json()
    again = send(three, answers[1], given(a, "gull"), answers[0]).json()
    assert first["recorded"] == 2 and again["recorded"] == 3 and again["refused"] == []
    assert len(three.desk.project.labels.history()) == 3 and now(three, a, b) == ["gull", "dog"]
    assert len(rounds_begun) == 2


def test_an_answer_that_was_recorded_is_not_refused_when_its_class_is_gone_by_the_time_it_is_sent_again(three):
    (a,) = pool_rows(three, 1)
    answer = given(a, "cat")
    send(three, answer)
    assert three.post("/api/classes", json={"who": "bob", "remove": "cat", "instead": "dog"}).status_code == 200
    again = send(three, answer).json()
    assert again["recorded"] == 1 and again["refused"] == [] and now(three, a) == ["dog"]


def test_what_cannot_be_recorded_is_refused_one_by_one_and_the_rest_is_recorded(three):
    (a,) = pool_rows(three, 1)
    bad = [given(360, "cat"), given(-1, "cat"), given(10**40, "cat"), given(a, "fish"), given(a, " "),
           given(a, "cat", round=3), given(a, "cat", round=10**40)]  # fmt: skip
    sent = send(three, *bad[:4], given(a, "dog"), *bad[4:]).json()
    assert sent["recorded"] == 1 and now(three, a) == ["dog"]
    assert [entry["key"] for entry in sent["refused"]] == [entry["key"] for entry in bad]
    said = [entry["error"] for entry in sent["refused"]]
    assert "no item in row 360" in said[0] and "'fish'" in said[3] and "cat, dog, gull" in said[3]
    assert "no round 3" in said[5]


def test_a_class_that_only_the_ledger_knows_is_a_class(client):
    a, b = pool_rows(client, 2)
    client.desk.project.labels.record(client.desk.ids_of([a]), ["heron"])
    assert send(client, given(b, "heron")).json()["recorded"] == 1
    step(client, "undo")
    client.desk.project.labels.undo(who="me")
    assert len(send(client, given(b, "heron")).json()["refused"]) == 1


def test_answers_typed_on_a_clock_that_is_ahead_are_of_now(three):
    (a,) = pool_rows(three, 1)
    send(three, given(a, "cat", time=253402300799))
    assert three.desk.project.labels.history()[0].time <= time.time()


def test_rounds_begin_after_answers_of_the_pool_and_not_of_the_yardstick(three, rounds_begun):
    row = int(three.desk.rows.yardstick[0])
    assert send(three, given(row, "cat")).json()["recorded"] == 1 and rounds_begun == []
    send(three, given(pool_rows(three, 1)[0], "cat"))
    assert rounds_begun == [1]


def test_an_answer_ends_the_lease_whoever_gave_it(three):
    rows = pool_rows(three, 2)
    order = {"who": "ann", "session": "tab-1", "kind": "rows", "rows": rows}
    three.post("/api/queue", json=order)
    send(three, given(rows[0], "cat"), who="bob", session="tab-2")
    assert three.desk.queues.leases.all() == {rows[1]: ("ann", "tab-1")}


def test_each_key_stroke_is_undone_by_itself_also_when_many_were_sent_in_one_go(three):
    rows = pool_rows(three, 3)
    send(three, *(given(row, answer) for row, answer in zip(rows, ["cat", "dog", "?"], strict=True)))
    name = three.desk.item(rows[2]).name
    undone = step(three, "undo").json()
    assert (undone["kind"], undone["rows"], undone["answers"]) == ("undo", [rows[2]], [None])
    assert undone["said"] == f"took back cannot tell for {name}" and now(three, *rows) == ["cat", "dog", None]
    assert step(three, "undo").json()["said"] == f"took back dog for {three.desk.item(rows[1]).name}"
    assert step(three, "redo").json()["said"] == f"brought back dog for {three.desk.item(rows[1]).name}"
    assert now(three, *rows) == ["cat", "dog", None]


def test_what_was_one_act_is_undone_as_one_whatever_round_asked(three):
    rows = pool_rows(three, 3)
    three.desk.project.labels.record_picks("random", three.desk.ids_of(rows), ["why not"] * 3)
    answers = [given(row, "cat", round=round_) for row, round_ in zip(rows, [1, None, 1], strict=True)]
    sent = three.post("/api/answers", json={"who": "ann", "session": "tab-1", "answers": answers, "together": True})
    assert sent.json()["recorded"] == 3
    assert [event.round for event in three.desk.project.labels.history()] == [1, None, 1]
    assert sorted(step(three, "undo").json()["rows"]) == rows and now(three, *rows) == [None] * 3


def test_an_undone_item_is_before_the_person_who_took_the_answer_back(three):
    (a,) = pool_rows(three, 1)
    send(three, given(a, "cat"))
    step(three, "undo")
    order = {"who": "bob", "session": "tab-2", "kind": "rows", "rows": [a]}
    assert three.post("/api/queue", json=order).json()["items"] == []
    step(three, "redo")
    assert len(three.post("/api/queue", json=order).json()["items"]) == 1


def test_a_bulk_answer_is_undone_and_redone_as_one(three):
    rows = pool_rows(three, 30)
    three.desk.project.labels.record(three.desk.ids_of(rows), ["gull"] * 30, who="ann", source="bulk")
    undone = step(three, "undo").json()
    assert undone["said"] == "took back 30 answers" and sorted(undone["rows"]) == rows
    redone = step(three, "redo").json()
    assert redone["said"] == "brought back 30 answers" and redone["answers"] == ["gull"] * 30


def test_people_undo_their_own_and_are_told_what_an_item_is_now(three):
    (a,) = pool_rows(three, 1)
    send(three, given(a, "cat"), who="ann")
    send(three, given(a, "dog"), who="bob")
    undone = step(three, "undo", "ann").json()
    assert undone["answers"] == ["dog"] and "it is dog now, by another answer" in undone["said"]
    refused = step(three, "undo", "ann")
    assert refused.status_code == 400 and "no answer left to undo of ann" in refused.json()["error"]
    assert step(three, "redo", "bob").status_code == 400


class UndoAndRedo(RuleBasedStateMachine):
    """The page's undo against two stacks of whole answers."""

    client: TestClient
    rows: list[int]

    def __init__(self):
        super().__init__()
        self.who = f"person-{next(numbers)}"  # nobody's steps but this one's
        self.done: list[dict[int, str]] = []
        self.taken: list[dict[int, str]] = []
        self.client.desk.project.labels.record(
            self.client.desk.ids_of(self.rows), [f"{self.who} starts"] * len(self.rows), who="somebody"
        )

    @rule(row=st.integers(0, 3), answer=st.sampled_from(["cat", "dog", "?"]))
    def answer(self, row, answer):
        assert send(self.client, given(self.rows[row], answer), who=self.who).json()["recorded"] == 1
        self.done.append({self.rows[row]: answer})
        self.taken = []

    @rule(some=st.sets(st.integers(0, 3), min_size=2))
    def in_bulk(self, some):
        ids = self.client.desk.ids_of([self.rows[i] for i in sorted(some)])
        self.client.desk.project.labels.record(ids, ["gull"] * len(ids), who=self.who, source="bulk")
        self.done.append({self.rows[i]: "gull" for i in some})
        self.taken = []

    @rule()
    def undo(self):
        changed = step(self.client, "undo", self.who)
        assert changed.status_code == (200 if self.done else 400)
        if self.done:
            self.taken.append(self.done.pop())
            assert set(changed.json()["rows"]) == set(self.taken[-1])
            assert changed.json()["answers"] == [self.expected()[row] for row in changed.json()["rows"]]

    @rule()
    def redo(self):
        changed = step(self.client, "redo", self.who)
        assert changed.status_code == (200 if self.taken else 400)
        if self.taken:
            self.done.append(self.taken.pop())
            assert set(changed.json()["rows"]) == set(self.done[-1])

    def expected(self) -> dict[int, str]:
        found = dict.fromkeys(self.rows, f"{self.who} starts")
        for some in self.done:
            found |= some
        return found

    @invariant()
    def the_latest_that_counts_wins(self):
        self.client.desk.standing.refresh()
        assert {row: self.client.desk.standing.answer(row) for row in self.rows} == self.expected()


def test_undo_and_redo_go_back_and_forth_without_limit(three):
    UndoAndRedo.client, UndoAndRedo.rows = three, pool_rows(three, 4)
    small = settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(UndoAndRedo, settings=small)


def test_a_flag_is_put_up_and_taken_away_and_the_page_is_told(three):
    (a,) = pool_rows(three, 1)
    before = three.get("/state.json").json()["version"]
    said = three.post("/api/flags", json={"row": a, "who": "ann", "note": "two birds"}).json()
    assert said["said"] == f"flagged {three.desk.item(a).name}" and said["version"] > before
    assert three.desk.item(a).flag == "two birds"
    other = three.post("/api/flags", json={"row": a, "who": "ann", "note": "three birds"}).json()
    assert other["version"] > said["version"]
    three.post("/api/flags", json={"row": a, "who": "bob", "note": None})
    assert three.desk.item(a).flag is None
    for wrong in ({"row": 10**30, "note": "x"}, {"row": -1, "note": "x"}, {"row": a, "note": "  "}):
        assert 400 <= three.post("/api/flags", json={"who": "ann", **wrong}).status_code < 500


def test_where_labelling_stands_and_what_would_help_most(three):
    desk = three.desk
    first = three.get("/label.json").json()
    assert first["yardstick_left"] == len(desk.rows.yardstick) and first["round"] == 0 and first["suggested"] == 0
    assert "yardstick" in first["advice"] and [info["key"] for info in first["classes"]] == ["1", "2", "3"]
    ids = [str(i) for i in desk.rows.ids[desk.rows.yardstick]]
    desk.project.labels.record(ids, ["cat"] * len(ids))
    assert "nothing to learn from" in three.get("/label.json").json()["advice"]
    send(three, given(pool_rows(three, 1)[0], "cat"))
    assert "no item of dog, gull yet" in three.get("/label.json").json()["advice"]
    send(three, *(given(row, answer) for row, answer in zip(pool_rows(three, 3), ["cat", "dog", "gull"], strict=True)))
    desk.project.labels.record_picks("random", desk.ids_of(pool_rows(three, 9)), ["why not"] * 9)
    last = three.get("/label.json").json()
    assert last["suggested"] == 6 and last["advice"].startswith("6 suggested items") and last["strategy"] == "random"


STRANGE = ("\ud800", "\x00", "", "  ", "x" * 3000, "\u202e", float("nan"), 1e400, None, [], 10**30)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/answers", ("who", "key", "answer", "suggestion", "note", "seconds", "time", "round", "row")),
        ("/api/undo", ("who", "session")),
        ("/api/flags", ("who", "row", "note")),
    ],
)
def test_nothing_that_can_be_sent_is_a_mistake_of_the_server(three, path, names):
    for name in names:
        for strange in STRANGE:
            whole = {"who": "ann", "session": "tab-1", "row": 0, "note": "look", "seconds": 1.0, "time": None, "round": None,
                     "suggestion": None, **given(0, "cat"), name: strange}  # fmt: skip
            body = {part: whole[part] for part in names}
            if path == "/api/answers":
                body = {"who": body.pop("who"), "session": "tab-1", "answers": [body]}
            sent = three.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
            assert sent.status_code < 500, (name, strange, sent.text)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A project of 100,000 items with 20,000 answers."""
    here = tmp_path_factory.mktemp("large")
    np.savez(here / "large.npz", x=np.random.default_rng(0).normal(size=(100_000, 4)).astype(np.float32))
    project = Project.create(here / "large.npz")
    project.settings.set("classes", ["cat", "dog"])
    ids = [str(i) for i in project.pool.ids[:20_000]]
    project.labels.record(ids, ["cat", "dog"] * 10_000, who="before")
    desk = Desk(project.folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        assert desk.ready.wait(120)
        client.desk = desk  # type: ignore[attr-defined]
        yield client


def test_a_label_takes_a_moment_in_a_large_project_and_reads_no_more_than_its_own_rows(large, monkeypatch):
    rows = [int(row) for row in large.desk.rows.pool[30_000:30_060]]
    send(large, given(rows[0], "cat"))
    for name in ("answers", "current", "classes", "vector", "conflicts", "cost"):  # what reads the whole ledger
        monkeypatch.setattr(Labels, name, lambda *args, _name=name, **options: pytest.fail(f"asked for all {_name}"))
    read = []
    monkeypatch.setattr(Labels, "_read", counted(Labels._read, read))
    took = []
    for row in rows:
        began = time.perf_counter()
        assert send(large, given(row, "dog", seconds=1.0)).json()["recorded"] == 1
        took.append(time.perf_counter() - began)
    assert max(read) < 100  # rows of any one reading
    assert np.median(took) < 0.05, f"{np.median(took) * 1000:.0f} ms"
    undone = step(large, "undo").json()
    assert undone["rows"] == [rows[-1]] and max(read) < 100


def counted(function, found):
    def call(*args, **options):
        result = function(*args, **options)
        found.append(len(result))
        return result

    return call

"""Many answers at once: who gets one, how it is taken back, how sure it is."""

import math
import threading
import time

import numpy as np
import pytest

from tacit.data.labels import Labels
from tacit.evaluate.purity import purity
from tacit.web.schemas import BulkOrder

KEY = "bulk-0001"


@pytest.fixture
def named(client):
    """The application, with classes; `client.desk` is its desk."""
    client.desk.project.settings.set("classes", ["heron", "gull"])
    return client


def bulk(client, rows, **more) -> dict:
    order = {"key": KEY, "who": "ann", "answer": "heron", "rows": [int(row) for row in rows]} | more
    answer = client.post("/api/bulk", json=order)
    assert answer.status_code == 200, answer.text
    return answer.json()


def answers(client) -> dict[int, str]:
    place = client.desk.rows.place
    return {place[item]: answer for item, answer in client.desk.project.labels.answers().items()}


def test_a_selection_gets_one_answer_in_one_batch(named):
    rows = named.desk.rows.pool[:214].tolist()
    looked = rows[:12]
    version = named.get("/state.json").json()["version"]
    found = bulk(named, rows, looked=looked, note="  by the lake ")
    assert answers(named) == dict.fromkeys(rows, "heron")
    events = named.desk.project.labels.history()
    assert {event.batch for event in events} == {events[0].event} and {event.source for event in events} == {"bulk"}
    assert {event.who for event in events} == {"ann"}
    assert {event.note for event in events} == {"bulk, 12 looked at of 214; by the lake"}
    exact = purity(12, 12, 214)
    assert found["purity"] == {"value": 1.0, "low": exact.low, "high": 1.0}
    low = math.floor(100 * exact.low)
    assert (
        found["said"]
        == f"214 items labelled in bulk, 12 looked at, estimated purity {low}–100 % (share that is right, 95 % interval). Undo: Z"
    )
    assert (found["recorded"], found["looked"], found["of"]) == (214, 12, 214) and found["version"] > version


def test_one_undo_takes_all_of_it_back_and_one_redo_brings_it_back(named):
    rows = named.desk.rows.pool[:30].tolist()
    bulk(named, rows)
    me = {"who": "ann", "session": "tab-1"}
    assert sorted(named.post("/api/undo", json=me).json()["rows"]) == sorted(rows)
    assert answers(named) == {}
    named.post("/api/redo", json=me)
    assert len(answers(named)) == 30


def test_what_has_an_answer_and_the_yardstick_are_left_alone(named):
    pool, yardstick = named.desk.rows.pool[:20].tolist(), named.desk.rows.yardstick[:4].tolist()
    labels = named.desk.project.labels
    labels.record(named.desk.ids_of(pool[:3]), ["gull", "?", "gull"])
    found = bulk(named, pool + yardstick + pool[:5])
    assert (found["recorded"], found["of"], found["looked"], found["purity"]) == (17, 17, 0, None)
    assert "17 items labelled in bulk, 0 looked at, purity unknown." in found["said"]
    assert "Left alone: 3 answered already, 4 of the yardstick." in found["said"]
    assert answers(named) == {pool[0]: "gull", pool[1]: "?", pool[2]: "gull"} | dict.fromkeys(pool[3:], "heron")
    again = bulk(named, pool + yardstick, key="bulk-0002")
    assert again["recorded"] == 0 and again["said"].startswith("nothing to label in bulk. Left alone: 20 answered")


def test_what_was_seen_to_be_wrong_is_left_out_and_makes_it_less_sure(named):
    rows = named.desk.rows.pool[:60].tolist()
    found = bulk(named, rows, looked=rows[:12], wrong=[rows[0], rows[5]])
    assert rows[0] not in answers(named) and rows[5] not in answers(named) and len(answers(named)) == 58
    exact = purity(10, 12, 60)
    assert found["purity"] == {"value": exact.value, "low": exact.low, "high": exact.high}
    assert "58 items labelled in bulk, 12 looked at, 2 of them left out, estimated purity" in found["said"]
    other = bulk(named, named.desk.rows.pool[60:70], key="bulk-0002", wrong=[int(named.desk.rows.pool[60])])
    assert (other["looked"], other["recorded"]) == (1, 9)  # what was found wrong was looked at


def test_with_all_looked_at_nothing_is_estimated(named):
    rows = named.desk.rows.pool[:9].tolist()
    found = bulk(named, rows, looked=rows, wrong=rows[:2])
    assert found["purity"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["said"] == "7 items labelled in bulk, all looked at, 2 of them left out. Undo: Z"
    assert bulk(named, rows[:2], key="bulk-0002", looked=rows[:2], wrong=rows[:2])["recorded"] == 0


def test_only_what_is_in_the_selection_counts_as_looked_at(named):
    pool = named.desk.rows.pool.tolist()
    found = bulk(named, pool[:10], looked=[pool[0], pool[0], pool[50], int(named.desk.rows.yardstick[0])])
    assert found["looked"] == 1


def test_sent_twice_it_is_recorded_once_and_said_in_the_same_words(named):
    rows = named.desk.rows.pool[:40].tolist()
    order = {"looked": rows[:12], "wrong": rows[:1]}
    first = bulk(named, rows, **order)
    second = bulk(named, rows, **order)
    assert {**second, "version": first["version"]} == first and second["version"] == first["version"]
    assert len(named.desk.project.labels.history()) == 39
    named.post("/api/undo", json={"who": "ann", "session": "tab-1"})
    bulk(named, rows, **order)
    assert answers(named) == {}  # a late repeat does not bring it back


def test_cannot_tell_in_bulk_has_no_purity(named):
    rows = named.desk.rows.pool[:5].tolist()
    found = bulk(named, rows, answer="?", looked=rows[:2])
    assert found["purity"] is None and answers(named) == dict.fromkeys(rows, "?")
    assert found["said"] == "5 items set aside as cannot tell, 2 looked at. Undo: Z"


def test_the_undo_key_is_the_one_that_was_set(named):
    named.desk.project.settings.set("keys", {"undo": "F9"})
    assert bulk(named, named.desk.rows.pool[:1])["said"].endswith(
        "1 item labelled in bulk, 0 looked at, purity unknown. Undo: F9"
    )


def test_a_class_that_is_none_and_a_renamed_one(named):
    order = {"key": KEY, "who": "ann", "answer": "eagle", "rows": [int(named.desk.rows.pool[0])]}
    refused = named.post("/api/bulk", json=order)
    assert refused.status_code == 400 and "eagle" in refused.json()["error"] and answers(named) == {}
    assert named.post("/api/classes", json={"who": "ann", "rename": ["gull", "seagull"]}).status_code == 200
    bulk(named, order["rows"], answer="gull")
    assert list(answers(named).values()) == ["seagull"]


def test_an_answer_given_meanwhile_is_not_written_over(named, monkeypatch):
    """Somebody answers between the look at what is unanswered and the writing of the bulk."""
    rows = named.desk.rows.pool[:10].tolist()
    record = Labels.record

    def late(self, ids, given, **more):
        if more.get("source") == "bulk":
            record(self, ids[:1], ["gull"], who="bob")
        return record(self, ids, given, **more)

    monkeypatch.setattr(Labels, "record", late)
    found = bulk(named, rows, looked=rows[2:4])
    assert found["recorded"] == 9 and answers(named)[rows[0]] == "gull"
    assert "Left alone: 1 answered already." in found["said"]


def test_two_people_at_once_answer_every_item_once(named):
    rows = named.desk.rows.pool[:200].tolist()
    threads = [
        threading.Thread(target=bulk, args=(named, rows), kwargs={"key": f"person-{i}", "who": f"p{i}"})
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(named.desk.rows.place[event.item] for event in named.desk.project.labels.history()) == sorted(rows)


def test_what_was_lent_to_a_tab_is_not_asked_about_after_a_bulk_answer(named):
    me = {"who": "bob", "session": "tab-2"}
    rows = [item["row"] for item in named.post("/api/queue", json={**me, "kind": "suggest", "k": 5}).json()["items"]]
    assert rows and set(named.desk.queues.leases.all()) >= set(rows)
    bulk(named, rows)
    assert not set(named.desk.queues.leases.all()) & set(rows)


@pytest.mark.parametrize(
    "more",
    [
        *({"rows": []}, {"rows": [-1]}, {"rows": [10**30]}, {"rows": [1, "x"]}, {"rows": None}, {"looked": [10**9]}),
        *(
            {"wrong": [-5]},
            {"wrong": [10**40]},
            {"answer": ""},
            {"answer": "   "},
            {"answer": "\ud800"},
            {"key": "short"},
        ),
        *({"who": ""}, {"who": "  "}, {"who": "\ud800"}, {"extra": 1}, {"note": "x" * 3000}, {"answer": "\x00"}),
    ],
)
def test_orders_that_do_not_fit_are_refused_in_words(named, more):
    import json

    order = {"key": KEY, "who": "ann", "answer": "heron", "rows": [int(named.desk.rows.pool[0])]} | more
    answer = named.post("/api/bulk", content=json.dumps(order), headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and answer.json()["error"]
    assert answers(named) == {}


def test_odd_names_and_keys_are_taken_as_they_are(named):
    pool = named.desk.rows.pool.tolist()
    for i, text in enumerate(("🐦" * 10, "a\x00b:c%_'\"", "\U0010ffff" * 9)):
        found = bulk(named, pool[i : i + 1], key=f"{text}12345678", who=text, note=text)
        again = bulk(named, pool[i : i + 1], key=f"{text}12345678", who=text, note=text)
        assert found["recorded"] == again["recorded"] == 1
    assert len(named.desk.project.labels.history()) == 3


def test_many_items_take_a_moment(named, monkeypatch):
    """The ledger, the standing and the sentence, with rows and ids of a large project."""
    from tacit.web import bulk as module
    from tacit.web.open_project import Rows
    from tacit.web.standing import Standing

    n, desk = 20_000, named.desk
    ids = np.array([f"{i:064x}" for i in range(n)], dtype=object)
    everybody = np.arange(n)
    rows = Rows(ids, {id_: i for i, id_ in enumerate(ids)}, everybody, everybody[:0], everybody, np.ones(n, dtype=bool))
    monkeypatch.setitem(desk.__dict__, "rows", rows)
    monkeypatch.setitem(desk.__dict__, "standing", Standing(desk.project.labels, n, rows.place))
    order = BulkOrder(key=KEY, who="ann", answer="heron", rows=everybody.tolist(), looked=list(range(12)))
    began = time.process_time()
    found = module.record(desk, order)
    took = time.process_time() - began
    assert found.recorded == n and (desk.standing.code >= 0).all()
    assert took < 2, took  # 0.4 s; of 100,000 items 2 s


def test_an_undo_of_very_many_answers_leaves_the_standing_right(named, monkeypatch):
    monkeypatch.setattr("tacit.web.standing.MANY", 3)
    rows = named.desk.rows.pool[:10].tolist()
    named.desk.project.labels.record(named.desk.ids_of(rows[:1]), ["gull"], who="bob")
    bulk(named, rows)
    named.post("/api/undo", json={"who": "ann", "session": "tab-1"})
    assert [named.desk.standing.answer(row) for row in rows] == ["gull"] + [None] * 9

"""Several people on one page: what each did, how far they agree, and where not."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tacit.project import classes
from tacit.web import people as module


def ids(client, rows):
    return client.desk.ids_of(rows)


@pytest.fixture
def ledger(client):
    return client.desk.project.labels


def asked(client):
    found = client.get("/people.json")
    assert found.status_code == 200, found.text
    return found.json()


def test_nobody_and_one_person(client, ledger):
    empty = asked(client)
    assert empty["people"] == [] and empty["agreement"]["kind"] == "none" and empty["disagreements"] == []
    assert empty["said"] == "Nobody has answered yet."
    ledger.record(ids(client, [0, 1]), ["cat", "dog"], who="ann")
    one = asked(client)
    assert one["said"] == "One person has answered so far." and one["agreement"]["items"] == 0


def test_what_each_person_did(client, ledger):
    ledger.record(ids(client, [0, 1, 2]), ["cat"] * 3, who="ann", seconds=[1.0, 5.0, 2.0])
    ledger.record(ids(client, [0]), ["dog"], who="ann", seconds=4.0)
    ledger.record(ids(client, range(10, 20)), ["cat"] * 10, who="ann", source="bulk", seconds=0.1)
    ledger.record(ids(client, [3]), ["cat"], who="bob")
    ledger.undo(who="bob")
    ann, bob = asked(client)["people"]
    assert ann == {"name": "ann", "answers": 14, "items": 13, "seconds": 3.0, "taken_back": 0}
    assert bob == {"name": "bob", "answers": 1, "items": 1, "seconds": None, "taken_back": 1}


def test_two_people_have_cohens_kappa_on_their_latest_answers_about_the_pool(client, ledger):
    rng = np.random.default_rng(0)
    pool = client.desk.rows.pool[:50].tolist()
    truth = rng.choice(["cat", "dog", "emu"], 50)
    said = {who: np.where(rng.random(50) < 0.7, truth, "cat").tolist() for who in ("ann", "bob")}
    ledger.record(ids(client, pool), ["dog"] * 50, who="ann")  # changed below
    for who, answers in said.items():
        ledger.record(ids(client, pool), answers, who=who)
    ledger.record(ids(client, client.desk.rows.yardstick[:9].tolist()), ["cat"] * 9, who="ann")
    ledger.record(ids(client, client.desk.rows.yardstick[:9].tolist()), ["dog"] * 9, who="bob")
    ledger.record(ids(client, pool[:1]), ["?"], who="bob")
    found = asked(client)["agreement"]
    assert found["kind"] == "Cohen's kappa" and found["items"] == 49
    assert found["kappa"]["value"] == pytest.approx(cohen_kappa_score(said["ann"][1:], said["bob"][1:]))
    assert found["raw"] == pytest.approx(np.mean(np.array(said["ann"][1:]) == np.array(said["bob"][1:])))


def test_three_people_have_fleiss_kappa_and_one_class_has_none(client, ledger):
    for who in ("ann", "bob", "eve"):
        ledger.record(ids(client, client.desk.rows.pool[:10].tolist()), ["cat"] * 10, who=who)
    found = asked(client)["agreement"]
    assert found["kind"] == "Fleiss' kappa" and found["kappa"] is None and "not defined" in found["said"]


def test_disagreements_are_of_different_people_newest_first(client, ledger):
    ledger.record(ids(client, [0, 1, 2, 3, 4]), ["cat"] * 5, who="ann")
    ledger.record(ids(client, [0]), ["dog"], who="ann")  # a change of mind is none
    ledger.record(ids(client, [1, 2, 3, 4]), ["dog", "cat", "?", "dog"], who="bob")
    ledger.record(ids(client, [4]), ["cat"], who="bob")  # bob came round
    ledger.record(ids(client, [2]), ["emu"], who="eve")
    record = asked(client)
    assert [one["item"]["row"] for one in record["disagreements"]] == [2, 1]
    assert [(a["who"], a["answer"]) for a in record["disagreements"][0]["answers"]] == [
        ("ann", "cat"), ("bob", "cat"), ("eve", "emu"),
    ]  # fmt: skip
    assert record["said"] == "3 people have answered; they differ on 2 items."
    ledger.undo(who="eve")
    assert [one["item"]["row"] for one in asked(client)["disagreements"]] == [1]


def test_another_name_of_a_class_is_nobodys_opinion(client, ledger):
    pool = client.desk.rows.pool[:4].tolist()
    ledger.record(ids(client, pool), ["dog", "cat", "cat", "cat"], who="bob")
    ledger.record(ids(client, pool), ["dog", "dog", "cat", "emu"], who="ann")
    before = asked(client)
    project = client.desk.project
    project.settings.set("classes", ["dog", "cat", "emu"])
    classes.rename(project, "dog", "hound", who="eve")
    classes.rename(project, "hound", "wolf", who="eve")
    after = asked(client)
    assert after["people"] == before["people"] and after["agreement"] == before["agreement"]
    answers = [[a["answer"] for a in one["answers"]] for one in after["disagreements"]]
    assert answers == [["cat", "emu"], ["cat", "wolf"]]
    ledger.record(ids(client, pool[1:2]), ["wolf"], who="bob")
    classes.remove(project, "emu", "cat", who="eve")
    assert asked(client)["disagreements"] == [] and asked(client)["agreement"]["kappa"]["value"] == 1


def test_a_long_list_is_cut_and_says_so(client, ledger):
    ledger.record(ids(client, range(250)), ["cat"] * 250, who="ann")
    ledger.record(ids(client, range(250)), ["dog"] * 250, who="bob")
    record = asked(client)
    assert len(record["disagreements"]) == module.MOST == 200
    assert [one["item"]["row"] for one in record["disagreements"]] == list(range(249, 49, -1))
    assert record["said"] == "2 people have answered; they differ on 250 items; the newest 200 are shown."


def test_the_record_is_made_once_for_every_change(client, ledger, monkeypatch):
    made = []
    real = module.annotators
    monkeypatch.setattr(module, "annotators", lambda path: made.append(path) or real(path))
    for _ in range(3):
        asked(client)
    ledger.record(ids(client, [0]), ["cat"], who="ann")
    for _ in range(3):
        asked(client)
    assert len(made) == 2

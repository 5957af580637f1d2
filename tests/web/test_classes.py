"""Classes: a new one, another name, one less, another order; also while somebody labels with the old ones."""

import json
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.project import Project
from tacit.project.classes import follow, former_names
from tacit.project.settings import Settings
from tacit.web.jobs import Jobs

numbers = count()


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch):
    monkeypatch.setattr(Jobs, "after_answers", lambda self: None)


@pytest.fixture
def three(client):
    """A client whose project has three classes, and two items of the pool and one of the yardstick that are gulls."""
    client.desk.project.settings.set("classes", ["cat", "dog", "gull"])
    client.gulls = [int(client.desk.rows.pool[0]), int(client.desk.rows.pool[1]), int(client.desk.rows.yardstick[0])]
    send(client, *client.gulls, answer="gull")
    return client


def send(client, *rows, answer, who="ann"):
    answers = [{"key": f"key-{next(numbers):08}", "row": row, "answer": answer} for row in rows]
    sent = client.post("/api/answers", json={"who": who, "session": "tab-1", "answers": answers})
    assert sent.status_code == 200, sent.text
    return sent.json()


def change(client, code=200, who="ann", **order):
    sent = client.post("/api/classes", json={"who": who, **order})
    assert sent.status_code == code, sent.text
    return sent.json()["said" if code == 200 else "error"]


def step(client, kind, who="ann"):
    return client.post(f"/api/{kind}", json={"who": who, "session": "tab-1"}).json()


def names(client):
    return [info["name"] for info in client.get("/state.json").json()["classes"]]


def now(client, rows):
    client.desk.standing.refresh()
    return [client.desk.standing.answer(row) for row in rows]


def test_a_new_class_comes_last_and_what_the_ledger_added_is_declared_with_it(three):
    three.desk.project.labels.record(three.desk.ids_of([int(three.desk.rows.pool[9])]), ["heron"])
    assert change(three, add="  tern ").startswith("added 'tern', class 5")
    assert names(three) == ["cat", "dog", "gull", "heron", "tern"]
    assert Settings(three.desk.folder).classes == ("cat", "dog", "gull", "heron", "tern")


@pytest.mark.parametrize("name", ["", "  ", "?", " gull ", "two\nlines", "nul\x00"])
def test_what_is_no_name_for_a_new_class_is_refused(three, name):
    change(three, 400, add=name)
    assert names(three) == ["cat", "dog", "gull"]


def test_two_classes_never_look_the_same(three):
    change(three, add="caf\u00e9")
    assert "looks the same" in change(three, 400, add="cafe\u0301")
    assert "looks the same" in change(three, 400, rename=["cat", "cafe\u0301"])
    change(three, rename=["caf\u00e9", "cafe\u0301"])  # the same one in other bytes
    assert names(three) == ["cat", "dog", "gull", "cafe\u0301"]


def test_a_name_that_is_nearly_there_is_added_with_a_word_of_warning(three):
    assert "mind that there is 'gull'" in change(three, add="Gull")
    assert "mind that there is 'dog'" in change(three, add="dogs")
    assert "mind" not in change(three, add="pelican")


def test_a_renamed_class_keeps_its_key_and_all_its_items_have_the_new_name(three):
    assert change(three, rename=["gull", "sea gull"]).startswith("'gull' is called 'sea gull' now, in 3 answers")
    assert names(three) == ["cat", "dog", "sea gull"] and now(three, three.gulls) == ["sea gull"] * 3
    latest = three.desk.project.labels.current()
    assert {(e.who, e.source, e.note) for e in latest} == {("ann", "bulk", "class renamed from gull")}
    assert Project(three.desk.folder).classes == ("cat", "dog", "sea gull")


def test_a_tab_that_knows_the_old_name_is_understood_through_several_renamings(three):
    row = int(three.desk.rows.pool[5])
    change(three, rename=["gull", "larus"])
    change(three, rename=["larus", "sea gull"])
    sent = send(three, row, answer="gull")
    assert sent["recorded"] == 1 and sent["renamed"] == {"gull": "sea gull"} and now(three, [row]) == ["sea gull"]
    change(three, rename=["sea gull", "gull"])  # in a circle
    assert send(three, row, answer="gull")["renamed"] == {}
    assert send(three, row, answer="larus")["renamed"] == {"larus": "gull"} and names(three)[2] == "gull"


def test_a_former_name_that_is_given_to_a_new_class_is_that_class(three):
    change(three, rename=["gull", "larus"])
    change(three, add="gull")
    sent = send(three, int(three.desk.rows.pool[5]), answer="gull")
    assert sent["renamed"] == {} and names(three) == ["cat", "dog", "larus", "gull"]


def test_a_renaming_is_undone_and_redone_with_its_place_and_its_items(three):
    change(three, rename=["cat", "feline"])  # no item has it: nothing to undo
    change(three, rename=["gull", "larus"])
    undone = step(three, "undo")
    assert undone["said"] == "took back the name larus for gull, in 3 answers"
    assert sorted(undone["rows"]) == sorted(three.gulls) and undone["answers"] == ["gull"] * 3
    assert names(three) == ["feline", "dog", "gull"]
    assert send(three, int(three.desk.rows.pool[5]), answer="larus", who="bob")["renamed"] == {"larus": "gull"}
    assert step(three, "redo")["said"] == "brought back the name larus for gull, in 3 answers"
    assert now(three, three.gulls) == ["larus"] * 3 and set(names(three)) == {"feline", "dog", "larus", "gull"}
    assert step(three, "undo")["kind"] == "undo" and step(three, "undo")["rows"] == [three.gulls[2]]
    assert now(three, three.gulls) == ["gull", "gull", None]


def test_an_answer_that_counts_again_has_the_name_that_its_class_has_by_now(three):
    first, second, third = map(int, three.desk.rows.pool[5:8])
    send(three, third, answer="cat", who="bob")
    for answer in ("gull", "dog"):  # somebody changes their mind
        send(three, first, answer=answer, who="cid")
    send(three, second, answer="gull")
    step(three, "undo")
    change(three, rename=["gull", "larus"], who="bob")
    change(three, remove="cat", instead="dog", who="bob")
    send(three, third, answer="larus", who="dan")
    assert step(three, "undo", "cid")["answers"] == ["larus"]
    assert step(three, "undo", "dan")["answers"] == ["dog"]
    assert step(three, "redo")["answers"] == ["larus"]
    assert now(three, [first, second, third]) == ["larus", "larus", "dog"] and names(three) == ["dog", "larus"]
    said = {event.item: (event.who, event.source) for event in three.desk.project.labels.current()}
    assert [said[item] for item in three.desk.ids_of([first, second])] == [("cid", "single"), ("ann", "single")]
    assert step(three, "undo")["answers"] == [None] and step(three, "redo")["answers"] == ["larus"]  # as any other
    assert step(three, "undo", "cid")["answers"] == [None]
    assert names(three) == ["dog", "larus"]


def test_when_others_used_the_new_name_since_an_undone_renaming_leaves_both(three):
    row = int(three.desk.rows.pool[5])
    change(three, rename=["gull", "larus"])
    send(three, row, answer="larus", who="bob")
    step(three, "undo")
    assert names(three) == ["cat", "dog", "gull", "larus"] and now(three, [row, three.gulls[0]]) == ["larus", "gull"]
    assert send(three, row, answer="gull")["renamed"] == {}


@pytest.mark.parametrize("place", ["tacit.project.settings.write_atomic", "tacit.data.labels.Labels.record"])
def test_a_renaming_that_found_the_disk_full_can_be_repeated(three, monkeypatch, place):
    def full(*_, **__):
        raise BadEnvironment("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        change(three, 503, rename=["gull", "larus"])
    assert "gull" in names(three) and now(three, three.gulls) == ["gull"] * 3
    assert Settings(three.desk.folder).classes == three.desk.project.settings.classes
    change(three, rename=["gull", "larus"])
    assert names(three) == ["cat", "dog", "larus"] and now(three, three.gulls) == ["larus"] * 3


def test_a_renaming_is_nobodys_second_opinion(three):
    change(three, rename=["gull", "larus"], who="bob")
    found = three.desk.project.labels.by_one()
    assert set(found.values()) == {"ann"} and len(found) == 3


def test_a_renaming_makes_nobody_disagree(three):
    send(three, three.gulls[0], answer="gull", who="bob")
    send(three, three.gulls[1], answer="dog", who="bob")
    change(three, rename=["gull", "larus"], who="eve")
    people = three.get("/people.json").json()
    (differing,) = people["disagreements"]
    assert differing["item"]["row"] == three.gulls[1]
    assert {(said["who"], said["answer"]) for said in differing["answers"]} == {("ann", "larus"), ("bob", "dog")}
    assert people["agreement"]["raw"] == 0.5  # of the two items of the pool that two people looked at


def test_two_classes_are_not_made_one_by_a_name(three):
    said = three.post("/api/classes", json={"who": "ann", "rename": ["gull", "dog"]}).json()
    assert "'dog' already" in said["error"] and "remove 'gull'" in said["next"]
    assert change(three, 404, rename=["gul", "x"]) == "there is no class called 'gul'"


def test_a_class_with_items_is_only_removed_when_it_is_said_what_becomes_of_them(three):
    assert change(three, 400, remove="gull") == "2 items of the pool and 1 of the yardstick are 'gull'"
    assert change(three, 400, remove="gull", instead="gull") and change(three, 404, remove="gull", instead="fish")
    assert names(three) == ["cat", "dog", "gull"]
    assert change(three, remove="cat") == "removed 'cat'" and names(three) == ["dog", "gull"]


def test_the_items_of_a_removed_class_get_another_and_back(three):
    assert change(three, remove="gull", instead="dog") == "removed 'gull'; 3 items got 'dog' instead"
    assert names(three) == ["cat", "dog"] and now(three, three.gulls) == ["dog"] * 3
    assert step(three, "undo")["said"] == "took back the removal of gull, in 3 answers"
    assert names(three) == ["cat", "dog", "gull"] and now(three, three.gulls) == ["gull"] * 3


def test_the_answers_of_a_removed_class_are_taken_back_and_brought_back(three):
    send(three, three.gulls[0], answer="cat", who="bob")
    send(three, three.gulls[0], answer="gull", who="bob")
    assert "took back 4 answers" in change(three, remove="gull", instead="")
    assert now(three, three.gulls) == ["cat", None, None] and names(three) == ["cat", "dog"]
    assert step(three, "redo")["said"] == "brought back 4 answers"
    assert now(three, three.gulls) == ["gull"] * 3 and names(three) == ["cat", "dog", "gull"]


def test_a_tab_that_labels_with_a_removed_class_is_told(three):
    row = int(three.desk.rows.pool[5])
    change(three, rename=["cat", "feline"])
    change(three, remove="feline")
    for name in ("cat", "feline"):
        (refused,) = send(three, row, answer=name)["refused"]
        assert refused["row"] == row and f"'{name}' (any more); the classes are: dog, gull" in refused["error"]
    assert now(three, [row]) == [None]


def test_another_order_is_another_set_of_keys(three):
    change(three, order=["gull", "cat", "dog"])
    infos = three.get("/label.json").json()["classes"]
    assert [(info["name"], info["key"], info["labeled"]) for info in infos] == [
        ("gull", "1", 2), ("cat", "2", 0), ("dog", "3", 0),
    ]  # fmt: skip
    for wrong in (["gull", "cat"], ["gull", "cat", "cat"], ["gull", "cat", "dog", "dog"], [], ["\ud800"]):
        body = json.dumps({"who": "ann", "order": wrong})
        sent = three.post("/api/classes", content=body, headers={"content-type": "application/json"})
        assert 400 <= sent.status_code < 500 and sent.json()["error"]
    assert names(three) == ["gull", "cat", "dog"]


def test_one_change_at_a_time_by_somebody(three):
    assert "one change at a time" in change(three, 400)
    assert "one change at a time" in change(three, 400, add="a", remove="cat")
    assert "goes with remove" in change(three, 400, add="a", instead="cat")
    assert "who you are" in change(three, 400, who=" ", add="a")


def test_what_another_process_wrote_meanwhile_stays(three):
    other = Settings(three.desk.folder)
    other.change({"seed": 17, "classes": ["cat", "dog", "gull", "owl"]})
    change(three, add="tern")
    kept = Settings(three.desk.folder)
    assert kept.classes == ("cat", "dog", "gull", "owl", "tern") and kept.get("seed") == 17
    assert send(three, int(three.desk.rows.pool[5]), answer="owl")["recorded"] == 1


def test_a_trained_model_is_said_to_know_the_classes_as_they_were(learned_client):
    assert "knows the classes as they were: train again" in change(learned_client, rename=["3", "three"])
    row = int(learned_client.desk.rows.pool[5])
    assert send(learned_client, row, answer="3")["renamed"] == {"3": "three"}  # the model still proposes the old name


def test_the_verbs_are_there_in_python(three):
    project = Project(three.desk.folder)
    project.add_class("owl")
    assert project.rename_class("gull", "larus", who="bob").record == {"items": 3}
    project.order_classes(["owl", "larus", "dog", "cat"])
    project.remove_class("dog")
    assert project.classes == ("owl", "larus", "cat") == tuple(names(three))
    with pytest.raises(WrongUsage, match="2 items of the pool and 1 of the yardstick"):
        project.remove_class("larus")


def test_a_circle_of_names_in_the_file_ends_and_nonsense_is_told(three):
    assert follow("a", {"a": "b", "b": "c"}) == "c" and follow("a", {"a": "b", "b": "a"}) in ("a", "b")
    settings_ = Settings(three.desk.folder)
    settings_.set("renamed", ["gull"])
    with pytest.raises(BadData, match="renamed must be a table"):
        former_names(Settings(three.desk.folder))
    assert three.post("/api/classes", json={"who": "ann", "add": "tern"}).status_code == 422


@given(names_=st.lists(st.text(max_size=12), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_name_is_taken_can_be_used_renamed_and_read_back(client, names_):
    for name in names_:
        body = {"content": json.dumps({"who": "ann", "add": name}), "headers": {"content-type": "application/json"}}
        sent = client.post("/api/classes", **body)
        assert sent.status_code in (200, 400, 422)
        if sent.status_code == 200:
            assert names(client)[-1] == name.strip() and Settings(client.desk.folder).classes[-1] == name.strip()
            other = f"{name.strip()} {next(numbers)}"
            change(client, rename=[name.strip(), other])
            assert send(client, 0, answer=name)["renamed"] == {name.strip(): other}

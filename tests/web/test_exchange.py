"""Files of answers through the page: all of a file or nothing, and what was brought goes back whole."""

import json
import tempfile

import pytest

from tacit.project import Project
from tacit.web.exchange import LENIENT, plain


def send(client, content, name="tasks.json", **query):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post("/api/import", params=query, files={"file": (name, content)})


def tasks_of(client, rows, answer="cat"):
    names = client.desk.project.paths(client.desk.ids_of(rows))
    result = {"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": [answer]}}
    return [
        {"id": i, "data": {"image": name}, "annotations": [{"id": i, "completed_by": 1, "result": [result]}]}
        for i, name in enumerate(names)
    ]


def test_a_label_studio_file_comes_and_goes(client):
    tasks = tasks_of(client, [0, 1, 2])
    done = send(client, tasks).json()
    assert (done["format"], done["recorded"], done["items"], done["unknown"]) == ("label-studio", 3, 3, 0)
    assert done["version"] == client.get("/state.json").json()["version"] and "recorded 3 answers" in done["said"]
    back = client.get("/api/export", params={"format": "label-studio"})
    assert back.json() == tasks
    assert back.headers["content-disposition"] == 'attachment; filename="photos-label-studio.json"'
    assert back.headers["content-type"] == "application/json"


def test_tables_are_told_by_their_names_and_who_is_whoever_sends(client):
    one, two = client.desk.ids_of([0, 1])
    assert send(client, f"id,label\n{one},cat\n".encode(), "a.csv", who="ann").json()["format"] == "csv"
    assert send(client, json.dumps({"id": two, "label": "dog"}).encode(), "a.jsonl").json()["recorded"] == 1
    assert [event.who for event in client.desk.project.labels.history()] == ["ann", "me"]
    table = client.get("/api/export", params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv") and len(table.text.splitlines()) == 3
    client.desk.project.labels.undo()
    history = client.get("/api/export", params={"format": "history"}).text.splitlines()
    assert [json.loads(line)["kind"] for line in history] == ["answer", "answer", "undo"]
    assert len(client.get("/api/export", params={"format": "jsonl"}).text.splitlines()) == 1


def test_no_class_changes_while_a_file_is_brought_in(client, monkeypatch):
    free, whole = [], Project.import_labels

    def watched(*args, **options):
        free.append(client.desk.queues.naming.lock.acquire(blocking=False))
        return whole(*args, **options)

    monkeypatch.setattr(Project, "import_labels", watched)
    assert send(client, f"id,label\n{client.desk.ids_of([0])[0]},cat\n".encode(), "a.csv").json()["recorded"] == 1
    assert free == [False]


def test_coco_files_are_kept_side_by_side(client):
    names = client.desk.project.paths(client.desk.ids_of([0, 1]))
    files = {
        part: {
            "images": [{"id": 1, "file_name": name}], "licenses": [part],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 5}], "categories": [{"id": 5, "name": "cat"}],
        }
        for part, name in zip(("train.json", "val.json"), names, strict=True)
    }  # fmt: skip
    for name, content in files.items():
        assert send(client, content, name).json()["format"] == "coco"
        assert client.get("/api/export", params={"format": "coco", "name": name}).json() == content
    which = client.get("/api/export", params={"format": "coco"})
    assert which.status_code == 400 and "train.json, val.json" in which.json()["error"]


@pytest.mark.parametrize(
    ("content", "name", "query", "status"),
    [
        (b"[", "t.json", {}, 422),
        (b"\xff", "t.csv", {}, 422),
        (b"id,label\nnobody,cat\n", "t.csv", {}, 422),
        (b"x", "t.png", {}, 400),
        (b"[]", "t.json", {"format": "coco"}, 422),
        (b"[]", "t.json", {"format": "xml"}, 422),
        (b"[]", "t.json", {"who": ""}, 422),
        (b"id,label\nnobody,cat\n", "t.csv", {"who": " "}, 422),
    ],
)
def test_what_cannot_be_read_is_said_without_a_trace(client, content, name, query, status, tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))  # others write into the one of the machine
    found = send(client, content, name, **query)
    assert found.status_code == status and found.json()["error"] and found.json()["next"], found.text
    assert str(tmp_path) not in found.text and "tacit-" not in found.text
    assert client.desk.project.labels.history() == []
    assert not list(room.iterdir())


def test_unknown_items_are_passed_over_when_asked(client):
    tasks = [
        *tasks_of(client, [0]),
        {"data": {"image": "nowhere.png"}, "annotations": tasks_of(client, [0])[0]["annotations"]},
    ]
    refused = send(client, tasks)
    assert refused.status_code == 422 and "nowhere.png" in refused.text and "tasks.json" in refused.json()["error"]
    assert f"tick “{LENIENT}”" in refused.json()["next"] and "tacit label" not in refused.text
    done = send(client, tasks, skip_unknown=True).json()
    assert (done["recorded"], done["unknown"]) == (1, 1)


def test_a_round_may_begin_after_answers_of_the_pool_only(client, monkeypatch):
    begun = []
    monkeypatch.setattr(client.desk.jobs, "after_answers", lambda: begun.append(True))
    rows = client.desk.rows
    send(client, tasks_of(client, rows.yardstick[:2].tolist()))
    assert begun == []
    send(client, tasks_of(client, rows.pool[:2].tolist()))
    assert begun == [True]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/x.csv", "x.csv"),
        ("C:\\a\\b.json", "b.json"),
        ('a"\r\n\u00e9\ud800\x00.csv', "a______.csv"),
        ("", "answers"),
        ("..", "answers"),
        ("x" * 300 + ".json", "x" * 95 + ".json"),
    ],
)
def test_names_of_files_are_made_safe(name, kept):
    assert plain(name) == kept

"""Look, Progress, Train, Runs, Settings: what they say, and what may be changed."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from tacit.engine.run import Run
from tacit.evaluate.intervals import wilson
from tacit.project import Project
from tacit.web.train import default, kind
from tests.web.conftest import opened

PAGES = ("/progress.json", "/train.json", "/look.json", "/runs.json", "/settings.json")


@pytest.fixture
def client(learned_client):
    return learned_client


def test_every_page_answers_for_a_project_in_which_nothing_was_done(fresh):
    found = {path: fresh.get(path) for path in PAGES}
    assert [answer.status_code for answer in found.values()] == [200] * 5
    progress = found["/progress.json"].json()
    assert progress["curves"] == [] and progress["per_minute"] is None
    assert progress["advice"] == "Go on: a first model needs answers of at least two classes."
    assert "at least two classes" in found["/train.json"].json()["advice"]
    assert found["/runs.json"].json()["runs"] == []


@pytest.fixture
def fresh(project):
    from fastapi.testclient import TestClient

    from tacit.web.app import make_app
    from tacit.web.desk import Desk

    desk = Desk(project)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as found:
        assert desk.ready.wait(60)
        yield found


def test_without_a_yardstick_every_page_says_that_nothing_can_be_measured(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:60, 0])
    project = Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=0)
    project.labels.record([str(id_) for id_ in project.pool.ids[:2]], ["cat", "dog"], who="ann")
    for client in opened(project.folder):
        assert client.get("/progress.json").json()["advice"].startswith("Nothing can be measured: this project has no")
        order = {"who": "ann", "session": "tab-1", "kind": "yardstick", "k": 5}
        queue = client.post("/api/queue", json=order).json()
        assert queue["items"] == [] and queue["said"] == "This project has no yardstick, so nothing can be measured."


def test_the_curve_has_every_training_with_wilsons_interval(client):
    told = client.desk.trained[-1].record
    (line,) = client.get("/progress.json").json()["curves"]
    (point,) = line["points"]
    assert line["name"] == "supervised" and not line["reference"]
    assert (point["labels"], point["run"], point["items"]) == (40, "002-supervised", 72)
    there = wilson(round(told["accuracy"][0] * 72), 72)
    assert point["accuracy"] == pytest.approx({"value": there.value, "low": there.low, "high": there.high})


def test_more_trainings_give_advice_with_what_the_next_labels_are_worth(client):
    before = client.get("/progress.json").json()
    assert before["advice"].startswith("Go on: supervised has been measured with one number of labels")
    told = client.desk.trained[-1].record
    for labels, right in ((80, 60), (160, 60), (320, 60), (640, 60)):
        record = {**told, "labels": labels, "accuracy": [right / 72, 0.7, 0.9]}
        Run.create(client.desk.folder / "runs", "supervised", record)
    after = client.get("/progress.json").json()
    assert [point["labels"] for point in after["curves"][0]["points"]] == [40, 80, 160, 320, 640]
    assert "20 more labels: about +" in after["advice"]
    assert after["advice"].startswith(("You may stop", "Stop"))  # it has stood still over four doublings


def test_a_simulation_is_drawn_with_random_as_its_reference(client):
    curve = {"labels": [20, 40], "accuracy": [0.5, 0.6], "low": [0.4, -math.inf], "high": [0.6, math.inf]}
    record = {"seeds": [0], "curves": [{"strategy": "random", **curve}, {"strategy": "margin", **curve}]}
    path = client.desk.folder / "reports" / "simulation.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))
    found = client.get("/progress.json").json()
    random, margin = found["curves"][1:]
    assert random["reference"] and not margin["reference"] and margin["name"] == "margin (simulated)"
    assert random["points"][1]["accuracy"] == {"value": 0.6, "low": 0.0, "high": 1.0}  # one seed says nothing more
    path.write_text("{spoiled")
    assert len(client.get("/progress.json").json()["curves"]) == 1


def test_speed_and_cost_come_from_the_ledger(client):
    desk = client.desk
    free = [int(row) for row in desk.rows.pool if desk.standing.answer(int(row)) is None]
    for minute, n in ((100, 3), (101, 5)):
        ids = desk.ids_of([free.pop() for _ in range(n)])
        desk.project.labels.clock = lambda minute=minute: 60.0 * minute + 7
        desk.project.labels.record(ids, ["1"] * n, who="ada", seconds=[2.0] * n)
    found = client.get("/progress.json").json()
    assert found["speed"] == [
        {"minute": 6000.0, "labels": 3},
        {"minute": 6060.0, "labels": 5},
    ]  # the oracle has no speed
    assert found["per_minute"] == 4
    rows = {row["what"]: row for row in found["cost"]}
    assert rows["answers given"]["labels"] == 48 and rows["answers given"]["seconds"] == 16
    assert rows["by ada"]["labels"] == 8 and rows["train: 002-supervised"]["labels"] == 40


def compared(client, **row):
    """A finished `train auto` that kept mixmatch."""
    ends = {"accuracy": [0.8, 0.7, 0.9], "balanced": [0.8, 0.7, 0.9], "seconds": 3.0}
    rows = [{"candidate": "supervised", **ends, "above": [0.0, 0.0, 0.0]}, {"candidate": "mixmatch", **ends, **row}]
    told = client.desk.trained[-1].record
    record = {
        **told,
        "method": "mixmatch",
        "compared": {"held_out": 40, "rows": rows, "verdict": "mixmatch is kept", "left_out": []},
    }
    return Run.create(client.desk.folder / "runs", "mixmatch", record)


def test_the_comparison_is_shown_and_the_model_in_use_is_marked(client):
    before = client.get("/train.json").json()
    assert before["compared"] == [] and "compare" in before["advice"]
    run = compared(client, above=[0.1, 0.02, 0.2])
    found = client.get("/train.json").json()
    assert [row["candidate"] for row in found["compared"]] == ["supervised", "mixmatch"]
    assert found["compared"][0]["above"] is None and found["compared"][1]["above"]["low"] == 0.02
    assert found["compared_said"] == f"{run.name}: mixmatch is kept. Compared on 40 labels, held out in turn."
    assert [(row["run"], row["current"]) for row in found["trained"]] == [(run.name, False), ("002-supervised", True)]
    assert "best of those compared" in found["advice"]


def test_a_model_in_use_that_lost_its_comparison_is_said(client):
    run = compared(client, above=[-0.1, -0.2, -0.02])
    assert not any(banner["id"].startswith("worse-") for banner in client.get("/state.json").json()["banners"])
    guesses = (client.desk.folder / "runs" / "002-supervised" / "guesses.npz").read_bytes()
    (run.folder / "guesses.npz").write_bytes(guesses)  # as `tacit round --with` does
    (banner,) = [b for b in client.get("/state.json").json()["banners"] if b["id"].startswith("worse-")]
    assert run.name in banner["text"] and banner["kind"] == "warning"


def test_the_catalogue_says_of_every_method_what_can_be_set(client):
    methods = {method["name"]: method for method in client.get("/train.json").json()["methods"]}
    assert methods["vae"]["task"] == "learn" and methods["mixmatch"]["task"] == "train"
    settings = {setting["name"]: setting for setting in methods["vae"]["settings"] + methods["vae"]["recipe"]}
    assert settings["steps"]["kind"] == "number" and settings["latent_dim"]["default"].isdigit()
    assert all(method["use_when"] and method["recipe"] for method in methods.values())
    assert [(default(value), kind(value)) for value in (True, None, 3, "auto")] == [
        ("yes", "switch"), ("none", "text"), ("3", "number"), ("auto", "text"),
    ]  # fmt: skip


def test_look_tells_what_is_there_and_a_scan_takes_in_what_is_new(client):
    photos = client.desk.folder.parent / "photos"
    before = client.get("/look.json").json()
    assert before["found"]["items"] == 360 and before["found"]["extensions"] == {"png": 360}
    assert before["lines"][0].endswith("360 images in 10 folders (png 360)") and before["gone_count"] == 0
    version = client.get("/state.json").json()["version"]
    gone = next(photos.glob("3/*.png"))
    gone.unlink()
    Image.new("L", (32, 32), 77).save(photos / "3" / "new.png")
    (photos / "3" / "broken.png").write_bytes(b"no picture")
    after = client.post("/api/look").json()
    assert after["found"]["items"] == 361 and after["found"]["added"] == 1
    assert after["gone"] == [f"3/{gone.name}"] and after["gone_count"] == 1
    assert [path for path, _ in after["skipped"]] == ["3/broken.png"]
    state = client.get("/state.json").json()
    assert state["items"] == 361 and state["version"] > version
    assert client.desk.item(360).name == "3/new.png"
    assert client.get("/look.json").json() == after


def test_what_another_process_took_in_is_there_after_a_scan_and_has_its_turn(client):
    desk, before = client.desk, client.get("/state.json").json()
    left = len(desk.queues._random_order)
    Image.new("RGB", (32, 32), "blue").save(desk.project.settings.source / "found meanwhile.png")
    assert Project(desk.folder).refresh().added == 1
    assert client.post("/api/look").status_code == 200
    after = client.get("/state.json").json()
    assert (after["items"], after["pool"]) == (before["items"] + 1, before["pool"] + 1)
    assert after["project"] == before["project"]
    assert client.get(f"/api/items?rows={before['items']}").json()[0]["name"] == "found meanwhile.png"
    assert len(desk.queues._random_order) == left + 1


def test_runs_are_listed_with_their_records_and_told_in_full(client):
    found = client.get("/runs.json").json()
    assert [run["name"] for run in found["runs"]] == ["002-supervised", "001-vae"]
    assert found["runs"][1]["record"]["options"]["latent_dim"] == 8 and not found["runs"][1]["resumable"]
    details = client.get("/api/runs/001-vae").json()
    assert 0 < len(details["progress"]) <= 200 and details["progress"][-1]["step"] == 150
    assert client.get("/api/runs/..%2f..").status_code == 404
    unknown = client.get("/api/runs/009-vae")
    assert unknown.status_code == 404 and "known: 001-vae, 002-supervised" in unknown.json()["next"]


def test_a_run_whose_process_is_gone_was_interrupted(client):
    record = {"task": "learn", "seed": 0, "terms": {"loss": math.nan}}
    run = Run.create(client.desk.folder / "runs", "vae", record)  # by this process, which is alive
    assert client.get("/runs.json").json()["runs"][0]["status"] == "training"
    run.record["process"] = 2**22 + 1  # more than a system numbers
    run.write()
    found = client.get("/runs.json").json()["runs"][0]
    assert found["status"] == "interrupted" and found["resumable"] and found["record"]["terms"] == {"loss": None}


def test_a_class_called_by_a_digit_has_that_key(learned_client):
    found = learned_client.get("/settings.json").json()
    assert [(one["name"], one["key"]) for one in found["classes"]] == [(digit, digit) for digit in "0123456789"]
    assert found["keys"]["class-1"] == found["defaults"]["class-1"] == "0"
    order = {"keys": {"class-1": "j", "skip": "0"}}
    found = learned_client.post("/api/settings", json=order).json()
    assert found["classes"][0]["key"] == "j" and found["keys"]["skip"] == "0"
    refused = learned_client.post("/api/settings", json={"keys": {"skip": "0"}})
    assert refused.status_code == 400 and "class-1 and skip" in refused.json()["error"]


def test_settings_change_the_name_and_the_keys(client):
    found = client.post("/api/settings", json={"name": "  herons ", "keys": {"skip": "j"}}).json()
    assert found["name"] == "herons" and found["keys"]["skip"] == "j" and found["defaults"]["skip"] == "x"
    state = client.get("/state.json").json()
    assert state["name"] == "herons" and state["keys"]["skip"] == "j"
    assert client.post("/api/settings", json={"keys": {}}).json()["keys"]["skip"] == "x"
    assert "You may edit this file" in (client.desk.folder / "project.toml").read_text()


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"keys": {"skip": "1"}}, "two things"),
        ({"keys": {"jump": "j"}}, "no action called"),
        ({"keys": {"skip": "\x00"}}, "no key that can be printed"),
        ({"name": "two\nlines"}, "one line"),
        ({"name": "   "}, "one line"),
        ({"name": "", "keys": {}}, "does not fit"),
        ({"name": "good", "keys": {"skip": ""}}, "needs a key"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_nothing_is_written(client, order, said):
    before = (client.desk.folder / "project.toml").read_text()
    answer = client.post("/api/settings", json=order)
    assert 400 <= answer.status_code < 500 and said in answer.json()["error"]
    raw = client.post("/api/settings", content=b'{"name": "\\ud800"}', headers={"content-type": "application/json"})
    assert 400 <= raw.status_code < 500
    assert (client.desk.folder / "project.toml").read_text() == before

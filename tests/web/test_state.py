"""The header of every page."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tacit.data.labels import Labels
from tacit.project import Project
from tacit.web.desk import Desk


def test_what_a_fresh_project_says_of_itself(client):
    state = client.get("/state.json").json()
    assert state["ready"] and state["items"] == state["pool"] + state["yardstick"] == 360
    assert state["labeled"] == 0 and state["classes"] == [] and state["space"]["name"] == "quick"


def test_the_version_rises_with_what_happens_and_only_then(client):
    first = client.get("/state.json").json()["version"]
    assert client.get("/state.json").json()["version"] == first
    labels = client.desk.project.labels
    labels.record([client.desk.ids_of([0])[0]], ["cat"])
    second = client.get("/state.json").json()
    assert second["version"] > first and [c["name"] for c in second["classes"]] == ["cat"]
    labels.undo()
    assert client.get("/state.json").json()["version"] > second["version"]


def test_a_page_of_another_project_is_refused_and_changes_nothing(learned_client, tmp_path):
    client = learned_client
    state = client.get("/state.json").json()
    mine = {"tacit-project": state["project"]}
    copied = Desk(Path(shutil.copytree(client.desk.folder, tmp_path / "copy.tacit")))
    copied.open()
    assert copied.identity != state["project"] != ""
    answer = {"key": "k", "row": 3, "answer": "7"}
    order = {"who": "me", "session": "s", "answers": [answer]}
    before = len(client.desk.project.labels.history())
    refused = client.post("/api/answers", json=order, headers={"tacit-project": copied.identity})
    assert refused.status_code == 421 and f"another project, {state['name']}, is served here" in refused.json()["error"]
    assert len(client.desk.project.labels.history()) == before
    assert client.get("/label.json", headers=mine).status_code == 200
    assert client.get("/state.json", headers={"tacit-project": copied.identity}).json()["project"] == state["project"]


def test_a_project_keeps_its_identity_when_items_join_and_gets_another_one_made_anew_from_others(project):
    photos = project.parent / "photos"
    first = identity(project)
    Image.new("L", (32, 32), 7).save(photos / "0" / "000-before-all-others.png")
    assert Project(project).refresh().added == 1 and identity(project) == first
    for path in (project / "project.db", project / "items.json"):  # project.toml stays, with its id
        path.unlink()
    Project.create(photos, project)
    assert identity(project) != first


def identity(folder):
    desk = Desk(folder)
    desk.open()
    return desk.identity


@pytest.mark.parametrize("end", ["gone", "another"])
def test_a_folder_that_is_gone_or_another_one_takes_no_answers(client, project, tmp_path, end):
    former = project.rename(tmp_path / "former.tacit")
    if end == "another":
        shutil.copytree(former, project)
    order = {"who": "me", "session": "tab one", "answers": [{"key": "a key of its own", "row": 3, "answer": "?"}]}
    for answer in (client.post("/api/answers", json=order), client.get("/state.json")):
        assert answer.status_code == 503 and "moved, removed or replaced" in answer.json()["error"]
    assert not Labels(former / "project.db").history()


def test_the_server_is_there_before_torch_is_loaded():
    code = (
        "import sys, tacit.web.app, tacit.web.serve; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

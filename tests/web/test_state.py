"""The header of every page."""

import shutil
import subprocess
import sys
from pathlib import Path

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


def test_the_server_is_there_before_torch_is_loaded():
    code = (
        "import sys, tacit.web.app, tacit.web.serve; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

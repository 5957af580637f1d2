"""The header of every page."""

import subprocess
import sys


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


def test_the_server_is_there_before_torch_is_loaded():
    code = (
        "import sys, tacit.web.app, tacit.web.serve; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

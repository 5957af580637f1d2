"""A project that could not be opened, or is not yet: said in words, whatever is asked."""

import re
import threading

from fastapi.testclient import TestClient

from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk


def around(desk: Desk) -> TestClient:
    return TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False)


def test_every_route_says_that_the_project_could_not_be_opened(tmp_path):
    folder = tmp_path / "beans.tacit"
    folder.mkdir()
    (folder / "project.toml").write_text("classes = [")
    desk = Desk(folder)
    with around(desk) as client:
        assert desk.ready.wait(60)
        told, _, rest = str(desk.failure).partition("\n")
        paths = client.get("/openapi.json").json()["paths"]
        calls = [(method, path) for path, operations in paths.items() for method in operations]
        found = {call: client.request(call[0], re.sub(r"{\w+}", "0", call[1])) for call in calls}
    assert "project.toml" in told and len(found) > 40
    for call, answer in found.items():
        assert (answer.status_code, answer.json()) == (422, {"error": told, "next": rest.strip(), "code": 3}), call


def test_while_the_project_is_being_opened_the_header_answers_and_the_rest_waits(project, monkeypatch):
    go_on, load = threading.Event(), Project.__init__

    def slow(self, folder):
        assert go_on.wait(60)
        load(self, folder)

    monkeypatch.setattr(Project, "__init__", slow)
    desk, runs = Desk(project), []
    with around(desk) as client:
        state = client.get("/state.json").json()
        assert not state["ready"] and state["waiting"] == "opening the project"
        asking = threading.Thread(target=lambda: runs.append(client.get("/runs.json")))
        asking.start()
        asking.join(0.3)
        assert asking.is_alive() and not runs
        go_on.set()
        asking.join(60)
        assert runs[0].json() == {"runs": []} and client.get("/state.json").json()["ready"]
        desk.jobs.close()

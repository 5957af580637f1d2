"""Jobs: real child processes, started over HTTP, stopped, found again, refused."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tacit.project.settings import Settings
from tacit.web import jobs, schemas
from tacit.web.desk import Desk
from tacit.web.jobs import Jobs
from tacit.web.kept import Kept
from tacit.web.sayings import resume_line, said_in

LONG = {"verb": "learn", "name": "vae", "settings": {"steps": "4000", "width": "4", "batch": "10"}}


def until(wanted, seconds=60):
    """What `wanted()` answers once it is true."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := wanted():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def job(client, number):
    return client.get(f"/api/jobs/{number}").json()["job"]


def ended(client, number):
    return until(lambda: (found := job(client, number))["ended"] is not None and found)


def test_a_job_that_is_stopped_is_found_by_another_server_and_goes_on(client):
    first = client.post("/api/jobs", json=LONG).json()
    assert first["status"] == "running" and first["words"] == [
        "learn", "vae", "--steps=4000", "--width=4", "--batch=10",
    ]  # fmt: skip
    waiting = client.post("/api/jobs", json={"verb": "learn", "name": "autoencoder"}).json()
    assert waiting["status"] == "waiting"
    assert client.post(f"/api/jobs/{waiting['id']}/stop").json()["status"] == "stopped"
    until(lambda: job(client, 1)["step"])
    seen = client.get("/state.json").json()["jobs"]
    assert [(one["id"], one["run"]) for one in seen] == [(2, None), (1, "001-vae")] and seen[1]["eta"] > 0

    another = Desk(client.desk.folder)  # as after a kill -9: it did not start the process
    another.open()
    found = another.jobs.recent()[1]
    assert (found.status, found.run) == ("running", "001-vae")
    assert another.jobs.stop(1).status == "stopping"
    until(lambda: another.jobs.recent()[1].ended)
    found = another.jobs.recent()[1]
    assert found.status == "stopped" and found.resumable and found.said.startswith("saved at step ")

    ended(client, 1)
    again = client.post("/api/jobs/1/resume").json()
    assert again["words"] == ["learn", "--resume"] and again["run"] == "001-vae" and not job(client, 1)["resumable"]
    assert "at work already" in client.post("/api/jobs", json={"verb": "learn", "resume": True}).json()["error"]
    step = job(client, 1)["step"]
    until(lambda: job(client, again["id"])["step"] > step)
    lines = client.desk.jobs.close()  # as the server does on Ctrl-C
    assert len(lines) == 1 and lines[0].startswith("saved at step ")
    assert lines[0].endswith(f"-> tacit learn --resume -p {client.desk.folder}")


def test_a_job_ends_with_what_it_made_and_a_failure_with_its_sentence(learned_client):
    client, folder = learned_client, learned_client.desk.folder
    made = client.post("/api/jobs", json={"verb": "round", "settings": {"k": "3"}}).json()
    (folder / "runs" / "002-supervised" / "model.safetensors").write_bytes(b"spoiled")
    broken = client.post("/api/jobs", json={"verb": "export", "name": "002-supervised"}).json()
    failed = ended(client, broken["id"])
    assert (
        failed["status"] == "failed" and failed["said"].startswith("error: ") and "model.safetensors" in failed["said"]
    )
    banner = next(b for b in client.get("/state.json").json()["banners"] if b["id"] == f"job-{broken['id']}")
    assert banner["kind"] == "error" and banner["text"].startswith("export failed: ")
    done = ended(client, made["id"])
    assert done["status"] == "finished" and done["run"] == "003-supervised" and done["step"] == done["steps"] == 200
    assert done["said"] == "round 3: 3 items to label"
    details = client.get(f"/api/jobs/{made['id']}").json()
    assert len(details["progress"]) == 200 and any("has guessed all" in line for line in details["log"])
    assert client.get("/state.json").json()["model"]["name"] == "003-supervised"
    assert client.get("/api/runs/003-supervised").json()["log"] == details["log"]


def test_a_process_that_does_not_answer_is_killed_when_asked_twice(client, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0.3)
    first = client.post("/api/jobs", json=LONG).json()
    until(lambda: job(client, 1)["run"])  # it is at work
    os.kill(client.desk.jobs.kept[first["id"]].pid, signal.SIGSTOP)
    assert client.post("/api/jobs/1/stop").json()["status"] == "stopping"
    time.sleep(1)
    assert job(client, 1)["status"] == "stopping"
    client.post("/api/jobs/1/stop")
    assert ended(client, 1)["status"] == "stopped"
    assert "killed" in job(client, 1)["said"]
    assert client.post("/api/jobs/1/stop").status_code == 400


def test_answers_start_a_round_once_there_are_enough(learned_client, monkeypatch):
    desk = learned_client.desk
    begun: list[Kept] = []
    monkeypatch.setattr(Jobs, "_launch", lambda self, one: begun.append(one))  # a round itself is tested elsewhere
    unanswered = [int(row) for row in desk.rows.pool if desk.standing.answer(int(row)) is None]

    def answer(n):
        ids = desk.ids_of([unanswered.pop() for _ in range(n)])
        desk.project.labels.record(ids, ["3"] * n)
        desk.jobs.after_answers()

    answer(9)  # the model had 40
    assert begun == []
    settings = Settings(desk.folder)
    settings.set("page", {"rounds": False})
    desk.project.settings = Settings(desk.folder)
    answer(3)
    assert begun == []
    settings.set("page", {"rounds": True})
    desk.project.settings = Settings(desk.folder)
    answer(1)
    assert [one.words for one in begun] == [["round"]]
    answer(20)  # one is waiting already
    assert len(begun) == 1
    desk.jobs._end(begun[0], "finished", "")
    answer(9)
    assert len(begun) == 2  # 29 are new since that one was asked for


def test_few_suggestions_left_start_a_round_earlier(learned_client, monkeypatch):
    desk = learned_client.desk
    begun: list[Kept] = []
    monkeypatch.setattr(Jobs, "_launch", lambda self, one: begun.append(one))
    desk.project.labels.record_picks("margin", desk.ids_of(desk.rows.pool[:1]), ["why"])
    free = [int(row) for row in desk.rows.pool if desk.standing.answer(int(row)) is None]
    desk.project.labels.record(desk.ids_of(free[-4:]), ["3"] * 4)
    desk.jobs.after_answers()
    assert begun == []
    desk.project.labels.record(desk.ids_of(free[:1]), ["3"])
    desk.jobs.after_answers()
    assert len(begun) == 1


def test_a_number_that_another_process_has_by_now_is_not_mistaken_for_a_job(client):
    folder = client.desk.folder / "jobs"
    for kept in (
        Kept(1, "learn", ["learn"], status="running", began=1.0, pid=os.getpid(), start="1"),
        Kept(2, "train", ["train"], status="running", began=1.0, pid=os.getpid(), start="1"),
    ):
        kept.save(folder)
    (folder / "002.end").write_text(json.dumps({"code": 0, "ended": 2.0}))
    (folder / "003.json").write_text("{not json")
    found = Jobs(client.desk).recent()
    assert [(one.id, one.status) for one in found] == [(2, "finished"), (1, "failed")]
    assert found[1].said == "its process was killed"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"verb": "learn", "name": "vea"}, "did you mean: vae?"),
        ({"verb": "learn", "name": "supervised"}, "needs labels"),
        ({"verb": "learn", "name": "evil.py:Run"}, "from the shell"),
        ({"verb": "learn", "name": "evil.py"}, "from the shell"),
        ({"verb": "learn", "name": "--project=/etc"}, "no method called"),
        ({"verb": "learn", "name": "vae --steps 3"}, "no method called"),
        ({"verb": "learn", "name": "vae", "settings": {"stpes": "3"}}, "did you mean --steps?"),
        ({"verb": "learn", "name": "vae", "settings": {"steps": "many"}}, "a whole number"),
        ({"verb": "learn", "settings": {"project": "/etc"}}, "--project"),
        ({"verb": "learn", "name": "vae", "settings": {"trunk": "a\nb"}}, "one line"),
        ({"verb": "learn", "name": "vae", "settings": {"trunk": "a\x00"}}, "one line"),
        ({"verb": "learn", "name": "vae", "settings": {"latent-dim": "3", "latent_dim": "3"}}, "twice"),
        ({"verb": "learn", "name": "vae", "settings": {"seed": "x"}}, "a whole number"),
        ({"verb": "learn", "name": "vae", "settings": {"device": "toaster"}}, "toaster"),
        ({"verb": "learn", "resume": True}, "no interrupted run"),
        ({"verb": "report", "resume": True}, "cannot be resumed"),
        ({"verb": "train", "name": "vae"}, "does not classify"),
        ({"verb": "train"}, "no labels to train on"),
        ({"verb": "train", "name": "linear", "settings": {"trunk_of": "../../etc"}}, "no run called"),
        ({"verb": "round", "name": "nobody"}, "no run called"),
        ({"verb": "round", "settings": {"k": "0"}}, "1 to 500"),
        ({"verb": "report", "settings": {"to": "/etc/passwd"}}, "takes none"),
        ({"verb": "export", "name": "x", "settings": {"to": "/etc"}}, "--to"),
        ({"verb": "evaluate"}, "nothing has been trained"),
        ({"verb": "simulate", "name": "margn"}, "did you mean: margin?"),
        ({"verb": "simulate", "name": "margin", "settings": {"rounds": "-1"}}, "1 is the least"),
        ({"verb": "simulate", "name": "margin", "settings": {"learner": "x.py:Y"}}, "from the shell"),
        ({"verb": "undo"}, "does not fit"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_in_words_and_starts_nothing(hostile, order, said):
    answer = hostile.post("/api/jobs", json=order)
    assert 400 <= answer.status_code < 500, answer.text
    told = answer.json()
    assert said in f"{told['error']}\n{told['next']}"
    assert hostile.get("/api/jobs").json() == []


@pytest.fixture(scope="module")
def hostile(made, tmp_path_factory):
    """One application for all of these: none of them changes anything."""
    import shutil

    from fastapi.testclient import TestClient

    from tacit.web.app import make_app

    folder = shutil.copytree(made, tmp_path_factory.mktemp("hostile"), dirs_exist_ok=True) / "photos.tacit"
    desk = Desk(folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        assert desk.ready.wait(60)
        yield client


def test_a_job_that_nobody_knows_is_said_to_be_unknown(hostile):
    for number in (1, -1, 10**30):
        for answer in (hostile.get(f"/api/jobs/{number}"), hostile.post(f"/api/jobs/{number}/stop")):
            assert answer.status_code == 404 and answer.json()["error"] == f"there is no job {number}"


def test_of_a_log_the_line_that_matters_is_told():
    log = ["learn  step 8/40", "made 003-vae: a code of 4 numbers", "health: healthy", "next: tacit choose -k 20"]
    assert said_in(log, "finished") == "made 003-vae: a code of 4 numbers"
    assert said_in(log, "running") == "health: healthy"
    stopped = ["error: saved at step 7 of 40", "  go on: tacit learn --resume"]
    assert said_in(stopped, "stopped") == "saved at step 7 of 40"
    assert said_in(["warning: slow", *stopped], "failed") == "error: saved at step 7 of 40\ngo on: tacit learn --resume"
    assert (
        resume_line("learn", "stopped", stopped, Path("d.tacit"))
        == "saved at step 7 -> tacit learn --resume -p d.tacit"
    )
    assert schemas.JobOrder(verb="learn").settings == {}

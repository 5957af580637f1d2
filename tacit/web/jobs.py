"""Verbs as child processes: started, followed, stopped, found again after a restart.

Every job has a record, `jobs/007.json`, which the server alone writes; a log, `007.log`; and once its process has ended
by itself `007.end` with the exit code. A server that comes later finds a process by its number and its start.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacit.errors import UnknownName, WrongUsage
from tacit.web import schemas
from tacit.web.due import answered, round_is_due
from tacit.web.kept import Kept, ended_with, kept_in
from tacit.web.orders import words_of
from tacit.web.processes import alive, started, tail
from tacit.web.progress import worse_than_baseline
from tacit.web.sayings import began, in_a_line, resume_line, said_in, thinned

if TYPE_CHECKING:
    from tacit.engine.run import Run
    from tacit.web.open_project import OpenProject

LANES = [{"learn", "train", "simulate"}, {"round"}, {"evaluate", "report", "export"}]  # one at a time of each
TASK = {"learn": "learn", "train": "train", "round": "train"}  # of the runs a verb makes
POLL, PATIENCE = 0.5, 10.0  # seconds between looks; until a stop may become a kill
ACTIVE = ("running", "stopping")


class Jobs:
    """The jobs of a project."""

    def __init__(self, desk: "OpenProject") -> None:
        self.desk = desk
        self.folder = desk.folder.resolve() / "jobs"
        self.version = 0
        self.closed = False
        self.lock = threading.RLock()
        self.kept = kept_in(self.folder)
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._leaving: list[Kept] = []  # what ran when the server was about to end
        self._watcher: threading.Thread | None = None
        with self.lock:
            self._look()
            self._watch()

    # what others ask for

    def start(self, order: schemas.JobOrder) -> schemas.Job:
        """Check the order and begin, or wait for what runs already."""
        words = words_of(order, self.desk.project)  # outside the lock: it may load and count
        with self.lock:
            if order.resume and self._busy(order.verb):
                raise WrongUsage(f"a {order.verb} is at work already\n  stop it first, or wait for its end")
            return self.view(self._add(words, self._unfinished(order.verb) if order.resume else None))

    def stop(self, number: int) -> schemas.Job:
        """Ask it to save and end; asked again, it is killed when it has had ten seconds."""
        with self.lock:
            one = self._find(number)
            if one.status == "waiting":
                self._end(one, "stopped", "it had not begun")
            elif one.status == "running":
                one.status, one.kill_at = "stopping", time.time() + PATIENCE
                self._signal(one, signal.SIGINT)
                self._save(one)
            elif one.status == "stopping":
                one.kill = True
                self._save(one)
            else:
                raise WrongUsage(f"job {number} has ended already")
            return self.view(one)

    def resume(self, number: int) -> schemas.Job:
        """Go on with what a job left unfinished, as a new job."""
        with self.lock:
            one = self._find(number)
            if not self._resumable(one):
                raise WrongUsage(f"job {number} left nothing to go on with\n  start {one.verb} again")
        verb: Any = one.verb
        return self.start(schemas.JobOrder(verb=verb, resume=True))

    def recent(self, ended: int = 5) -> list[schemas.Job]:
        """Waiting and running ones, and the latest that ended; the newest first."""
        with self.lock:
            past = [one for one in self._newest() if one.ended is not None][:ended]
            return [self.view(one) for one in self._newest() if one.ended is None or one in past]

    def details(self, number: int) -> schemas.JobDetails:
        with self.lock:
            one = self._find(number)
            view, run = self.view(one), self._run(one)
        return schemas.JobDetails(job=view, log=self.log(number), progress=thinned(run.progress()) if run else [])

    def log(self, number: int) -> list[str]:
        return tail(self._path(number, "log"), 64_000)[-200:]

    def of_run(self, name: str) -> schemas.Job | None:
        """The latest job that wrote this run."""
        with self.lock:
            return next((self.view(one) for one in self._newest() if one.run == name), None)

    def after_answers(self) -> None:
        """Called when answers of the pool were recorded: a round may begin."""
        with self.lock:
            if not self.closed and not self._busy("round"):
                rounds = [one.answers for one in self.kept.values() if one.verb == "round"]
                if round_is_due(self.desk, rounds[-1] if rounds else None):
                    self._add(["round"])

    def banners(self) -> list[schemas.Banner]:
        """What failed and was not done again since; and a model in use that lost its comparison."""
        with self.lock:
            latest = {one.verb: one for one in self.kept.values()}
        found = [
            schemas.Banner(
                id=f"job-{one.id}",
                kind="error",
                text=f"{one.verb} failed: {in_a_line(one.said.removeprefix('error: '))}",
                action="/runs",
            )
            for one in latest.values()
            if one.status == "failed"
        ]
        if (run := worse_than_baseline(self.desk)) is not None:
            text = (
                f"Suggestions come from {run}, whose method was worse than the supervised baseline in the comparison."
            )
            found.append(schemas.Banner(id=f"worse-{run}", kind="warning", text=text, action="/train"))
        return found

    def interrupt(self) -> None:
        """The server is about to end: nothing begins any more, and what runs is asked to save."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            for one in self._of("waiting"):
                self._end(one, "stopped", "the server ended before it had begun")
            for one in self._of(*ACTIVE):
                self._signal(one, signal.SIGINT)
                one.status = "stopping"
                self._save(one)
                self._leaving.append(one)

    def close(self) -> list[str]:
        """Wait until all have saved and ended; lines that say how to go on."""
        self.interrupt()
        give_up = time.monotonic() + PATIENCE
        while self._of(*ACTIVE) and time.monotonic() < give_up:
            with self.lock:
                self._look()
            time.sleep(0.05)
        return [resume_line(one.verb, one.status, self.log(one.id), self.desk.folder) for one in self._leaving]

    def view(self, one: Kept) -> schemas.Job:
        step, steps, eta = (one.step, one.steps, None) if one.ended else self._step(one)
        status: Any = one.status
        return schemas.Job(
            id=one.id, verb=one.verb, words=one.words, status=status, began=one.began, ended=one.ended, run=one.run,
            step=step, steps=steps, eta=eta, resumable=self._resumable(one),
            said=one.said or ("" if one.began is None else said_in(tail(self._path(one.id, "log")), one.status)),
        )  # fmt: skip

    def _step(self, one: Kept) -> tuple[int | None, int | None, float | None]:
        run = self._run(one)
        for line in reversed(tail(run.folder / "progress.jsonl")) if run else ():
            try:
                told = json.loads(line)
                return int(told["step"]), int(told["steps"]), float(told["eta"])
            except (ValueError, KeyError, TypeError):
                continue  # cut short
        return None, None, None

    def _run(self, one: Kept) -> "Run | None":
        """The run it writes: the one its process made."""
        runs = self.desk.runs
        if one.run is None and one.pid is not None and one.verb in TASK:
            made = [run for run in runs if run.record.get("process") == one.pid and began(run) >= (one.began or 0) - 2]
            one.run = made[-1].name if made else None
        return next((run for run in runs if run.name == one.run), None)

    def _resumable(self, one: Kept) -> bool:
        return (
            one.verb in ("learn", "train")
            and one.status in ("stopped", "failed")
            and one.run is not None
            and not self._busy(one.verb)
            and self._unfinished(one.verb) == one.run
        )

    def _unfinished(self, verb: str) -> str | None:
        """The run that --resume would go on with."""
        runs = [run for run in self.desk.runs if run.record.get("task") == TASK[verb]]
        return runs[-1].name if runs and not runs[-1].finished else None

    def _find(self, number: int) -> Kept:
        if number not in self.kept:
            raise UnknownName(f"there is no job {number}")
        return self.kept[number]

    def _of(self, *statuses: str) -> list[Kept]:
        return [one for one in list(self.kept.values()) if one.status in statuses]

    def _busy(self, verb: str) -> bool:
        return any(one.verb == verb for one in self._of("waiting", *ACTIVE))

    def _newest(self) -> list[Kept]:
        return sorted(self.kept.values(), key=lambda one: -one.id)

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:03d}.{suffix}"

    # processes

    def _add(self, words: list[str], run: str | None = None) -> Kept:
        number = max(self.kept, default=0) + 1
        self.kept[number] = one = Kept(number, words[0], words, run=run, answers=answered(self.desk)[0])
        self._save(one)
        self._advance()
        self._watch()
        return one

    def _advance(self) -> None:
        """Begin what nothing is in the way of any more."""
        for lane in LANES:
            waiting = [one for one in self._of("waiting") if one.verb in lane]
            if waiting and not self.closed and not any(one.verb in lane for one in self._of(*ACTIVE)):
                self._launch(waiting[0])

    def _launch(self, one: Kept) -> None:
        end = self._path(one.id, "end")
        words = [*one.words, "-p", str(self.desk.folder.resolve())]
        with self._path(one.id, "log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "tacit.web.child", str(end), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "GOMP_SPINCOUNT": "0", "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self._children[one.id] = child
        one.status, one.began, one.pid, one.start = "running", time.time(), child.pid, started(child.pid)
        self._save(one)

    def _signal(self, one: Kept, number: int) -> None:
        if one.pid is not None and self._alive(one):
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(one.pid, number)  # it leads its own session

    def _alive(self, one: Kept) -> bool:
        child = self._children.get(one.id)
        return child.poll() is None if child else one.pid is not None and alive(one.pid, one.start)

    def _watch(self) -> None:
        """Keep an eye on what runs, in a thread that ends with it."""
        if self._watcher is None and self._of("waiting", *ACTIVE):
            self._watcher = threading.Thread(target=self._watching, name="jobs", daemon=True)
            self._watcher.start()

    def _watching(self) -> None:
        while True:
            time.sleep(POLL)
            with self.lock:
                self._look()
                if self.closed or not self._of("waiting", *ACTIVE):
                    self._watcher = None
                    return

    def _look(self) -> None:
        """Take notice of what ended, kill what does not, begin what waited."""
        for one in self._of(*ACTIVE):
            if not self._alive(one):
                self._ended(one)
            elif one.kill and one.kill_at is not None and time.time() >= one.kill_at:
                self._signal(one, signal.SIGKILL)
        self._advance()

    def _ended(self, one: Kept) -> None:
        code = ended_with(self._path(one.id, "end"))
        stopped = code == 130 or (one.status == "stopping" and code != 0)
        status = "finished" if code == 0 else "stopped" if stopped else "failed"
        one.step, one.steps, _ = self._step(one)
        said = said_in(tail(self._path(one.id, "log")), status)
        killed = f"its process was killed{said and ', after: ' + said}"
        self._end(one, status, killed if code is None else said or "it said nothing")

    def _end(self, one: Kept, status: str, said: str) -> None:
        one.status, one.ended, one.said, one.kill_at = status, time.time(), said, None
        self._save(one)

    def _save(self, one: Kept) -> None:
        one.save(self.folder)
        self.version += 1

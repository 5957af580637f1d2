"""Answers that survive: the page's server is killed again and again while people label, and nothing they were told was
recorded may be missing, or be there twice."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tacit.bench.results import markdown, provenance, write_section
from tacit.outcome import Outcome, table

CLASSES = [str(digit) for digit in range(10)]
LONGEST = 1.5  # seconds of labelling before a kill
START = 60.0  # seconds a server may take to be there


@dataclass
class Person:
    """Somebody who labels as the page does: what was not acknowledged is sent again, with the same keys."""

    name: str
    address: str
    rows: int
    seed: int
    waiting: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    calls: int = 0
    refused: int = 0

    def label(self, until: threading.Event) -> None:
        dice = random.Random(self.seed)
        self.seed += 1
        while not until.is_set():
            for _ in range(dice.randint(1, 4)):
                answer = {"key": str(uuid.uuid4()), "row": dice.randrange(self.rows), "answer": dice.choice(CLASSES)}
                self.waiting.append(answer)
            self.send()

    def send(self) -> None:
        if not self.waiting:
            return
        try:
            said = call(self.address, "/api/answers", who=self.name, session=self.name, answers=self.waiting)
        except (OSError, HTTPException, ValueError):
            return  # it is gone: the same again when it is back
        self.calls += 1
        refused = {one["key"] for one in said["refused"]}
        self.refused += len(refused)
        self.acknowledged |= {a["key"]: (a["row"], a["answer"]) for a in self.waiting if a["key"] not in refused}
        self.waiting = []


def run(*, kills: int = 200, people: int = 4, seed: int = 0, write: str = "") -> Outcome:
    """`kill -9` of the server so many times while people label; what was acknowledged is compared with the ledger."""
    with tempfile.TemporaryDirectory() as here:
        folder = make_project(Path(here))
        rows = row_count(folder)
        dice = random.Random(seed)
        labelling = [Person(f"person-{i}", "", rows, seed * 1000 + i) for i in range(people)]
        began = time.monotonic()
        for _ in range(kills):
            with_server(folder, labelling, dice.uniform(0.05, LONGEST))
        finish(folder, labelling)
        found = compare(folder, labelling) | {
            "kills": kills,
            "people": people,
            "seconds": round(time.monotonic() - began),
        }
    lines = table([[name.replace("_", " "), f"{value:,}"] for name, value in found.items()])
    if write:
        command = f"tacit bench killed --kills {kills} --people {people} --seed {seed} --write FILE"
        rows_ = [[name.replace("_", " ") for name in found], [f"{value:,}" for value in found.values()]]
        text = (
            "## Killing the page's server while people label\n\n"
            "The server of a project of 1,797 digits is killed (`kill -9`) after 0.05 to 1.5 seconds of labelling and\n"
            "started again. Each person sends one to four answers a call, as fast as they are taken, and sends again what\n"
            "was not acknowledged. Lost: acknowledged and not in the ledger. Doubled: more than once in it.\n\n"
            f"{provenance(command, [seed])}\n\n{markdown(rows_)}"
        )
        write_section(Path(write), "killed", text)
    return Outcome(found, lines)


def make_project(here: Path) -> Path:
    import numpy as np
    from sklearn.datasets import load_digits

    from tacit.project import Project

    digits = load_digits()
    np.savez(here / "digits.npz", x=np.round(digits.images * (255 / 16)).astype(np.uint8))
    project = Project.create(here / "digits.npz", yardstick=0)
    project.settings.set("classes", CLASSES)
    project.settings.set("page", {"rounds": False})  # only labelling is looked at here
    return project.folder


def row_count(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "project.db")) as db:
        return int(db.execute("SELECT count(*) FROM items").fetchone()[0])


def with_server(folder: Path, people: list[Person], seconds: float) -> None:
    """People label for so long; then the server is killed in the middle of it."""
    process, address = start(folder)
    until = threading.Event()
    for person in people:
        person.address = address
    threads = [threading.Thread(target=person.label, args=(until,)) for person in people]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    process.kill()
    process.wait()
    until.set()
    for thread in threads:
        thread.join()


def finish(folder: Path, people: list[Person]) -> None:
    """Once more, and everything that still waits is sent."""
    process, address = start(folder)
    for person in people:
        person.address = address
        person.send()
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def start(folder: Path) -> tuple[subprocess.Popen, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit", "serve", "-p", str(folder), "--no-browser"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None
    line = next((line for line in process.stderr if line.startswith("page:")), "")
    address = line.split()[1].rstrip("/")
    give_up = time.monotonic() + START
    while time.monotonic() < give_up:
        try:
            if call(address, "/state.json")["ready"]:
                return process, address
        except (OSError, HTTPException, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not become ready")


def call(address: str, path: str, **body: Any) -> Any:
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(address + path, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)


def compare(folder: Path, people: list[Person]) -> dict[str, int]:
    """What people were told beside what the ledger holds."""
    with closing(sqlite3.connect(folder / "project.db")) as db:
        ids = dict(db.execute("SELECT row, id FROM items"))
        kept = {key: (item, answer) for key, item, answer in db.execute(
            "SELECT key, item, answer FROM receipts JOIN events USING (event)"
        )}  # fmt: skip
        (events,) = db.execute("SELECT count(*) FROM events").fetchone()
    told = {key: said for person in people for key, said in person.acknowledged.items()}
    lost = sum(kept.get(key) != (ids[row], answer) for key, (row, answer) in told.items())
    return {
        "acknowledged": len(told),
        "in_the_ledger": events,
        "lost": lost,
        "doubled": events - len(kept),
        "still_waiting": sum(len(person.waiting) for person in people),
        "refused": sum(person.refused for person in people),
        "calls": sum(person.calls for person in people),
    }

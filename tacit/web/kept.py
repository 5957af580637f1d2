"""What is on disk about a job."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tacit.disk import write_atomic


@dataclass
class Kept:
    """What `jobs/NNN.json` holds."""

    id: int
    verb: str
    words: list[str]
    status: str = "waiting"
    began: float | None = None
    ended: float | None = None
    pid: int | None = None
    start: str = ""  # of the process, see processes.py
    run: str | None = None
    step: int | None = None
    steps: int | None = None
    said: str = ""
    answers: int = 0  # of the pool, when it was asked for
    kill_at: float | None = None  # once it was asked to stop
    kill: bool = False  # whether it was asked twice

    def save(self, folder: Path) -> None:
        write_atomic(folder / f"{self.id:03d}.json", json.dumps(asdict(self)))


def kept_in(folder: Path) -> dict[int, Kept]:
    """Every job of a project by its number; a file that is not one, or is spoiled, is passed over."""
    found = {}
    for path in sorted(folder.glob("[0-9]*.json")):
        try:
            one = Kept(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, OSError):
            continue
        found[one.id] = one
    return dict(sorted(found.items()))


def ended_with(path: Path) -> int | None:
    """The exit code that a process left; None where it was killed."""
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["code"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

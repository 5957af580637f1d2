"""One training of one method: a numbered folder that says what was called and how it went."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import tomlkit

from tacit.disk import write_atomic
from tacit.errors import BadData, WrongUsage


class Run:
    """A folder `runs/003-vae`: `run.toml`, `progress.jsonl`, and while it is training `checkpoint.pt`."""

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder, self.record = folder, record

    @classmethod
    def create(cls, runs: Path, method: str, record: dict[str, Any]) -> "Run":
        """A new folder with the next number; two processes asking at once get two numbers."""
        runs.mkdir(parents=True, exist_ok=True)
        plain = re.sub(r"[^A-Za-z0-9_]+", "-", method).strip("-")
        while True:
            last = max((int(p.name[:3]) for p in runs.iterdir() if re.match(r"\d{3}-", p.name)), default=0)
            folder = runs / f"{last + 1:03d}-{plain}"
            try:
                folder.mkdir()
                break
            except FileExistsError:
                continue
        began = {"began": time.strftime("%Y-%m-%dT%H:%M:%S"), "process": os.getpid()}
        run = cls(folder, {"method": method, "status": "training", **began, **record})
        run.write()
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        path = folder / "run.toml"
        try:
            record = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
        except FileNotFoundError:
            raise WrongUsage(f"there is no run in {folder}\n  see: tacit runs") from None
        except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
            raise BadData(f"{path} cannot be read: {error}") from error
        return cls(folder, record)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def finished(self) -> bool:
        return bool(self.record["status"] == "finished")

    def write(self) -> None:
        write_atomic(self.folder / "run.toml", tomlkit.dumps(_without_none(self.record)))

    def log(self, record: dict[str, Any]) -> None:
        """Append one record to progress.jsonl."""
        with open(self.folder / "progress.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def progress(self) -> list[dict[str, Any]]:
        """The records so far; after an interruption the later telling of a step counts."""
        path = self.folder / "progress.jsonl"
        by_step: dict[int, dict[str, Any]] = {}
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                record = json.loads(text)
                by_step[record["step"]] = record
            except (json.JSONDecodeError, KeyError):
                continue  # a line cut short by a kill
        return [by_step[step] for step in sorted(by_step)]

    def finish(self, **results: Any) -> None:
        """Mark the run as finished and drop what only an unfinished one needs."""
        self.record |= {"status": "finished", "ended": time.strftime("%Y-%m-%dT%H:%M:%S"), **results}
        self.write()
        self.checkpoint.unlink(missing_ok=True)


def _without_none(value: Any) -> Any:
    """TOML has no null: a setting that is None is left out."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value


def all_runs(runs: Path) -> list[Run]:
    """Every run of a project, oldest first."""
    if not runs.is_dir():
        return []
    return [Run.open(p) for p in sorted(runs.iterdir()) if (p / "run.toml").exists()]

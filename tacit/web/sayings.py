"""What a job's log says to a person, and what is kept of a training's records for the page."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacit.engine.run import Run

MOST = 200  # records of a progress that the page draws


def said_in(log: list[str], status: str) -> str:
    """The line that tells how it stands: of a failure the error with what to do, of a success what was made."""
    lines = [line.strip() for line in log if line.strip()]
    if status == "failed":
        errors = [i for i, line in enumerate(lines) if line.startswith("error: ")]
        return "\n".join(lines[errors[-1] :][:6]) if errors else (lines[-1] if lines else "")
    told = [line for line in lines if not line.startswith("next: ")]
    if status == "finished" and (made := [line for line in told if re.match(r"made |round \d+: ", line)]):
        return made[-1]
    if status == "stopped":
        return next((line for line in reversed(told) if line.startswith("error: ")), "stopped").removeprefix("error: ")
    return told[-1] if told else ""


def in_a_line(said: str) -> str:
    """An error and what to do about it, where lines would run together."""
    return " – ".join(line.strip() for line in said.splitlines())


def resume_line(verb: str, status: str, log: list[str], folder: Path) -> str:
    """What became of a job that was asked to end: where it was saved, and how to go on."""
    if status in ("running", "stopping"):
        return f"{verb} is still saving; see: tacit runs -p {folder}"
    step = next((found[1] for line in reversed(log) if (found := re.search(r"saved at step (\d+)", line))), None)
    if step is not None and verb in ("learn", "train"):
        return f"saved at step {step} -> tacit {verb} --resume -p {folder}"
    return f"{verb} {status}"


def began(run: "Run") -> float:
    """Seconds since 1970; 0 where its record does not say."""
    try:
        return time.mktime(time.strptime(str(run.record.get("began")), "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0


def thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most 200 of them, the last among them, without numbers that JSON does not know."""
    from tacit.evaluate.intervals import plain

    every = -(-len(records) // MOST) or 1
    found: list[dict[str, Any]] = plain(list(reversed(records[::-1][::every])))
    return found

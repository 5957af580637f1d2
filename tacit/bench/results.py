"""docs/results.md is written by the scripts that ran: each owns the part between its two marks."""

import datetime
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tacit.disk import write_atomic


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that a bench has appended, one JSON object a line; a line that was cut short does not count."""
    if not path.exists():
        return []
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines() if text.endswith("}")]


def write_section(path: Path, name: str, text: str) -> None:
    """Replace (or append) the section called `name`."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    old = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    section = f"{begin}\n{text.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    new = pattern.sub(lambda _: section, old) if pattern.search(old) else f"{old.rstrip()}\n\n{section}\n"
    write_atomic(path, new)


def provenance(command: str, seeds: list[int]) -> str:
    """Where numbers come from: the command, the seeds, the day, the commit."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "no repository"
    today = datetime.date.today().isoformat()
    told = [f"`{command}`", *([f"seeds {', '.join(map(str, seeds))}"] if seeds else []), today, f"commit {commit}"]
    return " · ".join(told)


def markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" for _ in head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)])

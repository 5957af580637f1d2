"""Processes by number and start, so that a number that was given again is not mistaken; and the ends of their files."""

import os
from pathlib import Path


def started(pid: int) -> str:
    """When a process started, in the system's own words; "" where that cannot be told, or it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if words[0] in "ZX" else words[19]
    except (OSError, IndexError):
        return ""


def alive(pid: int, start: str) -> bool:
    """Whether the process that was started then is still there."""
    if start:
        return started(pid) == start
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def tail(path: Path, size: int = 8192) -> list[str]:
    """The last lines of a file that may be long; the first of them may be cut."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []

"""Single values of other programs' files, as the ledger has them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tacit.data.events import LATEST_TIME, Event
from tacit.errors import BadData


def moment(path: Path, where: str, value: Any) -> float | None:
    """Seconds since 1970, of a date or a number."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            value = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            value = str(value)
    return _within(path, where, "its time", value, "a date such as 2026-01-31T12:00:00Z")


def duration(path: Path, where: str, value: Any) -> float | None:
    """Seconds that an answer took."""
    return None if value is None else _within(path, where, "lead_time", value, "a number of seconds")


def date(event: Event) -> str:
    return datetime.fromtimestamp(event.time, UTC).isoformat().replace("+00:00", "Z")


def class_text(path: Path, where: str, value: Any) -> str:
    """A class as the ledger names it."""
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise BadData(f"{path}, {where}: a class must be text or a number, got {str(value)[:40]!r}")
    else:
        text = json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadData(f"{path}, {where}: a class is not valid text: {text!r:.60}") from error
    return text


def _within(path: Path, where: str, what: str, value: Any, expected: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LATEST_TIME:
        return float(value)
    raise BadData(f"{path}, {where}: {what} is {str(value)[:40]!r}; expected {expected}")

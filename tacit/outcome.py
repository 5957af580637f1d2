"""What a verb hands back: a record for programs, a text for people."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """`record` is JSON-able; `lines` say the same to a person, ending with what to do next."""

    record: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def json(self) -> str:
        return json.dumps(self.record, default=str)


def table(rows: list[list[str]], indent: str = "  ") -> list[str]:
    """Rows of cells as aligned lines; the last column runs free."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    return [
        indent + "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]

"""The records of the ledger."""

from dataclasses import dataclass

SOURCES = ("single", "bulk", "import", "oracle")
CANNOT_TELL = "?"  # the answer of somebody who cannot tell
RENAMED, REMOVED = "class renamed from ", "class removed: "  # notes of answers that a change of the classes gave
OF_CLASSES = (  # the same in SQL: they repeat what somebody said, and are nobody's own look at the item
    f"(source = 'bulk' AND (COALESCE(note, '') LIKE '{RENAMED}%' OR COALESCE(note, '') LIKE '{REMOVED}%'))"
)
LATEST_TIME = 253402300799.0  # seconds since 1970: the last second of the year 9999, the last that a date can name


@dataclass(frozen=True)
class Event:
    """One row of the ledger. An undo or redo repeats the item and the answer it is about."""

    event: int
    batch: int  # first event of the call that recorded it
    time: float  # seconds since 1970
    kind: str  # "answer", "undo" or "redo"
    item: str
    answer: str  # class name, or "?" for cannot tell
    undoes: int | None  # the answer that an undo or redo is about
    who: str
    source: str  # one of SOURCES
    round: int | None  # the round of picks that asked
    seconds: float | None  # how long the answer took
    suggestion: str | None  # what the model proposed
    note: str | None


@dataclass(frozen=True)
class Pick:
    """An item that a strategy proposed, and why."""

    round: int
    place: int  # 0 is best
    item: str
    strategy: str
    reason: str


@dataclass(frozen=True)
class Cost:
    """What the answers cost. Those taken back count as well: they were work."""

    answers: int
    items: int  # different ones
    seconds: float  # where the time was measured
    timed: int  # answers whose time was measured
    people: dict[str, int]  # answers of each
    by_source: dict[str, int]

    def __str__(self) -> str:
        sources = ", ".join(f"{n} {source}" for source, n in self.by_source.items()) or "none yet"
        people = "1 person" if len(self.people) == 1 else f"{len(self.people)} people"
        took = f" in {self.seconds:.0f} s" if self.timed else ""
        return f"{self.answers} answers about {self.items} items by {people}{took} ({sources})"

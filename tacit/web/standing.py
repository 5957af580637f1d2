"""Where the labelling stands, row by row: read from the ledger once, then from its tail."""

import threading
from typing import TYPE_CHECKING

import numpy as np

from tacit.data.events import CANNOT_TELL

if TYPE_CHECKING:  # it loads torch, which takes seconds
    from tacit.data.labels import Labels

NONE = -1  # nobody has answered
MANY = 5000  # items from which all answers are read at once more quickly


class Standing:
    """The answer about every row as of now: `code` (R,) int16 into `names`, NONE where there is none."""

    def __init__(self, labels: "Labels", rows: int, place: dict[str, int]) -> None:
        self.labels, self.place = labels, place
        self.code = np.full(rows, NONE, dtype=np.int16)
        self.names: list[str] = [CANNOT_TELL]
        self.number = {CANNOT_TELL: 0}
        self.seen = 0
        self.lock = threading.Lock()
        self.refresh()

    def refresh(self) -> int:
        """Take in what has happened since; the number of the latest event."""
        with self.lock:
            if self.seen == 0:
                self.seen = self.labels.latest_event()
                self._set({event.item: event.answer for event in self.labels.current() if event.event <= self.seen})
            if (news := self.labels.since(self.seen)) or self.seen == 0:
                latest = {event.item: event for event in news}
                self._set({item: event.answer for item, event in latest.items() if event.kind == "answer"})
                unsure = sorted(item for item, event in latest.items() if event.kind != "answer")
                now = self._as_of_now(unsure)  # after an undo or a redo an earlier answer may be the one that counts
                self._set({item: now.get(item) for item in unsure})
                self.seen = news[-1].event if news else self.seen
            return self.seen

    def _as_of_now(self, items: list[str]) -> dict[str, str]:
        """The answers that count about these items (of all, where that is quicker)."""
        if len(items) > MANY:
            return self.labels.answers()
        return {item: event.answer for item, event in self.labels.about(items).items()}

    def _set(self, answers: dict[str, str] | dict[str, str | None]) -> None:
        for item, answer in answers.items():
            if (row := self.place.get(item)) is not None:
                self.code[row] = NONE if answer is None else self._code(answer)

    def _code(self, answer: str) -> int:
        if answer not in self.number:
            self.number[answer] = len(self.names)
            self.names.append(answer)
        return self.number[answer]

    def answer(self, row: int) -> str | None:
        code = int(self.code[row])
        return None if code == NONE else self.names[code]

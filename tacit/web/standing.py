"""Where the labelling stands, row by row: read from the ledger once, then from its tail."""

import threading

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.data.labels import Labels

NONE = -1  # nobody has answered


class Standing:
    """The answer about every row as of now: `code` (R,) int16 into `names`, NONE where there is none."""

    def __init__(self, labels: Labels, rows: int, place: dict[str, int]) -> None:
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
                items = sorted({event.item for event in news})
                now = self.labels.about(items)
                self._set({item: now[item].answer if item in now else None for item in items})
                self.seen = news[-1].event if news else self.seen
            return self.seen

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

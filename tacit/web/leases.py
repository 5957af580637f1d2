"""Who has which item before them: two tabs never get the same."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

LEASE = 600.0  # seconds without a sign of life after which a tab's items go to others
Holder = tuple[str, str]  # a person and one of their tabs


class Leases:
    """Rows and the tab that has each before it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.held: dict[int, Holder] = {}
        self.until: dict[Holder, float] = {}

    def take(self, holder: Holder, rows: Iterable[int], k: int, wanted: Callable[[int], bool]) -> list[int]:
        """The first k of these rows that nobody has; asked about under the lock, lest one was just answered."""
        with self.lock:
            self._expire()
            found: list[int] = []
            for row in rows:
                if len(found) == k:
                    break
                if row not in self.held and wanted(row):
                    found.append(row)
            self._hold(holder, found)
            return found

    def keep(self, holder: Holder, rows: Iterable[int] = ()) -> None:
        """A sign of life: the tab has these rows (unless somebody else does by now), and keeps what it has."""
        with self.lock:
            self._expire()
            self._hold(holder, [row for row in rows if row not in self.held])

    def drop(self, rows: Iterable[int]) -> None:
        """These were answered, by whomever."""
        with self.lock:
            for row in rows:
                self.held.pop(row, None)

    def release(self, holder: Holder, rows: Sequence[int]) -> int:
        """The tab gives these back, or all it has; how many those were."""
        with self.lock:
            mine = {row for row, by in self.held.items() if by == holder} & (set(rows) if rows else set(self.held))
            for row in mine:
                del self.held[row]
            return len(mine)

    def all(self) -> dict[int, Holder]:
        with self.lock:
            self._expire()
            return dict(self.held)

    def _hold(self, holder: Holder, rows: Iterable[int]) -> None:
        self.until[holder] = self.clock() + LEASE
        for row in rows:
            self.held[row] = holder

    def _expire(self) -> None:
        now = self.clock()
        late = {holder for holder, until in self.until.items() if until <= now}
        if late:
            self.held = {row: holder for row, holder in self.held.items() if holder not in late}
            self.until = {holder: until for holder, until in self.until.items() if holder not in late}

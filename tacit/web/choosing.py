"""Rounds of suggestions that the page asks for: made in the background, one at a time, while people go on labelling."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tacit.errors import TacitError
from tacit.web.leases import Leases

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject

AT_LEAST = 20  # picks of a round: fewer would have a large project search its space for every few answers
PATIENCE = 3.0  # seconds that a tab with nothing to do waits before it gets items drawn at random


class Rounds:
    """Has rounds chosen, without what is before somebody."""

    def __init__(self, desk: "OpenProject", leases: Leases) -> None:
        self.desk, self.leases = desk, leases
        self.patience = PATIENCE
        self.trouble = ""  # why the latest attempt failed
        self.note: tuple[int, str] = (0, "")  # the latest round made here, and what was said of it
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = 0  # items that tabs wait for

    def begin(self) -> threading.Thread:
        """Start a round, unless one is being made."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._choose, name="choosing", daemon=True)
                self._thread.start()
            return self._thread

    @contextmanager
    def waiting(self, k: int) -> Iterator[float]:
        """While a tab waits for k items, whoever makes a round makes it large enough; until when it should wait."""
        with self._lock:
            self._wanted += k
        try:
            yield time.monotonic() + self.patience
        finally:
            with self._lock:
                self._wanted -= k

    def made(self, until: float) -> bool:
        """Whether a round that had to be made is there by then."""
        making = self.begin()
        making.join(max(until - time.monotonic(), 0.0))
        return not making.is_alive()

    def _choose(self) -> None:
        from tacit.project.choosing import choose_next

        self.trouble = ""
        try:
            held = [row for row in self.leases.all() if self.desk.rows.is_pool[row]]
            with self.desk.model_lock:
                outcome = choose_next(
                    self.desk.project, "auto", max(self._wanted, AT_LEAST), {},
                    space=self.desk.space(), leave_out=self.desk.ids_of(held),
                )  # fmt: skip
        except TacitError as error:
            self.trouble = str(error).splitlines()[0]
        except Exception as error:  # nobody is there to catch it: it is told with what is drawn at random instead
            self.trouble = f"{type(error).__name__}: {error}"
        else:
            said = "; ".join(filter(None, [outcome.record["model"], outcome.record["note"]]))
            self.note = int(outcome.record["round"]), said

"""Work that no request waits for: one thread, one piece at a time, and words for people who look."""

import atexit
import ctypes
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from tacit.errors import TacitError

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject

Work = Callable[[], object]

PATIENCE = 5.0  # seconds that a piece of work has to end when the program does

_all: "weakref.WeakSet[Background]" = weakref.WeakSet()


class Background:
    """Pieces of work by key; each is done once, and one that failed is not tried again."""

    def __init__(self, desk: "OpenProject") -> None:
        self.desk = desk
        self.lock = threading.Lock()
        self.waiting: dict[Hashable, tuple[str, Work]] = {}
        self.known: set[Hashable] = set()
        self.failures: dict[Hashable, str] = {}
        self.thread: threading.Thread | None = None
        self.closed = False
        _all.add(self)

    def ask(self, key: Hashable, doing: str, work: Work) -> str:
        """Begin this piece when its turn comes, unless that was asked before; what a person should know meanwhile."""
        with self.lock:
            if key in self.failures:
                return self.failures[key]
            if key not in self.known:
                self.known.add(key)
                self.waiting[key] = doing, work
            if self.waiting and self.thread is None and not self.closed:
                # it ends with the work: a thread that waited for more would keep the desk alive
                self.thread = threading.Thread(target=self._run, name="background", daemon=True)
                self.thread.start()
        return doing

    def finish(self) -> None:
        """Wait until all that was asked for has been done; for whoever serves no requests."""
        while (thread := self.thread) is not None and thread.is_alive():
            thread.join()

    def close(self) -> None:
        """Give up what is being done: torch cannot be left in the middle of it when the program ends."""
        with self.lock:
            self.closed = True
            self.waiting.clear()
            thread = self.thread
        if thread is not None and thread.ident is not None:
            number, stop = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(number, stop)  # at its next line of Python
            thread.join(PATIENCE)

    def _run(self) -> None:
        while True:
            with self.lock:
                if not self.waiting:
                    self.thread, self.desk.doing = None, ""
                    return
                key = next(iter(self.waiting))
                self.desk.doing, work = self.waiting.pop(key)
            try:
                work()
            except TacitError as error:
                self.failures[key] = str(error)
            except SystemExit:  # given up: see `close`
                return
            except Exception as error:  # nobody else would tell
                self.failures[key] = f"{self.desk.doing} failed: {type(error).__name__}: {error}"
            self.desk.changed()


@atexit.register
def close_all() -> None:
    for background in list(_all):
        background.close()

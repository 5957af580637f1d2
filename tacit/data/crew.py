"""Processes that share a long list of small tasks; the results come back in the order of the tasks."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from typing import Any

from tacit.errors import BadEnvironment

AHEAD = 4  # tasks a process may be ahead of the reader: enough to keep it busy, and memory does not grow


class Crew:
    """`workers` processes; with 0 or 1 the tasks run here."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """`function(*task)` of every task, in order. `function` must be importable: the processes start afresh."""
        if self.workers <= 1:
            for task in tasks:
                yield function(*task)
            return
        if (
            self._pool is None
        ):  # not forked: torch's threads hold locks that a copy of this process would never see freed
            self._pool = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=_start)
        waiting: deque[Future[Any]] = deque()
        try:
            for task in tasks:
                waiting.append(self._pool.submit(function, *task))
                if len(waiting) > AHEAD * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise BadEnvironment(
                "a process that reads files has died: out of memory, or a decoder crashed\n"
                "  read in one process to see which file it is: workers=1\n"
                '  (in a script of your own, processes need its calls below: if __name__ == "__main__":)'
            ) from error

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start() -> None:
    signal(SIGINT, SIG_IGN)  # Ctrl-C reaches every process of the terminal; this one's parent decides what follows

"""Ctrl-C and a polite kill: finish the step, save, say how to go on."""

import signal
import threading
from types import FrameType, TracebackType


class StopSignals:
    """Inside the block the first SIGINT or SIGTERM sets `stop`; a second SIGINT interrupts at once.

    A signal in the middle of an optimiser's step would leave half of the weights moved, so the loop asks between steps.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.stop = False
        self.enabled = enabled and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "StopSignals":
        if self.enabled:
            self.before = {s: signal.signal(s, self.heard) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def heard(self, number: int, frame: FrameType | None) -> None:
        if self.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stop = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.enabled:
            for number, handler in self.before.items():
                signal.signal(number, handler)

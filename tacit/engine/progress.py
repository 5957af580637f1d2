"""What a training says while it runs: records for a file, one line for a person."""

import sys
import time
from typing import Any

from torch import Tensor

from tacit.engine.health import Diagnosis
from tacit.methods.method import Recipe, Terms

RECORDS = 200  # lines of progress in a run
LOOKS = 5  # label-free health checks in a run
PLAIN_SECONDS = 10.0  # between lines where there is no terminal


def is_last_of(parts: int, step: int, steps: int) -> bool:
    """True at the last step of each of `parts` equal parts of a run: a function of the step, so that resuming agrees."""
    return (step + 1) * parts // steps != step * parts // steps


def looks_now(step: int, steps: int) -> bool:
    return is_last_of(LOOKS, step, steps)


class Meter:
    """Means of the terms since the last record, speed, and the time that is left."""

    def __init__(self, recipe: Recipe, start: int) -> None:
        self.recipe, self.start = recipe, start
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def add(self, terms: Terms) -> None:
        for name, value in terms.items():
            value = value.detach()
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def due(self, step: int) -> bool:
        return is_last_of(RECORDS, step, self.recipe.steps)

    def read(self, step: int, **more: float) -> dict[str, Any]:
        terms = {name: float(value) / self.counts[name] for name, value in self.sums.items()}
        self.sums, self.counts = {}, {}
        done, seconds = step + 1 - self.start, self.seconds
        return {
            "step": step + 1,
            "steps": self.recipe.steps,
            "terms": terms,
            "seconds": round(seconds, 2),
            "items_per_second": round(done * self.recipe.batch / seconds, 1),
            "eta": round(seconds / done * (self.recipe.steps - step - 1), 1),
            **more,
        }


def line(record: dict[str, Any]) -> str:
    """One record for a person to read."""
    chance = {"loss": f" (chance {record['terms']['chance']:.4g})"} if "chance" in record["terms"] else {}
    terms = "  ".join(
        f"{name} {value:.4g}{chance.get(name, '')}" for name, value in record["terms"].items() if name != "chance"
    )
    minutes, seconds = divmod(int(record["eta"]), 60)
    share = record["step"] / record["steps"]
    of = f"{record['of']}  " if "of" in record else ""  # which of several trainings this is
    return (
        f"{of}step {record['step']}/{record['steps']}  {share:4.0%}  eta {minutes}:{seconds:02d}  "
        f"{record['items_per_second']:,.0f} items/s   {terms}"
    )


def look_line(record: dict[str, Any]) -> str:
    """What was seen of the codes at this step: their health, and what a probe on the labels there are says."""
    seen = [str(Diagnosis(**record["health"]))] if "health" in record else []
    if "probe" in record:
        seen.append(probe_line(record["probe"]))
    return "   ".join(seen)


def probe_line(probe: dict[str, float]) -> str:
    return f"probe {probe['accuracy']:.0%} on {probe['labels']:.0f} labels in turn (chance {probe['chance']:.0%})"


def watcher(title: str, stream: Any = None) -> "PlainWatcher | TerminalWatcher":
    """A live line on a terminal; elsewhere one plain line every ten seconds, without control characters."""
    stream = stream or sys.stderr
    return TerminalWatcher(title, stream) if stream.isatty() else PlainWatcher(title, stream)


class PlainWatcher:
    """One plain line now and then."""

    def __init__(self, title: str, stream: Any) -> None:
        self.title, self.stream, self.last = title, stream, time.monotonic()

    def __enter__(self) -> "PlainWatcher":
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def __call__(self, record: dict[str, Any]) -> None:
        now, seen = time.monotonic(), look_line(record)
        if now - self.last >= PLAIN_SECONDS or record["step"] == record["steps"] or seen:
            self.last = now
            print("   ".join(filter(None, (f"{self.title}  {line(record)}", seen))), file=self.stream, flush=True)
        if "warning" in record:
            print(f"warning: {record['warning']}", file=self.stream, flush=True)


class TerminalWatcher:
    """The last record, redrawn in place over a bar; the latest look at the health stays under it."""

    def __init__(self, title: str, stream: Any) -> None:
        from rich.console import Console
        from rich.live import Live

        self.title, self.seen = title, ""
        self.live = Live(console=Console(file=stream), refresh_per_second=8)

    def __enter__(self) -> "TerminalWatcher":
        self.live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.live.stop()

    def __call__(self, record: dict[str, Any]) -> None:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        self.seen = look_line(record) or self.seen
        if "warning" in record:
            self.live.console.print(Text(f"warning: {record['warning']}"))
        bar = ProgressBar(total=record["steps"], completed=record["step"], width=40)
        self.live.update(Group(Text(f"  {self.title}  {line(record)}"), bar, Text(f"  {self.seen}")))


class Counter:
    """How many of how many, for work that is not a training: redrawn on a terminal, now and then elsewhere."""

    def __init__(self, title: str, stream: Any = None) -> None:
        self.title, self.stream = title, stream or sys.stderr
        self.seconds = 0.1 if self.stream.isatty() else PLAIN_SECONDS
        self.last, self.drawn = time.monotonic(), False

    def __enter__(self) -> "Counter":
        return self

    def __exit__(self, *failure: object) -> None:
        if self.drawn and self.stream.isatty():
            print(file=self.stream)

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self.last >= self.seconds:
            self.last, self.drawn = now, True
            start, end = ("\r  ", "") if self.stream.isatty() else ("", "\n")
            print(f"{start}{self.title} {done:,} of {of:,}", end=end, file=self.stream, flush=True)

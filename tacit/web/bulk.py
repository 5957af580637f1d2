"""Many items answered at once: only those that nobody has answered, in one go that one undo takes back."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.errors import WrongUsage
from tacit.web import schemas
from tacit.web.desk import Desk
from tacit.web.keys import bindings
from tacit.web.labeling import person
from tacit.web.standing import NONE

if TYPE_CHECKING:
    from tacit.evaluate.intervals import Interval


@dataclass(frozen=True)
class Selection:
    """Rows that a person selected, each once: those of the pool that nobody has answered, and how many others."""

    free: np.ndarray  # (n,) int64, in their order
    answered: int  # of the pool
    yardstick: int

    def left_alone(self) -> str:
        """What is not answered in bulk, and why; "" where nothing is."""
        parts = [(self.answered, "answered already"), (self.yardstick, "of the yardstick")]
        said = ", ".join(f"{n:,} {what}" for n, what in parts if n)
        return f" Left alone: {said}." if said else ""


def selection(desk: Desk, rows: list[int], free: np.ndarray | None = None) -> Selection:
    """What these rows are, as far as the standing knows; `free` is given where that was found out before."""
    chosen = np.unique(desk.check(rows))
    pool = chosen[desk.rows.is_pool[chosen]]
    free = pool[desk.standing.code[pool] == NONE] if free is None else np.intersect1d(pool, free)
    return Selection(free, len(pool) - len(free), len(chosen) - len(pool))


def record(desk: Desk, order: schemas.BulkOrder) -> schemas.Bulk:
    """One answer for all that may have it; sent twice, it is recorded once and said in the same words."""
    from tacit.evaluate.purity import purity

    wrong = desk.check(order.wrong)
    seen = np.union1d(desk.check(order.looked), wrong)
    with desk.queues.naming.lock:
        names = desk.queues.naming.names()
        answer = names.now(order.answer)
        if answer is None:
            raise WrongUsage(names.refusal(order.answer))
        latest = desk.standing.refresh()
        chosen = selection(desk, order.rows)
        if len(earlier := arrived(desk, order.key)):
            chosen = selection(desk, order.rows, np.union1d(earlier, np.intersect1d(chosen.free, wrong)))
        wrong, looked = np.intersect1d(chosen.free, wrong), np.intersect1d(chosen.free, seen)
        rows = np.setdiff1d(chosen.free, wrong)
        note = f"bulk, {len(looked)} looked at of {len(chosen.free)}"
        notes = f"{note}; {order.note.strip()}" if order.note.strip() else note
        recorded = write(desk, order.key, order.who, rows, answer, notes, latest)
    after(desk, rows)
    chosen = replace(chosen, answered=chosen.answered + len(rows) - recorded)  # somebody was faster
    share = None
    if recorded and len(looked) and answer != CANNOT_TELL:
        share = purity(len(looked) - len(wrong), len(looked), len(chosen.free))
    return schemas.Bulk(
        recorded=recorded,
        looked=len(looked),
        of=len(chosen.free),
        purity=None if share is None else schemas.Interval(value=share.value, low=share.low, high=share.high),
        said=sentence(desk, answer, recorded, len(looked), len(wrong), chosen, share),
        version=desk.version(),
    )


def sentence(
    desk: Desk, answer: str, recorded: int, looked: int, wrong: int, chosen: Selection, share: "Interval | None"
) -> str:
    """What was done, how sure it is, and how to take it back."""
    if not recorded:
        return f"nothing to label in bulk.{chosen.left_alone()}"
    done = "set aside as cannot tell" if answer == CANNOT_TELL else "labelled in bulk"
    parts = [f"{items(recorded)} {done}", "all looked at" if looked == len(chosen.free) else f"{looked:,} looked at"]
    if wrong:
        parts.append(f"{wrong:,} of them left out")
    if share is not None and looked < len(chosen.free):
        parts.append(f"estimated purity {percent(share)} (share that is right, 95 % interval)")
    elif share is None and answer != CANNOT_TELL:
        parts.append("purity unknown")
    return f"{', '.join(parts)}.{chosen.left_alone()} {undo_with(desk)}"


def percent(share: "Interval") -> str:
    """Rounded outwards, so that the interval still holds what it did."""
    low, high = math.floor(100 * share.low + 1e-9), math.ceil(100 * share.high - 1e-9)
    return f"{low}–{high} %"


def set_aside(desk: Desk, order: schemas.KeepOne) -> schemas.Said:
    """Of each group the first is kept; the others that nobody has answered are not asked about again."""
    kept = {group[0] for group in order.groups if group}
    copy_of = {row: group[0] for group in reversed(order.groups) for row in group[1:] if row not in kept}
    desk.check(sorted(kept))
    others = sorted(copy_of)
    with desk.queues.naming.lock:
        latest = desk.standing.refresh()
        chosen = selection(desk, others)
        if len(earlier := arrived(desk, order.key)):
            chosen = selection(desk, others, earlier)
        rows = chosen.free
        originals = desk.ids_of([copy_of[row] for row in rows.tolist()])
        notes = [f"near duplicate of {id_}" for id_ in originals]
        recorded = write(desk, order.key, order.who, rows, CANNOT_TELL, notes, latest)
    after(desk, rows)
    chosen = replace(chosen, answered=chosen.answered + len(rows) - recorded)
    said = f"{copies(recorded)} set aside" if recorded else "nothing to set aside"
    undo = f" {undo_with(desk)}" if recorded else ""
    return schemas.Said(said=f"{said}.{chosen.left_alone()}{undo}", version=desk.version())


def arrived(desk: Desk, key: str) -> np.ndarray:
    """Rows that an order with this key has answered before."""
    place = desk.rows.place
    rows = [place[item] for item in desk.project.labels.recorded_with(key) if item in place]
    return np.array(rows, dtype=np.int64)


def write(desk: Desk, key: str, who: str, rows: np.ndarray, answer: str, notes: str | list[str], latest: int) -> int:
    """Into the ledger in one batch, but for items that something happened to after the event `latest`; how many."""
    if not len(rows):
        return 0
    ids = desk.rows.ids[rows].tolist()
    events = desk.project.labels.record(
        ids, [answer] * len(ids), who=person(who), source="bulk", note=notes, key=key, since=latest
    )
    return len(events)


def after(desk: Desk, rows: np.ndarray) -> None:
    """What follows answers: whoever had one of these items before them gets another one, and a round may begin."""
    desk.standing.refresh()
    desk.queues.leases.drop(rows.tolist())
    if len(rows):
        desk.jobs.after_answers()


def undo_with(desk: Desk) -> str:
    key = bindings(desk, ())["undo"]
    return f"Undo: {key.upper() if len(key) == 1 else key}"


def items(n: int) -> str:
    return "1 item" if n == 1 else f"{n:,} items"


def copies(n: int) -> str:
    return "1 near copy" if n == 1 else f"{n:,} near copies"

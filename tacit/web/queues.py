"""Which items a tab gets next, of which kind, and why."""

import threading
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tacit.data.events import Pick
from tacit.web import schemas
from tacit.web.choosing import Rounds
from tacit.web.leases import Holder, Leases
from tacit.web.naming import Naming
from tacit.web.standing import NONE

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject

YARDSTICK = "yardstick: measured on, never trained on"
MEANWHILE = "drawn at random, while suggestions are being chosen"
A_FEW = 10  # of these: the others are worth waiting for
SECOND = "a second opinion: shows how well people agree"


class Queues:
    """Items to label, handed out so that nobody does what somebody else is doing."""

    def __init__(self, desk: "OpenProject", clock: Callable[[], float] = time.monotonic) -> None:
        self.desk = desk
        self.leases = Leases(clock)
        self.naming = Naming(desk)
        self.rounds = Rounds(desk, self.leases)
        self._answered = Once(desk)

    def hand_out(self, order: schemas.QueueOrder) -> schemas.Queue:
        """The next items of a tab."""
        desk, holder = self.desk, (order.who, order.session)
        have = {int(row) for row in desk.check(order.have)}
        desk.standing.refresh()
        self.leases.keep(holder, have)
        make = {"suggest": self.suggest, "yardstick": self.yardstick, "rows": self.rows, "second": self.second}
        return make[order.kind](order, holder, have)

    def forget_items(self) -> None:
        """A scan has found other items: they have their turn as well."""
        for name in ("_random_order", "_yardstick_order"):
            self.__dict__.pop(name, None)
        self._answered = Once(self.desk)

    # the four kinds

    def suggest(self, order: schemas.QueueOrder, holder: Holder, have: set[int]) -> schemas.Queue:
        """Picks of the latest round, best first; the next round is made when these come to an end."""
        picks = self.desk.project.labels.picks()
        found = self._take(holder, self.waiting(picks), order.k, have)
        if found and len(found) < order.k and self.left() > 0:
            self.rounds.begin()
        if not found:
            with self.rounds.waiting(order.k) as until:
                while not found and self.left() > 0 and self.rounds.made(until) and not self.rounds.trouble:
                    self.desk.standing.refresh()
                    picks = self.desk.project.labels.picks()
                    found = self._take(holder, self.waiting(picks), order.k, have)
        if not found and self.left() > 0:
            return self._meanwhile(order, holder, have)
        said = self._why(picks) if found else self._nothing()
        strategy = picks[0].strategy if picks else ""
        return self._queue(order, self._items(found), said, self.left(), picks[0].round if picks else None, strategy)

    def _meanwhile(self, order: schemas.QueueOrder, holder: Holder, have: set[int]) -> schemas.Queue:
        """A few items at random, for somebody who would have to wait."""
        found = self._take(holder, self._random_order, min(order.k, A_FEW), have)
        items = [item.model_copy(update={"reason": MEANWHILE}) for item in self._items(found)]
        if self.rounds.trouble:
            said = f"No suggestions could be chosen ({self.rounds.trouble}); these are drawn at random."
        else:
            said = "A round of suggestions is being chosen, which takes a while; these are drawn at random meanwhile."
        return self._queue(order, items, said, self.left(), None, "random")

    def yardstick(self, order: schemas.QueueOrder, holder: Holder, have: set[int]) -> schemas.Queue:
        """Unanswered items of the yardstick in their random order; nothing is guessed about them."""
        asked = self._yardstick_order
        waiting = [int(row) for row in asked[self.desk.standing.code[asked] == NONE]]
        found = self._take(holder, waiting, order.k, have)
        held = self.leases.all()
        left = sum(row not in held for row in waiting)
        said = "Drawn at random: they only measure, nothing learns from them, and nothing is guessed about them."
        if not found:
            said = (
                "Every item of the yardstick is answered or before somebody."
                if waiting
                else f"All {len(asked):,} items of the yardstick are answered."
                if len(asked)
                else "This project has no yardstick, so nothing can be measured."
            )
        items = [item.model_copy(update={"reason": YARDSTICK, "guess": None}) for item in self._items(found)]
        return self._queue(order, items, said, left, None, "random")

    def rows(self, order: schemas.QueueOrder, holder: Holder, have: set[int]) -> schemas.Queue:
        """Exactly these, in their order: answered ones too, to be corrected in place."""
        asked = list(dict.fromkeys(int(row) for row in self.desk.check(order.rows)))
        found = self._take(holder, asked, order.k, have, answered=True)
        held = self.leases.all()
        elsewhere = sum(held.get(row, holder) != holder for row in asked)
        left = sum(row not in held for row in asked)
        from tacit.project.classes import count

        before = (
            f"; {elsewhere:,} of them {'is' if elsewhere == 1 else 'are'} before somebody else" if elsewhere else ""
        )
        said = f"{count(len(asked), 'item')} chosen by hand{before}"
        return self._queue(order, self._items(found), said + ".", left, None, "chosen by hand")

    def second(self, order: schemas.QueueOrder, holder: Holder, have: set[int]) -> schemas.Queue:
        """Items that one other person has answered; what they said is not shown, or it would lead."""
        once = self._answered.by_one()
        others = [row for row in self._random_order if once.get(row, order.who) != order.who]
        found = self._take(holder, others, order.k, have, answered=True)
        held = self.leases.all()
        blind = {"reason": SECOND, "label": None, "guess": None}
        items = [item.model_copy(update=blind) for item in self._items(found)]
        were = "1 item was" if len(others) == 1 else f"{len(others):,} items were"
        said = f"{were} answered by one other person; theirs and the model's answer are hidden."
        if not others:
            said = "No item has been answered by one other person alone: there is nothing to give a second opinion on."
        return self._queue(order, items, said, sum(row not in held for row in others), None, "random")

    # how much there is

    def left(self) -> int:
        """Unanswered items of the pool that nobody has before them."""
        code, pool = self.desk.standing.code, self.desk.rows.is_pool
        held = [row for row in self.leases.all() if pool[row] and code[row] == NONE]
        return int(((code == NONE) & pool).sum()) - len(held)

    def waiting(self, picks: list[Pick]) -> list[int]:
        """Those of these picks that are not answered, best first."""
        place, pool = self.desk.rows.place, self.desk.rows.is_pool
        rows = [place[pick.item] for pick in picks if pick.item in place]
        return [row for row in rows if pool[row] and self._unanswered(row)]

    def yardstick_left(self) -> int:
        return int((self.desk.standing.code[self.desk.rows.yardstick] == NONE).sum())

    def second_left(self) -> int:
        return self._answered.count()

    # where they come from

    def _take(
        self, holder: Holder, rows: Iterable[int], k: int, have: set[int], *, answered: bool = False
    ) -> list[int]:
        return self.leases.take(holder, rows, k, lambda row: row not in have and (answered or self._unanswered(row)))

    def _unanswered(self, row: int) -> bool:
        return int(self.desk.standing.code[row]) == NONE

    @cached_property
    def _yardstick_order(self) -> np.ndarray:
        """(Y,) int64 rows."""
        from tacit.project.asking import yardstick_order

        return self.desk.rows.yardstick[yardstick_order(self.desk.project).numpy()]

    @cached_property
    def _random_order(self) -> list[int]:
        order = np.random.default_rng(self.desk.project.seed).permutation(self.desk.rows.pool)
        return [int(row) for row in order]

    # what is said about it

    def _why(self, picks: list[Pick]) -> str:
        """Why these, in a sentence."""
        from tacit.project.choosing import automatic

        strategy = picks[0].strategy
        why = dict(automatic(has_model) for has_model in (False, True)).get(strategy, f"chosen by {strategy}")
        if strategy == "typical" and self.desk.trained:
            why = "typical items of every group come first"
        made, note = self.rounds.note
        note = note if made == picks[0].round else ""
        return f"Round {picks[0].round}: {why}" + (f"; {note}." if note else ".")

    def _nothing(self) -> str:
        """Why there is nothing to hand out."""
        held = sum(self._unanswered(row) and bool(self.desk.rows.is_pool[row]) for row in self.leases.all())
        if held:
            from tacit.project.classes import count

            return f"{count(held, 'item')} without an answer {'is' if held == 1 else 'are'} left, before somebody else."
        return "Every item of the pool has an answer." if self.left() == 0 else ""

    def _items(self, rows: list[int]) -> list[schemas.Item]:
        return self.desk.items(rows) if rows else []

    def _queue(
        self, order: schemas.QueueOrder, items: list[schemas.Item], said: str, left: int, round_: int | None, by: str
    ) -> schemas.Queue:
        return schemas.Queue(items=items, kind=order.kind, round=round_, strategy=by, said=said, left=max(left, 0))


class Once:
    """Items of the pool that one person alone has answered: read from the ledger once, then from its tail."""

    def __init__(self, desk: "OpenProject") -> None:
        self.desk, self.lock = desk, threading.Lock()
        self.seen = -1
        self.who: dict[int, str] = {}  # by row

    def by_one(self) -> dict[int, str]:
        """Row -> who answered it."""
        with self.lock:
            self._refresh()
            return dict(self.who)

    def count(self) -> int:
        with self.lock:
            self._refresh()
            return len(self.who)

    def _refresh(self) -> None:
        labels = self.desk.project.labels
        if self.seen < 0:
            self.seen = labels.latest_event()
            self._set(labels.by_one())
        if news := labels.since(self.seen):
            items = sorted({event.item for event in news})
            for row in (self.desk.rows.place.get(item, -1) for item in items):
                self.who.pop(row, None)
            self._set(labels.by_one(items))
            self.seen = news[-1].event

    def _set(self, found: dict[str, str]) -> None:
        for item, who in found.items():
            row = self.desk.rows.place.get(item)
            if row is not None and self.desk.rows.is_pool[row]:
                self.who[row] = who

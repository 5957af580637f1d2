"""Whatever people do, in whatever order, the ledger agrees with a ledger spelled out slowly."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tacit.data.events import CANNOT_TELL
from tacit.data.labels import Labels
from tacit.errors import WrongUsage


class SlowLedger:
    """The ledger spelled out: a list, and every question answered by walking through all of it."""

    def __init__(self):
        self.events = []  # (kind, item, answer, who, batch, undoes), number i + 1

    def counts(self, number):
        state = True
        for kind, *_, undoes in self.events:
            if undoes == number:
                state = kind == "redo"
        return state

    def live(self, who=None):
        found = []
        for number, (kind, item, answer, by, *_) in enumerate(self.events, start=1):
            if kind == "answer" and who in (None, by) and self.counts(number):
                found.append((number, item, answer))
        return found

    def record(self, items, answers, who):
        batch = len(self.events) + 1
        self.events += [("answer", item, answer, who, batch, None) for item, answer in zip(items, answers, strict=True)]

    def append(self, kind, numbers, who):
        batch = len(self.events) + 1
        for number in numbers:
            _, item, answer, by, *_ = self.events[number - 1]
            self.events.append((kind, item, answer, who or by, batch, number))

    def standing_undos(self):
        last = {}
        for number, (kind, *_, undoes) in enumerate(self.events, start=1):
            if kind != "answer":
                last[undoes] = number
        return [number for number in sorted(last.values()) if self.events[number - 1][0] == "undo"]

    def undo(self, who, whole):
        live = [number for number, *_ in self.live(who)]
        if not live:
            return False
        batch = self.events[live[-1] - 1][4]
        together = [number for number, *_ in self.live() if self.events[number - 1][4] == batch and number <= live[-1]]
        self.append("undo", together[::-1] if whole else live[-1:], who)
        return True

    def redo(self, who, whole):
        since = max([number for number, *_ in self.live(who)], default=0)
        standing = [n for n in self.standing_undos() if n > since and who in (None, self.events[n - 1][3])]
        if not standing:
            return False
        batch = self.events[standing[-1] - 1][4]
        together = [n for n in self.standing_undos() if self.events[n - 1][4] == batch and n <= standing[-1]]
        chosen = together if whole else standing[-1:]
        self.append("redo", sorted(self.events[n - 1][5] for n in chosen), who)
        return True

    def undo_event(self, number, who):
        kind, *_, undoes = self.events[number - 1]
        answer = undoes or number
        if self.counts(answer) == (kind == "undo"):
            return False
        self.append("redo" if kind == "undo" else "undo", [answer], who)
        return True


PEOPLE = st.sampled_from(["ann", "bob"])
ANYBODY = st.none() | PEOPLE
SAID = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["cat", "dog", "é,\"\n'", CANNOT_TELL])), max_size=4)


class LedgersAgree(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.labels, self.slow = Labels(Path(self.folder.name) / "project.db"), SlowLedger()

    def teardown(self):
        self.labels.close()
        self.folder.cleanup()

    @rule(said=SAID, who=PEOPLE)
    def record(self, said, who):
        items, answers = [item for item, _ in said], [answer for _, answer in said]
        self.labels.record(items, answers, who=who)
        self.slow.record(items, answers, who)

    @rule(who=ANYBODY, name=st.sampled_from(["undo", "undo_batch", "redo", "redo_batch"]))
    def undo_or_redo(self, who, name):
        verb, _, whole = name.partition("_")
        if getattr(self.slow, verb)(who, bool(whole)):
            getattr(self.labels, name)(who=who)
        else:
            with pytest.raises(WrongUsage):
                getattr(self.labels, name)(who=who)

    @rule(data=st.data(), who=ANYBODY)
    def undo_event(self, data, who):
        if not self.slow.events:
            return
        number = data.draw(st.integers(1, len(self.slow.events)))
        if self.slow.undo_event(number, who):
            self.labels.undo(number, who=who)
        else:
            with pytest.raises(WrongUsage):
                self.labels.undo(number, who=who)

    @invariant()
    def everything_agrees(self):
        history = [(e.kind, e.item, e.answer, e.who, e.batch, e.undoes) for e in self.labels.history()]
        assert history == self.slow.events
        for who in (None, "ann", "bob"):
            assert self.labels.answers(who) == {item: answer for _, item, answer in self.slow.live(who)}
        live = self.slow.live()
        assert [(e.item, e.answer) for e in sorted(self.labels.current(), key=lambda e: e.item)] == sorted(
            {item: answer for _, item, answer in live}.items()
        )
        assert self.labels.classes() == tuple(dict.fromkeys(answer for *_, answer in live if answer != CANNOT_TELL))
        several = {item for _, item, answer in live for _, other, said in live if item == other and answer != said}
        conflicts = self.labels.conflicts()
        assert set(conflicts) == several
        for item, events in conflicts.items():
            assert [e.event for e in events] == [number for number, other, _ in live if other == item]
        assert self.labels.cost().answers == sum(event[0] == "answer" for event in self.slow.events)


TestLedgersAgree = LedgersAgree.TestCase
TestLedgersAgree.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)

"""Classifiers side by side: every answer held out in turn, the same parts for all, intervals over items."""

import pytest
import torch

from tacit.compare import (
    LEAST,
    PARTS,
    Answered,
    balanced_accuracy,
    best_of,
    compare,
    parts_of,
    rows_of,
    share_right,
    uneven,
)
from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import SET_ASIDE, UNLABELED, ItemSpec
from tacit.errors import TrainingFailed
from tacit.methods.method import Method


def labels_of(counts, aside=3, open_items=20):
    """So many answers of each class, some items set aside and many open, in a fixed disorder."""
    said = [c for c, n in enumerate(counts) for _ in range(n)] + [SET_ASIDE] * aside + [UNLABELED] * open_items
    return torch.tensor(said)[torch.randperm(len(said), generator=torch.Generator().manual_seed(5))]


def test_every_answer_with_a_companion_is_held_out_once_and_a_companion_stays():
    labels = labels_of([40, 2, 1, 21, 5, 0])
    parts = parts_of(labels, seed=0)
    assert len(parts) == PARTS
    held = torch.cat(parts)
    assert sorted(held.tolist()) == [i for i, c in enumerate(labels.tolist()) if c in (0, 1, 3, 4)]
    for part in parts:
        rest = labels.clone()
        rest[part] = UNLABELED
        assert set(rest[rest >= 0].tolist()) == {0, 1, 2, 3, 4}
        counts = torch.bincount(labels[part], minlength=6)
        assert all(n // PARTS <= counts[c] <= -(-n // PARTS) for c, n in enumerate([40, 2, 0, 21, 5, 0]))


def test_few_answers_are_held_out_twice_in_other_parts_and_too_few_not_at_all():
    labels = labels_of([15, 15])
    parts = parts_of(labels, seed=0)
    assert len(parts) == 2 * PARTS
    first, second = ({frozenset(p.tolist()) for p in parts[at : at + PARTS]} for at in (0, PARTS))
    assert first != second and set.union(*map(set, first)) == set.union(*map(set, second))
    assert [p.tolist() for p in parts] == [p.tolist() for p in parts_of(labels, seed=0)]
    assert [p.tolist() for p in parts] != [p.tolist() for p in parts_of(labels, seed=1)]
    assert len(parts_of(labels_of([LEAST // 2, LEAST // 2]), seed=0)) == 2 * PARTS
    assert parts_of(labels_of([LEAST - 1, 1]), seed=0) == []
    assert parts_of(labels_of([1] * 30), seed=0) == []


@pytest.fixture
def pool():
    return Pool(ItemSpec((2,), "vector", ("a", "b")), torch.randn(63, 2).numpy())


class Says(Method):
    """A model that answers one class for everything."""

    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, answer):
        super().__init__(ItemSpec((2,), "vector", ("a", "b")))
        self.answer, self.encoder = answer, torch.nn.Linear(2, 1)

    def loss(self, batch):
        return {"loss": self.embed(batch).sum()}

    def embed(self, x):
        return self.encoder(x)

    def logits(self, x):
        return torch.nn.functional.one_hot(torch.full((len(x),), self.answer), 2).float()


def test_candidates_see_the_same_answers_and_never_those_held_out_or_set_aside(pool):
    labels = labels_of([20, 20])
    parts, seen = parts_of(labels, seed=3), {"a": [], "b": []}

    def remembering(name):
        def train(given, known, seed, previous):
            seen[name].append((given, known.clone(), seed, previous))
            return Says(0)

        return train

    found = list(compare({"a": remembering("a"), "b": remembering("b")}, pool, labels, parts, seed=7))
    assert [(one.candidate, one.part) for one in found] == [(n, i) for i in range(6) for n in "ab"]
    assert [(known.tolist(), seed) for _, known, seed, _ in seen["a"]] == [
        (known.tolist(), seed) for _, known, seed, _ in seen["b"]
    ]
    for (given, known, _, previous), part in zip(seen["a"], parts, strict=True):
        assert given is pool and previous is None and (known[part] == UNLABELED).all()
        others = torch.ones(len(labels), dtype=torch.bool)
        others[part] = False
        assert torch.equal(known[others], labels[others])
    assert len({seed for _, _, seed, _ in seen["a"]}) == len(parts)


def test_what_is_done_is_not_done_again(pool):
    labels = labels_of([20, 20])
    parts, calls = parts_of(labels, seed=0), []

    def train(given, known, seed, previous):
        calls.append(seed)
        return Says(1)

    whole = list(compare({"a": train, "b": train}, pool, labels, parts))
    calls.clear()
    rest = list(compare({"a": train, "b": train}, pool, labels, parts, done=whole[:5]))
    assert len(calls) == len(rest) == 7
    assert [(o.candidate, o.part, o.answers) for o in whole[:5] + rest] == [
        (o.candidate, o.part, o.answers) for o in whole
    ]


def test_a_candidate_that_fails_is_left_out_with_its_sentence_and_the_baseline_may_not(pool):
    labels = labels_of([20, 20])

    def failing(given, known, seed, previous):
        raise TrainingFailed("the loss is no longer a number\n  try: --lr 0.1\n  and more")

    parts = parts_of(labels, seed=0)
    found = list(compare({"a": lambda *_: Says(0), "b": failing}, pool, labels, parts))
    assert [one.part for one in found if one.candidate == "b"] == [0]
    assert found[1].refused == "the loss is no longer a number; try: --lr 0.1"
    assert [row.name for row in rows_of(found, labels, parts)] == ["a"]
    assert not any(
        one.candidate == "b"
        for one in compare({"a": lambda *_: Says(0), "b": failing}, pool, labels, parts, done=found)
    )
    with pytest.raises(TrainingFailed):
        list(compare({"b": failing, "a": lambda *_: Says(0)}, pool, labels, parts))


def test_rows_are_shares_of_items_and_differences_are_paired():
    labels = torch.tensor([0] * 8 + [1] * 4)
    parts = [torch.arange(0, 6), torch.arange(6, 12), torch.arange(0, 12, 2), torch.arange(1, 12, 2)]
    right = [labels[p].tolist() for p in parts]
    base = [[0] * len(p) for p in parts]
    half = [*right[:2], *([1 - y for y in one] for one in right[2:])]
    found = [
        Answered(name, i, answers[i], 2.0)
        for i in range(4)
        for name, answers in (("base", base), ("right", right), ("half", half))
    ]
    rows = {row.name: row for row in rows_of(found, labels, parts)}
    assert list(rows) == ["base", "right", "half"]
    assert rows["base"].accuracy.value == pytest.approx(8 / 12) and rows["right"].accuracy.value == 1
    assert rows["half"].accuracy.value == 0.5 and rows["half"].seconds == 2
    assert rows["base"].balanced.value == pytest.approx(0.5)
    assert rows["right"].above.value == pytest.approx(4 / 12) and rows["base"].above.value == 0
    assert 0 < rows["right"].above.low < 4 / 12 < rows["right"].above.high
    assert rows["right"].accuracy.low < 1  # twelve items are few, however often they were answered
    share, y = share_right(half, labels, parts)
    assert share.tolist() == [0.5] * 12 and torch.equal(y, labels)


def test_balanced_accuracy_is_the_mean_of_classes_whatever_their_numbers():
    y = torch.tensor([4] * 30 + [1] * 3)
    share = torch.cat([torch.ones(30), torch.tensor([1.0, 0.0, 0.0])])
    slow = sum(float(share[y == c].mean()) for c in (1, 4)) / 2
    assert balanced_accuracy(share, y, 0).value == pytest.approx(slow)


def test_uneven_is_more_than_three_to_one_among_classes_with_labels():
    assert not uneven(labels_of([9, 3, 0])) and uneven(labels_of([10, 3]))


def test_of_equals_the_simpler_is_best():
    labels = torch.arange(12) % 2
    parts = [torch.arange(12)]
    found = [Answered(name, 0, [0] * 12, 1.0) for name in ("simple", "costly")]
    assert best_of(rows_of(found, labels, parts)).name == "simple"

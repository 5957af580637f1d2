import json
import math

import pytest
import torch

from tacit.data.pool import Pool
from tacit.engine.apply import embed
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.label_efficiency import (
    finetuned,
    from_scratch,
    label_efficiency,
    labels_a_class,
    nested,
    standard_error,
)
from tacit.evaluate.quality import flat
from tacit.methods.method import Recipe
from tacit.methods.simclr import SimCLR

CHEAP = Recipe(steps=25, batch=64, lr=3e-3, optimizer="adamw")


@pytest.fixture(scope="module")
def halves(digits_pool, digits) -> tuple[Pool, torch.Tensor, Pool, torch.Tensor]:
    y = torch.from_numpy(digits[1])
    one, other = torch.arange(0, 1200), torch.arange(1200, 1797)
    return digits_pool.take(one), y[one], digits_pool.take(other), y[other]


def test_every_class_gets_exactly_n_and_smaller_sets_lie_in_larger_ones():
    y = torch.randint(-2, 7, (900,), generator=torch.Generator().manual_seed(0))
    drawn = nested(y, [16, 1, 4], seed=3)
    assert list(drawn) == [1, 4, 16]
    for n, index in drawn.items():
        assert y[index].bincount().tolist() == [n] * 7 and index.unique().equal(index)
    assert set(drawn[1].tolist()) < set(drawn[4].tolist()) < set(drawn[16].tolist())
    assert not torch.equal(drawn[4], nested(y, [4], seed=4)[4]) and torch.equal(drawn[4], nested(y, [4], seed=3)[4])


def test_more_labels_than_there_are_and_none_at_all_are_refused():
    y = torch.tensor([0] * 9 + [1] * 3)
    with pytest.raises(NotEnoughLabels, match="the rarest class has 3"):
        nested(y, [2, 4], seed=0)
    with pytest.raises(NotEnoughLabels, match="asked for no labels"):
        nested(y, [], seed=0)
    with pytest.raises(NotEnoughLabels, match="rarest class has 0"):
        nested(torch.full((5,), -1), [1], seed=0)


def test_a_share_of_the_pool_is_dealt_out_evenly_over_the_classes():
    truth = torch.arange(5000) % 10
    assert labels_a_class(0.01, truth, 10) == 5 and labels_a_class(0.1, truth, 10) == 50
    assert labels_a_class(0.0001, truth, 10) == 1 and labels_a_class(25, truth, 10) == 25
    with pytest.raises(WrongUsage, match="between 0 and 1, not 1"):
        labels_a_class(1.5, truth, 10)


def test_the_standard_error_is_the_spread_over_the_root_of_the_draws():
    assert standard_error([1.0, 3.0]) == pytest.approx(math.sqrt(2) / math.sqrt(2))
    assert standard_error([1.0, 2.0, 3.0, 4.0]) == pytest.approx(torch.tensor([1.0, 2, 3, 4]).std().item() / 2)
    assert math.isnan(standard_error([0.5]))


def test_rows_for_frozen_codes_and_for_trained_classifiers_share_their_draws(halves):
    pool, y, test, test_y = halves
    torch.manual_seed(0)
    learned = SimCLR(pool.spec.with_classes(()), width=8)
    seen = []

    def spying(pool, labels, seed):
        seen.append(labels)
        return from_scratch(recipe=CHEAP, width=8, precision="fp32")(pool, labels, seed)

    got = label_efficiency(
        pool,
        y,
        test,
        test_y,
        per_class=(2, 0.05),
        codes={"raw": flat, "simclr": lambda items, index: embed(learned, items, index)},
        trained={"spied": spying, "fine-tuned": finetuned(learned, layer=1, recipe=CHEAP, precision="fp32")},
        draws=2,
    )
    names = ["probe on raw", "vote on raw", "probe on simclr", "vote on simclr", "spied", "fine-tuned"]
    assert [(row.name, row.labels) for row in got.rows] == [(name, n) for name in names for n in (20, 60)]
    assert all(len(row.accuracy) == 2 and 0.1 < row.mean < 1 for row in got.rows) and got.n == 597
    assert [int((labels >= 0).sum()) for labels in seen] == [20, 60, 20, 60]
    assert set((seen[0] >= 0).nonzero().flatten().tolist()) < set((seen[1] >= 0).nonzero().flatten().tolist())
    (_, gain, error), _ = got.above("spied", "probe on raw")
    a, b = (next(row.accuracy for row in got.rows if row.name == name) for name in ("spied", "probe on raw"))
    assert gain == pytest.approx((a[0] - b[0] + a[1] - b[1]) / 2)
    assert error == pytest.approx(abs((a[0] - b[0]) - (a[1] - b[1])) / 2)
    json.dumps(got.to_dict(), allow_nan=False)
    assert got.lines()[1].split() == ["labels", "20", "60"] and "±" in got.lines()[2]


def test_more_labels_help_and_shuffled_ones_do_not(halves):
    pool, y, test, test_y = halves
    few, many = label_efficiency(pool, y, test, test_y, per_class=(1, 50), codes={"raw": flat}, draws=2).named(
        "probe on raw"
    )
    assert few.mean < 0.75 < 0.85 < many.mean
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    for row in label_efficiency(pool, shuffled, test, test_y, per_class=(20,), codes={"raw": flat}, draws=2).rows:
        assert row.mean < 0.2


def test_labels_outside_the_draw_never_reach_a_training(halves):
    pool, y = halves[:2]
    torch.manual_seed(0)
    learned = SimCLR(pool.spec.with_classes(()), width=8)
    train = finetuned(learned, recipe=CHEAP, precision="fp32", augment="none")
    drawn = nested(y, [2], seed=0)[2]
    labels = torch.full_like(y, -1)
    labels[drawn] = y[drawn]
    before = {name: value.clone() for name, value in learned.state_dict().items()}
    one = train(pool, labels, 5)
    other = train(pool.take(drawn), y[drawn], 5)  # nothing else is even there
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert all(torch.equal(before[name], value) for name, value in learned.state_dict().items())

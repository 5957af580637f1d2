"""Feeds: a batch is a function of seed and step, whoever asks for it and whenever."""

from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.feeds import Stream, from_pool, items, labeled, mix, semi
from tacit.data.pool import Pool
from tacit.data.spec import SET_ASIDE, UNLABELED, ItemSpec
from tacit.errors import NotEnoughLabels

SIZES = {"n": st.integers(1, 40), "batch": st.integers(1, 50), "seed": st.integers(0, 2**40)}


def pool(n: int) -> Pool:
    x = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), dtype=np.uint8)
    return Pool(ItemSpec((1, 2, 2)), x)


def rows(stream: Stream, n: int, batch: int, steps: int) -> list[list[int]]:
    return [index.tolist() for index in islice(stream.indices(n, batch), steps)]


@given(**SIZES)
@settings(max_examples=50, deadline=None)
def test_the_same_seed_gives_the_same_batches_of_full_size(n, batch, seed):
    first = rows(Stream(seed), n, batch, 5)
    assert first == rows(Stream(seed), n, batch, 5)
    assert [len(part) for part in first] == [batch] * 5


@given(**SIZES, start=st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_going_on_at_a_step_equals_never_having_stopped(n, batch, seed, start):
    assert rows(Stream(seed, start), n, batch, 4) == rows(Stream(seed), n, batch, start + 4)[start:]


@given(**SIZES, world=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_ranks_share_a_batch_without_gap_or_overlap(n, batch, seed, world):
    whole = rows(Stream(seed), n, batch, 3)
    parts = [rows(Stream(seed, rank=rank, world=world), n, batch, 3) for rank in range(world)]
    for step in range(3):
        put_together = [None] * batch
        for rank in range(world):
            put_together[rank::world] = parts[rank][step]
        assert put_together == whole[step]


@given(**SIZES)
@settings(max_examples=50, deadline=None)
def test_every_pass_is_a_permutation(n, batch, seed):
    steps = -(-3 * n // batch)
    laid_out = [row for part in rows(Stream(seed), n, batch, steps) for row in part]
    for epoch in range(3):
        assert sorted(laid_out[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_passes_and_seeds_differ():
    passes = rows(Stream(0), 50, 50, 4)
    assert len({tuple(part) for part in passes}) == 4
    assert len({tuple(rows(Stream(seed), 50, 50, 1)[0]) for seed in range(20)}) == 20


def test_mixing_neighbours_gives_unrelated_seeds():
    mixed = {mix(seed, number) for seed in range(50) for number in range(50)}
    assert len(mixed) == 2500 and all(0 <= value < 2**63 for value in mixed)


def test_the_plain_feed_brings_every_item_labeled_or_not():
    labels = torch.full((6,), UNLABELED)
    labels[2] = 1
    feed = items(pool(6), labels, 6, Stream(3))
    first, second = next(feed), next(feed)
    assert first.dtype == torch.float32 and first.shape == (6, 1, 2, 2)
    for batch in (first, second):
        assert sorted((batch[:, 0, 0, 0] * 255).round().int().tolist()) == [0, 1, 2, 3, 4, 5]


def test_the_labeled_feed_brings_answers_only_and_each_with_its_item():
    labels = torch.tensor([UNLABELED, 0, SET_ASIDE, 2, UNLABELED, 1])
    for batch in islice(labeled(pool(6), labels, 4, Stream(3)), 5):
        shown = (batch.x[:, 0, 0, 0] * 255).round().long()
        assert len(batch.y) == 4 and set(shown.tolist()) <= {1, 3, 5}
        assert torch.equal(labels[shown], batch.y)


def test_going_on_holds_for_feeds_as_well():
    labels = torch.tensor([0, 1, UNLABELED, 1, 0])
    for feed in (items, labeled, semi, partial(semi, times=3)):
        straight = list(islice(feed(pool(5), labels, 3, Stream(7)), 8))
        resumed = list(islice(feed(pool(5), labels, 3, Stream(7, start=5)), 3))
        for whole, part in zip(straight[5:], resumed, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=True))


@pytest.mark.parametrize("times", [1, 3])
def test_the_semi_feed_brings_answers_and_all_items_but_those_set_aside(times):
    labels = torch.tensor([UNLABELED, 0, SET_ASIDE, 2, UNLABELED, 1])
    seen = set()
    for batch in islice(semi(pool(6), labels, 4, Stream(3), times), 20):
        assert torch.equal(labels[shown(batch.x)], batch.y) and len(batch.y) == 4
        assert len(batch.u) == 4 * times
        seen |= set(shown(batch.u))
    assert seen == {0, 1, 3, 4, 5}


def test_the_semi_feed_does_not_pair_an_item_with_itself():
    labels = torch.arange(40) % 2
    pairs = [(shown(b.x), shown(b.u)) for b in islice(semi(pool(40), labels, 8, Stream(0)), 10)]
    same = sum(a == b for x, u in pairs for a, b in zip(x, u, strict=True))
    assert same < 12, "by chance it is 2 of 80"


def test_ranks_share_the_batches_of_the_semi_feed():
    labels = torch.tensor([0, 1, UNLABELED, 1, 0, UNLABELED])
    whole = next(semi(pool(6), labels, 4, Stream(5), 2))
    parts = [next(semi(pool(6), labels, 4, Stream(5, rank=rank, world=2), 2)) for rank in range(2)]
    for field in ("x", "y", "u"):
        both = torch.cat([getattr(part, field) for part in parts])
        mine, all_of_it = (each.flatten(1).sum(1) if each.ndim > 1 else each for each in (both, getattr(whole, field)))
        assert torch.equal(mine.sort().values, all_of_it.sort().values)


def shown(x: torch.Tensor) -> list[int]:
    """Which items of the pool above these are."""
    return (x[:, 0, 0, 0] * 255).round().long().tolist()


@given(**SIZES, start=st.integers(0, 10))
@settings(max_examples=30, deadline=None)
def test_a_feed_from_the_pool_brings_the_items_of_the_plain_one_and_says_where_they_lie(n, batch, seed, start):
    labels = torch.full((n,), UNLABELED)
    plain = list(islice(items(pool(n), labels, batch, Stream(seed)), start + 3))
    for x, got in zip(plain[start:], from_pool(pool(n), labels, batch, Stream(seed, start)), strict=False):
        assert torch.equal(got.x, x) and got.x.dtype == torch.float32
        assert got.rows.tolist() == shown(x) and got.total == n


def test_the_pool_can_be_asked_for_more_in_any_order_and_more_than_once():
    some = pool(9).take(torch.tensor([8, 6, 4, 2]))
    batch = next(from_pool(some, torch.zeros(4), 3, Stream(3)))
    assert batch.total == 4
    fetched = batch.fetch(torch.tensor([3, 0, 0]))
    assert shown(fetched) == [2, 8, 8] and fetched.dtype == torch.float32
    assert torch.equal(batch.fetch(batch.rows), batch.x)
    assert batch.fetch(torch.arange(0)).shape == (0, 1, 2, 2)


def test_ranks_share_the_batches_of_a_feed_from_the_pool():
    labels = torch.zeros(7)
    whole = list(islice(from_pool(pool(7), labels, 6, Stream(2)), 3))
    for rank in range(2):
        parts = islice(from_pool(pool(7), labels, 6, Stream(2, rank=rank, world=2)), 3)
        assert [part.rows.tolist() for part in parts] == [batch.rows[rank::2].tolist() for batch in whole]


@pytest.mark.parametrize("nothing", [UNLABELED, SET_ASIDE])
def test_no_labels_is_a_sentence(nothing):
    with pytest.raises(NotEnoughLabels, match="tacit choose"):
        next(labeled(pool(3), torch.full((3,), nothing), 2, Stream()))

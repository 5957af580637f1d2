"""Pools: batches by position, ids, and the wall between the pool and the yardstick."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data import pool as module
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import ItemSpec
from tacit.errors import BadData, WrongUsage

SPEC = ItemSpec((1, 2, 2), "image", ("a", "b"))


def array(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), dtype=np.uint8)


def values(items) -> list[int]:
    return items[:][:, 0, 0, 0].tolist()


def test_a_batch_is_what_is_stored_and_floats_what_methods_see():
    pool = Pool(SPEC, array(5))
    assert pool[[4, 0]].dtype == torch.uint8 and pool[[4, 0]].shape == (2, 1, 2, 2)
    assert torch.equal(pool.floats([4, 0])[:, 0, 0, 0], torch.tensor([4 / 255, 0.0]))
    vectors = Pool(ItemSpec((2,), "vector", (), (1.0, 2.0), (2.0, 4.0)), np.array([[3, 2], [1, 6]], dtype=np.float32))
    assert vectors.floats([0, 1]).tolist() == [[1, 0], [0, 1]]


def test_positions_come_as_lists_slices_arrays_tensors_or_booleans():
    pool = Pool(SPEC, array(6), rows=np.array([5, 3, 1]))
    for index in (
        [0, 2],
        slice(0, 3, 2),
        np.array([0, 2]),
        torch.tensor([0, 2]),
        torch.tensor([True, False, True]),
        [0, -1],
    ):
        assert pool[index][:, 0, 0, 0].tolist() == [5, 1]
    assert len(pool) == 3 and pool[[]].shape == (0, 1, 2, 2)


def test_a_batch_is_a_copy():
    stored = array(3)
    Pool(SPEC, stored)[[1]].zero_()
    assert stored[1].max() == 1


def test_ids_are_fetched_once_and_only_when_asked_for():
    calls = []

    def fetch():
        calls.append(1)
        return np.array(["p", "q", "r"])

    pool = Pool(SPEC, array(3), ids=fetch, rows=np.array([2, 0]))
    assert pool[:].shape[0] == 2 and not calls
    assert pool.ids.tolist() == pool.ids.tolist() == ["r", "p"] and len(calls) == 1


def test_find_is_the_inverse_of_ids():
    pool = Pool(SPEC, array(4), ids=np.array(["p", "q", "r", "s"]), rows=np.array([3, 1]))
    assert pool.find(["q", "p", "s"]).tolist() == [1, -1, 0]
    assert pool.find(pool.ids).tolist() == [0, 1]


def test_classes_can_be_given_later():
    pool = Pool(SPEC, array(4), rows=np.array([3, 1])).with_classes(("x",))
    assert pool.spec.classes == ("x",) and values(pool) == [3, 1] and isinstance(pool, Pool)


def test_items_of_another_shape_are_refused():
    with pytest.raises(BadData, match=r"shape \(1, 2, 3\), expected \(1, 2, 2\)"):
        Pool(SPEC, np.zeros((4, 1, 2, 3), dtype=np.uint8))


@given(st.integers(2, 30), st.data())
@settings(max_examples=50, deadline=None)
def test_whatever_is_taken_from_a_pool_never_reaches_the_yardstick(n, data):
    ids = np.array([f"id{i}" for i in range(n)])
    order = np.array(data.draw(st.permutations(range(n))))
    cut = data.draw(st.integers(1, n - 1))
    pool, yardstick = (
        Pool(SPEC, array(n), ids=ids, rows=order[:cut]),
        Yardstick(SPEC, array(n), ids=ids, rows=order[cut:]),
    )
    part: Pool = pool
    for _ in range(3):
        positions = data.draw(st.lists(st.integers(-len(part), len(part) - 1), min_size=1, max_size=6))
        part = part.take(np.array(positions))
        assert isinstance(part, Pool)
        assert not set(part.ids) & set(yardstick.ids) and not set(values(part)) & set(values(yardstick))
        assert part.ids.tolist() == [f"id{value}" for value in values(part)]
    with pytest.raises(IndexError):
        part[[len(part)]]
    with pytest.raises(IndexError):
        part.take(np.array([len(part)]))


def test_a_mask_takes_the_items_it_marks():
    whole = Pool(SPEC, array(4))
    assert values(whole.take(np.array([False, True, False, True]))) == [1, 3]
    assert values(whole.take(torch.tensor([True, False, False, True]))) == [0, 3]


def test_pages_of_a_map_are_handed_back(tmp_path, monkeypatch):
    array(50).tofile(tmp_path / "items.u8")
    stored = np.memmap(tmp_path / "items.u8", dtype=np.uint8, mode="r", shape=(50, 1, 2, 2))
    monkeypatch.setattr(module, "KEEP_RESIDENT", 1)
    for pool in (Pool(SPEC, stored), Pool(SPEC, stored).take(np.arange(50)), Pool(SPEC, stored).with_classes(("x",))):
        assert pool._map is not None
        assert values(pool) == list(range(50)) and pool._touched == 0
        assert values(pool) == list(range(50))  # they come back from the file


# items that join in memory


@pytest.mark.parametrize("rows", [None, np.array([4, 1, 0])])
def test_items_join_behind_those_of_the_pool_and_the_pool_stays(rows):
    pool = Pool(SPEC, array(5), ids=np.array(list("pqrst")), rows=rows)
    before, ids = values(pool), pool.ids.tolist()
    grown = pool.with_items(torch.full((2, 1, 2, 2), 77 / 255)).with_items(torch.full((1, 1, 2, 2), 1.0))
    assert values(grown) == [*before, 77, 77, 255] and values(pool) == before and len(pool) == len(before)
    assert grown.ids[: len(pool)].tolist() == ids and pool.ids.tolist() == ids
    assert len(grown.ids) == len(grown) and grown.ids[-3] == grown.ids[-2] != grown.ids[-1]
    assert grown.ids[-1] == Pool(SPEC, array(2)).with_items(torch.ones(1, 1, 2, 2)).ids[-1]  # of the content
    assert values(grown.take(torch.tensor([len(pool), 0]))) == [77, before[0]]
    assert grown.with_classes(("x",)).spec.classes == ("x",) and values(grown.with_classes(())) == values(grown)


def test_vectors_join_in_their_own_units():
    spec = ItemSpec((2,), "vector", (), (1.0, 2.0), (2.0, 4.0))
    grown = Pool(spec, np.array([[3, 2]], dtype=np.float32)).with_items(torch.tensor([[0.5, -1.0]]))
    assert grown[:].tolist() == [[3, 2], [2, -2]] and grown.floats([1]).tolist() == [[0.5, -1.0]]


def test_items_join_a_map_without_a_copy_of_it(tmp_path):
    mapped = np.memmap(tmp_path / "x.u8", np.uint8, "w+", shape=(6, 1, 2, 2))
    mapped[:] = array(6)
    grown = Pool(SPEC, mapped).with_items(torch.zeros(1, 1, 2, 2))
    assert values(grown) == [0, 1, 2, 3, 4, 5, 0] and grown._map is mapped._mmap
    mapped[2] = 99
    assert values(grown)[2] == 99
    assert (tmp_path / "x.u8").stat().st_size == 24


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.zeros(2, 1, 3, 3), r"shape \(1, 3, 3\), expected floats \(1, 2, 2\)"),
        (torch.zeros(2, 1, 2, 2, dtype=torch.uint8), "uint8 items"),
        (torch.full((1, 1, 2, 2), 255.0), r"floats in \[0, 1\]; these go from 255 to 255"),
        (torch.full((1, 1, 2, 2), torch.nan), "no finite numbers"),
    ],
)
def test_what_cannot_join_is_a_sentence(x, said):
    with pytest.raises((WrongUsage, BadData), match=said):
        Pool(SPEC, array(2)).with_items(x)


def test_sounds_join_with_16_bits_and_must_be_within_full_scale():
    spec = ItemSpec((1, 4), "sound", rate=8000)
    pool = Pool(spec, np.zeros((2, 1, 4), np.int16))
    joined = pool.with_items(torch.tensor([[[0.5, -0.5, 0.25, 0.0]]]))
    assert joined[[2]].tolist() == [[[16384, -16384, 8192, 0]]]
    with pytest.raises(WrongUsage, match=r"sounds are floats in \[-1, 1\]; these go from 0 to 2"):
        pool.with_items(torch.tensor([[[2.0, 0.0, 0.0, 0.0]]]))

import numpy as np
import pytest

from tacit.data.stacked import Stacked

FIRST, THEN = np.arange(10).reshape(5, 2), np.arange(10, 16).reshape(3, 2)
BOTH = np.concatenate([FIRST, THEN])


@pytest.mark.parametrize("index", [[0, 4], [5, 7], [7, 0, 5, 4, 7], [-1, -8, 3], []], ids=str)
def test_rows_are_those_of_one_array_behind_the_other(index):
    stacked = Stacked(FIRST, THEN)
    assert len(stacked) == 8 and stacked.shape == (8, 2)
    taken = stacked.take(np.array(index, dtype=np.int64))
    assert taken.dtype == FIRST.dtype and np.array_equal(taken, BOTH[np.array(index, dtype=np.int64)])


@pytest.mark.parametrize("outside", [8, -9])
def test_there_is_nothing_beyond_the_ends(outside):
    with pytest.raises(IndexError, match="beyond the 8 rows"):
        Stacked(FIRST, THEN).take(np.array([outside]))


def test_more_on_top_stays_two_arrays():
    once = Stacked.of(FIRST, THEN)
    twice = Stacked.of(once, THEN)
    assert twice.first is FIRST and np.array_equal(twice.then, np.concatenate([THEN, THEN])) and len(once) == 8


def test_a_map_stays_on_the_disk(tmp_path):
    np.save(tmp_path / "x.npy", FIRST)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    stacked = Stacked(mapped, THEN)
    assert stacked.first is mapped and stacked._mmap is mapped._mmap
    assert type(stacked.take(np.array([1, 6]))) is np.ndarray

"""Arrays in memory become the items that the same arrays in a file become."""

from pathlib import Path

import numpy as np
import pytest

from tacit.data.arrays import Array
from tacit.data.in_memory import prepare
from tacit.errors import BadData, WrongUsage

RNG = np.random.default_rng(0)
ARRAYS = {
    "grey": RNG.integers(0, 256, (6, 9, 7), dtype=np.uint8),
    "color in front": RNG.integers(0, 256, (6, 3, 9, 7), dtype=np.uint8),
    "color at the end": RNG.integers(0, 256, (6, 9, 7, 3), dtype=np.uint8),
    "transparent": RNG.integers(0, 256, (6, 9, 7, 4), dtype=np.uint8),
    "shares of one": RNG.random((6, 9, 7)),
    "standardized": RNG.normal(size=(6, 9, 7)).astype(np.float32),
    "large": RNG.integers(0, 256, (3, 80, 90), dtype=np.uint8),
    "16 bits": RNG.integers(0, 4096, (6, 9, 7), dtype=np.uint16),
    "vectors": RNG.normal(size=(6, 5)),
}


def read_from_file(x: np.ndarray, folder: Path):
    np.savez(folder / "items.npz", x=x)
    source = Array(folder / "items.npz")
    form = source.form(source.files, None, None, None, lambda looked: None)
    return form, np.concatenate([batch.rows for batch in source.read(form, source.files)]), source.notes


@pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS)
def test_it_is_read_as_init_reads_the_same_array_from_a_file(x, tmp_path):
    form, rows, notes = prepare(x)
    from_file, rows_of_file, notes_of_file = read_from_file(x, tmp_path)
    assert (form.shape, form.item_kind, form.low, form.high) == (
        from_file.shape,
        from_file.item_kind,
        from_file.low,
        from_file.high,
    )
    assert rows.dtype == rows_of_file.dtype and np.array_equal(rows, rows_of_file)
    assert notes == notes_of_file


def test_vectors_know_the_mean_and_deviation_of_each_column():
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    form, rows, _ = prepare(x)
    assert form.center == (2.0, 5.0) and form.scale == (1.0, 1.0)  # a constant column is left on its scale
    assert rows.dtype == np.float32


def test_later_vectors_are_standardized_as_the_first_were():
    form, _, _ = prepare(ARRAYS["vectors"])
    later, _, _ = prepare(ARRAYS["vectors"][:2].astype(np.float32) + 7, former=form)
    assert (later.center, later.scale) == (form.center, form.scale)


def test_later_images_keep_the_black_and_white_of_the_first():
    form, rows, _ = prepare(ARRAYS["standardized"])
    again, some, _ = prepare(ARRAYS["standardized"][:2].astype(np.float64), former=form)
    assert np.array_equal(some, rows[:2]) and (again.low, again.high) == (form.low, form.high)


def test_values_beyond_those_of_the_first_images_are_cut_off_and_that_is_said():
    form, _, _ = prepare(ARRAYS["shares of one"])
    _, rows, notes = prepare(ARRAYS["shares of one"] + 1, former=form)
    assert rows.min() == 255 and any("cut off" in note for note in notes)


def test_floats_after_whole_numbers_are_refused():
    form, _, _ = prepare(ARRAYS["grey"])
    with pytest.raises(BadData, match="whole numbers the first time, and are floats now"):
        prepare(ARRAYS["shares of one"], former=form)


def test_images_are_brought_to_the_size_asked_for_and_vectors_have_none():
    assert prepare(ARRAYS["grey"], size=12)[1].shape == (6, 1, 12, 12)
    with pytest.raises(WrongUsage, match="a size is for images"):
        prepare(ARRAYS["vectors"], size=12)


def test_an_array_that_is_no_items_is_refused_in_words():
    with pytest.raises(BadData, match=r"the array: x has shape \(2, 2, 2, 2, 2\)"):
        prepare(np.zeros((2, 2, 2, 2, 2)))
    with pytest.raises(BadData, match=r"beyond 32 bits, the first at x\[1, 0\]"):
        prepare(np.array([[1.0], [1e300]]))

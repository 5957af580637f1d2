"""Array files: layouts, ranges, hidden answers, and files that are not what they seem."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tacit.data.arrays import Array
from tacit.data.form import Form
from tacit.data.source import content_id
from tacit.errors import BadData, TacitError, WrongUsage

GREY = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
COLOR = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)


def npz(path: Path, **members: object) -> Path:
    np.savez(path, **members)  # type: ignore[arg-type]
    return path


def read(
    source: Array, size: int | None = None, aspect: str | None = None
) -> tuple[Form, np.ndarray, list[str | None], list[str]]:
    form = source.form(source.files, size, aspect, None, lambda files: None)
    batches = list(source.read(form, source.files))
    answers = [answer for batch in batches for answer in batch.answers]
    return form, np.concatenate([b.rows for b in batches]), answers, [id_ for b in batches for id_ in b.ids]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOR, COLOR.transpose(0, 3, 1, 2)),
        (COLOR.transpose(0, 3, 1, 2), COLOR.transpose(0, 3, 1, 2)),
    ],
)
def test_images_come_in_five_layouts(tmp_path, stored, expected):
    form, rows, _, _ = read(Array(npz(tmp_path / "x.npz", x=stored)))
    assert form.shape == expected.shape[1:] and rows.dtype == np.uint8 and (rows == expected).all()


@pytest.mark.parametrize("front", [False, True])
def test_rgba_is_laid_on_white(tmp_path, front):
    x = np.zeros((1, 5, 6, 4), dtype=np.uint8)
    x[0, :, :, 3], x[0, 0, 0] = 51, (10, 20, 30, 255)
    form, rows, _, _ = read(Array(npz(tmp_path / "x.npz", x=x.transpose(0, 3, 1, 2) if front else x)))
    assert form.shape == (3, 5, 6)
    assert rows[0, :, 0, 0].tolist() == [10, 20, 30] and (rows[0, :, 1:] == 204).all()


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        (np.array([0, 1], dtype=bool), [0, 255], None),
        (np.array([0, 200], dtype=np.uint8), [0, 200], None),
        (np.array([0, 1], dtype=np.int64), [0, 255], None),
        (np.array([0, 200], dtype=np.int64), [0, 200], None),
        (np.array([0.0, 0.5, 1.0], dtype=np.float32), [0, 128, 255], None),
        (np.array([0.0, 199.6, 255.0]), [0, 200, 255], None),
        (np.array([0.0, 16.0]), [0, 16], "values reach only 16 of 255"),
        (np.array([0, 65535], dtype=np.uint16), [0, 255], "0..65535 became 0..255"),
        (np.array([0, 4000], dtype=np.uint16), [0, 249], "0..4095 became 0..255"),
        (np.array([-1.0, 0.0, 1.0]), [0, 128, 255], "values from -1 to 1 became 0..255"),
        (np.array([300.0, 300.0]), [0, 0], "values from 300 to 300 became 0..255"),
        (np.array([0, 1.0], dtype=">f4"), [0, 255], None),
    ],
)
def test_values_of_images_become_0_to_255_by_a_stated_range(tmp_path, values, expected, note):
    source = Array(npz(tmp_path / "x.npz", x=values[:, None, None] * np.ones((1, 2, 2), dtype=values.dtype)))
    _, rows, _, _ = read(source)
    assert rows[:, 0, 0, 0].tolist() == expected
    assert len(source.notes) == (note is not None) and (note or "") in "".join(source.notes)


def test_vectors_are_kept_as_float32(tmp_path):
    x = np.array([[1.5, -2], [0, 1e30]])
    form, rows, _, _ = read(Array(npz(tmp_path / "x.npz", x=x)))
    assert (form.item_kind, form.shape) == ("vector", (2,))
    assert rows.dtype == np.float32 and (rows == x.astype(np.float32)).all()
    with pytest.raises(WrongUsage, match="a size is for images"):
        read(Array(tmp_path / "x.npz"), size=32)


def test_large_images_get_a_working_size(tmp_path):
    x = np.zeros((2, 80, 100, 3), dtype=np.uint8)
    x[:, :, 30:70] = 200
    path = npz(tmp_path / "x.npz", x=x)
    assert read(Array(path))[1].shape == (2, 3, 64, 64)
    _, rows, _, _ = read(Array(path), size=8, aspect="pad")
    assert rows.shape == (2, 3, 8, 8) and (rows[:, :, 0] == 0).all() and rows[:, :, 4, 4].min() > 190


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_single_npy_is_read_through_the_page_cache(tmp_path, order):
    np.save(tmp_path / "x.npy", np.asarray(GREY, order=order))
    source = Array(tmp_path / "x.npy")
    assert (read(source)[1] == GREY[:, None]).all()
    assert isinstance(source._x, np.memmap)
    with pytest.raises(WrongUsage, match="single array"):
        read(Array(tmp_path / "x.npy", truth="y"))


def test_the_name_of_an_id_is_content_shape_and_type(tmp_path):
    twice = np.concatenate([GREY, GREY[:1]])
    ids = read(Array(npz(tmp_path / "x.npz", x=twice)))[3]
    assert ids[0] == ids[4] == content_id(GREY[0]) and len(set(ids)) == 4
    assert content_id(GREY[0]) != content_id(GREY[0].reshape(6, 5))
    assert content_id(GREY[0]) != content_id(GREY[0].view(np.int8))
    assert len(ids[0]) == 32


# which member is what


def test_items_are_called_x_images_or_data_or_are_the_only_candidate(tmp_path):
    for name in ("x", "X", "images", "data", "pixels"):
        path = npz(tmp_path / f"{name}.npz", **{name: GREY, "y": np.arange(4), "rate": 8000})
        assert (read(Array(path))[1] == GREY[:, None]).all()
    with pytest.raises(BadData, match=r"does not say which .* a \(4, 5, 6\), b \(4, 5, 6\)\n.*call it x"):
        read(Array(npz(tmp_path / "two.npz", a=GREY, b=GREY)))


def test_hidden_answers_come_from_y_or_labels_by_name(tmp_path):
    names = np.array(["cat", "dog", "owl"])
    assert read(Array(npz(tmp_path / "a.npz", x=GREY, y=[2, 0, -1, 1], class_names=names)))[2] == [
        "owl",
        "cat",
        None,
        "dog",
    ]
    assert read(Array(npz(tmp_path / "b.npz", x=GREY, labels=["a", "b", "", "b"])))[2] == ["a", "b", None, "b"]
    assert read(Array(npz(tmp_path / "c.npz", x=GREY, y=[1.0, 2.0, np.nan, 2.5])))[2] == ["1", "2", None, "2.5"]
    assert read(Array(npz(tmp_path / "d.npz", x=GREY, y=[[1], [2], [3], [4]])))[2] == ["1", "2", "3", "4"]
    assert read(Array(npz(tmp_path / "e.npz", x=GREY)))[2] == [None] * 4


def test_another_member_can_hold_the_answers(tmp_path):
    members = {
        "x": GREY,
        "y": [0, 0, 1, 1],
        "class_names": ["a", "b"],
        "who": [1, 0, 1, 0],
        "who_names": ["eve", "bob"],
    }
    path = npz(tmp_path / "x.npz", **members)
    assert read(Array(path, truth="who"))[2] == ["bob", "eve", "bob", "eve"]
    assert read(Array(path, truth="y"))[2] == ["a", "a", "b", "b"]
    with pytest.raises(WrongUsage, match="did you mean: who"):
        read(Array(path, truth="whom"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"y": [0, 1]}, r"y is int64 of shape \(2,\), for 4 items"),
        ({"y": np.eye(4)}, r"y is float64 of shape \(4, 4\)"),
        ({"y": [0, 1, 2, 3], "class_names": ["a"]}, "there is an answer 1, but only 1 class names"),
    ],
)
def test_answers_that_do_not_fit_are_explained(tmp_path, members, message):
    with pytest.raises(BadData, match=message):
        read(Array(npz(tmp_path / "x.npz", x=GREY, **members)))


# what is refused


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), r"2 of 4 values are NaN, infinite .* the first at x\[0, 1\]"),
        (np.array([[1.0, 2.0], [1e300, 2.0]]), r"1 of 4 values .* the first at x\[1, 0\]"),
        (np.ones((2, 2), dtype=complex), "holds complex128 values"),
        (np.array([["a"]]), "holds <U1 values"),
        (np.ones(3), r"has shape \(3,\)"),
        (np.ones((1, 2, 3, 4, 5)), r"has shape \(1, 2, 3, 4, 5\)"),
        (np.ones((2, 5, 5, 2)), "1, 3 or 4 channels"),
        (np.ones((0, 5)), "there is nothing in it"),
        (np.ones((3, 0)), "there is nothing in it"),
    ],
)
def test_arrays_that_are_no_items_are_refused(tmp_path, x, message):
    with pytest.raises(BadData, match=message):
        read(Array(npz(tmp_path / "x.npz", x=x)))


def test_python_objects_are_never_loaded(tmp_path):
    mixed = np.array([[1, "two"]], dtype=object)
    np.save(tmp_path / "x.npy", mixed, allow_pickle=True)
    for path in (npz(tmp_path / "x.npz", x=mixed), npz(tmp_path / "y.npz", x=GREY, y=mixed[0]), tmp_path / "x.npy"):
        with pytest.raises(BadData, match="Python objects, which could run code"):
            read(Array(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello world", "of another format"),
        (b"PK\x03\x04 no zip after all", "damaged or cut short"),
        (b"\x93NUMPY\x01\x00", "damaged or cut short"),
    ],
)
def test_files_of_another_kind_are_explained(tmp_path, content, message):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(BadData, match=message):
        read(Array(tmp_path / "x.npz"))


def test_cut_files_are_explained(tmp_path):
    np.save(tmp_path / "x.npy", GREY)
    for path in (npz(tmp_path / "x.npz", x=GREY), tmp_path / "x.npy"):
        path.write_bytes(path.read_bytes()[:-60])
        with pytest.raises(BadData, match="damaged or cut short"):
            read(Array(path))


def test_an_archive_without_arrays_is_explained(tmp_path):
    for name, message in {"readme.txt": "does not say which array is the items", "x": "holds .S12 values"}.items():
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr(name, "nothing here")
        with pytest.raises(BadData, match=message):
            read(Array(tmp_path / "x.npz"))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6)))
@settings(max_examples=40, deadline=None)
def test_any_bytes_of_images_come_back(tmp_path_factory, x):
    _, rows, _, ids = read(Array(npz(tmp_path_factory.getbasetemp() / "any.npz", x=x)))
    assert (rows[:, 0] == x).all()
    assert len(set(ids)) == len(np.unique(x, axis=0))


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int32]), hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)
    )
)
@settings(max_examples=60, deadline=None)
def test_any_vectors_come_back_or_are_refused(tmp_path_factory, x):
    path = npz(tmp_path_factory.getbasetemp() / "any_vectors.npz", x=x)
    with np.errstate(over="ignore"):
        fits = np.isfinite(x.astype(np.float32)).all()
    if fits:
        assert (read(Array(path))[1] == x.astype(np.float32)).all()
    else:
        with pytest.raises(BadData):
            read(Array(path))


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", "npz", "npy"]),
    st.integers(0, 400),
)
@settings(max_examples=150, deadline=None)
def test_arbitrary_bytes_never_raise_anything_but_a_sentence(tmp_path_factory, junk, head, at):
    """Pure junk, junk behind a true beginning, and real files with a stretch of junk inside."""
    if isinstance(head, bytes):
        content = head + junk
    else:
        buffer = io.BytesIO()
        np.savez(buffer, x=GREY, y=np.arange(4)) if head == "npz" else np.save(buffer, GREY)
        whole = buffer.getvalue()
        content = whole[:at] + junk + whole[at + len(junk) :]
    path = tmp_path_factory.getbasetemp() / "junk.npz"
    path.write_bytes(content)
    try:
        read(Array(path))
    except TacitError as error:
        assert str(path) in str(error)

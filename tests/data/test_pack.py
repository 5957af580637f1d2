"""Packing: the first time in full, later only what changed, and never half."""

import csv
import errno
import json
import os
import pkgutil
import shutil
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tacit.data import records, shelf
from tacit.data.like import read_like
from tacit.data.pack import Packed, open_items, pack, read_truth, source_kind
from tacit.data.pictures import EXTENSIONS
from tacit.data.store import connect
from tacit.errors import BadData, BadEnvironment, WrongUsage


def picture(path: Path, value: int) -> Path:
    """A picture of its own for every value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((4, 4), 255, dtype=np.uint8)
    pixels[0, 0], pixels[0, 1] = value % 256, value // 256
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photos(tmp_path) -> Path:
    """Ten pictures, in two folders of five."""
    for i in range(10):
        picture(tmp_path / "photos" / ("cat" if i < 5 else "dog") / f"{i}.png", i)
    return tmp_path / "photos"


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "photos.tacit"


def files(folder: Path) -> dict[str, str]:
    with closing(connect(folder / "project.db")) as db:
        return dict(db.execute("SELECT path, id FROM files").fetchall())


def state(folder: Path) -> dict[str, bytes | int]:
    """All that counts in a packed folder."""
    with closing(connect(folder / "project.db")) as db:
        tables = [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("items", "files", "truth")]
    return {
        "tables": repr(tables),
        "items": (folder / "items.u8").read_bytes(),
        "form": (folder / "items.json").read_text(),
    }


def values(items) -> list[int]:
    return items[:][:, 0, 0, 0].tolist()


# what a source is


def test_the_kind_of_a_source_follows_from_its_path(tmp_path):
    assert source_kind(tmp_path) == "folder"
    for name, kind in {
        "a.NPZ": "array",
        "a.npy": "array",
        "a.csv": "table",
        "a.tsv": "table",
        "a.parquet": "table",
    }.items():
        (tmp_path / name).touch()
        assert source_kind(tmp_path / name) == kind
    with pytest.raises(WrongUsage, match="there is nothing at"):
        source_kind(tmp_path / "gone")
    for name in ("notes.md", "noextension"):
        (tmp_path / name).touch()
        with pytest.raises(WrongUsage, match="cannot be a source"):
            source_kind(tmp_path / name)
    with pytest.raises(WrongUsage, match="give the folder it is in"):
        source_kind(picture(tmp_path / "a.png", 0))


# the first time


def test_a_folder_becomes_a_pool_and_a_yardstick(photos, folder):
    packed = pack(photos, folder)
    pool, yardstick = open_items(folder, ("cat", "dog"))
    assert (packed.items, packed.pool, packed.yardstick, packed.added, packed.changed) == (10, 8, 2, 10, True)
    assert (len(pool), len(yardstick)) == (8, 2)
    assert pool.spec.shape == packed.shape == (1, 4, 4) and pool.spec.classes == ("cat", "dog")
    assert sorted(values(pool) + values(yardstick)) == list(range(10))
    assert not set(pool.ids) & set(yardstick.ids)
    assert set(pool.ids) | set(yardstick.ids) == set(files(folder).values())
    assert not (folder / "skipped.csv").exists() and not (folder / shelf.PART).exists()


def test_rows_follow_the_order_of_paths_and_ids_the_contents(photos, folder, tmp_path):
    pack(photos, folder, yardstick=0)
    pool, yardstick = open_items(folder)
    assert values(pool) == list(range(10)) and len(yardstick) == 0
    assert pool.ids.tolist() == [id_ for _, id_ in sorted(files(folder).items())]
    shutil.copytree(photos, tmp_path / "copy")
    pack(tmp_path / "copy", tmp_path / "other.tacit", yardstick=0)
    assert open_items(tmp_path / "other.tacit")[0].ids.tolist() == pool.ids.tolist()


def test_the_record_is_plain_and_shows_itself(photos, folder):
    (photos / "readme.txt").write_text("x")
    (photos / "broken.png").write_text("x")
    shutil.copy(photos / "cat/0.png", photos / "dog/again.png")
    packed = pack(photos, folder, truth="folders", yardstick=0.3)
    assert Packed(**packed.to_dict()) == packed and json.loads(json.dumps(asdict(packed)))["items"] == 10
    assert str(packed).splitlines() == [
        f"{photos}: 11 images in 3 folders (png 12), and 1 other file",
        "skipped 1 that cannot be read -> skipped.csv",
        "exact duplicates 1: each content is one item",
        "items: 4 x 4 pixels, grey",
        "pool 7, yardstick 3 (set aside for measuring, never learned from)",
        "hidden labels of 2 classes, for simulations only; 1 content has two answers, the first counts",
    ]


def test_a_single_picture_is_enough(tmp_path, folder):
    picture(tmp_path / "one" / "a.png", 7)
    packed = pack(tmp_path / "one", folder)
    pool, yardstick = open_items(folder)
    assert packed.items == 1 and values(pool) == [7] and len(yardstick) == 0


@pytest.mark.parametrize(("asked", "n", "count"), [
    (None, 4, 0), (None, 5, 1), (None, 10, 2), (0.0, 10, 0), (0.5, 10, 5), (0.99, 10, 9), (3, 10, 3), (0, 10, 0),
])  # fmt: skip
def test_the_yardstick_is_a_fifth_a_share_or_a_count(tmp_path, folder, asked, n, count):
    for i in range(n):
        picture(tmp_path / "photos" / f"{i}.png", i)
    assert pack(tmp_path / "photos", folder, yardstick=asked).yardstick == count == len(open_items(folder)[1])


def test_the_default_yardstick_is_never_larger_than_2000(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(12_000, dtype=np.float32)[:, None])
    assert pack(tmp_path / "x.npy", tmp_path / "x.tacit").yardstick == 2000


def test_the_yardstick_follows_the_seed(photos, tmp_path):
    def drawn(seed: int, name: str) -> set[str]:
        pack(photos, tmp_path / name, seed=seed, yardstick=5)
        return set(open_items(tmp_path / name)[1].ids.tolist())

    assert drawn(1, "a") == drawn(1, "b") != drawn(2, "c")


@pytest.mark.parametrize("wrong", [
    {"yardstick": 1.0}, {"yardstick": -0.1}, {"yardstick": float("nan")}, {"yardstick": 2.5},
    {"yardstick": -1}, {"yardstick": 10}, {"size": 0}, {"size": 5000}, {"aspect": "squeeze"},
    {"truth": "labels"}, {"workers": -1},
])  # fmt: skip
def test_impossible_arguments_are_refused_and_nothing_is_left(photos, folder, wrong):
    with pytest.raises(WrongUsage):
        pack(photos, folder, **wrong)
    assert not folder.exists()


def test_items_are_not_packed_into_their_source(photos):
    with pytest.raises(WrongUsage, match="that is the source"):
        pack(photos, photos)


def test_progress_reaches_the_end_and_never_goes_back(photos, folder):
    seen = []
    pack(photos, folder, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and seen[-1] == (10, 10)


# what cannot be read


def test_unreadable_files_are_listed_and_tried_again(photos, folder):
    (photos / "bad, very.jpg").write_text("no picture")
    (photos / "empty.png").touch()
    packed = pack(photos, folder)
    expected = [("bad, very.jpg", "not a picture in a known format"), ("empty.png", "the file is empty")]
    assert packed.skipped == expected and packed.items == 10
    with open(folder / "skipped.csv", newline="", encoding="utf-8") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("path", "reason"), *expected]
    again = pack(photos, folder)
    assert again.skipped == expected and not again.changed
    picture(photos / "bad, very.jpg", 99)
    (photos / "empty.png").unlink()
    mended = pack(photos, folder)
    assert mended.added == 1 and mended.skipped == [] and not (folder / "skipped.csv").exists()


def test_nothing_readable_is_an_error_that_names_files_and_leaves_nothing(tmp_path, folder):
    (tmp_path / "photos").mkdir()
    for i in range(5):
        (tmp_path / "photos" / f"{i}.jpg").write_text("no picture")
    with pytest.raises(BadData, match=r"none of the 5 files in .*photos can be read\n  0\.jpg: not a picture"):
        pack(tmp_path / "photos", folder)
    assert not folder.exists()


def test_an_empty_folder_is_an_error_and_later_costs_nothing(photos, folder):
    pack(photos, folder)
    before = state(folder)
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(BadData, match="it is empty"):
        pack(photos, folder)
    assert state(folder) == before


# one item for every content


def test_duplicates_share_an_item_and_never_straddle_the_yardstick(photos, folder):
    for i in range(10):
        shutil.copy(next(photos.glob(f"*/{i}.png")), photos / f"copy{i}.png")
    packed = pack(photos, folder, yardstick=5)
    pool, yardstick = open_items(folder)
    assert (packed.items, packed.found, packed.duplicates) == (10, 20, 10)
    assert not set(values(pool)) & set(values(yardstick))
    assert len(files(folder)) == 20


def test_a_moved_or_renamed_file_keeps_its_item(photos, folder):
    pack(photos, folder)
    before, ids = state(folder)["items"], open_items(folder)[0].ids.tolist()
    content = files(folder)["cat/3.png"]
    (photos / "birds").mkdir()
    (photos / "cat/3.png").rename(photos / "birds/heron.png")
    packed = pack(photos, folder)
    assert (packed.added, packed.gone, packed.changed) == (0, 1, True)
    assert files(folder)["birds/heron.png"] == content and "cat/3.png" not in files(folder)
    assert state(folder)["items"] == before and open_items(folder)[0].ids.tolist() == ids


# the second time


def test_an_unchanged_source_is_neither_read_nor_written(photos, folder, monkeypatch):
    first = pack(photos, folder)
    before = state(folder)

    def never(*_):
        raise AssertionError("a picture was opened")

    monkeypatch.setattr("tacit.data.folder.read_all", never)
    monkeypatch.setattr("tacit.data.folder.look_all", never)
    again = pack(photos, folder)
    assert not again.changed and again.added == 0 and "nothing changed" in str(again)
    assert state(folder) == before
    assert (again.items, again.shape, again.modes, again.smallest) == (
        first.items,
        first.shape,
        first.modes,
        first.smallest,
    )


def test_only_what_is_new_is_read_and_it_joins_the_pool_at_its_end(photos, folder, monkeypatch):
    pack(photos, folder)
    old_pool, old_yardstick = open_items(folder)
    picture(photos / "aaa.png", 100)  # first in the order of paths
    picture(photos / "cat/2.png", 200)  # another content at an old path
    (photos / "dog/9.png").unlink()
    opened = []
    from tacit.data import folder as reader

    true_read_all = reader.read_all

    def noting(root, paths, *rest):
        opened.extend(paths)
        return true_read_all(root, paths, *rest)

    monkeypatch.setattr(reader, "read_all", noting)
    packed = pack(photos, folder)
    pool, yardstick = open_items(folder)
    assert sorted(opened) == ["aaa.png", "cat/2.png"]
    assert (packed.items, packed.added, packed.gone, packed.found) == (12, 2, 1, 10)
    assert pool.ids[: len(old_pool)].tolist() == old_pool.ids.tolist()
    assert values(pool) == [*values(old_pool), 100, 200]
    assert yardstick.ids.tolist() == old_yardstick.ids.tolist() and values(yardstick) == values(old_yardstick)


def test_a_pool_that_is_open_does_not_see_what_joins(photos, folder):
    pack(photos, folder)
    pool, _ = open_items(folder)
    picture(photos / "new.png", 100)
    pack(photos, folder)
    assert len(pool) == len(pool.ids) == 8 and 100 not in values(pool)


def test_a_touched_file_is_no_change(photos, folder):
    pack(photos, folder)
    os.utime(photos / "cat/1.png", ns=(1, 1))
    assert not pack(photos, folder).changed
    with closing(connect(folder / "project.db")) as db:
        assert db.execute("SELECT mtime_ns FROM files WHERE path = 'cat/1.png'").fetchone() == (1,)


def test_new_pictures_are_prepared_like_the_first(photos, folder):
    pack(photos, folder)
    Image.new("RGB", (50, 100), (255, 0, 0)).save(photos / "large.png")
    packed = pack(photos, folder)
    assert open_items(folder)[0][-1:].shape == (1, 1, 4, 4)
    assert packed.largest == (50, 100) and packed.modes == {"L": 10, "RGB": 1}
    assert "new pictures in color were made grey, as all items here are" in packed.notes


@pytest.mark.parametrize("other", [{"size": 32}, {"aspect": "pad"}, {"yardstick": 0.5}])
def test_what_the_first_pack_fixed_cannot_be_changed(photos, folder, other):
    pack(photos, folder, size=16, aspect="crop", yardstick=3)
    pack(photos, folder, size=16, aspect="crop", yardstick=3)
    with pytest.raises(WrongUsage, match="it was fixed when the project was made"):
        pack(photos, folder, **other)


def test_another_kind_of_source_is_refused(photos, folder, tmp_path):
    pack(photos, folder)
    np.save(tmp_path / "x.npy", np.zeros((3, 4, 4), dtype=np.uint8))
    with pytest.raises(WrongUsage, match=r"the source of .* is folder, not array"):
        pack(tmp_path / "x.npy", folder)


# hidden answers


def test_folder_names_are_hidden_answers_only_when_asked_for(photos, folder, tmp_path):
    picture(photos / "loose.png", 50)
    pack(photos, folder)
    pool, _ = open_items(folder)
    assert read_truth(folder, pool) is None
    packed = pack(photos, folder, truth="folders")
    labels, classes = read_truth(folder, pool)
    assert packed.truth_classes == ["cat", "dog"] and classes == ("cat", "dog")
    expected = [-1 if value == 50 else int(value >= 5) for value in values(pool)]
    assert labels.dtype == torch.int64 and labels.tolist() == expected
    assert not pack(photos, folder, truth="folders").changed


def test_a_picture_that_moves_to_another_folder_gets_its_answer(photos, folder):
    pack(photos, folder, truth="folders", yardstick=0)
    (photos / "cat/3.png").rename(photos / "dog/3.png")
    pack(photos, folder)
    labels, _ = read_truth(folder, open_items(folder)[0])
    assert labels.tolist() == [0, 0, 0, 1, 0, 1, 1, 1, 1, 1]


def test_folder_names_need_folders(tmp_path, folder):
    picture(tmp_path / "flat" / "a.png", 1)
    with pytest.raises(BadData, match="no folders inside"):
        pack(tmp_path / "flat", folder, truth="folders")
    assert not folder.exists()


def test_classes_keep_the_order_of_the_source_else_numbers_count(tmp_path):
    x = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=[1, 0, 1, 1], class_names=["zebra", "ant", "never"])
    pack(tmp_path / "a.npz", tmp_path / "a.tacit", yardstick=0)
    labels, classes = read_truth(tmp_path / "a.tacit", open_items(tmp_path / "a.tacit")[0])
    assert classes == ("zebra", "ant", "never") and labels.tolist() == [1, 0, 1, 1]
    np.savez(tmp_path / "b.npz", x=x, y=[10, 9, 2, 10])
    pack(tmp_path / "b.npz", tmp_path / "b.tacit", yardstick=0)
    labels, classes = read_truth(tmp_path / "b.tacit", open_items(tmp_path / "b.tacit")[0])
    assert classes == ("2", "9", "10") and labels.tolist() == [2, 1, 0, 2]


# arrays and tables


def test_arrays_are_read_again_only_when_the_file_changes(tmp_path, monkeypatch):
    from tacit.data.arrays import Array

    x = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 3, 3), dtype=np.uint8)
    source, folder = tmp_path / "train.npz", tmp_path / "train.tacit"
    np.savez(source, x=x[:8], y=np.arange(8))
    packed = pack(source, folder, yardstick=2)
    assert (packed.items, packed.found, packed.modes) == (8, 8, {"uint8, 1 channel": 8})
    assert set(files(folder)) == {f"train.npz#{i}" for i in range(8)}
    aside = open_items(folder)[1].ids.tolist()
    with monkeypatch.context() as patch:
        patch.setattr(Array, "_load", lambda self: pytest.fail("the array was read"))
        assert not pack(source, folder).changed
    np.savez(source, x=x[::-1], y=np.arange(10)[::-1])
    packed = pack(source, folder)
    assert (packed.items, packed.added, packed.found, packed.gone) == (10, 2, 10, 0)
    pool, yardstick = open_items(folder)
    assert yardstick.ids.tolist() == aside and values(pool)[-2:] == [9, 8]
    assert (read_truth(folder, pool)[0] == torch.tensor(values(pool))).all()


def test_an_array_of_another_kind_is_refused_later(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 4, 4), dtype=np.uint8))
    pack(tmp_path / "x.npy", tmp_path / "x.tacit")
    np.save(tmp_path / "x.npy", np.ones((3, 4, 4), dtype=np.float32))
    with pytest.raises(BadData, match=r"float32 items of shape .* now"):
        pack(tmp_path / "x.npy", tmp_path / "x.tacit")


def test_other_answers_of_an_unchanged_array_are_read_when_asked_for(tmp_path):
    x = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=x, y=[0, 1, 1], who=["eve", "bob", "eve"])
    folder = tmp_path / "x.tacit"
    pack(tmp_path / "x.npz", folder, yardstick=0)
    packed = pack(tmp_path / "x.npz", folder, truth="who")
    assert packed.added == 0 and packed.truth_classes == ["bob", "eve"]
    assert read_truth(folder, open_items(folder)[0])[0].tolist() == [1, 0, 1]


def test_conflicting_answers_of_one_content_are_counted(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([[1.0, 2], [1, 2], [1, 2], [3, 4]]), y=[0, 1, 1, 0])
    packed = pack(tmp_path / "x.npz", tmp_path / "x.tacit")
    assert (packed.items, packed.duplicates, packed.conflicts) == (2, 2, 1)
    assert read_truth(tmp_path / "x.tacit", open_items(tmp_path / "x.tacit")[0])[0].tolist() == [0, 0]


def test_vectors_are_standardised_by_the_pool_alone(tmp_path):
    x = np.random.default_rng(0).normal([5, -3, 0], [2, 0.1, 0], (200, 3)).astype(np.float32)
    lines = "\n".join(",".join(map(repr, row.tolist())) for row in x)
    (tmp_path / "x.csv").write_text(f"a,b,constant\n{lines}\n")
    pack(tmp_path / "x.csv", tmp_path / "x.tacit", yardstick=150)
    pool, yardstick = open_items(tmp_path / "x.tacit")
    stored = pool[:].numpy().astype(np.float64)
    assert np.allclose(pool.spec.center, stored.mean(0)) and np.allclose(pool.spec.scale[:2], stored.std(0)[:2])
    assert pool.spec.scale[2] == 1.0
    seen = pool.floats(slice(None))
    assert seen.mean(0).abs().max() < 1e-5 and torch.allclose(
        seen[:, :2].std(0, correction=0), torch.ones(2), atol=1e-4
    )
    assert yardstick.floats(slice(None)).mean(0).abs().max() > 1e-3  # it had no say
    with open(tmp_path / "x.csv", "a") as file:
        file.write("1000,1000,1000\n")
    assert pack(tmp_path / "x.csv", tmp_path / "x.tacit").added == 1
    assert open_items(tmp_path / "x.tacit")[0].spec.center == pool.spec.center


# whole or not at all


class DiskFull(OSError):
    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "No space left on device")


def full(*_, **__):
    raise DiskFull


STEPS = ["tacit.data.shelf.Part.write", "tacit.data.shelf.Part.finish", "tacit.data.form.write_atomic"]


@pytest.mark.parametrize("step", [*STEPS, "tacit.data.shelf.os.replace"])
def test_a_full_disk_at_the_first_pack_leaves_nothing(photos, folder, monkeypatch, step):
    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(BadEnvironment, match="the disk is full"):
            pack(photos, folder)
        assert not folder.exists()
    assert pack(photos, folder).items == 10


@pytest.mark.parametrize("step", [*STEPS, "tacit.data.shelf.shutil.copyfileobj"])
def test_a_full_disk_later_leaves_what_was_there(photos, folder, monkeypatch, step):
    pack(photos, folder)
    before = state(folder)
    picture(photos / "new.png", 100)
    picture(photos / "dog/5.png", 101)
    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(BadEnvironment, match="the disk is full"):
            pack(photos, folder)
    assert state(folder) == before and not (folder / shelf.PART).exists()
    assert pack(photos, folder).added == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_is_really_full_is_explained(photos, folder):
    pack(photos, folder)
    before = state(folder)
    picture(photos / "new.png", 100)
    (folder / shelf.PART).symlink_to("/dev/full")
    with pytest.raises(BadEnvironment, match="the disk is full"):
        pack(photos, folder)
    assert state(folder) == before and not (folder / shelf.PART).is_symlink()


def test_too_little_room_is_said_before_anything_is_read(photos, folder, monkeypatch):
    monkeypatch.setattr(shelf.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1000, 999, 1))
    with pytest.raises(BadEnvironment, match="free some space"):
        pack(photos, folder)
    assert not folder.exists()


MOMENTS = {  # where a process is killed: in the middle of this function, or right after it
    "rows are being written": ("tacit.data.shelf.Part.write", "half"),
    "all rows are written": ("tacit.data.shelf.Part.finish", "after"),
    "the array has its name": ("tacit.data.shelf.Part.become", "after"),
    "rows are being appended": ("tacit.data.shelf.shutil.copyfileobj", "half"),
    "rows are appended": ("tacit.data.shelf.Part.append_to", "after"),
    "the record is written": ("tacit.data.form.Form.save", "after"),
}


def die_while_packing(source: Path, folder: Path, where: str, when: str) -> None:
    """What `kill -9` does to a pack in another process, at a moment of our choice."""
    if os.fork():
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 9
        return
    try:
        true = pkgutil.resolve_name(where)

        def killed(*args):
            if when == "after":
                true(*args)
            elif where.endswith("copyfileobj"):
                args[1].write(args[0].read(7))
            else:
                args[0]._file = args[0].path.open("wb")
                args[0]._file.write(b"1234567")
            os.sync()
            os._exit(9)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(where, killed)
            pack(source, folder, workers=0)
    finally:
        os._exit(1)


@pytest.mark.parametrize("moment", [m for m in MOMENTS if "append" not in m])
def test_a_kill_in_the_first_pack_leaves_nothing_that_counts(photos, folder, moment):
    die_while_packing(photos, folder, *MOMENTS[moment])
    with pytest.raises(BadData, match="there are no items"):
        open_items(folder)
    assert pack(photos, folder, size=8).items == 10
    assert open_items(folder)[0].spec.shape == (1, 8, 8) and not (folder / shelf.PART).exists()


@pytest.mark.parametrize("moment", [m for m in MOMENTS if m != "the array has its name"])
def test_a_kill_in_a_later_pack_leaves_what_was_there(photos, folder, moment):
    pack(photos, folder)
    pool, yardstick = open_items(folder)
    picture(photos / "new.png", 100)
    (photos / "cat/2.png").unlink()
    before = files(folder)
    die_while_packing(photos, folder, *MOMENTS[moment])
    after = open_items(folder)
    assert [side.ids.tolist() for side in after] == [pool.ids.tolist(), yardstick.ids.tolist()]
    assert [values(side) for side in after] == [values(pool), values(yardstick)] and files(folder) == before
    assert pack(photos, folder).added == 1
    assert values(open_items(folder)[0]) == [*values(pool), 100]
    assert (folder / "items.u8").stat().st_size == 11 * 16 and not (folder / shelf.PART).exists()


def test_what_a_killed_pack_left_is_swept_up_even_if_nothing_is_new(photos, folder):
    pack(photos, folder)
    (folder / shelf.PART).write_bytes(b"rows of a pack that was killed")
    assert not pack(photos, folder).changed and not (folder / shelf.PART).exists()


def test_ctrl_c_leaves_what_was_there(photos, folder):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(photos, folder, on_progress=stop)
    assert not folder.exists()


def test_two_packs_at_once_do_not_mix(photos, folder):
    folder.mkdir()
    with shelf.alone(folder), pytest.raises(BadEnvironment, match="another process is packing"):
        pack(photos, folder)
    pack(photos, folder)


def test_rows_that_are_missing_are_noticed(photos, folder):
    pack(photos, folder)
    with open(folder / "items.u8", "r+b") as file:
        file.truncate(30)
    with pytest.raises(BadData, match="shorter than the 160 bytes"):
        open_items(folder)
    picture(photos / "new.png", 100)
    with pytest.raises(BadData, match="shorter than the 160 bytes"):
        pack(photos, folder)


@pytest.mark.parametrize(("content", "error"), [
    ("not json", BadData), ("{}", BadData), ('{"version": 1, "what": 2}', BadData), ("[]", BadData),
    ('{"version": 99}', BadEnvironment),
])  # fmt: skip
def test_a_damaged_or_newer_record_is_refused(photos, folder, content, error):
    pack(photos, folder)
    (folder / "items.json").write_text(content)
    with pytest.raises(error, match=r"items\.json"):
        open_items(folder)


def test_a_folder_without_items_is_refused_and_stays_empty(tmp_path):
    with pytest.raises(BadData, match="there are no items"):
        open_items(tmp_path)
    assert not any(tmp_path.iterdir())


def test_no_row_of_the_yardstick_can_be_reached_from_the_pool(photos, folder):
    pack(photos, folder, yardstick=5)
    pool, yardstick = open_items(folder)
    assert (pool.find(yardstick.ids) == -1).all() and (yardstick.find(pool.ids) == -1).all()
    reached = values(pool) + values(pool.take(np.array([0, -1]))) + values(pool.take(np.ones(5, dtype=bool)))
    assert not set(reached) & set(values(yardstick))
    for outside in (5, -6):
        with pytest.raises(IndexError):
            pool[[outside]]
        with pytest.raises(IndexError):
            pool.take(np.array([outside]))


# another source, prepared alike


def test_another_folder_is_read_like_the_first_and_copies_stay_apart(photos, folder, tmp_path):
    pack(photos, folder)
    picture(tmp_path / "new/a.png", 7)
    shutil.copy(tmp_path / "new/a.png", tmp_path / "new/b.png")
    (tmp_path / "new/c.png").write_text("damaged")
    Image.new("RGB", (90, 60), (0, 0, 0)).save(tmp_path / "new/d.png")
    batches = list(read_like(tmp_path / "new", folder))
    assert [file.path for b in batches for file in b.files] == ["a.png", "b.png", "d.png"]
    rows = np.concatenate([b.rows for b in batches])
    assert rows.shape == (3, 1, 4, 4) and rows[:, 0, 0, 0].tolist() == [7, 7, 0]
    assert [path for b in batches for path, _ in b.failed] == ["c.png"]


def test_an_array_of_pictures_can_follow_a_folder_and_vectors_cannot(photos, folder, tmp_path):
    pack(photos, folder)
    np.save(tmp_path / "x.npy", np.ones((2, 8, 8), dtype=np.float32))
    (batch,) = read_like(tmp_path / "x.npy", folder)
    assert batch.rows.shape == (2, 1, 4, 4) and (batch.rows == 255).all()
    np.save(tmp_path / "x.npy", np.ones((2, 8)))
    with pytest.raises(WrongUsage, match="does not fit"):
        next(read_like(tmp_path / "x.npy", folder))


def test_every_extension_that_is_offered_can_be_read(tmp_path, folder):
    for i, extension in enumerate(sorted(EXTENSIONS)):
        picture(tmp_path / "all" / f"{i}.{extension}", 200)
    assert pack(tmp_path / "all", folder).skipped == []


def test_the_tables_never_name_two_rows_alike(photos, folder):
    pack(photos, folder)
    rows, aside = records.rows_and_aside(folder)
    assert rows == 10 and set(aside) <= set(range(10))
    assert len(set(records.ids(folder, rows))) == 10

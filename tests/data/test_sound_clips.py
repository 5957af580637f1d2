"""Clips of any length in one file."""

from pathlib import Path

import numpy as np
import pytest

from tacit.data.like import read_like
from tacit.data.pack import open_items, pack, read_truth
from tacit.data.sound_clips import scaled
from tacit.errors import BadData, UnknownName, WrongUsage


def clips(path: Path, lengths=(800, 1600, 2400), dtype=np.int16, rate: int = 8000, **members) -> Path:
    """Tones of 300, 400, ... Hz behind each other."""
    parts = [0.5 * np.sin(2 * np.pi * (300 + 100 * i) * np.arange(n) / rate) for i, n in enumerate(lengths)]
    samples = np.concatenate(parts)
    if dtype is np.int16:
        samples = np.rint(20000 * samples).astype(np.int16)
    offsets = np.cumsum([0, *lengths])
    np.savez(path, **{"samples": samples, "offsets": offsets, "sample_rate": rate, **members})
    return path


def test_clips_become_items_with_their_hidden_answers(tmp_path):
    source = clips(tmp_path / "c.npz", labels=np.array([1, 0, -1]), label_names=np.array(["nought", "one"]))
    packed = pack(source, tmp_path / "p", yardstick=0)
    assert (packed.item_kind, packed.rate, packed.shape, packed.items) == ("sound", 8000, (1, 2400), 3)
    assert "3 sounds" in str(packed) and "from clips of 0.10 to 0.30 s (8,000 Hz mono 3)" in str(packed)
    pool, _ = open_items(tmp_path / "p")
    row = pool[[0]][0, 0].numpy()
    raw = np.load(source)["samples"][:800] / 32768
    raw = raw - raw.mean()
    assert np.array_equal(row[:800], np.rint(raw / np.abs(raw).max() * 32768 * 0.9).astype(np.int16))
    assert not row[800:].any()
    truth, names = read_truth(tmp_path / "p", pool)
    assert names == ("nought", "one") and truth.tolist() == [1, 0, -1]


def test_another_member_can_be_the_answer(tmp_path):
    members = {"speakers": np.array([0, 1, 1]), "speaker_names": np.array(["ada", "bob"]), "labels": np.arange(3)}
    packed = pack(clips(tmp_path / "c.npz", **members), tmp_path / "p", truth="speakers", yardstick=0)
    assert packed.truth_classes == ["ada", "bob"]
    with pytest.raises(UnknownName, match="did you mean: speakers"):
        pack(tmp_path / "c.npz", tmp_path / "q", truth="speaker")


def test_rates_and_lengths_are_as_asked(tmp_path):
    packed = pack(clips(tmp_path / "c.npz"), tmp_path / "p", rate=4000, seconds=0.2, yardstick=0)
    assert (packed.rate, packed.shape) == (4000, (1, 800))
    assert "1 of 3 clips are longer than 0.20 s: they keep their loudest part" in str(packed)


def test_bad_clips_are_skipped_by_their_number(tmp_path):
    x = np.sin(np.arange(4000.0))
    x[1000:2000] = 0.3
    x[2500] = np.nan
    np.savez(tmp_path / "c.npz", samples=x, offsets=[0, 1000, 2000, 3000, 3020, 3020, 4000], sample_rate=8000)
    packed = pack(tmp_path / "c.npz", tmp_path / "p", yardstick=0)
    assert packed.items == 2
    assert {path: reason.split(":")[0] for path, reason in packed.skipped} == {
        "c.npz#1": "silent",
        "c.npz#2": "1 of 1,000 samples are no finite numbers",
        "c.npz#3": "shorter than 10 ms",
        "c.npz#4": "there is no sound in it",
    }


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"samples": np.zeros((10, 2))}, "mix stereo first"),
        ({"offsets": np.array([0, 3000, 100])}, "rising whole numbers"),
        ({"offsets": np.array([0.0, 100.0])}, "rising whole numbers"),
        ({"offsets": np.array([0, 10**6])}, "offsets go from 0 to 1,000,000, and there are 4,800"),
        ({"sample_rate": 0}, "sample_rate is 0"),
        ({"sample_rate": np.array([8000, 16000])}, "expected one number of Hz"),
        ({"labels": np.arange(7)}, "labels is int64 of shape"),
    ],
)
def test_files_that_make_no_sense_are_explained(tmp_path, members, message):
    with pytest.raises(BadData, match=message):
        pack(clips(tmp_path / "c.npz", **members), tmp_path / "p")


def test_a_file_without_a_rate_is_explained(tmp_path):
    np.savez(tmp_path / "c.npz", samples=np.ones(10), offsets=[0, 10])
    with pytest.raises(BadData, match="samples but no sample_rate"):
        pack(tmp_path / "c.npz", tmp_path / "p")


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "float32", "float64"])
def test_all_kinds_of_numbers_mean_the_same_sound(kind):
    x = 0.5 * np.sin(np.arange(50.0))
    whole = np.dtype(kind).kind in "iu"
    half = 2.0 ** (8 * np.dtype(kind).itemsize - 1)
    stored = np.rint(x * half + half * (kind[0] == "u")).astype(kind) if whole else x.astype(kind)
    assert np.abs(scaled(stored) - x).max() < (1.01 / half if whole else 1e-6)


def test_other_clips_and_folders_are_prepared_like_those_of_a_project(tmp_path):
    import soundfile

    pack(clips(tmp_path / "c.npz"), tmp_path / "p")
    (batch,) = read_like(clips(tmp_path / "d.npz", (4000, 100), rate=16000), tmp_path / "p")
    assert batch.rows.shape == (1, 1, 2400) and batch.failed[0][0] == "d.npz#1"
    (tmp_path / "s").mkdir()
    soundfile.write(tmp_path / "s" / "a.wav", np.sin(np.arange(9000.0)), 44100)
    (batch,) = read_like(tmp_path / "s", tmp_path / "p")
    assert batch.rows.shape == (1, 1, 2400) and batch.rows.dtype == np.int16
    np.save(tmp_path / "x.npy", np.zeros((3, 4, 4)))
    with pytest.raises(WrongUsage, match=r"does not fit: the items here are sounds \(1, 2400\)"):
        list(read_like(tmp_path / "x.npy", tmp_path / "p"))


def test_a_project_of_other_items_does_not_turn_into_one_of_sounds(tmp_path):
    np.savez(tmp_path / "c.npz", x=np.zeros((5, 4, 4)))
    pack(tmp_path / "c.npz", tmp_path / "p")
    with pytest.raises(BadData, match="holds sounds now; the items packed before are images"):
        pack(clips(tmp_path / "c.npz"), tmp_path / "p")

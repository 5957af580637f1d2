"""Folders of sounds: what is listed, what the items are, and that a damaged file stops nothing."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacit.data.form import load_form
from tacit.data.pack import open_items, pack, read_truth
from tacit.data.sound_folder import SoundFolder
from tacit.errors import BadData, WrongUsage


def tone(pitch: float, seconds: float = 0.3, rate: int = 8000) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * pitch * time)


def save(path: Path, samples: np.ndarray, rate: int = 8000, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


@pytest.fixture
def sounds(tmp_path) -> Path:
    """Twelve tones in two folders, and what else folders have in them."""
    root = tmp_path / "sounds"
    for i in range(6):
        save(root / "low" / f"{i}.wav", tone(200 + i))
        save(root / "high" / f"{i}.flac", tone(800 + i))
    save(root / "low" / "stereo.wav", np.stack([tone(210), tone(211)], 1))
    save(root / "low" / "other rate.ogg", tone(220, rate=44100), 44100)
    (root / "damaged.wav").write_bytes((root / "low/0.wav").read_bytes()[:1000])
    save(root / "silent.wav", np.zeros(2400))
    (root / "empty.wav").write_bytes(b"")
    (root / "notes.txt").write_text("x")
    return root


def test_a_folder_of_sounds_is_packed_like_one_of_pictures(sounds, tmp_path):
    packed = pack(sounds, tmp_path / "p", truth="folders", yardstick=2)
    assert (packed.item_kind, packed.items, packed.pool, packed.yardstick) == ("sound", 14, 12, 2)
    assert (packed.rate, packed.shape, packed.truth_classes) == (8000, (1, 2400), ["high", "low"])
    assert packed.modes == {"8,000 Hz mono": 12, "8,000 Hz stereo": 1, "44,100 Hz mono": 1}
    reasons = dict(packed.skipped)
    assert set(reasons) == {"damaged.wav", "silent.wav", "empty.wav"}
    assert "cut short" in reasons["damaged.wav"] and "silent" in reasons["silent.wav"]
    with open(tmp_path / "p" / "skipped.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    said = str(packed)
    assert "14 sounds in 3 folders (wav 10, flac 6, ogg 1), and 1 other file" in said
    assert "items: 0.30 s at 8,000 Hz (2,400 samples), from clips of 0.30 s" in said
    assert "1 of 16 clips had another rate and were resampled" in said  # by their heads: two cannot be read


def test_packed_sounds_are_mapped_16_bit_clips_at_their_rate(sounds, tmp_path):
    pack(sounds, tmp_path / "p", truth="folders", yardstick=2)
    assert (tmp_path / "p" / "items.i16").stat().st_size == 14 * 2400 * 2
    pool, _ = open_items(tmp_path / "p")
    assert (pool.spec.kind, pool.spec.rate, pool.spec.shape) == ("sound", 8000, (1, 2400))
    x = pool.floats(slice(None))
    assert x.abs().amax((1, 2)).sub(0.9).abs().max() < 1e-4
    truth, names = read_truth(tmp_path / "p", pool)
    pitch = np.abs(np.fft.rfft(x[:, 0].numpy())).argmax(1) * 8000 / 2400
    assert [names[i] for i in truth.tolist()] == ["high" if p > 500 else "low" for p in pitch]


def test_only_what_is_new_is_read_and_prepared_like_the_first(sounds, tmp_path, monkeypatch):
    pack(sounds, tmp_path / "p")
    before = load_form(tmp_path / "p")
    read = []
    from tacit.data import sound_folder as reader

    true_read_all = reader.read_all

    def noting(root, paths, *rest):
        read.extend(paths)
        return true_read_all(root, paths, *rest)

    monkeypatch.setattr(reader, "read_all", noting)
    save(sounds / "late.wav", tone(300, 5.0, 16000), 16000)  # longer and faster than the first ones
    packed = pack(sounds, tmp_path / "p")
    assert "late.wav" in read and "low/1.wav" not in read
    assert packed.added == 1 and packed.shape == before.shape and packed.rate == before.rate
    assert packed.largest == (5000, 1)
    (sounds / "late.wav").unlink()
    again = pack(sounds, tmp_path / "p")
    assert again.items == 15 and again.gone == 1


def test_rate_and_seconds_can_be_chosen_once(sounds, tmp_path):
    packed = pack(sounds, tmp_path / "p", rate=4000, seconds=0.2)
    assert (packed.rate, packed.shape) == (4000, (1, 800))
    assert "15 of 16 clips are longer than 0.20 s" in str(packed)
    with pytest.raises(WrongUsage, match=r"the rate of .* is 4000, not 8000"):
        pack(sounds, tmp_path / "p", rate=8000)
    with pytest.raises(WrongUsage, match=r"the number of samples of .* is 800, not 2000"):
        pack(sounds, tmp_path / "p", seconds=0.5)
    pack(sounds, tmp_path / "p", rate=4000, seconds=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 10}, "a rate of 10 is not possible\n  choose 1000 to 48000"),
        ({"seconds": 0}, "a number of seconds of 0 is not possible"),
        ({"size": 32}, "--size is about pictures"),
        ({"aspect": "pad"}, "--aspect is about pictures"),
        ({"truth": "folder"}, "did you mean: folders"),
    ],
)
def test_options_that_do_not_fit_are_refused(sounds, tmp_path, options, message):
    with pytest.raises(WrongUsage, match=message):
        pack(sounds, tmp_path / "p", **options)
    assert not (tmp_path / "p").exists()


def test_nothing_that_can_be_read_is_said(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.wav").write_text("text")
    with pytest.raises(BadData, match=r"none of the 1 files in .* can be read\n  a.wav: not a sound"):
        pack(tmp_path / "s", tmp_path / "p")
    (tmp_path / "s" / "a.wav").rename(tmp_path / "a.txt")
    with pytest.raises(BadData, match=r"there are no sounds in .*: it is empty"):
        SoundFolder(tmp_path / "s")


def test_copies_are_one_item_and_processes_change_nothing(sounds, tmp_path):
    (sounds / "copy.wav").write_bytes((sounds / "low/1.wav").read_bytes())
    alone = pack(sounds, tmp_path / "alone", workers=0)
    together = pack(sounds, tmp_path / "together", workers=2)
    assert alone.duplicates == together.duplicates == 1 and alone.items == 14
    assert (tmp_path / "alone/items.i16").read_bytes() == (tmp_path / "together/items.i16").read_bytes()

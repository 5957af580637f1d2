"""Which reader a path gets."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from tacit.data.arrays import Array
from tacit.data.folder import Folder
from tacit.data.sound_clips import Clips
from tacit.data.sound_folder import SoundFolder
from tacit.data.sources import open_source, source_kind
from tacit.errors import WrongUsage


def fill(folder: Path, sounds: int, pictures: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(sounds):
        soundfile.write(folder / f"{i}.wav", np.sin(np.arange(800.0)), 8000)
    for i in range(pictures):
        Image.new("L", (4, 4), i).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    ("sounds", "pictures", "expected"), [(1, 0, SoundFolder), (3, 2, SoundFolder), (2, 2, Folder), (1, 2, Folder)]
)
def test_a_folder_is_of_what_it_holds_more_of_and_the_rest_is_mentioned(tmp_path, sounds, pictures, expected):
    source = open_source(fill(tmp_path / "x", sounds, pictures), None, 0)
    assert type(source) is expected
    assert bool(source.notes) == bool(sounds and pictures)
    assert sum(source.others.values()) == (pictures if expected is SoundFolder else sounds)


def test_what_was_packed_first_decides_later(tmp_path):
    fill(tmp_path / "x", 3, 2)
    assert type(open_source(tmp_path / "x", None, 0, item_kind="image")) is Folder
    assert type(open_source(fill(tmp_path / "y", 1, 5), None, 0, item_kind="sound")) is SoundFolder


def test_hidden_folders_and_projects_do_not_vote(tmp_path):
    fill(tmp_path / "x", 1, 0)
    for name in (".cache", "old.tacit", "here"):
        fill(tmp_path / "x" / name, 0, 3)
    assert type(open_source(tmp_path / "x", None, 0, without=tmp_path / "x" / "here")) is SoundFolder


def test_an_archive_of_clips_is_told_from_one_of_items(tmp_path):
    np.savez(tmp_path / "clips.npz", samples=np.zeros(10), offsets=np.array([0, 10]), sample_rate=8000)
    np.savez(tmp_path / "items.npz", x=np.zeros((3, 4)))
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04")
    assert type(open_source(tmp_path / "clips.npz", None, 0)) is Clips
    assert type(open_source(tmp_path / "items.npz", None, 0)) is Array
    assert type(open_source(tmp_path / "damaged.npz", None, 0)) is Array  # which says what is wrong with it


def test_a_single_sound_is_no_source(tmp_path):
    fill(tmp_path, 1, 0)
    with pytest.raises(WrongUsage, match=r"0\.wav is a single sound\n  give the folder"):
        source_kind(tmp_path / "0.wav")


def test_a_rate_is_for_sounds(tmp_path):
    with pytest.raises(WrongUsage, match="--rate is about sounds"):
        open_source(fill(tmp_path / "x", 0, 1), None, 0, rate=8000)
    np.save(tmp_path / "x.npy", np.zeros((3, 4)))
    with pytest.raises(WrongUsage, match="--seconds is about sounds"):
        open_source(tmp_path / "x.npy", None, 0, seconds=1.0)

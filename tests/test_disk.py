import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tacit.disk import new_folder, replacing, write_atomic
from tacit.errors import BadEnvironment, WrongUsage

FULL_DEVICE = Path("/dev/full")  # every write to it answers "no space left"


def test_text_and_bytes_arrive_whole(tmp_path):
    write_atomic(tmp_path / "new" / "a.txt", "Größe\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "Größe\n".encode()
    write_atomic(tmp_path / "new" / "a.txt", b"\x00\x01")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"\x00\x01"


def test_a_failure_halfway_leaves_the_old_file_and_nothing_else(tmp_path):
    write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half of the n")
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path):
    write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half of the n")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_old_file_can_be_read_until_the_new_one_is_whole(tmp_path):
    write_atomic(tmp_path / "a.txt", "old")
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_writers_that_add_a_suffix_find_it_there(tmp_path):
    with replacing(tmp_path / "map.npy") as temporary:
        np.save(temporary, np.arange(3))
    assert np.load(tmp_path / "map.npy").tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["map.npy"]


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("library", ["plain", "numpy", "torch"])
def test_a_full_disk_is_a_sentence_whoever_writes(tmp_path, library):
    write = {
        "plain": lambda file: file.write(b"x" * 100_000),
        "numpy": lambda file: np.save(file, np.zeros(100_000)),
        "torch": lambda file: torch.save(torch.zeros(100_000), file),
    }[library]
    with (
        pytest.raises(BadEnvironment, match=r"disk is full: .*a\.bin"),
        replacing(tmp_path / "a.bin"),
        open(FULL_DEVICE, "wb", buffering=0) as file,
    ):
        write(file)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_forbidden_folder_is_a_sentence(tmp_path, number):
    with pytest.raises(BadEnvironment, match="check the folder"), replacing(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))


def test_a_file_in_the_place_of_a_folder_does_not_hide_the_error(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a" / "b.txt", "b")


def test_other_failures_keep_their_own_name(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        (tmp_path / "no such file").read_text()


def test_a_folder_appears_with_all_its_files_or_not_at_all(tmp_path):
    with new_folder(tmp_path / "to" / "model") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "to" / "model").exists()
    assert os.listdir(tmp_path / "to") == ["model"] and os.listdir(tmp_path / "to" / "model") == ["a.txt"]
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "other") as folder:
        (folder / "a.txt").write_text("a")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["to"]


def test_a_folder_that_has_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as folder:
        (folder / "a.txt").write_text("a")
    with pytest.raises(WrongUsage, match="exists already"), new_folder(tmp_path / "empty"):
        pass
    assert os.listdir(tmp_path / "empty") == ["a.txt"]


def test_a_full_disk_while_a_folder_is_written_is_a_sentence(tmp_path):
    with pytest.raises(BadEnvironment, match="disk is full"), new_folder(tmp_path / "model"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert os.listdir(tmp_path) == []

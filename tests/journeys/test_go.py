"""`tacit go`: one command from a folder to the open page, with a space being learned meanwhile."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

import httpx2 as httpx
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path, digits):
    for i in range(60):
        folder = tmp_path / "photos" / str(digits[1][i])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][i, 0]).save(folder / f"{i:02d}.png")
    return tmp_path / "photos"


class Going:
    """A `tacit go` at work, and what it has said."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tacit", "go", *map(str, words), "--no-browser"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.said: list[str] = []
        self.news: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line.rstrip())
                self.news.put(line.rstrip())
        self.news.put(None)

    def until(self, wanted: str, seconds: float = 90) -> str:
        """The first line from now on in which this is found."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            line = self.news.get(timeout=seconds)
            assert line is not None, f"it ended before it said {wanted!r}: {self.said}"
            if re.search(wanted, line):
                return line
        raise AssertionError(f"it did not say {wanted!r}: {self.said}")

    def get(self, address: str, path: str) -> dict:
        return httpx.get(address + path, timeout=30).json()

    def stop(self) -> tuple[int, float]:
        """As Ctrl-C; the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self.reader.join()
        return code, time.monotonic() - began


@pytest.fixture
def go():
    begun: list[Going] = []

    def start(*words: object) -> Going:
        begun.append(Going(*words))
        return begun[-1]

    yield start
    for one in begun:
        if one.process.poll() is None:
            one.stop()


def test_from_a_folder_to_a_page_and_a_space_with_a_stop_in_between(go, photos):
    first = go(photos)
    address = first.until("page: ").split()[1].rstrip("/")
    before = "\n".join(first.said)
    assert "60 images in 10 folders (png 60)" in before and "folder names not used as labels" in before
    assert re.search(r"machine: \d+ CPU cores?, .*torch 2", before)
    assert "plan:    vae" in before and "chosen because" in before and "change: tacit go SOURCE --method" in before
    first.until("already usable")
    assert first.get(address, "/state.json")["items"] == 60  # the page is there while it learns
    give_up = time.monotonic() + 60
    while not (step := first.get(address, "/api/jobs")[0]["step"]):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    code, seconds = first.stop()
    assert code == 130 and seconds < 10, seconds
    saved = next(line for line in first.said if line.startswith("saved at step "))
    assert saved.endswith(f"-> tacit learn --resume -p {photos}.tacit") and int(saved.split()[3]) >= step

    second = go(photos, "-p", f"{photos}.tacit")
    second.until(r"plan:    001-vae was interrupted at step \d+, and goes on")
    address = second.until("page: ").split()[1].rstrip("/")
    second.until("already usable")
    assert second.get(address, "/api/jobs")[0]["words"] == ["learn", "--resume"]
    second.process.terminate()
    assert second.process.wait(30) == 0


def test_a_space_that_is_learned_is_said_to_be_good_or_not_and_not_learned_again(go, photos):
    first = go(photos, "--method", "parzen_window")
    first.until("made 001-parzen_window: a code of .* numbers for each of 48 items")
    assert "the map keeps " in first.until("of the true neighbours")
    first.until("next: label 40 random items as a yardstick -> press Y")
    assert first.stop()[0] == 130
    again = go(photos)
    again.until("plan:    001-parzen_window has been learned already")
    again.until("page: ")
    assert again.stop()[0] == 130


def test_what_cannot_be_done_is_said_before_anything_is_read(tmp_path, photos, tacit):
    assert "did you mean: vae?" in tacit.error(2, "go", photos, "--method", "vea")
    assert "needs labels" in tacit.error(2, "go", photos, "--method", "supervised")
    assert "from the shell" in tacit.error(2, "go", photos, "--method", "evil.py:Run")
    assert not (tmp_path / "photos.tacit").exists()
    assert "nowhere" in tacit.error(2, "go", "nowhere")

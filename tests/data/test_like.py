import numpy as np
import pytest
from PIL import Image

from tacit.data.like import read_file
from tacit.data.pack import pack
from tacit.errors import BadData, WrongUsage


@pytest.fixture
def folder(tmp_path):
    """A project of grey pictures of 6 by 4 pixels."""
    np.save(tmp_path / "x.npy", np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), dtype=np.uint8))
    pack(tmp_path / "x.npy", tmp_path / "p")
    return tmp_path / "p"


def test_one_picture_is_read_as_the_items_of_a_project_are(folder, tmp_path):
    Image.new("RGB", (60, 40), (90, 90, 90)).save(tmp_path / "large and in color.png")
    rows = read_file(tmp_path / "large and in color.png", folder)
    assert rows.shape == (1, 1, 4, 6) and rows.dtype == np.uint8 and (rows == 90).all()


def test_a_picture_that_cannot_be_read_is_a_sentence(folder, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(BadData, match=r"text\.png cannot be read: not a picture"):
        read_file(tmp_path / "text.png", folder)


def test_a_picture_is_no_vector(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    pack(tmp_path / "t.csv", tmp_path / "p")
    Image.new("L", (4, 4)).save(tmp_path / "p.png")
    with pytest.raises(WrongUsage, match=r"p\.png is a picture, and the items here are vectors \(2,\)"):
        read_file(tmp_path / "p.png", tmp_path / "p")


def test_one_sound_is_read_as_the_items_of_a_project_are(folder, tmp_path):
    import soundfile

    (tmp_path / "s").mkdir()
    for i in range(3):
        soundfile.write(tmp_path / "s" / f"{i}.wav", np.sin((0.1 + 0.1 * i) * np.arange(800)), 8000)
    pack(tmp_path / "s", tmp_path / "q")
    soundfile.write(tmp_path / "other.flac", np.sin(np.arange(3000)), 16000)
    rows = read_file(tmp_path / "other.flac", tmp_path / "q")
    assert rows.shape == (1, 1, 800) and rows.dtype == np.int16 and np.abs(rows.astype(int)).max() == 29491
    (tmp_path / "text.wav").write_text("text")
    with pytest.raises(BadData, match=r"text\.wav cannot be read: not a sound"):
        read_file(tmp_path / "text.wav", tmp_path / "q")
    with pytest.raises(WrongUsage, match=r"other\.flac is a sound, and the items here are images \(1, 4, 6\)"):
        read_file(tmp_path / "other.flac", folder)
    with pytest.raises(WrongUsage, match="is a picture, and the items here are sounds"):
        read_file(tmp_path / "x.png", tmp_path / "q")

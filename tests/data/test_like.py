import numpy as np
import pytest
from PIL import Image

from tacit.data.like import read_picture
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
    rows = read_picture(tmp_path / "large and in color.png", folder)
    assert rows.shape == (1, 1, 4, 6) and rows.dtype == np.uint8 and (rows == 90).all()


def test_a_picture_that_cannot_be_read_is_a_sentence(folder, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(BadData, match=r"text\.png cannot be read: not a picture"):
        read_picture(tmp_path / "text.png", folder)


def test_a_picture_is_no_vector(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    pack(tmp_path / "t.csv", tmp_path / "p")
    Image.new("L", (4, 4)).save(tmp_path / "p.png")
    with pytest.raises(WrongUsage, match=r"p\.png is a picture, and the items here are vectors \(2,\)"):
        read_picture(tmp_path / "p.png", tmp_path / "p")

"""A folder of real pictures: moved files keep their answers, broken ones are named, new ones join."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path, digits):
    x, y = digits
    for i in range(120):
        folder = tmp_path / "photos" / str(y[i])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.kron(x[i, 0], np.ones((2, 2), np.uint8))).save(folder / f"{i}.png")
    return tmp_path / "photos"


def test_a_folder_of_pictures_from_init_to_prediction(tacit, photos, tmp_path):
    (photos / "broken.jpg").write_text("this is no picture")
    shutil.copy(next(photos.glob("*/*.png")), photos / "copy.png")
    made = tacit.json("init", photos, "--truth", "folders")
    assert made["items"] == 120 and made["duplicates"] == 1 and len(made["skipped"]) == 1
    assert (tmp_path / "photos.tacit" / "skipped.csv").read_text().count("broken.jpg") == 1

    tacit("choose", "-k", "40")
    tacit("label", "--oracle")
    labels = tacit.json("look")["labels"]
    for path in sorted(photos.glob("*/*.png"))[:30]:
        path.rename(path.with_name(f"renamed-{path.name}"))
    again = tacit.json("look")
    assert again["labels"] == labels == 40 and again["items"] == 120 and again["changed"]

    tacit("learn", "--steps", "100")
    tacit("train", "--steps", "60")
    new = tmp_path / "new"
    new.mkdir()
    Image.new("RGB", (30, 20), "white").save(new / "white.png")
    tacit("predict", new, "--to", "new.csv")
    with open(tmp_path / "new.csv", newline="") as file:
        assert [row["item"] for row in csv.DictReader(file)] == ["white.png"]


def test_pictures_that_come_later_join_the_pool_and_the_yardstick_stays(tacit, photos):
    first = tacit.json("init", photos)
    tacit("learn", "autoencoder", "--steps", "30")
    Image.new("L", (16, 16), 77).save(photos / "late.png")
    second = tacit.json("look")
    assert second["yardstick"] == first["yardstick"] and second["pool"] == first["pool"] + 1
    tacit("choose", "k_center", "-k", "3")  # the late one gets its code when it is needed

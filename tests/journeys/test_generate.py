"""New items through the shell: learn from pictures, name some, look at what came."""

import pytest
from PIL import Image

TINY = ("--latent-dim", "4", "--width", "8", "--exemplars", "20", "--steps", "12", "--batch", "20")


@pytest.fixture
def photos(tmp_path, digits):
    for i in range(60):
        folder = tmp_path / "photos" / ("even" if digits[1][i] % 2 == 0 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][i, 0]).save(folder / f"{i}.png")
    Image.fromarray(digits[0][100, 0]).save(tmp_path / "new.png")
    return tmp_path / "photos"


def test_new_items_like_some_that_are_named(tacit, photos, tmp_path):
    tacit("init", photos)
    tacit("learn", "exemplar_vae", *TINY)
    known = next(photos.glob("*/*.png"))
    told = tacit("generate", known.relative_to(photos), known.relative_to(tmp_path), "new.png", "-n", "3").stdout
    assert "3 new items like each of 3 (001-exemplar_vae)" in told and "see generated/sheet.png" in told
    assert len(list((tmp_path / "generated").glob("*/0*.png"))) == 9

    drawn = tacit.json("generate", "-n", "20", "--to", "drawn", "--seed", "5", "-p", "photos.tacit")
    assert drawn["items"] == 20 and drawn["seed"] == 5 and len(list((tmp_path / "drawn").glob("*.png"))) == 21

    said = tacit.error(2, "generate", f"{known.parent.name}/{known.name}x", "--to", "x")
    assert "there is no item" in said and f"did you mean: {known.parent.name}/{known.name}?" in said
    assert not (tmp_path / "x").exists()

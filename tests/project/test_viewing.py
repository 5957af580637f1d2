"""`tacit look --views`: a picture of what a method is shown."""

import numpy as np
import pytest
import torch
from PIL import Image

from tacit.cli import main
from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.project import Project
from tacit.project.viewing import drawable, pictures
from tacit.report.pixels import CELL, GAP


@pytest.fixture
def project(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "colors.npz", x=x)
    return Project.create(tmp_path / "colors.npz", tmp_path / "c.tacit", yardstick=0.2)


def tiles(path):
    """Rows of a picture of items with two views each, as (8, 3, 64, 64, 3)."""
    plate = np.asarray(Image.open(path))
    step, lead = CELL + GAP, 3 * GAP
    return np.stack(
        [
            [plate[GAP + y * step :][:CELL, GAP + x * step + (lead if x else 0) :][:, :CELL] for x in range(3)]
            for y in range(8)
        ]
    )


def test_eight_items_stand_left_of_their_views(project):
    made = project.look_at_views()
    path = project.folder / "reports" / "views.png"
    assert made.record == {"path": str(path), "method": "simclr", "items": 8, "views": 2}
    assert any(str(path) in line for line in made.lines) and project.runs == []
    shown = tiles(path)
    stored = {item.numpy().tobytes() for item in project.pool[:].permute(0, 2, 3, 1).contiguous()}
    for item, a, b in shown:
        assert item[::4, ::4].tobytes() in stored  # 16 pixels, each drawn four times as large
        assert not np.array_equal(a, b) and not np.array_equal(item, a)


def test_settings_change_the_views_and_the_same_seed_draws_the_same(project):
    def drawn(**settings):
        return tiles(project.look_at_views("simclr", **settings).record["path"])

    assert np.array_equal(drawn(), drawn()) and not np.array_equal(drawn(), drawn(seed="5"))
    still = drawn(crop="1", color="0", flip="false", views="drawings", blur="0")
    turned = drawn(crop="1", color="0", flip="true", views="drawings", blur="0")
    assert not np.array_equal(still, turned)
    state = torch.get_rng_state()
    project.look_at_views()
    assert torch.equal(state, torch.get_rng_state())


def test_views_of_any_size_lie_on_plates_of_one_size():
    item, patch = torch.zeros(1, 9, 7), torch.zeros(1, 4, 4)
    plates = pictures([item, patch, patch], ItemSpec((1, 9, 7)))
    assert plates.shape == (3, 3, 9, 7)
    assert plates[0].sum() == 0 and (plates[1] == 0).sum() == 3 * 16 and plates[1, :, 0].min() == 1


def test_a_sound_is_drawn_as_its_spectrum_with_high_tones_above():
    time = torch.arange(8000) / 8000
    low, high = (
        drawable(torch.sin(2 * torch.pi * f * time)[None], ItemSpec((1, 8000), "sound", rate=8000)) for f in (200, 3000)
    )
    assert low.shape == high.shape and low.shape[2] == 3 and low.shape[1] > low.shape[0]
    row = [one[..., 0].mean(1).argmax() for one in (low, high)]
    assert row[0] > row[1]


def test_what_has_no_views_is_refused_in_a_sentence(project, tmp_path, monkeypatch, capsys):
    with pytest.raises(WrongUsage, match="autoencoder has no views to show"):
        project.look_at_views("autoencoder")
    with pytest.raises(UnknownName, match=r"did you mean --crop\?"):
        project.look_at_views("simclr", corp="1")
    np.savez(tmp_path / "v.npz", x=np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32))
    vectors = Project.create(tmp_path / "v.npz", tmp_path / "v.tacit")
    with pytest.raises(WrongUsage, match="views of vectors are not drawn"):
        vectors.look_at_views("simclr")
    for words, said in (
        (["--views", "simclr", "--crop", "7"], "expected a number from 0 to 1"),
        (["simclr"], "tacit look --views simclr"),
    ):
        monkeypatch.setattr("sys.argv", ["tacit", "look", *words, "-p", str(project.folder)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2 and said in capsys.readouterr().err

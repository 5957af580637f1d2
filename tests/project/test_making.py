"""New items on disk: like items of the project, like others, or from the prior."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from tacit.data.feeds import mix
from tacit.deploy.export import load
from tacit.errors import BadData, WrongUsage
from tacit.latent.space import Space
from tacit.project import Project

TINY = {"latent_dim": 4, "width": 8, "exemplars": 20, "steps": 12, "batch": 20, "body": "vae"}


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def home(tmp_path_factory, digits):
    """Two folders of pictures, and a project of them that has learned an exemplar VAE."""
    root = tmp_path_factory.mktemp("home")
    for i in range(80):
        folder = root / "photos" / ("even" if digits[1][i] % 2 == 0 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][i, 0]).save(folder / f"{i}.png")
    project = Project.create(root / "photos", yardstick=20)
    project.learn("exemplar_vae", **TINY)
    return root


@pytest.fixture
def project(home, monkeypatch) -> Project:
    monkeypatch.chdir(home)
    return Project(home / "photos.tacit")


@pytest.fixture
def own(home, tmp_path) -> Project:
    """A copy that a test may change."""
    for name in ("photos", "photos.tacit"):
        shutil.copytree(home / name, tmp_path / "own" / name)
    return Project(tmp_path / "own" / "photos.tacit")


def named(project, items) -> str:
    return project.paths([str(items.ids[3])])[0]


def space_of(project) -> Space:
    folder = project.run(None, "learn").folder
    return Space.load(folder, project.pool, load(folder))


def test_relatives_are_those_of_the_space_and_the_exemplar_lies_beside_them(project, tmp_path):
    name = named(project, project.pool)
    done = project.generate([name], 5, to=tmp_path / "new")
    (one,) = done.record["exemplars"]
    assert one["from"] == "pool" and done.record["items"] == 5 and done.record["run"] == "001-exemplar_vae"
    place = tmp_path / "new" / one["folder"]
    assert sorted(p.name for p in place.iterdir()) == ["01.png", "02.png", "03.png", "04.png", "05.png", "item.png"]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [one["folder"], "sheet.png"]
    expected = space_of(project).generate(3, 5, seed=mix(project.seed, 0))
    made = np.stack([pixels(place / f"0{i}.png") for i in range(1, 6)])
    assert np.abs(made - 255 * expected[:, 0].numpy()).max() <= 0.51
    assert np.array_equal(pixels(place / "item.png"), project.pool[[3]][0, 0].numpy())


def test_an_item_is_known_by_id_by_its_path_in_the_source_and_by_its_path_from_here(project, home, tmp_path):
    path = named(project, project.pool)
    names = [str(project.pool.ids[3]), path, f"photos/{path}", str(home / "photos" / path)]
    record = project.generate(names, 2, to=tmp_path / "new", scale=0.0).record
    assert [one["from"] for one in record["exemplars"]] == ["pool"] * 4 and len(record["exemplars"]) == 4
    made = [pixels(tmp_path / "new" / one["folder"] / "01.png") for one in record["exemplars"]]
    assert all(np.array_equal(made[0], other) for other in made)


def test_items_no_training_has_seen_are_encoded_as_they_are(project, home, tmp_path, digits):
    Image.fromarray(digits[0][200, 0]).save(tmp_path / "later one.png")
    yardstick = named(project, project.yardstick)
    before = sorted((p, p.stat().st_mtime_ns) for p in (home / "photos.tacit").rglob("*") if p.suffix != ".db-shm")
    done = project.generate([str(tmp_path / "later one.png"), yardstick], 2, to=tmp_path / "new", scale=0.0)
    assert [one["from"] for one in done.record["exemplars"]] == ["file", "yardstick"]
    assert "2 of the exemplars are not in the pool" in str(done)
    space, x = space_of(project), torch.from_numpy(digits[0][200:201] / 255).float()
    for one, item in zip(done.record["exemplars"], (x, project.yardstick.floats([3])), strict=True):
        expected = space.decode(space.encode(item))[0, 0].numpy()
        assert np.abs(pixels(tmp_path / "new" / one["folder"] / "02.png") - 255 * expected).max() <= 0.51
    after = sorted((p, p.stat().st_mtime_ns) for p in (home / "photos.tacit").rglob("*") if p.suffix != ".db-shm")
    assert [p for p, _ in after] == [p for p, _ in before]


def test_a_whole_source_or_a_row_of_it_may_be_named(project, tmp_path, digits):
    np.savez(tmp_path / "more.npz", x=digits[0][100:103, 0])
    whole = project.generate([str(tmp_path / "more.npz")], 1, to=tmp_path / "a").record["exemplars"]
    assert [one["name"] for one in whole] == ["more.npz#0", "more.npz#1", "more.npz#2"]
    one = project.generate([f"{tmp_path / 'more.npz'}#1"], 1, to=tmp_path / "b").record["exemplars"][0]
    assert one["name"] == "more.npz#1"
    assert np.array_equal(pixels(tmp_path / "b" / one["folder"] / "item.png"), digits[0][101, 0])
    with pytest.raises(BadData, match=r"more\.npz has nothing that can be read at 7"):
        project.generate([f"{tmp_path / 'more.npz'}#7"], 1, to=tmp_path / "c")


def test_without_a_name_items_come_from_the_prior(project, tmp_path):
    done = project.generate(n=40, to=tmp_path / "new", seed=3)
    assert "40 new items from the prior (001-exemplar_vae)" in str(done) and done.record["exemplars"] == []
    expected = space_of(project).sample(40, seed=3)
    assert np.abs(pixels(tmp_path / "new" / "40.png") - 255 * expected[39, 0].numpy()).max() <= 0.51
    assert len(list((tmp_path / "new").iterdir())) == 41


def test_the_same_seed_makes_the_same_files(project, tmp_path):
    name = named(project, project.pool)
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        project.generate([name], 3, to=tmp_path / folder, seed=seed)
    sheets = [(tmp_path / folder / "sheet.png").read_bytes() for folder in "abc"]
    assert sheets[0] == sheets[1] != sheets[2]


def test_newcomers_have_relatives_before_anything_is_learned_again(own, tmp_path, digits):
    photos = own.settings.source
    Image.fromarray(digits[0][300, 0]).save(photos / "late.png")
    for gone in sorted(photos.glob("*/*.png"))[:10]:
        gone.unlink()  # exemplars that are gone from the source stay items of the pool
    project = Project.create(photos)
    assert project.packed.added == 1 and project.packed.gone == 10
    record = project.generate(["late.png"], 2, to=tmp_path / "new").record
    assert record["exemplars"][0]["from"] == "pool"
    space = space_of(project)
    assert len(space) == 61 and len(space.method.memory) == 61
    project.generate(n=2, to=tmp_path / "samples")


def test_nothing_is_overwritten_and_nothing_half_done_stays(project, tmp_path):
    name = named(project, project.pool)
    project.generate([name], 1, to=tmp_path / "new")
    with pytest.raises(WrongUsage, match="exists already"):
        project.generate([name], 1, to=tmp_path / "new")
    with pytest.raises(WrongUsage, match="no item"):
        project.generate([name, "nobody.png"], 1, to=tmp_path / "other")
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_what_cannot_be_made_is_a_sentence(project, tmp_path):
    name = named(project, project.pool)
    (tmp_path / "broken.png").write_text("no picture")
    for words, said in (
        (([f"{name[:-1]}f"],), rf"no item '{name[:-1]}f'(.|\n)*did you mean: {name}\?"),
        ((["zzz"],), r"like (even|odd)/"),
        (([name], 0), "at least one item"),
        (([str(tmp_path / "broken.png")],), "cannot be read: not a picture"),
    ):
        with pytest.raises((WrongUsage, BadData), match=said):
            project.generate(*words, to=tmp_path / "new")
    for options, said in (({"scale": float("nan")}, "scale of 0 or more"), ({"scale": 0.5}, "none is named")):
        with pytest.raises(WrongUsage, match=said):
            project.generate(to=tmp_path / "new", **options)


def test_runs_that_make_nothing_say_what_would(own, tmp_path):
    name = named(own, own.pool)
    own.learn("autoencoder", steps=3, latent_dim=3)
    answer(own, tmp_path)
    trained = own.train(steps=3).record["run"]
    with pytest.raises(WrongUsage, match=r"002-autoencoder has no prior to draw from(.|\n)*tacit learn exemplar_vae"):
        own.generate(to=tmp_path / "new")
    with pytest.raises(WrongUsage, match=f"{trained} cannot decode(.|\n)*tacit learn exemplar_vae"):
        own.generate([name], run=trained, to=tmp_path / "new")
    told = str(own.generate([name], 2, to=tmp_path / "new"))
    assert "as far from their exemplar as neighbours are" in told and "002-autoencoder" in told
    assert "001-exemplar_vae" in str(own.generate([name], 2, run="exemplar_vae", to=tmp_path / "first"))
    folder = own.folder / "runs" / "009-vae"
    folder.mkdir()
    (folder / "run.toml").write_text('method = "vae"\nstatus = "training"\ntask = "learn"\n')
    with pytest.raises(WrongUsage, match=r"009-vae is not finished\n  continue it: tacit learn --resume"):
        own.generate(run="009", to=tmp_path / "third")


def answer(project, tmp_path) -> None:
    """Twenty items are of class a or b."""
    project.choose("random", k=20)
    ids = [p.item for p in project.labels.picks()]
    rows = "\n".join(f"{id_},{'ab'[i % 2]}" for i, id_ in enumerate(ids))
    (tmp_path / "answers.csv").write_text(f"id,label\n{rows}")
    project.import_labels(tmp_path / "answers.csv")


def test_color_pictures_stay_in_color(tmp_path, digits):
    x = digits[0][:40]
    np.savez(tmp_path / "c.npz", x=np.concatenate([x, 255 - x, x // 2], axis=1))
    project = Project.create(tmp_path / "c.npz", yardstick=10)
    project.learn("exemplar_vae", **TINY)
    name = project.paths([str(project.pool.ids[0])])[0]
    Image.new("L", (20, 20), 200).save(tmp_path / "grey.png")
    record = project.generate([name, str(tmp_path / "grey.png")], 3, to=tmp_path / "new").record
    first, second = (tmp_path / "new" / one["folder"] for one in record["exemplars"])
    assert Image.open(first / "02.png").mode == "RGB" and Image.open(first / "02.png").size == (8, 8)
    assert np.array_equal(pixels(first / "item.png"), project.pool[[0]][0].permute(1, 2, 0).numpy())
    assert (pixels(second / "item.png") == 200).all()
    assert Image.open(tmp_path / "new" / "sheet.png").mode == "RGB"


def test_vectors_come_as_an_array_in_the_units_of_the_source(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal([100.0, 0.0, -5.0], [20.0, 1.0, 0.1], (60, 3))
    (tmp_path / "t.csv").write_text("a,b,c\n" + "\n".join(",".join(f"{v:.4f}" for v in row) for row in rows))
    (tmp_path / "new.csv").write_text("a,b,c\n120,1,-5.1\n80,-1,-4.9\n")
    project = Project.create(tmp_path / "t.csv", yardstick=10)
    project.learn("exemplar_vae", **TINY)
    name = project.paths([str(project.pool.ids[4])])[0]
    record = project.generate([name, f"{tmp_path / 'new.csv'}#1"], 7, to=tmp_path / "new").record
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["items.npz"] and record["items"] == 14
    with np.load(tmp_path / "new" / "items.npz") as made:
        assert made["x"].shape == (14, 3) and made["exemplar"].tolist() == [name] * 7 + ["new.csv#1"] * 7
        assert abs(made["x"][:, 0].mean() - 100) < 60 and made["x"].dtype == np.float32
    project.generate(n=5, to=tmp_path / "prior")
    with np.load(tmp_path / "prior" / "items.npz") as made:
        assert made["x"].shape == (5, 3)
    assert Project.create(tmp_path / "new" / "items.npz", yardstick=0).pool.spec.shape == (3,)
    Image.new("L", (8, 8)).save(tmp_path / "p.png")
    with pytest.raises(WrongUsage, match=r"p\.png is a picture, and the items here are vectors"):
        project.generate([str(tmp_path / "p.png")], to=tmp_path / "x")


def test_the_report_shows_what_a_space_makes_and_the_same_each_time(project, tmp_path):
    reports = [project.report(tmp_path / f"{i}.html") for i in range(2)]
    titles = json.loads(reports[0].json())["sections"]
    assert {"Reconstructions", "New items", "New items like one exemplar"} <= set(titles)
    pictures = [
        [line for line in (tmp_path / f"{i}.html").read_text().split("<section") if "New items" in line]
        for i in range(2)
    ]
    assert pictures[0][-2:] == pictures[1][-2:]
    families = next(part for part in pictures[0] if "Framed: the item" in part)
    assert families.count('class="real"') == 6 and families.count("<img") == 6 * 9


def test_with_answers_the_exemplars_of_a_report_are_typical_of_their_classes(own, tmp_path):
    answer(own, tmp_path)
    own.report(tmp_path / "r.html")
    section = next(s for s in (tmp_path / "r.html").read_text().split("<section") if "Framed: the item" in s)
    assert section.count('class="real"') == 2
    assert [f'title="{name}"><bdi>{name}<' in section for name in "ab"] == [True, True]


def test_a_report_of_vectors_shows_nothing_made(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    (tmp_path / "t.csv").write_text("a,b,c\n" + "\n".join(",".join(f"{v:.4f}" for v in row) for row in rows))
    project = Project.create(tmp_path / "t.csv", yardstick=10)
    project.learn("exemplar_vae", **TINY)
    titles = project.report(tmp_path / "r.html").record["sections"]
    assert "Reconstructions" in titles and not any("New items" in title for title in titles)

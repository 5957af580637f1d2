"""A small twin of the bench: rows are measured once, tables say what was measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit import rounds
from tacit.bench import few_labels as bench
from tacit.errors import BadData, UnknownName
from tacit.methods import seeded


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of MNIST and Fashion-MNIST."""
    x, y = digits[0][:, 0], digits[1]
    for folder in ("mnist", "fashion_mnist"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "train.npz", x=x[:1000], y=y[:1000])
        np.savez(tmp_path / folder / "test.npz", x=x[1000:1300], y=y[1000:1300])
    for name, given in bench.DATA.items():
        options = {"trunk": "mlp", "width": 32}
        monkeypatch.setitem(bench.DATA, name, replace(given, options=options, steps=20, last_steps=20))
    monkeypatch.setattr(bench, "SPACE_STEPS", 10)
    monkeypatch.setattr(bench, "FIRST_STEPS", 10)
    bench.read.cache_clear()
    bench.learned_space.cache_clear()
    return tmp_path


def test_rows_are_measured_beside_the_baseline_and_not_run_again(small, monkeypatch):
    rows = "pipeline/mnist-100,random/mnist-100,supervised/mnist-40,supervised/mnist-100"
    settings = {"row": rows, "data": str(small), "out": str(small / "out"), "seeds": (0, 1)}
    first = bench.run(write=str(small / "r.md"), **settings)
    found = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    assert len(found) == 8 and all(0 < row["accuracy"] <= 1 and row["test"] == 300 for row in found)
    assert set(found[0]["seconds"]) == {"learn", "choose", "first training", "choose again", "train"}
    text = (small / "r.md").read_text()
    assert "| MNIST | 100 | learn (simclr), choose (typical), train, choose (margin), train (mixmatch) |" in text
    assert "supervised training needs" in text
    monkeypatch.setattr(bench, "run_row", lambda *given: pytest.fail("ran again"))
    assert bench.run(**settings).record == first.record
    more = settings | {"row": rows + ",mixmatch/fashion-100"}
    assert bench.run(**more, missing=False).record["rows"] == first.record["rows"], "nothing was trained for it"


def test_all_learners_share_the_draws(small, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        rounds, "fit", lambda model, pool, labels, **rest: seen.setdefault(type(model), []).append(labels)
    )
    for name in ("supervised/fashion-100", "mixmatch/fashion-100"):
        bench.run_row(name, 3, 1, small)
    (a,), (b,) = seen.values()
    assert (a == b).all() and (a >= 0).sum() == 100


def test_a_row_that_begins_with_a_trunk_has_that_of_the_contrast_study(small, monkeypatch):
    pool, truth, *_ = bench.read(small, "fashion")
    learned = seeded("simclr", pool.with_classes(()).spec, 0, bench.DATA["fashion"].options)
    monkeypatch.setattr(bench.contrast, "trained", lambda *given: (learned, None))
    monkeypatch.setattr(bench.contrast, "read", lambda *given: None)
    labels, x = bench.drawn_labels(truth, 100, 0), pool.floats(slice(5))
    for name in ("finetune", "mixmatch-trunk"):
        begun = bench.train(bench.LEARNERS[name], "fashion", labels, 0, 0, small)
        assert torch.equal(begun.embed(x), learned.eval().encoder(x)), name


def test_40_labels_are_chosen_at_once(small):
    found = bench.run_row("pipeline/mnist-40", 0, 2, small)
    assert set(found["seconds"]) == {"learn", "choose", "train"}


def row(name, seed, accuracy, seconds=60.0):
    return {"row": name, "seed": seed, "accuracy": accuracy, "test": 1000, "threads": 1, "seconds": {"train": seconds}}


def test_the_factor_is_read_off_the_supervised_curve():
    rows = [row("pipeline/mnist-100", 0, 0.95)]
    rows += [row(f"supervised/mnist-{n}", 0, value) for n, value in ((100, 0.8), (1000, 0.9), (5000, 0.96))]
    (said,) = bench.factors(rows)
    expected = np.exp(np.log(1000) + 5 / 6 * np.log(5))
    assert f"needs about {expected:,.0f} labels" in said and f"{expected / 100:.0f} times as many" in said
    rows[0]["accuracy"] = 0.97
    assert "more than 5,000 labels" in bench.factors(rows)[0] and "over 50 times" in bench.factors(rows)[0]


def test_gains_are_paired_by_draw():
    rows = [row("supervised/fashion-100", 0, 0.70), row("supervised/fashion-100", 1, 0.60)]
    rows += [row("fixmatch/fashion-100", 1, 0.65), row("fixmatch/fashion-100", 0, 0.75)]
    assert bench.gains(rows) == [
        "Above supervised with the same 100 labels, mean ± standard error: fixmatch +5.0 ± 0.0."
    ]


def test_one_seed_has_an_interval_over_test_items():
    assert bench.summary([row("x", 0, 0.9)]) == "90.00 [87.98, 91.71]"


def test_what_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(UnknownName):
        bench.run(row="pipeline/mnist-41", out=str(tmp_path))
    bench.read.cache_clear()
    with pytest.raises(BadData, match="--data FOLDER"):
        bench.run(row="supervised/mnist-40", data=str(tmp_path), out=str(tmp_path / "out"))

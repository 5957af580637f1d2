"""A small twin of the bench: rows run, go on where they were, and the tables say what was measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tacit.bench import exemplar_vae, run_bench
from tacit.bench import what_where as bench
from tacit.errors import UnknownName


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of MNIST, 28 pixels: 400 to train on, 200 for validation, 100 to test."""
    x = np.pad(np.kron(digits[0][:, 0], np.ones((3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "train.npz", x=x[:650], y=digits[1][:650])
    np.savez(tmp_path / "mnist" / "test.npz", x=x[650:750], y=digits[1][650:750])
    monkeypatch.setitem(exemplar_vae.DATA, "mnist", replace(exemplar_vae.DATA["mnist"], validation=200))
    monkeypatch.setattr(bench, "ITEMS", 400)
    monkeypatch.setattr(bench, "VALIDATION", 50)
    return tmp_path


def test_every_kind_of_row_runs_is_kept_and_is_not_run_again(small, monkeypatch):
    rows = "where/14/unpool,where/14/upsample,few/100/0,few/100/1,few/100/l2rec,few/100/l2m,shift"
    settings = {"row": rows, "width": 2, "steps": 2, "where_steps": 2, "seeds": (0, 1), "data": str(small)}
    settings["out"] = str(small / "out")
    first = bench.run(**settings, write=str(small / "r.md"), chart=str(small / "c.svg"))
    kept = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    assert [(r["row"], r["seed"]) for r in kept[2:10]] == [
        (f"few/100/{what}", seed) for what in ("0", "1", "l2rec", "l2m") for seed in (0, 1)
    ]
    assert len(kept) == 11 and all(0 < r["test_error"] <= 1 for r in kept[2:10])
    assert "l2rec" not in kept[2]["terms"] and "l2rec" in kept[4]["terms"]
    text = (small / "r.md").read_text()
    assert "| 14 x 14 |" in text and "| 100 | l2m = 1 alone |" in text and "A digit moved by a pixel" in text
    assert (small / "c.svg").read_text().startswith("<svg")
    monkeypatch.setattr(bench, "fit", lambda *given, **more: pytest.fail("trained again"))
    assert bench.run(**settings).record == first.record


def test_validation_and_test_images_are_not_learned_from(small):
    parts = bench.Parts.of(small)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (400, 50, 100)
    learned = {row.tobytes() for row in parts.train[slice(None)].numpy()}
    for part in (parts.validation, parts.test):
        assert not learned & {row.tobytes() for row in part[slice(None)].numpy()}
    assert parts.truth[1].bincount().tolist() == [5] * 10


def test_labels_are_as_many_of_each_digit_and_another_draw_a_seed():
    y = torch.arange(200) % 10
    known = bench.of_each(y, 3, 0)
    assert len(known.unique()) == 30 and y[known].bincount().tolist() == [3] * 10
    assert not torch.equal(known, bench.of_each(y, 3, 1)) and torch.equal(known, bench.of_each(y, 3, 0))


def test_the_weight_is_chosen_on_the_validation_images():
    rows = [
        {"row": f"few/100/{w}", "seed": seed, "validation_error": v + seed / 100, "test_error": t, "seconds": 60}
        for w, v, t in (("0", 0.2, 0.1), ("1", 0.1, 0.3), ("l2rec", 0.05, 0.05))
        for seed in (0, 1)
    ]
    assert bench.chosen(rows, 100) == "few/100/1" and bench.chosen(rows, 600) == ""
    _, plain, drawing, alone = bench.few_table(rows)
    assert plain == ["100", "λ = 0", "20.50 ± 0.71", "10.00 ± 0.00", "", "1.0"]
    assert drawing[1] == "λ = 1 (chosen)" and drawing[4] == bench.PAPER[100] and alone[1] == "l2rec = 1 alone"


def test_rows_are_named_whole_or_by_their_beginning():
    assert bench.named("few/100") == [f"few/100/{w}" for w in ("0", "0.5", "1", "2", "5", "l2rec", "l2m")]
    assert bench.named("") == bench.ROWS and bench.named("where/7/unpool,shift") == ["where/7/unpool", "shift/7"]
    with pytest.raises(UnknownName, match=r"did you mean: few/100/1\?"):
        run_bench("what-where", {"row": "few/100/11"})

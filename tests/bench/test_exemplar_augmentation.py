"""A small twin of the bench: it runs, resumes, and its table says what was measured."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tacit.bench import exemplar_augmentation as bench
from tacit.bench import exemplar_vae, run_bench
from tacit.errors import UnknownName

TINY = {"hidden": 16, "epochs": 2, "few_steps": 20, "passes": 1}


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of MNIST, 28 pixels: 1,100 to train on, 100 to validate, 300 to test."""
    x = np.pad(np.kron(digits[0][:, 0], np.ones((3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "train.npz", x=x[:1200], y=digits[1][:1200])
    np.savez(tmp_path / "mnist" / "test.npz", x=x[1200:1500], y=digits[1][1200:1500])
    monkeypatch.setitem(exemplar_vae.DATA, "mnist", replace(exemplar_vae.DATA["mnist"], validation=100))
    monkeypatch.setitem(bench.MAKERS, "exemplar_vae", {"body": "vae", "exemplars": 50, "width": 32})
    monkeypatch.setitem(bench.MAKERS, "vae", {"trunk": "gated", "width": 32})
    return tmp_path


def test_every_row_runs_is_kept_and_is_not_run_again(small, monkeypatch):
    where = {"data": str(small), "out": str(small / "out")}
    first = bench.run(**TINY, **where, seeds=(0, 1), write=str(small / "results.md"))
    rows = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    assert [(r["row"], r["seed"]) for r in rows] == [(name, seed) for name in bench.PLANS for seed in (0, 1)]
    assert {r["generator"] for r in rows} == {"", "exemplar_vae-grey-1", "vae-grey-1"}
    assert all(0 < r["test_error"] < 1 for r in rows)
    monkeypatch.setattr(bench, "run_row", lambda *given: pytest.fail("ran again"))
    assert bench.run(**TINY, **where, seeds=(0, 1)).record == first.record
    text = (small / "results.md").read_text()
    assert "| all | + exemplar |" in text and "0.77" not in text  # the paper's number is for its own 1,024 units


def test_the_paper_s_numbers_stand_beside_rows_of_its_size_alone():
    rows = [
        {"row": name, "seed": seed, "hidden": 1024, "test_error": e, "validation_error": e, "seconds": 60}
        for name, errors in (("all/none", (0.02, 0.03)), ("all/exemplar", (0.01, 0.018)), ("all/vae", (0.02, 0.02)))
        for seed, e in enumerate(errors)
    ]
    _, plain, exemplar, control = bench.rows_of(rows)
    assert plain[:5] == ["all", "label smoothing alone", "2.50 ± 0.50", "1.23 ± .01", ""]
    assert exemplar[2:4] == ["1.40 ± 0.40", "0.77 ± .01"] and exemplar[4].startswith("1.10 [")  # 1.0 and 1.2 points
    assert control[3] == "" and exemplar[-1] == "1.0"


def test_misspelt_rows_and_targets_are_sentences(tmp_path):
    with pytest.raises(UnknownName, match=r"did you mean: all/exemplar\?"):
        run_bench("exemplar-augmentation", {"row": "all/exemplr", "out": str(tmp_path)})
    with pytest.raises(UnknownName, match="gaussian, grey"):
        run_bench("exemplar-augmentation", {"targets": "black", "out": str(tmp_path)})
    with pytest.raises(UnknownName, match="--hidden"):
        run_bench("exemplar-augmentation", {"hiden": "3"})

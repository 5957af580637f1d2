"""A small twin of the study: it runs, resumes, and would show a strategy that helps."""

from pathlib import Path

import numpy as np
import pytest

from tacit.bench import alss
from tacit.errors import BadData, UnknownName
from tacit.simulate import RANDOM, Budget, Plan


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of MNIST: 28 pixels, 600 to choose from."""
    x = np.kron(digits[0][:, 0], np.ones((3, 3), np.uint8))
    x = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "train.npz", x=x[:1000], y=digits[1][:1000])
    np.savez(tmp_path / "mnist" / "test.npz", x=x[1000:1400], y=digits[1][1000:1400])
    monkeypatch.setattr(alss, "POOL", 600)
    monkeypatch.setattr(alss, "BUDGET", Budget(20, 20, 5))
    return tmp_path


@pytest.mark.long
def test_the_study_runs_resumes_and_margin_is_worth_more_than_chance(small, monkeypatch):
    out = str(small / "rows.jsonl")
    plans = (RANDOM, Plan("margin"))
    first = alss.study("mnist", "twin", plans, seeds=(0,), data=str(small), out=out, write=str(small / "r.md"))
    assert first.record["seeds"] == [0] and len(alss.read_rows(Path(out))) == 2
    again = alss.study("mnist", "twin", plans, seeds=(0, 1), data=str(small), out=out)
    rows = alss.read_rows(Path(out))
    assert [(r.title, r.seed) for r in rows] == [(t, s) for s in (0, 1) for t in ("random", "margin")]
    random, margin = again.record["curves"]
    assert margin["last"][0] > random["last"][0] + 0.01
    assert "| margin |" in (small / "r.md").read_text()


def test_missing_data_and_misspelt_rows_are_sentences(tmp_path):
    from tacit.bench import run_bench

    with pytest.raises(BadData, match="--data FOLDER"):
        alss.mnist(data=str(tmp_path), out=str(tmp_path / "o.jsonl"), seeds=(0,))
    with pytest.raises(UnknownName, match="alss-mnist"):
        run_bench("alss-minst", {})
    with pytest.raises(UnknownName, match="seeds"):
        run_bench("alss-mnist", {"seed": "3"})

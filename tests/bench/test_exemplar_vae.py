"""A small twin of the bench: it trains in stages, goes on where it was, and its table says what was measured."""

import json

import numpy as np
import pytest
import torch

from tacit.bench import exemplar_vae as bench
from tacit.bench import run_bench
from tacit.errors import BadData, UnknownName
from tacit.methods import build


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of MNIST, 28 pixels: 1,000 to train on, 200 to validate, 300 to test."""
    x = np.pad(np.kron(digits[0][:, 0], np.ones((3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    (tmp_path / "mnist").mkdir()
    np.savez(tmp_path / "mnist" / "train.npz", x=x[:1200], y=digits[1][:1200])
    np.savez(tmp_path / "mnist" / "test.npz", x=x[1200:1500], y=digits[1][1200:1500])
    monkeypatch.setitem(bench.DATA, "mnist", bench.Data("mnist", "MNIST", 200, 10, (3, 2)))
    monkeypatch.setattr(bench, "MORE", {"exemplars": 100})
    return tmp_path


def settings(small, **more):
    return {"data": str(small), "out": str(small / "out"), "samples": 20, "measured": 50, **more}


def test_rows_are_trained_in_stages_measured_and_not_run_again(small, monkeypatch):
    monkeypatch.setitem(
        bench.PLANS,
        "exemplar_vae",
        bench.Plan(
            "Exemplar VAE", "exemplar_vae", {"body": "vae", "exemplars": 50}, {"mnist": "-82"}, {"exemplars": 100}
        ),
    )
    first = bench.run(row="mnist/vae,mnist/exemplar_vae", write=str(small / "r.md"), **settings(small))
    rows = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    assert [r["row"] for r in rows] == ["mnist/vae", "mnist/exemplar_vae"]
    folders = sorted(p.name for p in (small / "out").iterdir() if p.is_dir() and "exemplar" in p.name)
    assert folders == [f"mnist-exemplar_vae-0{later}" for later in ("", "-later1", "-later2")]
    assert all(r["passes"] == 15 and r["measured"] == 50 for r in rows)
    assert all(r["test"]["bound"]["value"] > r["test"]["elbo"]["value"] - 5 for r in rows)
    assert rows[1]["tau"] > 0 and rows[0]["tau"] is None
    text = (small / "r.md").read_text()
    assert "| MNIST | Exemplar VAE |" in text and "20 codes on 50 test images" in text and "points less" in text
    monkeypatch.setattr(bench, "run_row", lambda *given: pytest.fail("ran again"))
    assert bench.run(row="mnist/vae,mnist/exemplar_vae", **settings(small)).record == first.record


def test_a_stage_starts_from_the_weights_of_the_one_before(small, monkeypatch):
    seen = []
    real = bench.stage

    def watched(folder, name, method, pool, recipe, seed):
        seen.append({key: value.clone() for key, value in method.state_dict().items()})
        return real(folder, name, method, pool, recipe, seed)

    monkeypatch.setattr(bench, "stage", watched)
    train, _, _ = bench.read(small, "mnist")
    method, _ = bench.trained("mnist/vae", 0, train, 10, small / "out")
    assert len(seen) == 3
    ended = bench.load(small / "out" / "mnist-vae-0-later1").state_dict()
    assert all(torch.equal(seen[2][key], ended[key]) for key in ended if "ramp" not in key)
    assert not torch.equal(seen[0]["body.to_posterior.weight"], method.body.to_posterior.weight)


def test_the_vote_of_neighbours_is_a_majority_and_a_tie_goes_to_the_nearest():
    votes = torch.tensor([[3, 1, 1], [2, 0, 1], [0, 0, 5]])
    assert bench.majority(votes).tolist() == [1, 2, 0]


def test_neighbours_are_chosen_on_the_validation_images(small):
    train, validation, test = bench.read(small, "mnist")
    torch.manual_seed(0)
    method = build("vae", bench.ItemSpec((1, 28, 28)), trunk="gated").eval()
    error, k, wrong = bench.neighbours_error(method, train, validation, test)
    assert k in bench.KS and error == pytest.approx(len(wrong) / len(test[0])) and error < 0.3


def test_missing_data_and_misspelt_rows_are_sentences(tmp_path):
    with pytest.raises(BadData, match="--data FOLDER"):
        bench.run(row="mnist/vae", data=str(tmp_path), out=str(tmp_path / "out"))
    with pytest.raises(UnknownName, match="did you mean: mnist/vae"):
        run_bench("exemplar-vae", {"row": "mnist/vea", "out": str(tmp_path / "out")})

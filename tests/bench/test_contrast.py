"""A small twin of the bench: rows are measured beside their baselines, go on where they were, and say what was measured."""

import json

import numpy as np
import pytest
import torch

from tacit.bench import contrast as bench
from tacit.bench import run_bench
from tacit.data.spec import ItemSpec
from tacit.errors import BadData, UnknownName
from tacit.methods import build


@pytest.fixture
def small(tmp_path, monkeypatch, digits):
    """Real digits in the place of Fashion-MNIST and Omniglot."""
    x, y = digits[0][:, 0], digits[1]
    (tmp_path / "fashion_mnist").mkdir()
    np.savez(tmp_path / "fashion_mnist" / "train.npz", x=x[:700], y=y[:700])
    np.savez(tmp_path / "fashion_mnist" / "test.npz", x=x[700:1000], y=y[700:1000])
    (tmp_path / "omniglot").mkdir()
    drawer = np.tile(np.arange(1, 21), 20)
    np.savez(tmp_path / "omniglot" / "train.npz", x=x[:400], y=y[:400], drawer=drawer)
    np.savez(tmp_path / "omniglot" / "test.npz", x=x[1000:1400], y=y[1000:1400], drawer=drawer)
    net = {"trunk": "mlp", "width": 32}
    for name, few in (("fashion", (2, 5)), ("omniglot", (1,))):
        given = bench.DATA[name]
        monkeypatch.setitem(
            bench.DATA,
            name,
            bench.Data(given.folder, given.title, net, dict.fromkeys(bench.LEARNED, 8), few, k=given.k),
        )
    monkeypatch.setattr(bench, "FEW_STEPS", 20)
    return tmp_path


def test_rows_are_trained_measured_beside_baselines_and_not_run_again(small, monkeypatch):
    rows = "fashion/baselines,fashion/simclr,fashion/moco,fashion/vae,fashion/few"
    settings = {"row": rows, "data": str(small), "out": str(small / "out"), "draws": 2}
    first = bench.run(write=str(small / "r.md"), **settings)
    found = [json.loads(text) for text in (small / "out" / "rows.jsonl").read_text().splitlines()]
    codes = {name: each for row in found for name, each in row.get("codes", {}).items()}
    assert list(codes) == [
        "raw pixels",
        "64 principal components",
        "untrained encoder",
        "simclr",
        "moco",
        "vae",
    ]
    assert all(0 < each["vote"] <= each["of"] == 300 for each in codes.values())
    simclr = next(row for row in found if row["row"] == "fashion/simclr")
    assert len(simclr["curve"]) == bench.LOOKS and simclr["passes"] == 8
    text = (small / "r.md").read_text()
    assert "| Fashion-MNIST | simclr |" in text and "| Fashion-MNIST | 50 | fine-tuned |" in text
    monkeypatch.setattr(bench, "run_row", lambda *given: pytest.fail("ran again"))
    assert bench.run(**settings).record == first.record


def test_alphabets_that_are_asked_for_were_not_learned_from(small):
    parts = bench.read(small, "omniglot")
    assert len(parts.pool) == 400 and len(parts.known) == len(parts.test) == 200
    learned = {row.tobytes() for row in parts.pool[slice(None)].numpy()}
    asked = [row.tobytes() for part in (parts.known, parts.test) for row in part[slice(None)].numpy()]
    assert not learned & set(asked)


def test_the_codes_that_are_measured_are_the_encoders_in_evaluation(small):
    parts = bench.read(small, "fashion")
    torch.manual_seed(0)
    method = build("simclr", ItemSpec((1, 8, 8)), trunk="conv", width=4, depth=1)
    before = {key: value.clone() for key, value in method.state_dict().items()}
    once, twice = (bench.measured(bench.seen_by(method), parts, 20, 0) for _ in range(2))
    assert once["vote"] == twice["vote"] and once["probe"] == twice["probe"] and once["dim"] == 128
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())


def test_convolutions_are_measured_at_their_last_map_too():
    torch.manual_seed(0)
    method = build("simclr", ItemSpec((1, 8, 8)), trunk="conv", width=4, depth=1).eval()
    sees = bench.seen_by_layer("simclr", method)
    assert list(sees) == ["simclr", "simclr, last map"]
    x = torch.rand(3, 1, 8, 8)
    index = torch.arange(3)
    assert torch.equal(sees["simclr, last map"](x, index), method.layers(x)["map.1"])


def test_missing_data_and_misspelt_rows_are_sentences(tmp_path):
    with pytest.raises(BadData, match="--data FOLDER"):
        bench.run(row="cifar10/simclr", data=str(tmp_path), out=str(tmp_path / "out"))
    with pytest.raises(UnknownName, match="did you mean: fashion/moco"):
        run_bench("contrast", {"row": "fashion/mocco", "out": str(tmp_path / "out")})

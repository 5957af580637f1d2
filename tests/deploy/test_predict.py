import csv

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import labeled
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.deploy.predict import predict
from tacit.errors import BadData, WrongUsage
from tacit.methods.method import Method, Terms

SPEC = ItemSpec((1,), "vector", ("cold", "warm, or hot"), center=(20.0,), scale=(10.0,))


class Thermometer(Method):
    """Warm above 20 degrees; the logit is the standardised temperature."""

    feed = staticmethod(labeled)
    paper, use_when = "none", "testing"

    def __init__(self, spec: ItemSpec):
        super().__init__(spec)
        self.encoder = nn.Identity()
        self.factor = nn.Parameter(torch.ones(()))

    def loss(self, batch) -> Terms:
        return {"loss": self.factor}

    def embed(self, x: Tensor) -> Tensor:
        return x

    def logits(self, x: Tensor) -> Tensor:
        return torch.cat([-x, x], 1) * self.factor


def degrees(*values: float) -> Pool:
    """Items of another table, with its own center and scale."""
    return Pool(ItemSpec((1,), "vector", center=(0.0,), scale=(1.0,)), np.array(values, np.float32)[:, None])


def test_probabilities_are_the_models_own_whatever_the_items_scale():
    got = predict(Thermometer(SPEC), degrees(10, 20, 40))
    z = torch.tensor([-1.0, 0.0, 2.0])  # (x - 20) / 10
    assert torch.allclose(got.p[:, 1], (2 * z).sigmoid()) and got.classes == ["cold", "warm, or hot"]
    assert got.labels == ["cold", "cold", "warm, or hot"] and got.abstained == 0


def test_below_the_threshold_there_is_no_label():
    got = predict(Thermometer(SPEC), degrees(10, 21, 40), abstain_below=0.6)
    assert got.labels == ["cold", "", "warm, or hot"] and got.abstained == 1
    assert got.lines() == ["3 items: cold 1, warm, or hot 1", "1 without a label: confidence below 0.6"]
    assert predict(Thermometer(SPEC), degrees(10, 21, 40), abstain_below=1.0).labels == ["", "", ""]


def test_batches_do_not_matter():
    items = degrees(*range(25))
    whole, parts = (predict(Thermometer(SPEC), items, batch=n) for n in (1000, 4))
    assert torch.equal(whole.p, parts.p) and whole.names == [f"item-{i}" for i in range(25)]


def test_the_table_reads_back(tmp_path):
    got = predict(Thermometer(SPEC), degrees(10, 21, 40), names=["a,b.png", 'say "x"', "Größe.png"], abstain_below=0.6)
    got.write_csv(tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == ["a,b.png", 'say "x"', "Größe.png"]
    assert [row["label"] for row in rows] == got.labels
    assert [float(row["p_warm, or hot"]) for row in rows] == pytest.approx(got.p[:, 1].tolist(), abs=1e-4)
    assert [float(row["confidence"]) for row in rows] == pytest.approx(got.confidence.tolist(), abs=1e-4)


def test_nothing_gives_an_empty_table(tmp_path):
    got = predict(Thermometer(SPEC), degrees())
    got.write_csv(tmp_path / "out.csv")
    assert len(got) == 0 and got.abstained == 0 and got.lines() == ["0 items: no label given"]
    assert (tmp_path / "out.csv").read_text().count("\n") == 1


def test_what_does_not_fit_is_said():
    images = Pool(ItemSpec((1, 1, 1), "image"), np.zeros((2, 1, 1, 1), np.uint8))
    with pytest.raises(WrongUsage, match=r"takes vector items of shape \(1,\); these are image"):
        predict(Thermometer(SPEC), images)
    slow, fast = (ItemSpec((1, 4), "sound", ("a", "b"), rate=rate) for rate in (8000, 16000))
    with pytest.raises(WrongUsage, match=r"takes sound items of shape \(1, 4\) at 8,000 Hz; .* at 16,000 Hz"):
        predict(Thermometer(slow), Pool(fast, np.zeros((2, 1, 4), np.int16)))
    with pytest.raises(WrongUsage, match="between 0 and 1"):
        predict(Thermometer(SPEC), degrees(1), abstain_below=90.0)


def test_a_broken_model_does_not_answer():
    model = Thermometer(SPEC)
    model.factor.data.fill_(torch.nan)
    with pytest.raises(BadData, match="2 of 2 items is not a number"):
        predict(model, degrees(1, 2))

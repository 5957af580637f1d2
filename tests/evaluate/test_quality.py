import copy
import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import items
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, UnknownName, WrongUsage
from tacit.evaluate.quality import folds, representation
from tacit.latent.space import Space
from tacit.methods.method import Method, Terms


class Halves(Method):
    """Codes of a linear map with a running mean in it; `trained` weights know which half of an image is bright."""

    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec: ItemSpec, *, dim: int = 2):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(100, dim), nn.BatchNorm1d(dim))

    def loss(self, batch) -> Terms:
        return {"loss": self.encoder(batch).sum()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)


@pytest.fixture
def case() -> tuple[Space, Tensor, Yardstick, Tensor]:
    """Images of noise whose upper half is a little brighter in class 1: raw items need many labels, the codes few."""
    generator = np.random.default_rng(0)
    truth = torch.tensor(generator.integers(0, 2, 500))
    x = generator.integers(0, 200, (500, 1, 10, 10))
    x[truth.numpy() == 1, :, :5] += 25
    spec = ItemSpec((1, 10, 10), "image", ("even", "top"))
    pool, yardstick = Pool(spec, x[:300].astype(np.uint8)), Yardstick(spec, x[300:].astype(np.uint8))
    method = Halves(spec)
    with torch.no_grad():
        weight = method.encoder[1].weight
        weight.zero_()
        weight[0, :50], weight[1, 50:] = 1.0, 1.0
    labels = torch.where(torch.arange(300) < 40, truth[:300], -1)
    return Space.of(pool, method), labels, yardstick, truth[300:]


def test_codes_that_know_beat_raw_items_components_and_an_untrained_encoder(case):
    got = representation(*case)
    row = {row.name: row for row in got.rows}
    assert list(row) == ["raw items", "PCA-64", "untrained encoder", "codes"]
    assert row["codes"].probe.low > max(row[name].probe.value for name in list(row)[:3])
    assert row["codes"].vote.low > row["raw items"].vote.value and row["codes"].above_raw.low > 0
    assert (got.labels, got.measured, got.note) == (40, 200, "")
    json.dumps(got.to_dict(), allow_nan=False)
    assert "above raw +" in got.lines()[-1]


def test_shuffled_labels_stay_at_chance(case):
    space, labels, yardstick, y = case
    y = y[torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    for row in representation(space, labels, yardstick, y).rows:
        assert row.probe.low < 0.53 and row.vote.low < 0.53


def test_without_a_yardstick_the_labeled_items_answer_in_turn_and_the_note_says_so(case):
    space, labels, yardstick, _ = case
    got = representation(space, labels)
    assert got.measured == 40 and "in turn" in got.lines()[-1]
    assert got.rows[-1].probe.value > 0.8
    assert representation(space, labels, yardstick, torch.full((200,), -1)).measured == 40


def test_measuring_changes_no_encoder(case):
    space, before = case[0], copy.deepcopy(case[0].method.state_dict())
    state = torch.get_rng_state()
    representation(*case)
    after = space.method.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before) and "encoder.2.running_mean" in before
    assert torch.equal(state, torch.get_rng_state())


def test_every_class_is_dealt_out_evenly_over_the_folds():
    y = torch.tensor([0] * 7 + [1] * 13)
    fold = folds(y, seed=0)
    assert fold.bincount().tolist() == [4] * 5
    assert set(fold[y == 0].bincount().tolist()) == {1, 2} and set(fold[y == 1].bincount().tolist()) == {2, 3}


def test_codes_alone_are_compared_with_raw_items(case):
    space, labels, yardstick, y = case
    got = representation(Space(space.codes, space.pool), labels, yardstick, y)
    assert [row.name for row in got.rows] == ["raw items", "PCA-64", "codes"] and got.measured == 40


def test_one_class_is_not_enough(case):
    space, labels, yardstick, y = case
    with pytest.raises(NotEnoughLabels, match="two classes"):
        representation(space, labels.where(labels < 1, -1), yardstick, y)


class Layered(Halves):
    """The same with its layers named."""

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        flat = self.encoder[0](x)
        return {"encoder": self.encoder(x), "pixels": flat}


@pytest.fixture
def layered(case) -> tuple[Space, Tensor, Yardstick, Tensor]:
    space, *rest = case
    method = Layered(space.pool.spec)
    method.load_state_dict(space.method.state_dict())
    return Space.of(space.pool, method), *rest


def test_layers_stand_beside_the_codes_when_they_are_asked_for(layered):
    got = {row.name: row for row in representation(*layered, layer="all").rows}
    assert list(got) == ["raw items", "PCA-64", "untrained encoder", "codes", "encoder", "pixels"]
    assert got["encoder"].probe == got["codes"].probe and got["pixels"].probe == got["raw items"].probe
    one = representation(*layered, layer="pixels").rows
    assert [row.name for row in one][3:] == ["codes", "pixels"] and one[-1].dim == 100
    in_turn = representation(*layered[:2], layer="encoder")
    assert in_turn.rows[-1].probe == in_turn.rows[-2].probe and in_turn.measured == 40


def test_an_unknown_layer_is_named_before_anything_is_measured(layered, case):
    with pytest.raises(UnknownName, match="known: all, encoder, pixels"):
        representation(*layered, layer="pixel")
    with pytest.raises(WrongUsage, match="Halves names no layers"):
        representation(*case, layer="encoder")
    with pytest.raises(WrongUsage, match="this space names no layers"):
        representation(Space(case[0].codes, case[0].pool), *case[1:], layer="encoder")


def test_sounds_are_compared_with_the_statistics_of_their_cepstra():
    time = np.arange(800) / 8000
    rng = np.random.default_rng(0)
    truth = torch.tensor(rng.integers(0, 2, 120))
    x = np.stack(
        [np.sin(2 * np.pi * (300 + 900 * c + rng.normal(0, 30)) * time + 6 * rng.random()) for c in truth.tolist()]
    )
    stored = np.rint(8000 * x + rng.normal(0, 500, x.shape)).astype(np.int16)[:, None]
    pool = Pool(ItemSpec((1, 800), "sound", ("low", "high"), rate=8000), stored)
    found = representation(Space(torch.randn(120, 3), pool), torch.where(torch.arange(120) < 60, truth, -1))
    assert [(row.name, row.dim) for row in found.rows] == [("MFCC", 40), ("codes", 3)]
    assert found.rows[0].probe.value > 0.95 and found.rows[0].above_raw is None
    assert "above MFCC -" in found.lines()[2]

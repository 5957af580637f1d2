import copy

import pytest
import torch

from tacit.engine.apply import embed
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.evaluate.in_training import L2, MOST, label_probe
from tacit.evaluate.probe import fit_probe
from tacit.evaluate.quality import folds
from tacit.methods.method import Recipe
from tacit.methods.simclr import SimCLR

CPU = Device(torch.device("cpu"), bf16=False, onednn=False)


@pytest.fixture
def labels(digits) -> torch.Tensor:
    y = torch.from_numpy(digits[1])
    return torch.where(torch.arange(len(y)) < 120, y, -1)


def simclr(pool, seed=0):
    torch.manual_seed(seed)
    return SimCLR(pool.spec, width=8)


def test_every_labeled_item_is_answered_by_what_learned_from_the_other_folds(digits_pool, labels):
    method = simclr(digits_pool)
    got = label_probe(digits_pool, labels)(method)
    known = (labels >= 0).nonzero().flatten()
    codes, y, fold = embed(method, digits_pool, known), labels[known], folds(labels[known], 0)
    right = 0
    for f in range(5):
        probe = fit_probe(codes[fold != f], y[fold != f], classes=10, l2=L2)
        for i in (fold == f).nonzero().flatten():
            right += int(probe.probabilities(codes[i][None]).argmax() == y[i])
    assert got["accuracy"] == pytest.approx(right / 120)
    assert got["labels"] == 120 and got["chance"] == labels[known].bincount().max().item() / 120


def test_two_classes_need_five_labels_each(digits_pool, labels):
    assert label_probe(digits_pool, torch.full_like(labels, -1)) is None
    few = torch.full_like(labels, -1)
    few[:5], few[5:9] = 0, 1
    assert label_probe(digits_pool, few) is None
    few[9] = 1
    assert label_probe(digits_pool, few)(simclr(digits_pool))["labels"] == 10
    few[10:] = -2  # nobody could tell
    assert label_probe(digits_pool, few)(simclr(digits_pool))["labels"] == 10


def test_shuffled_labels_are_answered_at_chance(digits_pool, digits):
    y = torch.from_numpy(digits[1])[torch.randperm(1797, generator=torch.Generator().manual_seed(0))]
    got = label_probe(digits_pool, y)(simclr(digits_pool))
    assert got["labels"] == MOST and got["accuracy"] < got["chance"] + 0.05


def test_a_training_with_a_probe_ends_with_the_same_weights_and_the_probe_sees_progress(digits_pool, labels):
    recipe = Recipe(steps=30, batch=64, lr=2e-3)
    plain, probed = simclr(digits_pool), simclr(digits_pool)
    fit(plain, digits_pool, recipe=recipe, device=CPU)
    result = fit(probed, digits_pool, recipe=recipe, device=CPU, probe=label_probe(digits_pool, labels))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, probed.state_dict()[name]), name
    seen = [r["probe"]["accuracy"] for r in result.records if "probe" in r]
    assert len(seen) == 5 and max(seen) > 0.4  # ten classes


def test_probing_leaves_the_running_statistics_alone(digits_pool, labels):
    method = simclr(digits_pool)
    before = copy.deepcopy(method.state_dict())
    label_probe(digits_pool, labels)(method)
    assert all(torch.equal(before[name], value) for name, value in method.state_dict().items()) and method.training

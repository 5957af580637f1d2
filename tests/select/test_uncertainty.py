import math

import pytest
import torch

from tacit.data.spec import UNLABELED
from tacit.engine.apply import probabilities
from tacit.select.uncertainty import entropy, least_confidence, margin, spread

LITERAL = {
    entropy: lambda p: -sum(v * math.log(v) for v in p),
    margin: lambda p: 1 - (sorted(p)[-1] - sorted(p)[-2]),
    least_confidence: lambda p: 1 - max(p),
}


@pytest.mark.parametrize("strategy", LITERAL)
def test_without_diversity_the_highest_scores_win(strategy, open_space, softmax, blobs, few_labels):
    space = open_space(blobs)
    model = softmax(space)
    picks = strategy(space, few_labels, 8, model=model, diverse=False)
    p = probabilities(model, space.pool).tolist()
    score = {i: LITERAL[strategy](p[i]) for i in range(120) if few_labels[i] == UNLABELED}
    assert picks.index.tolist() == sorted(score, key=score.__getitem__, reverse=True)[:8]
    torch.testing.assert_close(picks.score, torch.tensor([score[i] for i in picks.index.tolist()]))


@pytest.mark.parametrize("strategy", LITERAL)
def test_diverse_picks_are_uncertain_ones_farther_apart(strategy, open_space, softmax, blobs, few_labels):
    space = open_space(blobs)
    model = softmax(space)
    narrow = strategy(space, few_labels, 8, model=model, diverse=False, shortlist=3).index
    wide = strategy(space, few_labels, 8, model=model, shortlist=3).index
    top = strategy(space, few_labels, 24, model=model, diverse=False).index
    assert set(wide.tolist()) <= set(top.tolist())
    assert torch.pdist(blobs[wide]).min() > torch.pdist(blobs[narrow]).min()


def test_reasons_name_the_classes_and_how_sure_the_model_is(open_space, softmax, few_labels):
    space = open_space(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    model = softmax(space, torch.zeros(3, 2), torch.tensor([0.38, 0.41, 0.21]).log())
    labels = torch.tensor([0, 1, UNLABELED])
    assert margin(space, labels, 1, model=model).reasons == ["model torn between bee (41 %) and ant (38 %)"]
    assert least_confidence(space, labels, 1, model=model).reasons == ["model only 41 % sure of bee"]
    said = entropy(space, labels, 1, model=model).reasons
    assert said == ["model undecided between bee (41 %), ant (38 %) and cat (21 %)"]


def test_a_class_without_a_name_is_called_by_its_number(open_space, softmax):
    space = open_space(torch.zeros(3, 2) + torch.arange(3.0)[:, None], classes=())
    model = softmax(space, torch.zeros(2, 2), torch.tensor([0.7, 0.3]).log())
    picks = margin(space, torch.tensor([0, 1, UNLABELED]), 1, model=model)
    assert picks.reasons == ["model torn between 0 (70 %) and 1 (30 %)"]


def test_spread_takes_one_of_every_heap_and_the_heaviest_first():
    generator = torch.Generator().manual_seed(0)
    heap = torch.arange(5).repeat(20)
    codes = 20.0 * torch.eye(5)[heap] + torch.randn(100, 5, generator=generator)
    weight = 0.5 + 0.5 * torch.rand(100, generator=generator)
    chosen = spread(codes, weight, 5)
    assert sorted(heap[chosen].tolist()) == [0, 1, 2, 3, 4]
    assert torch.equal(weight[chosen], weight[chosen].sort(descending=True).values)


def test_spread_leans_towards_the_heavy_items():
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(200, 3, generator=generator)
    weight = torch.where(codes[:, 0] > 0, 1.0, 0.01)
    assert (codes[spread(codes, weight, 10), 0] > -0.2).float().mean() >= 0.8


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_spread_finds_k_different_items_when_codes_coincide_or_nothing_is_uncertain():
    assert len(spread(torch.ones(9, 2), torch.rand(9), 6).unique()) == 6
    assert len(spread(torch.randn(9, 2), torch.zeros(9), 6).unique()) == 6

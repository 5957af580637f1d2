"""The loop with a function in the place of the person."""

import pytest
import torch

from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.engine.fit import fit
from tacit.errors import BadData, WrongUsage
from tacit.latent.space import Space
from tacit.methods import build
from tacit.methods.method import Recipe
from tacit.rounds import hidden_truth, judge, rounds, supervised, trainer

CHEAP = {"trunk": "mlp", "width": 32, "norm": "none", "augment": "none"}


@pytest.fixture(scope="module")
def truth(digits):
    return torch.from_numpy(digits[1][:500])


@pytest.fixture(scope="module")
def space(digits_pool):
    pool = digits_pool.take(torch.arange(500))
    torch.manual_seed(0)
    method = build("vae", pool.spec, latent_dim=6, trunk="mlp", width=64, depth=1)
    fit(method, pool, recipe=Recipe(steps=300, batch=64), precision="fp32")
    return Space.of(pool, method)


@pytest.fixture(scope="module")
def train():
    return supervised(epochs=3, batch=16, least_steps=20, precision="fp32", **CHEAP)


@pytest.mark.parametrize("strategy", ["random", "margin", "badge", "k_center", "typical", "uphill", "jitter"])
def test_the_annotator_is_asked_about_each_item_once_and_the_budget_is_kept(space, truth, train, strategy):
    asked = []

    def ask(pool, index):
        asked.extend(index.tolist())
        return truth[index]

    turns = list(rounds(space, ask, train, strategy=strategy, first=20, k=10, count=4, seed=3))
    assert [t.asked for t in turns] == [20, 30, 40, 50] == [int((t.labels >= 0).sum()) for t in turns]
    assert len(asked) == len(set(asked)) == 50
    assert torch.equal(turns[-1].labels[asked], truth[asked])


def test_the_same_seed_asks_the_same_questions_and_strategies_share_the_start(space, truth, train):
    def first_two(strategy):
        turns = list(rounds(space, hidden_truth(truth), train, strategy=strategy, first=20, k=10, count=2, seed=5))
        return [t.picks.index.tolist() for t in turns]

    uphill = first_two("uphill")
    assert uphill == first_two("uphill")
    random = first_two("random")
    assert random[0] == uphill[0] and random[1] != uphill[1]


def test_what_the_annotator_cannot_tell_is_paid_for_never_trained_on_and_never_asked_again(space, truth, train):
    def ask(pool, index):
        return torch.where(truth[index] < 3, SET_ASIDE, truth[index])

    turns = list(rounds(space, ask, train, strategy="random", first=40, k=20, count=3, seed=0))
    last = turns[-1]
    assert last.asked == 80 and int((last.labels == SET_ASIDE).sum()) == sum(t.refused for t in turns) > 0
    assert not set((last.labels >= 0).nonzero().flatten().tolist()) & set((truth < 3).nonzero().flatten().tolist())


def test_training_sees_exactly_what_was_answered(space, truth):
    seen = []

    def train(pool, labels, seed, previous):
        seen.append((pool, labels.clone()))
        return supervised(epochs=1, least_steps=2, precision="fp32", **CHEAP)(pool, labels, seed)

    list(rounds(space, hidden_truth(truth), train, strategy="random", first=10, k=5, count=2, seed=0))
    assert [int((labels >= 0).sum()) for _, labels in seen] == [10, 15]
    assert all(pool is space.pool for pool, _ in seen)


def test_decoded_images_are_what_the_space_makes_of_the_answered_items(space, truth):
    seen = []

    def train(pool, labels, seed, previous):
        seen.append((pool, labels))
        return supervised(epochs=1, least_steps=2, precision="fp32", **CHEAP)(pool, labels, seed)

    turn = next(iter(rounds(space, hidden_truth(truth), train, first=8, k=1, count=1, image="decoded", seed=0)))
    known = (turn.labels >= 0).nonzero().flatten()
    pool, labels = seen[0]
    assert torch.equal(labels, truth[known])
    assert torch.equal(pool[slice(None)], pool.spec.to_stored(space.reconstruct(known)))


def test_made_items_are_answered_by_the_judge_and_the_doubtful_are_refused(space, truth, train):
    sure = judge(supervised(epochs=30, precision="fp32", **CHEAP)(space.pool, truth, 0), confidence=0.9)
    turns = list(
        rounds(space, hidden_truth(truth), train, strategy="between", first=20, k=10, count=3, seed=1, ask_new=sure)
    )
    assert [t.asked for t in turns] == [20, 30, 40]
    assert int((turns[-1].labels >= 0).sum()) == 20  # made items are nobody's in the pool
    assert all(t.picks.items.shape == (10, 1, 8, 8) for t in turns[1:])
    with pytest.raises(WrongUsage, match="ask_new"):
        list(rounds(space, hidden_truth(truth), train, strategy="between", first=20, k=10, count=2))


def test_the_judge_never_answers_below_its_confidence(space, truth):
    model = supervised(epochs=5, precision="fp32", **CHEAP)(space.pool, truth, 0)
    strict = judge(model, confidence=1.1)(space.pool, torch.arange(50))
    assert (strict == SET_ASIDE).all()
    assert (judge(model, confidence=0.0)(space.pool, torch.arange(50)) >= 0).all()


def test_warm_rounds_go_on_from_the_weights_before_and_scratch_ones_do_not(space, truth):
    for restart in ("scratch", "warm"):
        before = []

        def train(pool, labels, seed, previous, before=before):
            before.append(previous)
            return supervised(epochs=1, least_steps=2, precision="fp32", **CHEAP)(pool, labels, seed, previous)

        turns = list(rounds(space, hidden_truth(truth), train, first=10, k=5, count=3, restart=restart))
        expected = [None, turns[0].model, turns[1].model] if restart == "warm" else [None] * 3
        assert before == expected


def test_answers_that_exist_already_are_kept(space, truth, train):
    before = torch.full((500,), UNLABELED)
    before[:30] = truth[:30]
    turn = next(iter(rounds(space, hidden_truth(truth), train, first=10, k=1, count=1, labels=before)))
    assert torch.equal(turn.labels[:30], truth[:30]) and not (turn.picks.index < 30).any()


def test_a_first_round_without_a_usable_answer_says_so(space, train):
    with pytest.raises(BadData, match="no usable answer"):
        list(rounds(space, lambda pool, index: torch.full((len(index),), SET_ASIDE), train, first=5, k=1, count=1))


def test_a_trainer_is_a_classifier_by_name_with_its_own_recipe(space, truth):
    labels = torch.full((500,), UNLABELED)
    labels[:30] = truth[:30]
    cheap = {"trunk": "mlp", "width": 8, "augment": "none", "precision": "fp32"}
    train = trainer("mixmatch", recipe=Recipe(steps=2, batch=8), **cheap)
    first, again, other = (train(space.pool, labels, seed) for seed in (0, 0, 1))
    assert type(first).__name__ == "MixMatch" and first.spec.classes == space.pool.spec.classes
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    with pytest.raises(WrongUsage, match="vae does not classify"):
        trainer("vae")


def test_a_trainer_begins_with_the_trunk_it_is_given_and_says_where_it_needs_one(space, truth):
    labels = torch.full((500,), UNLABELED)
    labels[:30] = truth[:30]
    with pytest.raises(WrongUsage, match="learn it first: tacit learn"):
        trainer("finetune")
    train = trainer("finetune", learned=space.method, recipe=Recipe(steps=1, lr=0.0), precision="fp32", augment="none")
    theirs = list(space.method.encoder.parameters())
    for model in (train(space.pool, labels, 0), train(space.pool, labels, 1)):
        assert all(torch.equal(a, b) for a, b in zip(model.encoder[0].parameters(), theirs, strict=True))
    warm = train(space.pool, labels, 0, model)
    assert torch.equal(warm.head.weight, model.head.weight)

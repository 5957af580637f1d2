"""One suite for every strategy, and the door they share."""

import pytest
import torch
from torch import Tensor

from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.errors import BadData, UnknownName, WrongUsage
from tacit.latent.space import Space
from tacit.select import CATALOGUE, FROM_THE_START, choose
from tacit.select.settings import bind, settings, takes, use_when

EVERY = list(CATALOGUE)
REAL = [name for name in EVERY if name != "between"]  # those that ask about items of the pool
WAITING = [name for name in EVERY if name not in FROM_THE_START]
NOT_RANDOM = ["k_center", "entropy", "margin", "least_confidence"]


@pytest.fixture
def pick(open_space, softmax, middles, blobs, few_labels):
    """Run a strategy on `blobs` with a model that knows them."""

    def run(name: str, k: int = 9, labels: Tensor = few_labels, codes: Tensor = blobs, **options):
        space = open_space(codes)
        model = softmax(space, middles / 4, -middles.square().sum(1) / 8)
        return choose(name, space, labels, k, model=model, **options)

    return run


@pytest.mark.parametrize("name", REAL)
def test_k_different_items_without_an_answer_are_picked_each_with_a_reason(name, pick, few_labels):
    few_labels[12:30] = SET_ASIDE
    picks = pick(name)
    assert len(picks) == len(picks.index.unique()) == len(picks.reasons) == 9
    assert (few_labels[picks.index] == UNLABELED).all()
    assert all(len(reason) > 15 for reason in picks.reasons)
    assert picks.strategy == name and picks.note == "" and not picks.made_new
    assert picks.score is None or picks.score.shape == (9,)


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_picks_the_same(name, pick):
    one, two = pick(name, seed=5), pick(name, seed=5)
    assert torch.equal(one.index, two.index) and one.reasons == two.reasons
    if one.items is not None:
        assert torch.equal(one.items, two.items)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in NOT_RANDOM and name != "typical"])
def test_another_seed_picks_others(name, pick):
    assert not torch.equal(pick(name, seed=5).index, pick(name, seed=6).index)


@pytest.mark.parametrize("name", EVERY)
def test_choosing_changes_neither_labels_nor_codes_nor_the_model(name, open_space, softmax, blobs, few_labels):
    space = open_space(blobs)
    model = softmax(space).train()
    before = [t.clone() for t in (few_labels, space.codes, *model.parameters(), *space.method.parameters())]
    choose(name, space, few_labels, 5, model=model)
    after = [few_labels, space.codes, *model.parameters(), *space.method.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(p.grad is None for p in (*model.parameters(), *space.method.parameters()))
    assert model.training and model.encoder.training


@pytest.mark.parametrize("name", REAL)
def test_the_last_items_are_all_picked_and_the_shortage_is_said(name, pick, few_labels):
    few_labels[12:115] = 1
    picks = pick(name, k=50)
    assert sorted(picks.index.tolist()) == [115, 116, 117, 118, 119]
    assert picks.note == "5 of the 50 asked for: no other item is without an answer"


@pytest.mark.parametrize("name", REAL)
def test_nothing_left_to_ask_is_an_error(name, pick, few_labels):
    few_labels[12:] = SET_ASIDE
    with pytest.raises(BadData, match="every item of the pool has an answer"):
        pick(name)


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("lacking", ["labels", "classes"])
def test_typical_items_come_first_while_labels_are_missing(name, lacking, pick, few_labels):
    few_labels[:12] = UNLABELED if lacking == "labels" else 1
    picks = pick(name, seed=4)
    assert torch.equal(picks.index, pick("typical", seed=4).index)
    assert picks.strategy == "typical" and not picks.made_new
    assert picks.note.startswith(f"{name} needs labels of at least two classes")
    assert all(reason.endswith("(no model to go by yet)") for reason in picks.reasons)


@pytest.mark.parametrize("name", [name for name in WAITING if takes(CATALOGUE[name], "model")])
def test_typical_items_come_first_while_the_model_is_missing(name, open_space, blobs, few_labels):
    picks = choose(name, open_space(blobs), few_labels, 9)
    assert picks.strategy == "typical" and picks.note.startswith(f"{name} needs a trained model")


@pytest.mark.parametrize("name", NOT_RANDOM)
@pytest.mark.parametrize("options", [{}, {"diverse": False}])
def test_the_order_of_the_pool_does_not_matter(name, options, pick, blobs, few_labels):
    if name == "k_center" and options:
        options = {}
    order = torch.randperm(120, generator=torch.Generator().manual_seed(8))
    straight = pick(name, **options).index
    shuffled = pick(name, codes=blobs[order], labels=few_labels[order], **options).index
    assert torch.equal(order[shuffled], straight)


@pytest.mark.parametrize("name", REAL)
def test_of_near_copies_one_is_picked_at_most(name, pick, blobs):
    generator = torch.Generator().manual_seed(1)
    exact, near = blobs[:40], blobs[:40] + 1e-6 * torch.randn(40, 4, generator=generator)
    many = blobs[100:101].repeat(40, 1)  # more copies than the graph has neighbours
    codes, labels = torch.cat([blobs, exact, near, many]), torch.full((240,), UNLABELED)
    labels[42:54] = torch.arange(12) % 3
    picks = pick(name, k=240, codes=codes, labels=labels)
    source = torch.cat([torch.arange(120), torch.arange(40), torch.arange(40), torch.full((40,), 100)])[picks.index]
    assert len(source.unique()) == len(source) == 108
    assert picks.note == "108 of the 240 asked for: 228 items have no answer yet, and the rest of them are near copies"


@pytest.mark.parametrize("name", [name for name in REAL if name != "random"])
def test_copies_of_answered_items_are_not_asked_about(name, pick, blobs, few_labels):
    codes, labels = torch.cat([blobs, blobs[:20]]), torch.cat([few_labels, torch.full((20,), UNLABELED)])
    picks = pick(name, k=140, codes=codes, labels=labels)
    assert sorted((picks.index % 120).tolist()) == list(range(12, 120))


def test_random_goes_on_asking_about_copies_so_that_labels_show_the_pool_as_it_is(pick, blobs, few_labels):
    codes, labels = torch.cat([blobs, blobs[:12]]), torch.cat([few_labels, torch.full((12,), UNLABELED)])
    assert len(pick("random", k=132, codes=codes, labels=labels)) == 120


def test_when_only_copies_of_answered_items_are_left_they_are_asked_about(pick, blobs, few_labels):
    codes = torch.cat([blobs[:12], blobs[:12], blobs[:3]])
    labels = torch.cat([few_labels[:12], torch.full((15,), UNLABELED)])
    assert sorted(pick("k_center", k=30, codes=codes, labels=labels).index.tolist()) == list(range(12, 24))


@pytest.mark.parametrize("name", EVERY)
def test_a_pool_of_a_few_items_is_no_problem(name, pick, blobs):
    labels = torch.tensor([0, 1, UNLABELED])
    assert len(pick(name, k=1, codes=blobs[:3], labels=labels)) == 1


@pytest.mark.parametrize("name", EVERY)
def test_a_strategy_says_when_to_use_it_and_what_can_be_set(name, pick):
    assert use_when(CATALOGUE[name]).startswith(("you ", "there ", "the "))
    assert set(pick(name).options) == set(settings(CATALOGUE[name]))


def test_settings_are_recorded_and_text_is_converted(pick):
    picks = pick("uphill", step="2", metric="active")
    assert picks.options == {"step": 2.0, "metric": "active"}
    assert torch.equal(picks.index, pick("uphill", step=2.0, metric="active").index)
    assert bind("margin", CATALOGUE["margin"], {"diverse": "no"}) == {"diverse": False, "shortlist": 10}


def test_a_misspelt_strategy_is_answered_with_the_nearest(pick):
    with pytest.raises(UnknownName, match=r"no strategy called 'entorpy'\n  did you mean: entropy\?"):
        pick("entorpy")


def test_all_unknown_settings_are_named_at_once(pick):
    with pytest.raises(UnknownName, match=r"(?s)--stepp +did you mean --step\?.*--metrc +did you mean --metric\?"):
        pick("uphill", stepp=1, metrc="plain")
    with pytest.raises(UnknownName, match="random has no settings; it was given --step"):
        pick("random", step=1)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("uphill", {"metric": 3}, "--metric is 3; it can be plain or active or whitened"),
        ("uphill", {"step": "far"}, "--step  needs a number, not 'far'"),
        ("margin", {"diverse": "maybe"}, "--diverse  needs yes or no, not 'maybe'"),
        ("margin", {"shortlist": "0"}, "--shortlist is 0; it counts something, so 1 is the least"),
        ("typical", {"groups": "2.5"}, "--groups  needs a whole number, not '2.5'"),
    ],
)
def test_values_that_do_not_fit_are_refused(name, options, said, pick):
    with pytest.raises(WrongUsage) as error:
        pick(name, **options)
    assert said in str(error.value)


def test_at_least_one_item_and_one_label_an_item(pick, few_labels):
    with pytest.raises(WrongUsage, match="-k is 0"):
        pick("random", k=0)
    with pytest.raises(WrongUsage, match=r"labels have shape \(7,\)"):
        pick("random", labels=few_labels[:7])


@pytest.mark.parametrize("name", ["uphill", "between"])
def test_a_space_without_a_decoder_is_refused_even_before_the_first_label(name, open_space, blobs):
    space = Space(blobs, open_space(blobs).pool)
    with pytest.raises(WrongUsage, match="a space that can decode"):
        choose(name, space, torch.full((120,), UNLABELED), 5)


def test_a_model_without_class_probabilities_is_refused(open_space, blobs, few_labels):
    space = open_space(blobs)
    with pytest.raises(WrongUsage, match="margin needs a model that gives class probabilities, and Identity does not"):
        choose("margin", space, few_labels, 5, model=space.method)

"""What the gradient step and the two ways of turning it into items promise, then what the strategies say."""

import pytest
import torch
import torch.nn.functional as F

from tacit.data.spec import UNLABELED
from tacit.errors import NotEnoughLabels
from tacit.select import choose
from tacit.select.metric import Metric
from tacit.select.uphill import between, jitter, uphill
from tacit.select.walk import against, anywhere, decode, hardness

PLAIN = {"seed": 0, "step": 1.0, "metric": "plain"}


@pytest.fixture
def space(open_space, blobs):
    return open_space(blobs)


@pytest.fixture
def model(space, softmax, middles):
    return softmax(space, middles / 4, -middles.square().sum(1) / 8)


def test_the_step_is_parallel_to_the_analytic_gradient_and_as_long_as_alpha(space, model, few_labels):
    walk = against(model, space, few_labels, 12, seed=0, step=0.7, metric="plain")
    weight, bias = model.weight.detach().double(), model.bias.detach().double()  # the model is sure: floats round to 0
    for i, z in zip(walk.start.tolist(), walk.z, strict=True):
        p = space.codes[i]
        softmax = (weight @ p.double() + bias).softmax(0)
        gradient = weight.T @ (softmax - F.one_hot(few_labels[i], 3))
        expected = p + 0.7 * space.step * gradient / gradient.norm()
        torch.testing.assert_close(z.double(), expected, rtol=1e-4, atol=1e-4)


def test_a_small_step_raises_the_loss_and_no_step_leaves_it(space, model, few_labels):
    few_labels[:] = torch.arange(120) % 3
    walk = against(model, space, few_labels, 120, seed=0, step=0.01, metric="plain")
    before, after = (
        F.cross_entropy(model.eval().double().logits(z.double()), few_labels[walk.start], reduction="none")
        for z in (space.codes[walk.start], walk.z)
    )
    assert (after > before).float().mean() >= 0.95
    still = against(model.float(), space, few_labels, 120, seed=0, step=0.0, metric="plain")
    assert torch.equal(still.z, space.codes[still.start])


def test_weights_and_gradients_are_as_they_were_bit_by_bit(space, model, few_labels):
    parameters = [*model.parameters(), *space.method.parameters()]
    for p in parameters:
        p.grad = torch.randn_like(p)
    before = [(p.detach().clone(), p.grad.clone()) for p in parameters]
    model.train()
    hardness(model, space, space.codes[:12], few_labels[:12])
    assert all(torch.equal(p, w) and torch.equal(p.grad, g) for p, (w, g) in zip(parameters, before, strict=True))
    assert model.training and model.encoder.training


def test_dropout_is_off_while_the_gradient_is_taken(space, model, few_labels):
    model.train()
    one, two = (hardness(model, space, space.codes[:12], few_labels[:12])[0] for _ in range(2))
    assert torch.equal(one, two)


def test_gradients_of_a_batch_are_those_of_its_items_one_by_one(space, model, few_labels):
    together, right = hardness(model, space, space.codes[:12], few_labels[:12])
    alone = [hardness(model, space, space.codes[i : i + 1], few_labels[i : i + 1])[0] for i in range(12)]
    torch.testing.assert_close(together, torch.cat(alone))
    assert right == (model.eval().logits(space.codes[:12]).argmax(1) == few_labels[:12]).float().mean()


def test_without_a_step_the_nearest_item_is_the_item_itself_or_its_nearest_one_without_an_answer(space, few_labels):
    metric = Metric.of(space, "plain")
    index, far = metric.snap(space.codes[:12], torch.ones(120, dtype=torch.bool))
    assert index.tolist() == list(range(12)) and far.max() < 1e-3
    distance = torch.cdist(space.codes[:12], space.codes)
    distance[:, :12] = torch.inf
    for i in range(12):
        assert metric.snap(space.codes[i : i + 1], few_labels == UNLABELED)[0] == distance[i].argmin()


@pytest.mark.parametrize("width", [1, 3, 16])
def test_items_are_taken_one_after_the_other_and_once_each(width, space, few_labels):
    z = space.codes[:4].repeat(5, 1)
    index, far = Metric.of(space, "plain").snap(z, few_labels == UNLABELED, width=width)
    taken = set(range(12))
    for row in range(20):
        distance = (z[row] - space.codes).norm(dim=1)
        best = min((j for j in range(120) if j not in taken), key=distance.tolist().__getitem__)
        assert index[row] == best
        torch.testing.assert_close(far[row], distance[best], rtol=1e-3, atol=1e-3)
        taken.add(best)


def test_when_items_run_out_fewer_are_taken(space):
    allowed = torch.arange(120) >= 117
    assert sorted(Metric.of(space, "plain").snap(space.codes[:9], allowed)[0].tolist()) == [117, 118, 119]
    assert len(Metric.of(space, "plain").snap(space.codes[:9], torch.zeros(120, dtype=torch.bool))[0]) == 0


@pytest.mark.parametrize("name", ["uphill", "jitter"])
def test_no_item_is_asked_about_twice_in_a_run_and_every_answer_counts(name, space, model):
    truth, labels, asked = torch.arange(120) % 3, torch.full((120,), UNLABELED), 0

    def annotate(index):
        nonlocal asked
        assert (labels[index] == UNLABELED).all()
        asked += len(index)
        labels[index] = truth[index]

    annotate(choose("random", space, labels, 10, seed=1).index)
    for number in range(6):
        annotate(choose(name, space, labels, 15, model=model, seed=number).index)
        assert int((labels >= 0).sum()) == asked == 10 + 15 * (number + 1)


def test_the_same_seed_asks_the_same_questions_and_the_control_starts_from_the_same_items(space, model):
    def run(name):
        truth, labels, asked = torch.arange(120) % 3, torch.full((120,), UNLABELED), []
        for number in range(4):
            picks = choose(name if number else "random", space, labels, 10, model=model, seed=number)
            labels[picks.index] = truth[picks.index]
            asked.append(picks.index)
        return torch.cat(asked)

    assert torch.equal(run("uphill"), run("uphill"))
    assert torch.equal(run("uphill")[:10], run("random")[:10]) and not torch.equal(run("uphill"), run("random"))


def test_the_control_takes_the_same_items_and_the_same_length_of_step(space, model, few_labels):
    up, anyhow = against(model, space, few_labels, 20, **PLAIN), anywhere(space, few_labels, 20, **PLAIN)
    assert torch.equal(up.start, anyhow.start)
    for walk in (up, anyhow):
        length = (walk.z - space.codes[walk.start]).norm(dim=1)
        expected = space.step * torch.tensor([1.0] * 12 + [2.0] * 8)  # the second time round they go further
        torch.testing.assert_close(length, expected, rtol=1e-3, atol=1e-4)


def test_few_labeled_items_take_turns(space, few_labels):
    start = anywhere(space, few_labels, 30, **PLAIN).start
    assert set(start.bincount().tolist()) == {2, 3} and len(start[:12].unique()) == 12


def test_new_items_without_a_step_are_the_decoded_codes(space, model, few_labels):
    picks = between(space, few_labels, 12, model=model, step=0.0)
    assert picks.made_new and torch.equal(picks.items, decode(space, space.codes[picks.index]))
    assert (few_labels[picks.index] >= 0).all()


def test_no_two_new_items_are_the_same(space, model, few_labels):
    items = between(space, few_labels, 30, model=model).items
    assert torch.pdist(items).min() > 1e-3


def test_new_items_lie_on_the_way_to_the_nearest_real_one(space, model, few_labels):
    real = uphill(space, few_labels, 12, model=model, step=2.0).index
    at = {
        share: between(space, few_labels, 12, model=model, step=2.0, mode="toward_nn", share=share)
        for share in (0.0, 0.3, 1.0)
    }
    start = at[0.0].index
    torch.testing.assert_close(at[0.0].items, space.codes[start])
    torch.testing.assert_close(at[1.0].items, space.codes[real])
    torch.testing.assert_close(at[0.3].items, 0.7 * space.codes[start] + 0.3 * space.codes[real])


def test_the_latest_round_is_where_steps_begin(space, model, few_labels):
    known = (few_labels >= 0).nonzero().flatten()
    latest = known[:5]
    assert set(anywhere(space, few_labels, 5, latest=latest, **PLAIN).start.tolist()) == set(latest.tolist())
    unanswered = (few_labels < 0).nonzero().flatten()[:5]
    at = anywhere(space, few_labels, 5, latest=unanswered, **PLAIN).start
    assert torch.equal(at, anywhere(space, few_labels, 5, **PLAIN).start)
    assert len(uphill(space, few_labels, 5, model=model, latest=latest)) == 5


def test_where_the_loss_is_flat_the_direction_is_random_and_that_is_said(space, softmax, few_labels):
    flat = softmax(space, torch.zeros(3, 4))
    picks = uphill(space, few_labels, 6, model=flat, seed=2)
    assert torch.equal(picks.index, jitter(space, few_labels, 6, seed=2).index)
    assert picks.note.startswith("6 of 6 steps went in a random direction: the model's loss is flat there")
    assert all(reason.startswith("in a random direction from item ") for reason in picks.reasons)


def test_a_decoder_too_blurry_for_the_model_is_reported(space, softmax, few_labels):
    wrong = softmax(space, torch.zeros(3, 4), torch.tensor([0.0, 0.0, 9.0]))
    note = uphill(space, few_labels, 12, model=wrong).note
    assert "the model recognizes only 33 % of the decoded starting items" in note


def test_collapsed_dimensions_neither_move_nor_count(open_space, softmax, blobs, few_labels):
    noise = 1e-3 * torch.randn(120, 2, generator=torch.Generator().manual_seed(0))
    space = open_space(torch.cat([blobs, noise], 1))
    model = softmax(space, torch.randn(3, 6, generator=torch.Generator().manual_seed(1)))
    for name in ("active", "whitened"):
        settings = PLAIN | {"metric": name}
        up, anyhow = against(model, space, few_labels, 12, **settings), anywhere(space, few_labels, 12, **settings)
        for walk in (up, anyhow):
            moved = walk.z - space.codes[walk.start]
            assert (moved[:, 4:] == 0).all() and (moved[:, :4] != 0).all()
            length = walk.metric.steps_between(space.codes[walk.start], walk.z)
            torch.testing.assert_close(length, torch.ones(12), rtol=1e-3, atol=1e-3)
    assert (against(model, space, few_labels, 12, **PLAIN).z - space.codes[walk.start])[:, 4:].abs().min() > 0


def test_whitening_makes_the_units_of_a_dimension_meaningless(open_space, softmax, blobs, few_labels):
    units = torch.tensor([1.0, 3.0, 0.2, 5.0])
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    picks = []
    for scale in (torch.ones(4), units):
        space = open_space(blobs * scale)
        model = softmax(space, weight / scale)
        picks.append(uphill(space, few_labels, 12, model=model, metric="whitened").index)
    assert torch.equal(*picks)


def test_reasons_tell_where_an_item_comes_from_and_how_far(space, model, few_labels):
    picks = uphill(space, few_labels, 1, model=model, seed=3)
    start = int(anywhere(space, few_labels, 1, **PLAIN | {"seed": 3}).start)
    steps = (space.codes[picks.index[0]] - space.codes[start]).norm() / space.step
    who = f"item {start} (class {('ant', 'bee', 'cat')[few_labels[start]]})"
    assert picks.reasons == [f"uphill from {who}: a harder variant, {steps:.1f} steps away"]
    assert between(space, few_labels, 1, model=model, seed=3).reasons == [f"made from {who}, 1.0 steps away"]


def test_without_a_labeled_item_there_is_nowhere_to_start(space):
    with pytest.raises(NotEnoughLabels, match="no labelled item to start from"):
        jitter(space, torch.full((120,), UNLABELED), 3)

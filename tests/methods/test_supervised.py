import math

import pytest
import torch

from tacit.data.feeds import Labeled, Stream, labeled
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels
from tacit.methods.supervised import Supervised

SPEC = ItemSpec((1, 8, 8), classes=("a", "b", "c"))


def random_batch(n: int) -> Labeled:
    return Labeled(torch.rand(n, 1, 8, 8), torch.arange(n) % 3)


def test_the_loss_is_cross_entropy_with_smoothed_answers():
    method, batch = Supervised(SPEC, label_smoothing=0.1).eval(), random_batch(6)
    log_p = method.logits(batch.x).log_softmax(1).tolist()
    expected = 0.0
    for i, answer in enumerate(batch.y.tolist()):
        for k in range(3):
            target = 0.9 * (k == answer) + 0.1 / 3
            expected -= target * log_p[i][k] / 6
    assert method.loss(batch)["loss"].item() == pytest.approx(expected, rel=1e-4)


def test_accuracy_is_the_share_of_right_answers():
    method, batch = Supervised(SPEC).eval(), random_batch(9)
    guesses = method.logits(batch.x).argmax(1)
    assert method.loss(Labeled(batch.x, guesses))["accuracy"] == 1
    assert method.loss(Labeled(batch.x, (guesses + 1) % 3))["accuracy"] == 0


def test_codes_are_what_the_head_sees():
    method, x = Supervised(SPEC, dropout=0.5).eval(), torch.rand(4, 1, 8, 8)
    assert torch.equal(method.head(method.embed(x)), method.logits(x))


def test_augmentation_and_dropout_are_for_training_alone():
    method, batch = Supervised(SPEC, dropout=0.5), random_batch(6)
    assert method.loss(batch)["loss"] != method.loss(batch)["loss"]
    method.eval()
    assert method.loss(batch)["loss"] == method.loss(batch)["loss"]
    plain = Supervised(SPEC, augment="none", norm="none")
    assert plain.loss(batch)["loss"] == plain.loss(batch)["loss"]


@pytest.mark.parametrize("trunk", ["mlp", "conv", "resnet"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 1, 1)])
def test_a_batch_of_one_can_be_learned_from(trunk, shape):
    method = Supervised(ItemSpec(shape, classes=("a", "b")), trunk=trunk)
    loss = method.loss(Labeled(torch.rand(1, *shape), torch.tensor([1])))["loss"]
    loss.backward()
    assert loss.isfinite()


@pytest.mark.parametrize("classes", [(), ("only",)])
def test_fewer_than_two_classes_are_refused_in_a_sentence(classes):
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        Supervised(SPEC.with_classes(classes))


def test_it_starts_at_chance():
    torch.manual_seed(0)
    loss = Supervised(SPEC).loss(random_batch(90))["loss"].item()
    assert loss == pytest.approx(math.log(3), abs=0.3)


def test_it_learns_digits_from_100_answers(digits_pool, digits):
    torch.manual_seed(0)
    answers = torch.from_numpy(digits[1])
    labels = torch.full((len(answers),), -1)
    labels[:100] = answers[:100]
    method = Supervised(digits_pool.spec, width=16)
    optimizer = torch.optim.AdamW(method.parameters(), method.recipe.lr, fused=True)
    for _, batch in zip(range(120), labeled(digits_pool, labels, 50, Stream()), strict=False):
        loss = method.loss(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = method.eval().logits(digits_pool.floats(slice(100, None))).argmax(1) == answers[100:]
    assert right.float().mean() > 0.8

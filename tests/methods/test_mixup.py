import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Labeled, Stream, labeled
from tacit.data.mixing import mixup
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods import build
from tacit.methods.mixup import MixUp
from tacit.methods.simclr import SimCLR
from tacit.methods.supervised import Supervised

SPEC = ItemSpec((1, 8, 8), classes=("a", "b", "c"))


def some(b: int = 6) -> Labeled:
    torch.manual_seed(0)
    return Labeled(torch.rand(b, 1, 8, 8), torch.arange(b) % 3)


def made(**options) -> MixUp:
    torch.manual_seed(0)
    return MixUp(SPEC, width=4, **options)


def test_the_loss_is_the_cross_entropy_of_mixtures_with_mixed_answers():
    method, batch = made(augment="none", norm="none"), some()
    torch.manual_seed(1)
    loss = method.loss(batch)["loss"]
    torch.manual_seed(1)
    x, p = mixup(batch.x, F.one_hot(batch.y, 3).float(), 1.0)
    assert p.amax(1).min() >= 0.5 and not torch.equal(x, batch.x)
    log_p = method.logits(x).log_softmax(1).tolist()
    expected = -sum(p[i, k].item() * log_p[i][k] for i in range(6) for k in range(3)) / 6
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_accuracy_is_that_of_the_item_with_the_larger_share():
    method, batch = made(augment="none", norm="none"), some(9)
    torch.manual_seed(1)
    x, _ = mixup(batch.x, F.one_hot(batch.y, 3).float(), 1.0)
    guesses = method.logits(x).argmax(1)
    for y, wanted in ((guesses, 1.0), ((guesses + 1) % 3, 0.0)):
        torch.manual_seed(1)
        assert method.loss(Labeled(batch.x, y))["accuracy"] == wanted


def test_where_nothing_is_mixed_it_is_supervised():
    batch = some()
    torch.manual_seed(0)
    supervised = Supervised(SPEC, width=4, label_smoothing=0.0)
    method = made(alpha=0.0)
    losses = []
    for each in (method, supervised):
        torch.manual_seed(1)
        losses.append(each.loss(batch)["loss"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_mixing_and_changes_are_for_training_alone():
    method, batch = made(norm="none"), some()
    assert method.loss(batch)["loss"] != method.loss(batch)["loss"]
    plain = F.cross_entropy(method.eval().logits(batch.x), batch.y)
    assert method.loss(batch)["loss"].item() == pytest.approx(plain.item(), rel=1e-5)


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="alpha is -1"):
        MixUp(SPEC, alpha=-1.0)
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        MixUp(SPEC.with_classes(("only",)))


def test_it_begins_with_a_learned_trunk():
    learned = SimCLR(SPEC.with_classes(()), width=6).eval()
    method = build("mixup", SPEC, **MixUp.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(method.eval().embed(x), learned.encoder(x))


def test_it_learns_digits_and_is_less_sure_of_them_than_without_mixing(digits_pool, digits):
    answers = torch.from_numpy(digits[1])
    labels = torch.full((len(answers),), -1)
    labels[:100] = answers[:100]
    confidence = {}
    for alpha in (0.0, 1.0):
        torch.manual_seed(0)
        method = MixUp(digits_pool.spec, width=8, alpha=alpha)
        optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
        for _, batch in zip(range(100), labeled(digits_pool, labels, 32, Stream()), strict=False):
            loss = method.loss(batch)["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            p = method.eval().logits(digits_pool.floats(slice(1000, None))).softmax(1)
        assert (p.argmax(1) == answers[1000:]).float().mean() > 0.75
        confidence[alpha] = p.amax(1).mean()
    assert confidence[1.0] < confidence[0.0] - 0.1

import math

import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Semi, Stream, semi
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods import build
from tacit.methods.pseudo_label import PseudoLabel
from tacit.methods.simclr import SimCLR

SPEC = ItemSpec((1, 8, 8), classes=("a", "b", "c"))


def some(b: int = 6) -> Semi:
    torch.manual_seed(0)
    return Semi(torch.rand(b, 1, 8, 8), torch.arange(b) % 3, torch.rand(b, 1, 8, 8))


def made(**options) -> PseudoLabel:
    """One whose guesses are of many degrees of confidence."""
    torch.manual_seed(0)
    method = PseudoLabel(SPEC, width=4, **options)
    with torch.no_grad():
        method.head.weight.mul_(20)
    return method


@pytest.mark.parametrize("counted", [0, 2, 6])
def test_the_loss_is_the_formula_spelled_out(counted):
    method, batch = made().eval(), some()
    method.after_step(0.2)  # half way up
    log_p, guesses = (method.logits(each).log_softmax(1).tolist() for each in (batch.x, batch.u))
    surest = sorted((math.exp(max(row)) for row in guesses), reverse=True)
    method.threshold = (surest[counted - 1 : counted] or [1.0])[0] - 1e-6  # so many guesses reach it
    labeled = -sum(row[y] for row, y in zip(log_p, batch.y.tolist(), strict=True)) / 6
    unlabeled = -sum(math.log(p) for p in surest[:counted]) / 6
    terms = method.loss(batch)
    assert terms["labeled"].item() == pytest.approx(labeled, rel=1e-4)
    assert terms["unlabeled"].item() == pytest.approx(unlabeled, rel=1e-3, abs=1e-6)
    assert terms["sure"].item() == pytest.approx(counted / 6)
    assert terms["loss"].item() == pytest.approx(labeled + 0.5 * unlabeled, rel=1e-4)


def test_no_gradient_goes_through_the_guess():
    method, batch = made(threshold=0.0).eval(), some()
    method.after_step(1.0)
    found = torch.autograd.grad(method.loss(batch)["loss"], list(method.parameters()))
    fixed = method.logits(batch.u).argmax(1)
    loss = F.cross_entropy(method.logits(batch.x), batch.y) + F.cross_entropy(method.logits(batch.u), fixed)
    for one, other in zip(found, torch.autograd.grad(loss, list(method.parameters())), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_the_weight_rises_and_stays():
    method, found = made(unlabeled_weight=3.0, ramp=0.4), []
    for progress in (0.0, 0.1, 0.2, 0.4, 1.0):
        method.after_step(progress)
        found.append(method.weight.value.item())
    assert found == pytest.approx([0.0, 0.75, 1.5, 3.0, 3.0])


def test_before_the_first_step_and_without_weight_it_is_a_supervised_classifier():
    batch = some()
    for method in (made().eval(), made(unlabeled_weight=0.0, ramp=0.0).eval()):
        plain = F.cross_entropy(method.logits(batch.x), batch.y)
        assert method.loss(batch)["loss"].item() == pytest.approx(plain.item(), rel=1e-5)


def test_both_halves_go_through_one_forward():
    method, seen = made(), []
    method.encoder.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    method.loss(some(5))
    assert seen == [10]


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_a_threshold_is_a_confidence(threshold):
    with pytest.raises(WrongUsage, match="expected a confidence from 0 to 1"):
        PseudoLabel(SPEC, threshold=threshold)


def test_one_class_is_no_classifier():
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        PseudoLabel(SPEC.with_classes(("only",)))


def test_it_begins_with_a_learned_trunk():
    learned = SimCLR(SPEC.with_classes(()), width=6).eval()
    method = build("pseudo_label", SPEC, **PseudoLabel.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(method.eval().embed(x), learned.encoder(x))


def test_it_learns_digits_and_becomes_sure_of_many(digits_pool, digits):
    torch.manual_seed(0)
    answers = torch.from_numpy(digits[1])
    labels = torch.full((len(answers),), -1)
    labels[:100] = answers[:100]
    method = PseudoLabel(digits_pool.spec, width=8, threshold=0.8)
    optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
    sure = []
    for step, batch in zip(range(100), semi(digits_pool, labels, 32, Stream()), strict=False):
        terms = method.loss(batch)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        method.after_step((step + 1) / 100)
        sure.append(terms["sure"].item())
    with torch.no_grad():
        right = method.eval().logits(digits_pool.floats(slice(1000, None))).argmax(1) == answers[1000:]
    assert sure[0] < 0.1 < 0.5 < sum(sure[-10:]) / 10
    assert right.float().mean() > 0.75

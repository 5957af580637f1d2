import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Semi
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.fixmatch import FixMatch
from tacit.methods.simclr import SimCLR

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))


def built(**options) -> FixMatch:
    torch.manual_seed(0)
    return FixMatch(SPEC, **{"width": 4, "norm": "group", **options})


def batch() -> Semi:
    torch.manual_seed(1)
    return Semi(torch.rand(3, *SPEC.shape), torch.arange(3), torch.rand(12, *SPEC.shape))


@pytest.mark.parametrize("threshold", [0.0, 0.34, 1.0])
def test_the_loss_is_the_literal_one(threshold):
    """Eq. 3 and 4, item by item, in evaluation mode: nothing is changed at random."""
    method, b = built(threshold=threshold).eval(), batch()
    unlabeled = 0.0
    for u in b.u:
        logits = method.logits(u[None])
        sure, answer = logits.softmax(1).max(1)
        if sure >= threshold:
            unlabeled += F.cross_entropy(logits, answer).item() / 12
    labeled = F.cross_entropy(method.logits(b.x), b.y).item()
    terms = method.loss(b)
    assert terms["unlabeled"].item() == pytest.approx(unlabeled, rel=1e-5)
    assert terms["loss"].item() == pytest.approx(labeled + unlabeled, rel=1e-5)


def test_the_guess_is_of_the_small_change_and_the_gradient_of_the_large_one():
    method, b = built(threshold=0.0).train(), batch()
    seen = []
    method.encoder.register_forward_pre_hook(lambda _, given: seen.append((given[0], torch.is_grad_enabled())))
    method.loss(b)
    (weak, with_gradient), (both, _) = seen
    assert not with_gradient and len(weak) == 12 and len(both) == 15
    assert (weak - b.u).abs().mean() < (both[3:] - b.u).abs().mean()


def test_no_gradient_where_no_guess_is_sure():
    method, b = built(threshold=1.0), batch()
    alone, whole = built(threshold=1.0, unlabeled_weight=0.0), method
    for each in (alone, whole):
        torch.manual_seed(3)
        each.loss(b)["loss"].backward()
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(alone.parameters(), whole.parameters(), strict=True))


def test_aligned_guesses_are_those_of_the_alignment():
    b, plain, even = batch(), built().eval(), built(align="even").eval()
    p = plain.guess(b)
    guessed = torch.full((3,), 1 / 3).lerp(p.mean(0), 0.01)
    by_hand = p / 3 / guessed
    assert torch.allclose(even.guess(b), by_hand / by_hand.sum(1, keepdim=True), atol=1e-6)


def test_running_statistics_do_not_follow_guesses():
    method, b = built(norm="batch").train(), batch()
    before = {name: value.clone() for name, value in method.named_buffers() if "running" in name}
    method.guess(b)
    assert all(torch.equal(value, method.get_buffer(name)) for name, value in before.items())


def test_views_show_both_changes():
    b = batch()
    small, large = built().views(b.u).unbind(1)
    assert (small - b.u).abs().mean() < (large - b.u).abs().mean()


def test_it_begins_with_a_learned_trunk():
    torch.manual_seed(2)
    learned = SimCLR(SPEC.with_classes(()), width=8, norm="group")
    method = FixMatch(SPEC, **FixMatch.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, *SPEC.shape)
    assert torch.equal(method.embed(x), learned.encoder(x))


@pytest.mark.parametrize(("options", "said"), [({"threshold": 1.5}, "threshold"), ({"cutout": -0.1}, "cutout")])
def test_settings_without_sense_are_sentences(options, said):
    with pytest.raises(WrongUsage, match=said):
        built(**options)

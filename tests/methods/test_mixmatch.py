import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Semi
from tacit.data.mixing import mixup
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods.mixmatch import MixMatch
from tacit.methods.simclr import SimCLR
from tacit.objectives.consistency import sharpen

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))


def built(**options) -> MixMatch:
    torch.manual_seed(0)
    return MixMatch(SPEC, **{"width": 4, "augment": "none", "norm": "group", **options})


def batch(n=6) -> Semi:
    torch.manual_seed(1)
    return Semi(torch.rand(n, *SPEC.shape), torch.arange(n) % 3, torch.rand(n, *SPEC.shape))


def at_the_end(method: MixMatch) -> MixMatch:
    method.after_step(1.0)
    return method


def test_the_loss_is_the_literal_one():
    """Guess, sharpen, mix, cross entropy and squared error (eq. 2 to 5), item by item. No batch statistics."""
    method, b = at_the_end(built()), batch()
    guess = sharpen(torch.stack([method.logits(u[None])[0].softmax(0) for u in b.u]).detach(), 0.5)
    everything = torch.cat([b.x, b.u, b.u])
    targets = torch.cat([F.one_hot(b.y, 3).float(), guess, guess])
    torch.manual_seed(5)
    x, p = mixup(everything, targets, 0.75)
    labeled = unlabeled = 0.0
    for i in range(18):
        q = method.logits(x[i : i + 1])[0].softmax(0)
        if i < 6:
            labeled -= (p[i] * q.log()).sum() / 6
        else:
            unlabeled += ((p[i] - q) ** 2).sum() / (3 * 12)
    torch.manual_seed(5)
    terms = method.loss(b)
    assert terms["labeled"].item() == pytest.approx(labeled.item(), rel=1e-4)
    assert terms["unlabeled"].item() == pytest.approx(unlabeled.item(), rel=1e-4)
    assert terms["loss"].item() == pytest.approx((labeled + 75 * unlabeled).item(), rel=1e-4)


def test_without_mixing_and_weight_it_is_the_cross_entropy_of_labeled_items():
    method, b = at_the_end(built(alpha=0.0, unlabeled_weight=0.0)), batch()
    expected = F.cross_entropy(method.logits(b.x), b.y)
    assert method.loss(b)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.125, 37.5), (0.25, 75.0), (1.0, 75.0)])
def test_the_weight_rises_over_a_quarter_of_the_training(progress, weight):
    method = built()
    method.after_step(progress)
    assert method.weight.value.item() == pytest.approx(weight)


def test_it_begins_with_a_learned_trunk():
    torch.manual_seed(2)
    learned = SimCLR(SPEC.with_classes(()), width=8, norm="group")
    method = MixMatch(SPEC, **MixMatch.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, *SPEC.shape)
    assert torch.equal(method.embed(x), learned.encoder(x))
    other = SimCLR(ItemSpec((1, 16, 16)), width=8)
    with pytest.raises(WrongUsage, match="of shape"):
        method.take_over(other)


def test_settings_without_sense_are_sentences():
    for options, said in (({"copies": 0}, "copies"), ({"temperature": 0.0}, "temperature"), ({"alpha": -1.0}, "alpha")):
        with pytest.raises(WrongUsage, match=said if said != "copies" else "a guess needs"):
            built(**options)
    with pytest.raises(NotEnoughLabels, match="two classes"):
        MixMatch(ItemSpec((1, 12, 12), classes=("a",)))

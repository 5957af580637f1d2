"""The parts of MixMatch that EnAET has too, on a MixMatch."""

import pytest
import torch

from tacit.data.feeds import Semi
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.guessing import check_guessing, dealt_logits, guessed
from tacit.methods.mixmatch import MixMatch
from tacit.objectives.consistency import sharpen

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))


def built(**options) -> MixMatch:
    torch.manual_seed(0)
    return MixMatch(SPEC, **{"width": 4, "augment": "none", "norm": "group", **options})


def batch(n=6) -> Semi:
    torch.manual_seed(1)
    return Semi(torch.rand(n, *SPEC.shape), torch.arange(n) % 3, torch.rand(n, *SPEC.shape))


def test_equal_copies_give_the_guess_of_one():
    b = batch()
    one, three = built(copies=1), built(copies=3)
    assert torch.allclose(guessed(one, b.u, 1, 0.5), guessed(three, b.u.repeat(3, 1, 1, 1), 3, 0.5), atol=1e-6)


def test_probabilities_are_averaged_before_they_are_sharpened():
    method, b = built(), batch()
    copies = torch.cat([b.u, b.u.flip(3)])
    p = method.logits(copies).softmax(1)
    assert torch.allclose(guessed(method, copies, 2, 0.5), sharpen((p[:6] + p[6:]) / 2, 0.5), atol=1e-6)


def test_no_gradient_goes_through_a_guess_and_no_running_statistic_follows_it():
    method, b = built(norm="batch"), batch()
    before = {name: value.clone() for name, value in method.named_buffers() if "running" in name}
    assert not guessed(method, torch.cat([b.u, b.u]), 2, 0.5).requires_grad
    assert all(torch.equal(value, method.get_buffer(name)) for name, value in before.items())


def test_running_statistics_follow_the_first_of_the_dealt_batches_alone():
    method, b = built(norm="batch", alpha=0.0), batch()
    by_hand = built(norm="batch")
    x = torch.cat([b.x, b.u, b.u])
    first = torch.cat([b.x[:2], b.u[2:4], b.u[4:]])  # two of each source
    dealt_logits(method, x, 3)
    by_hand.logits(first)
    for name, value in by_hand.named_buffers():
        if "running" in name:
            assert torch.allclose(value, method.get_buffer(name), atol=1e-6), name


def test_logits_come_back_in_the_order_of_the_items():
    method, b = built(), batch()
    x = torch.cat([b.x, b.u, b.u])
    assert torch.allclose(dealt_logits(method, x, 3), method.logits(x), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [((0, 0.5, 0.75), "a guess needs"), ((2, 0.0, 0.75), "temperature"), ((2, 0.5, -1.0), "alpha")],
)
def test_settings_that_make_no_guess_are_sentences(settings, said):
    with pytest.raises(WrongUsage, match=said):
        check_guessing(*settings)

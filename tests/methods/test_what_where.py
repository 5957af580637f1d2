"""The classifier that draws: what its weights do, what labels reach, and what it can begin with."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tacit.data.feeds import Semi
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.engine.fit import fit
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods import build
from tacit.methods.method import Recipe
from tacit.methods.what_where import nll

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))


def made(name="what_where", spec=SPEC, **options):
    torch.manual_seed(0)
    if name == "what_where":
        options = {"augment": "none", **options}
    return build(name, spec, **{"width": 4, **options})


def batch(n=6, m=9):
    torch.manual_seed(1)
    return Semi(torch.rand(n, *SPEC.shape), torch.arange(n) % 3, torch.rand(m, *SPEC.shape))


def test_the_loss_is_the_paper_s_sum_spelled_out():
    method, given = made(l2rec=0.5, l2m=2.0).eval(), batch()
    x = torch.cat([given.x, given.u])
    found = method.encoder.levels(x)
    drawn = method.decoder(found, method.encoder.code(found))
    wrong = -method.logits(given.x).log_softmax(1)[torch.arange(6), given.y].mean()
    rec = sum((a - b).square().sum() for a, b in zip(drawn.x, x, strict=True)) / x.numel()
    middle = (drawn.states[0] - found[0].what).square().sum() / found[0].what.numel()
    terms = method.loss(given)
    assert terms["loss"].item() == pytest.approx((wrong + 0.5 * rec + 2.0 * middle).item(), rel=1e-5)
    assert terms["l2rec"].item() == pytest.approx(rec.item(), rel=1e-5)


def test_without_weights_it_is_a_plain_classifier_and_the_other_items_do_not_matter():
    method, given = made(l2rec=0, l2m=0).eval(), batch()
    terms = method.loss(given)
    assert set(terms) == {"loss", "labeled"}
    assert terms["loss"].item() == pytest.approx(F.cross_entropy(method.logits(given.x), given.y).item(), rel=1e-5)
    assert torch.equal(terms["loss"], method.loss(given._replace(u=torch.rand(2, *SPEC.shape)))["loss"])


def test_without_weights_it_trains_to_the_weights_of_a_plain_network(digits):
    pool = Pool(ItemSpec((1, 8, 8), classes=tuple("0123456789")), digits[0][:200])
    labels = torch.from_numpy(digits[1][:200])
    recipe = Recipe(steps=5, batch=20, lr=1e-2)
    method = made(spec=pool.spec, l2rec=0, l2m=0)
    plain = nn.Sequential(
        *[nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU()],
        *[nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(32, 10)],
    )
    weights = [p for part in (method.encoder, method.head) for p in part.parameters()]
    for a, b in zip(plain.parameters(), weights, strict=True):
        a.data.copy_(b)
    fit(method, pool, labels, recipe=recipe, device="cpu", precision="fp32")

    class Plain(type(method)):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.spec, self.net = pool.spec, plain

        def loss(self, given):
            return {"loss": F.cross_entropy(self.net(given.x), given.y)}

    fit(Plain(), pool, labels, recipe=recipe, device="cpu", precision="fp32")
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(weights, plain.parameters(), strict=True))


def test_items_without_answers_reach_the_errors_and_not_the_cross_entropy():
    method, given = made().eval(), batch()
    other = given._replace(u=torch.rand(9, *SPEC.shape))
    one, two = method.loss(given), method.loss(other)
    assert torch.allclose(one["labeled"], two["labeled"]) and one["l2rec"] != two["l2rec"]
    alone = made(unlabeled=False).eval()
    assert torch.equal(alone.loss(given)["loss"], alone.loss(other)["loss"])


def test_a_batch_without_answers_has_no_cross_entropy():
    method, given = made(), batch(0)
    for without in (given, batch()._replace(y=torch.full((6,), UNLABELED))):
        terms = method.loss(without)
        assert terms["labeled"] == 0 and terms["loss"].isfinite() and terms["l2rec"] > 0
    logits, y = torch.randn(3, 4), torch.tensor([2, UNLABELED, 0])
    assert torch.allclose(nll(logits, y), F.cross_entropy(logits[[0, 2]], y[[0, 2]]))


def test_targets_that_are_detached_do_not_move_the_encoder():
    moved = []
    for detach in (False, True):
        method = made("what_where_autoencoder", l2rec=1e-12, detach_targets=detach, where="none")
        terms = method.loss(batch().u)
        terms["l2m"].backward()
        moved.append(method.encoder.blocks[0][0].weight.grad.clone())
    assert not torch.allclose(*moved)
    assert moved[1].any()  # through the decoder, whose state comes from the encoder


@pytest.mark.parametrize("where", ["hard", "soft"])
def test_sixteen_items_can_be_learned_by_heart(where, digits):
    x = torch.from_numpy(digits[0][:16]).float() / 255
    method = made("what_where_autoencoder", ItemSpec((1, 8, 8)), width=16, where=where, l2m=0.0)
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    for _ in range(400):
        error = method.loss(x)["loss"]
        if error < 1e-3:
            break
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert error < 1e-3


def test_the_classifier_begins_with_what_the_autoencoder_learned():
    learned = made("what_where_autoencoder", SPEC.with_classes(()), where="soft", beta=50.0, features=7)
    options = type(made()).options_of(learned)
    assert options == {"net": "auto", "width": 4, "where": "soft", "beta": 50.0, "norm": "none", "features": 7}
    torch.manual_seed(1)
    begun = build("what_where", SPEC, **options)
    begun.take_over(learned)
    x = torch.rand(4, *SPEC.shape)
    assert torch.equal(begun.embed(x), learned.embed(x))
    for a, b in zip(begun.decoder.parameters(), learned.decoder.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_beginning_that_does_not_fit_is_a_sentence():
    learned = made("what_where_autoencoder", SPEC.with_classes(()))
    with pytest.raises(WrongUsage, match="leave out --width"):
        made(width=8).take_over(learned)
    with pytest.raises(WrongUsage, match="other pictures"):
        made(spec=ItemSpec((1, 16, 16), classes=SPEC.classes)).take_over(learned)
    simclr = build("simclr", SPEC)
    with pytest.raises(WrongUsage, match="tacit learn what_where_autoencoder"):
        made().take_over(simclr)
    with pytest.raises(WrongUsage, match="no trunk that a classifier could begin with"):
        build("mixmatch", SPEC).take_over(learned)


def test_what_it_cannot_do_is_a_sentence():
    with pytest.raises(NotEnoughLabels):
        made(spec=SPEC.with_classes(()))
    with pytest.raises(WrongUsage, match="--l2rec 1"):
        made(l2rec=-1)
    with pytest.raises(WrongUsage, match="expected above 0"):
        made("what_where_autoencoder", l2rec=0)
    for spec in (ItemSpec((5,), "vector", SPEC.classes), ItemSpec((1, 800), "sound", SPEC.classes, rate=8000)):
        with pytest.raises(WrongUsage, match="tacit train mixmatch"):
            build("what_where", spec)

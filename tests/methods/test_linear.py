import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Labeled
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.linear import Linear
from tacit.methods.method import Method, Recipe
from tacit.methods.rotation import Rotation
from tacit.methods.simclr import SimCLR

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))
BARE = SPEC.with_classes(())
CPU = Device(torch.device("cpu"), bf16=False, onednn=False)


def learned(cls: type[Method] = SimCLR, **options) -> Method:
    """A method after a step that moved its running statistics too."""
    torch.manual_seed(0)
    method = cls(BARE, **{"width": 4, **options})
    with torch.no_grad():
        method.loss(torch.rand(16, *SPEC.shape))
    return method.eval()


def standing_on(method: Method, **options) -> Linear:
    begun = Linear(SPEC, **{**Linear.options_of(method), **options})
    begun.take_over(method)
    return begun


def pool(n: int = 30) -> Pool:
    return Pool(SPEC, np.random.default_rng(0).integers(0, 256, (n, *SPEC.shape), dtype=np.uint8))


def test_it_reads_the_codes_of_the_learner_standardized_by_the_pool():
    method, items = learned(), pool()
    begun = standing_on(method)
    begun.remember(items)
    codes = method.encoder(items.floats(slice(None))).detach().double()
    spread = codes.std(0, correction=0)
    expected = (codes - codes.mean(0)) / torch.where(spread > 1e-6, spread, 1.0)
    assert torch.allclose(begun.embed(items.floats(slice(None))).double(), expected, atol=1e-4)
    assert spread.min() < 1e-6 or torch.allclose(expected.std(0, correction=0), torch.ones_like(spread))


def test_items_in_parts_have_the_statistics_of_all(monkeypatch):
    whole, parts = standing_on(learned()), standing_on(learned())
    whole.remember(pool())
    monkeypatch.setattr("tacit.methods.linear.AT_ONCE", 7)
    parts.remember(pool())
    assert torch.allclose(whole.center, parts.center, atol=1e-6) and torch.allclose(whole.scale, parts.scale, atol=1e-5)
    assert parts.seen == 30


def test_the_loss_is_the_cross_entropy_of_one_linear_layer_and_begins_at_chance():
    begun, items = standing_on(learned()), pool()
    begun.remember(items)
    batch = Labeled(items.floats(slice(0, 6)), torch.arange(6) % 3)
    assert begun.loss(batch)["loss"].item() == pytest.approx(math.log(3))
    torch.nn.init.normal_(begun.head.weight)
    logits = begun.embed(batch.x) @ begun.head.weight.T + begun.head.bias
    assert begun.loss(batch)["loss"].item() == pytest.approx(F.cross_entropy(logits, batch.y).item(), rel=1e-5)


@pytest.mark.parametrize("augment", ["none", "light"])
def test_training_moves_the_layer_and_nothing_of_the_encoder(augment):
    method, items = learned(), pool()
    begun = standing_on(method, augment=augment)
    head = begun.head.weight.clone()
    labels = torch.arange(30) % 3
    fit(begun, items, labels, recipe=Recipe(steps=5, batch=10, optimizer="adamw", weight_decay=0.1), device=CPU)
    assert not torch.equal(begun.head.weight, head) and begun.seen == 30
    assert all(not p.requires_grad for p in begun.encoder.parameters())
    for name, value in method.encoder.state_dict().items():
        assert torch.equal(begun.encoder.state_dict()[name], value), name


def test_the_encoder_stays_in_evaluation_mode():
    begun = standing_on(learned()).train()
    assert begun.training and begun.head.training and not any(m.training for m in begun.encoder.modules())
    x = torch.rand(5, *SPEC.shape)
    assert torch.allclose(begun.embed(x)[:1], begun.embed(x[:1]), atol=1e-5), "no statistics of a batch"


def test_it_reads_the_layer_that_the_learner_has_its_codes_from():
    method, x = learned(Rotation), torch.rand(4, *SPEC.shape)
    assert standing_on(method).layer == "map.2"
    assert torch.allclose(standing_on(method).embed(x), method.embed(x), atol=1e-6)
    assert torch.allclose(standing_on(method, layer="encoder").embed(x), method.encoder(x), atol=1e-6)
    with pytest.raises(UnknownName, match=r"map\.1"):
        standing_on(method, layer="map.7")


def test_the_scale_it_was_trained_on_stays():
    begun = standing_on(learned())
    begun.remember(pool())
    center = begun.center.clone()
    begun.remember(pool(9))
    assert torch.equal(begun.center, center)
    begun.take_over(learned(norm="batch"))  # another trunk, another scale
    begun.remember(pool(9))
    assert not torch.equal(begun.center, center)


def test_a_trunk_that_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="the trunk of SimCLR is another network"):
        standing_on(learned(), width=8)

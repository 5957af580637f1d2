import math

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.fit import fit
from tacit.errors import TacitError, WrongUsage
from tacit.methods.method import Recipe
from tacit.methods.simclr import SimCLR
from tacit.objectives.contrastive import nt_xent

SPEC = ItemSpec((3, 8, 8))
SMALL = {"trunk": "mlp", "width": 16, "projection_dim": 8}


def marked(views):
    """Images that say which item they are: view v of item i is filled with i / 10."""

    def see(x, generator=None):
        views.append(x.mean((1, 2, 3)))
        return x

    return see


def test_the_loss_is_nt_xent_of_two_views_of_the_same_items():
    torch.manual_seed(0)
    method = SimCLR(SPEC, **SMALL)
    seen: list[torch.Tensor] = []
    method.view = marked(seen)
    x = (torch.arange(6.0) / 10)[:, None, None, None].expand(6, 3, 8, 8).contiguous()
    terms = method.loss(x)
    assert len(seen) == 2 and torch.equal(seen[0], seen[1]), "two views of every item, in the same order"
    z = method.projector(method.encoder(torch.cat([x, x])))
    assert torch.allclose(terms["loss"], nt_xent(*z.chunk(2), 0.5), atol=1e-5)
    assert terms["chance"].item() == pytest.approx(math.log(11))


def test_views_differ_from_each_other():
    method = SimCLR(ItemSpec((3, 16, 16)), **SMALL)
    seen = method.views(torch.rand(50, 3, 16, 16))
    assert seen.shape == (50, 2, 3, 16, 16)
    assert ((seen[:, 0] - seen[:, 1]).abs().amax((1, 2, 3)) > 1e-3).float().mean() > 0.99


@pytest.mark.parametrize(("version", "layers"), [(1, 2), (2, 3)])
def test_the_projector_is_that_of_the_version(version, layers):
    method = SimCLR(SPEC, version=version, **SMALL)
    assert len(method.projector.hidden) + 1 == layers


def test_codes_come_from_the_layer_that_was_asked_for():
    torch.manual_seed(0)
    x = torch.rand(4, 3, 8, 8)
    for layer, name in ((0, "encoder"), (1, "projector.1"), (2, "projector.2")):
        torch.manual_seed(0)
        method = SimCLR(SPEC, layer=layer, **SMALL).eval()
        assert torch.equal(method.embed(x), method.layers(x)[name])
    assert list(method.layers(x)) == ["encoder", "projector.1", "projector.2", "projection"]


def test_it_learns_to_tell_items_apart():
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (64, 3, 1, 1))
    pool = Pool(SPEC, np.clip(color + rng.integers(-20, 20, (64, 3, 8, 8)), 0, 255).astype(np.uint8))
    torch.manual_seed(0)
    method = SimCLR(SPEC, color=0.0, **SMALL)
    fitted = fit(method, pool, recipe=Recipe(steps=60, batch=32, lr=3e-3))
    assert fitted.terms["loss"] < fitted.records[0]["terms"]["loss"] - 0.3
    assert fitted.records[0]["terms"]["chance"] == pytest.approx(math.log(63), abs=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 0.0}, "temperature is 0"),
        ({"version": 3}, "version of simclr"),
        ({"layer": 3}, "hidden layers 1 to 2"),
        ({"crop": 7.0}, "crop is 7"),
    ],
)
def test_settings_that_cannot_work_are_refused(options, said):
    with pytest.raises(TacitError, match=said):
        SimCLR(SPEC, **options)


@pytest.mark.parametrize(("batch", "items"), [(1, 10), (64, 10)])
def test_a_batch_without_negatives_is_refused_before_training(batch, items):
    pool = Pool(SPEC, np.zeros((items, 3, 8, 8), np.uint8))
    with pytest.raises(WrongUsage, match="--batch 5"):
        fit(SimCLR(SPEC, **SMALL), pool, recipe=Recipe(steps=2, batch=batch))

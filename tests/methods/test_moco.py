import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine import checkpoint
from tacit.engine.fit import fit
from tacit.engine.run import Run
from tacit.errors import TacitError, WrongUsage
from tacit.methods.method import Recipe
from tacit.methods.moco import MoCo
from tacit.objectives.contrastive import info_nce

SPEC = ItemSpec((3, 8, 8))
SMALL = {"trunk": "mlp", "width": 16, "projection_dim": 8, "queue": 24}


def built(**options):
    torch.manual_seed(0)
    return MoCo(SPEC, **(SMALL | options))


def same(x, generator=None):
    return x


def test_the_loss_is_info_nce_against_the_queue_before_this_batch():
    method = built(norm="none")
    method.view = same
    x = torch.rand(6, 3, 8, 8)
    before = method.queue.rows.clone()
    terms = method.loss(x)
    query = F.normalize(method.projector(method.encoder(x)), dim=1)
    key = F.normalize(method.slow.network(x), dim=1)
    assert torch.allclose(terms["loss"], info_nce(query, key, before, 0.2), atol=1e-5)
    assert terms["chance"].item() == pytest.approx(math.log(25))
    assert torch.allclose(method.queue.rows[:6], key, atol=1e-5) and torch.equal(method.queue.rows[6:], before[6:])


def test_the_symmetric_loss_is_both_directions_against_one_queue():
    method = built(norm="none", symmetric=True)
    a, b = torch.rand(5, 3, 8, 8), torch.rand(5, 3, 8, 8)
    turns = iter([a, b])
    method.view = lambda x: next(turns)
    before = method.queue.rows.clone()
    terms = method.loss(a)
    query, key = method.query, lambda x: F.normalize(method.slow.network(x), dim=1)
    both = info_nce(query(a), key(b), before, 0.2) + info_nce(query(b), key(a), before, 0.2)
    assert torch.allclose(terms["loss"], both, atol=1e-5)
    assert terms["chance"].item() == pytest.approx(2 * math.log(25)) and int(method.queue.next) == 10


def test_only_the_query_network_gets_a_gradient():
    method = built()
    method.loss(torch.rand(16, 3, 8, 8))["loss"].backward()
    for name, p in method.named_parameters():
        assert (p.grad is None) == name.startswith("slow."), name


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_the_slow_copy_follows_geometrically(momentum):
    method = built(momentum=momentum, norm="none")
    first = method.slow.network[1].last[0].weight.clone()
    with torch.no_grad():
        method.projector.last[0].weight.add_(1)
    for _ in range(3):
        method.after_step(0.5)
    fast, share = method.projector.last[0].weight, momentum**3
    assert torch.allclose(method.slow.network[1].last[0].weight, share * first + (1 - share) * fast, atol=1e-5)


def test_shuffled_keys_come_back_in_the_order_of_their_items():
    method = built(norm="none")
    x = torch.rand(16, 3, 8, 8)
    plain = method.key(x)
    method.shuffled = True
    assert torch.allclose(method.key(x), plain, atol=1e-6)


def test_shuffling_changes_keys_where_statistics_are_of_groups_alone():
    x = torch.rand(64, 3, 8, 8)
    for norm, differs in (("split", True), ("batch", False)):
        method = built(norm=norm)
        method.shuffled = False
        plain = method.key(x)
        method.shuffled = True
        assert torch.allclose(method.key(x), plain, atol=1e-4) != differs, norm


@pytest.mark.parametrize(("version", "layers", "temperature"), [(1, 1, 0.07), (2, 2, 0.2)])
def test_projector_and_temperature_are_those_of_the_version(version, layers, temperature):
    method = built(version=version)
    assert len(method.projector.hidden) + 1 == layers and method.temperature == temperature


def pool_of(n: int) -> Pool:
    return Pool(SPEC, np.random.default_rng(0).integers(0, 256, (n, 3, 8, 8), dtype=np.uint8))


def test_without_a_size_the_queue_is_a_fourth_of_a_small_pool():
    method = built(queue=None)
    fit(method, pool_of(80), recipe=Recipe(steps=3, batch=16, lr=0.01))
    assert len(method.queue) == 20
    other = built(queue=None)
    other.load_state_dict(method.state_dict())
    assert torch.equal(other.queue.rows, method.queue.rows)


def test_a_queue_larger_than_the_pool_is_refused_before_training():
    with pytest.raises(WrongUsage, match=r"24 keys is more than the 20 items.*\n  try: --queue 5"):
        fit(built(), pool_of(20), recipe=Recipe(steps=2, batch=8))


def test_a_run_goes_on_with_its_queue(tmp_path, monkeypatch):
    recipe = Recipe(steps=8, batch=16, lr=0.01)
    whole, part = built(), built()
    fit(whole, pool_of(60), recipe=recipe, seed=3)
    (tmp_path / "r").mkdir()
    run = Run(tmp_path / "r", {"method": "moco", "status": "training"})
    run.write()

    class Enough(Exception):
        pass

    def stop(record):
        if record["step"] == 5:
            raise Enough

    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", -1.0)  # a checkpoint after every step
    with pytest.raises(Enough):
        fit(part, pool_of(60), recipe=recipe, seed=3, run=run, watch=stop)
    again = built()
    fit(again, pool_of(60), recipe=recipe, seed=3, run=run)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 0.0}, "above 0"),
        ({"momentum": 1.5}, "momentum"),
        ({"queue": 0}, "queue"),
        ({"version": 4}, "version"),
    ],
)
def test_settings_that_cannot_work_are_refused(options, said):
    with pytest.raises(TacitError, match=said):
        built(**options)

import math

import pytest
import torch

from tacit.data.feeds import Stream, items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.exemplar_task import ExemplarTask
from tacit.methods.method import Recipe
from tacit.objectives.triplet import batch_hard

SPEC = ItemSpec((1, 8, 8))
KINDS = {
    "image": SPEC,
    "color": ItemSpec((3, 9, 7)),
    "vector": ItemSpec((6,), "vector"),
    "sound": ItemSpec((1, 800), "sound", rate=8000),
}


@pytest.mark.parametrize("spec", KINDS.values(), ids=KINDS.keys())
def test_a_step_sees_that_many_copies_of_each_item(spec):
    method = ExemplarTask(spec, copies=3)
    x = torch.rand(4, *spec.shape)
    seen = method.views(x)
    assert seen.shape == (4, 3, *spec.shape)
    assert not torch.equal(seen[:, 0], seen[:, 1])
    assert method.loss(x)["loss"].isfinite()


def test_copies_of_one_item_belong_together():
    method, x = ExemplarTask(SPEC, copies=2, norm="none"), torch.rand(3, 1, 8, 8)
    torch.manual_seed(0)
    loss = method.loss(x)["loss"]
    torch.manual_seed(0)
    seen = method.views(x)
    rows = torch.stack([method.projector(method.encoder(copy[None]))[0] for item in seen for copy in item])
    assert loss.item() == pytest.approx(batch_hard(rows, torch.tensor([0, 0, 1, 1, 2, 2])).item(), rel=1e-5)


def test_chance_is_the_loss_of_copies_dealt_to_other_items():
    method, x = ExemplarTask(SPEC, copies=2, norm="none"), torch.rand(3, 1, 8, 8)
    torch.manual_seed(0)
    chance = method.loss(x)["chance"]
    torch.manual_seed(0)
    rows = method.projector(method.encoder(method.views(x).flatten(0, 1)))
    assert chance.item() == pytest.approx(batch_hard(rows, torch.tensor([0, 1, 2, 0, 1, 2])).item(), rel=1e-5)
    assert not chance.requires_grad


def test_loss_and_chance_are_log_2_where_all_codes_are_one():
    method = ExemplarTask(SPEC)
    for p in method.projector.parameters():
        torch.nn.init.zeros_(p)
    terms = method.loss(torch.rand(4, 1, 8, 8))
    assert terms["loss"].item() == pytest.approx(math.log(2), abs=1e-5) == terms["chance"].item()


def test_codes_are_features_before_the_embedding():
    method, x = ExemplarTask(SPEC).eval(), torch.rand(4, 1, 8, 8)
    found = method.layers(x)
    assert list(found) == ["encoder", "projection", "map.1", "map.2"]
    assert torch.equal(found["encoder"], method.embed(x)) and found["projection"].shape == (4, 128)


@pytest.mark.parametrize("batch", [1, 2000])
def test_a_batch_that_holds_no_other_item_is_refused_before_the_first_step(digits_pool, batch):
    with pytest.raises(WrongUsage, match=f"needs 2 to 1797 different ones here, not {batch}\n  try: --batch"):
        ExemplarTask(SPEC).check(digits_pool, Recipe(batch=batch))


def test_one_copy_is_no_pair():
    with pytest.raises(WrongUsage, match="two copies of an item or more, not 1"):
        ExemplarTask(SPEC, copies=1)


def test_it_tells_digits_apart_from_copies_of_each(digits_pool):
    """The hardest pairs of random codes lie the wrong way round: loss and chance begin well above log 2."""
    torch.manual_seed(0)
    method = ExemplarTask(digits_pool.spec, copies=2, width=16, crop=0.9, blur=0.0, color=0.0)
    optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
    losses = []
    for _, x in zip(range(60), items(digits_pool, torch.empty(0), 32, Stream()), strict=False):
        terms = method.loss(x)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        losses.append(terms["loss"].item())
    assert sum(losses[-10:]) / 10 < 0.8 * terms["chance"].item()

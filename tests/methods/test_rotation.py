import math

import pytest
import torch

from tacit.data.feeds import Stream, items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.rotation import Rotation

SPEC = ItemSpec((1, 8, 8))


def test_the_loss_is_the_cross_entropy_of_all_four_turns():
    method, x = Rotation(SPEC).eval(), torch.rand(3, 1, 8, 8)
    total, right = 0.0, 0
    for item in x:
        for k in range(4):
            log_p = method.head(method.encoder(item.rot90(k, (1, 2))[None])).log_softmax(1)[0]
            total -= log_p[k].item()
            right += int(log_p.argmax() == k)
    terms = method.loss(x)
    assert terms["loss"].item() == pytest.approx(total / 12, rel=1e-4)
    assert terms["accuracy"].item() == pytest.approx(right / 12)


def test_chance_is_log_4_and_where_it_starts():
    torch.manual_seed(0)
    terms = Rotation(SPEC).loss(torch.rand(32, 1, 8, 8))
    assert terms["chance"].item() == pytest.approx(math.log(4))
    assert terms["loss"].item() == pytest.approx(math.log(4), abs=0.15)


def test_what_a_step_sees_is_one_view_turned_four_times():
    method, x = Rotation(SPEC), torch.rand(5, 1, 8, 8)
    seen = method.views(x)
    assert seen.shape == (5, 4, 1, 8, 8)
    for k in range(4):
        assert torch.equal(seen[:, k].rot90(-k, (2, 3)), seen[:, 0])  # no pixel is computed anew by turning
    assert not torch.equal(seen, method.views(x))


def test_views_are_for_training_alone():
    method, x = Rotation(SPEC, norm="none"), torch.rand(4, 1, 8, 8)
    assert method.loss(x)["loss"] != method.loss(x)["loss"]
    method.eval()
    assert method.loss(x)["loss"] == method.loss(x)["loss"]


def test_codes_are_the_layer_that_was_asked_for():
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal((method := Rotation(SPEC).eval()).embed(x), method.layers(x)["map.2"])
    assert torch.equal((method := Rotation(SPEC, layer="encoder").eval()).embed(x), method.encoder(x))
    for layer in ("encoder", "map.1"):
        assert next(iter(Rotation(SPEC, layer=layer).layers(x))) == layer


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ItemSpec((1, 8, 9)), "8 x 9 pixels\n.*--size 9 --aspect pad"),
        (ItemSpec((6,), "vector"), "vectors\n  try: tacit learn simclr"),
        (ItemSpec((1, 800), "sound", rate=8000), "sounds\n  try: tacit learn simclr"),
    ],
)
def test_items_without_quarter_turns_are_refused_in_a_sentence(spec, said):
    with pytest.raises(WrongUsage, match=said):
        Rotation(spec)


def test_it_learns_which_way_is_up_of_digits_and_stays_at_chance_on_noise(digits_pool):
    for noise in (False, True):
        torch.manual_seed(0)
        method = Rotation(digits_pool.spec, width=16, crop=1.0)
        optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
        right = []
        for _, x in zip(range(80), items(digits_pool, torch.empty(0), 24, Stream()), strict=False):
            terms = method.loss(torch.rand_like(x) if noise else x)
            optimizer.zero_grad()
            terms["loss"].backward()
            optimizer.step()
            right.append(terms["accuracy"].item())
        late = sum(right[-20:]) / 20
        assert late < 0.32 if noise else late > 0.6

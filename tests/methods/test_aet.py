import pytest
import torch

from tacit.data.families import FAMILIES, WEIGHTS, chance, transform
from tacit.data.feeds import Stream, items
from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.aet import AET

SPEC = ItemSpec((1, 8, 8))
COLOR = ItemSpec((3, 9, 12))


@pytest.mark.parametrize("spec", [SPEC, COLOR], ids=["grey", "color"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_the_mean_squared_error_of_the_numbers(family, spec):
    method, x = AET(spec, family=family, degrees=60.0).eval(), torch.rand(3, *spec.shape)
    torch.manual_seed(0)
    terms = method.loss(x)
    torch.manual_seed(0)
    ((y, target),) = transform(x, [family], 60.0)
    errors = []
    for before, after, wanted in zip(x, y, target, strict=True):
        pair = torch.cat([method.encoder(before[None]), method.encoder(after[None])], 1)
        errors += [(a - b).item() ** 2 for a, b in zip(method.decoders[family](pair)[0], wanted, strict=True)]
    assert terms["loss"].item() == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    assert terms["chance"].item() == pytest.approx(chance(family, 60.0))
    assert set(terms) == {"loss", "chance"}


def test_all_families_are_weighted_as_published():
    terms = AET(COLOR, family="all").loss(torch.rand(4, 3, 9, 12))
    published = {"projective": 1, "affine": 0.75, "similarity": 0.5, "euclidean": 0.2, "colors": 0.05}
    assert published == WEIGHTS
    assert terms["loss"].item() == pytest.approx(sum(w * terms[name].item() for name, w in published.items()), rel=1e-5)
    assert terms["chance"].item() == pytest.approx(sum(w * chance(name) for name, w in published.items()), rel=1e-5)


def test_the_decoder_sees_the_item_before_and_after():
    method = AET(SPEC, family="affine").eval()
    before, after = torch.randn(2, 5, method.encoder.out_dim, requires_grad=True).unbind(0)
    decode = method.decoders["affine"]
    assert not torch.allclose(decode(torch.cat([before, after], 1)), decode(torch.cat([after, before], 1)))
    for part in (before, after):
        (gradient,) = torch.autograd.grad(decode(torch.cat([before, after], 1)).sum(), part, retain_graph=True)
        assert gradient.any()


def test_a_step_sees_the_item_and_its_transformations():
    x = torch.rand(3, 3, 9, 12)
    assert AET(COLOR).views(x).shape == (3, 2, 3, 9, 12)
    assert AET(COLOR, family="all").views(x).shape == (3, 6, 3, 9, 12)


def test_few_degrees_turn_little():
    """A bright left half stays at the left, whatever is done to it within 30 degrees."""
    x = torch.zeros(40, 1, 8, 8)
    x[..., :4] = 1
    for family in ("projective", "affine"):
        for degrees, all_stay in ((30.0, True), (180.0, False)):
            seen = AET(SPEC, family=family, degrees=degrees, crop=1.0).views(x)[:, 1]
            stays = seen[..., :4].mean((1, 2, 3)) > seen[..., 4:].mean((1, 2, 3))
            assert bool(stays.all()) is all_stay


def test_codes_are_the_layer_that_was_asked_for():
    x = torch.rand(4, 1, 8, 8)
    method = AET(SPEC, layer="encoder").eval()
    assert torch.equal(method.embed(x), method.encoder(x)) and list(method.layers(x)) == ["encoder", "map.1", "map.2"]


@pytest.mark.parametrize("kind", ["vector", "sound"])
def test_items_that_are_no_pictures_are_refused_in_a_sentence(kind):
    spec = ItemSpec((6,), "vector") if kind == "vector" else ItemSpec((1, 800), "sound", rate=8000)
    with pytest.raises(WrongUsage, match=f"{kind}s\n  try: tacit learn simclr"):
        AET(spec)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(UnknownName, match="did you mean: projective"):
        AET(SPEC, family="perspective")
    with pytest.raises(WrongUsage, match="expected 0 to 180"):
        AET(SPEC, degrees=270.0)


def test_it_decodes_what_was_done_to_digits(digits_pool):
    torch.manual_seed(0)
    method = AET(digits_pool.spec, width=16, crop=1.0, degrees=90.0)
    optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
    losses = []
    for _, x in zip(range(80), items(digits_pool, torch.empty(0), 32, Stream()), strict=False):
        terms = method.loss(x)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        losses.append(terms["loss"].item())
    assert sum(losses[-20:]) / 20 < 0.8 * terms["chance"].item()

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tacit.data.erase import mosaic
from tacit.data.families import chance, transform
from tacit.data.feeds import Semi, Stream, semi
from tacit.data.mixing import mixup
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, UnknownName, WrongUsage
from tacit.methods.enaet import SIDE, EnAET
from tacit.methods.mixmatch import MixMatch
from tacit.methods.rotation import Rotation
from tacit.objectives.consistency import sharpen

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))
COLOR = ItemSpec((3, 12, 12), classes=("a", "b", "c"))


def built(cls=EnAET, spec=SPEC, **options):
    torch.manual_seed(0)
    return cls(spec, **{"width": 4, **options})


def batch(n: int = 6, spec: ItemSpec = SPEC) -> Semi:
    torch.manual_seed(1)
    return Semi(torch.rand(n, *spec.shape), torch.arange(n) % 3, torch.rand(n, *spec.shape))


def at_the_end(method):
    method.after_step(1.0)
    return method


def seeded_loss(method, b: Semi) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return method.loss(b)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("augment", ["none", "light"])
def test_without_weights_and_mosaic_it_is_mixmatch_exactly(norm, augment):
    options = {"norm": norm, "augment": augment}
    ours = at_the_end(built(aet_weight=0.0, kl_weight=0.0, mosaic=False, **options))
    theirs = at_the_end(built(MixMatch, **options))
    assert list(ours.state_dict()) == [*theirs.state_dict(), "aet_weight.value"]
    for _ in range(2):  # the second time with the running statistics of the first
        found, expected = seeded_loss(ours, batch()), seeded_loss(theirs, batch())
        assert set(found) == set(expected)
        assert all(torch.equal(found[name], value) for name, value in expected.items())
        found["loss"].backward()
        expected["loss"].backward()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert all(torch.equal(ours.state_dict()[name], value) for name, value in theirs.state_dict().items())


@pytest.mark.parametrize("with_mosaic", [True, False])
def test_the_loss_is_the_literal_one(with_mosaic):
    """Guess over the weak views and the mosaic, MixMatch, squared errors of decoders, divergences: item by item."""
    method, b = at_the_end(built(norm="group", augment="none", mosaic=with_mosaic)), batch(4)
    terms = seeded_loss(method, b)
    torch.manual_seed(5)
    views = [b.u, b.u, mosaic(b.u, SIDE)] if with_mosaic else [b.u, b.u]
    q = sharpen(torch.stack([method.logits(view).softmax(1) for view in views]).mean(0).detach(), 0.5)
    x, p = mixup(torch.cat([b.x, *views]), torch.cat([F.one_hot(b.y, 3).float(), *[q] * len(views)]), 0.75)
    predicted = method.logits(x).softmax(1)
    labeled = -(p[:4] * predicted[:4].log()).sum() / 4
    unlabeled = (p[4:] - predicted[4:]).square().sum() / (3 * 4 * len(views))
    weights = {"projective": 1, "affine": 0.75, "similarity": 0.5, "euclidean": 0.2, "colors": 0.05}
    changed = transform(b.u, tuple(weights), 30.0)
    aet, divergences = 0.0, []
    for (name, weight), (y, target) in zip(weights.items(), changed, strict=True):
        decoder = method.decoders[name]
        for i in range(4):
            maps = [
                method.encoder[3](method.encoder[2](method.encoder[1](method.encoder[0](v[i : i + 1]))))
                for v in (b.u, y)
            ]
            pair = torch.cat([decoder.block(h).mean((2, 3)) for h in maps], 1)
            aet += weight * (decoder.last(pair)[0] - target[i]).square().mean() / 4
    for copy in [*(y for y, _ in changed), *views[2:]]:
        for i in range(4):
            told = method.logits(copy[i : i + 1])[0].softmax(0)
            divergences.append(sum(q[i, k] * (q[i, k] / told[k]).log() for k in range(3) if q[i, k] > 0))
    kl = sum(divergences) / len(divergences)
    for name, value in (("labeled", labeled), ("unlabeled", unlabeled), ("aet", aet), ("kl", kl)):
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-3), name
    assert terms["loss"].item() == pytest.approx((labeled + 75 * unlabeled + aet + kl).item(), rel=1e-3)
    by_mean = sum(weight * chance(name, 30.0) for name, weight in weights.items())
    assert terms["aet_chance"].item() == pytest.approx(by_mean, rel=1e-5)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.05, 1.5), (0.1, 3.0), (0.5, 3.0), (1.0, 3.0)])
def test_the_weight_of_decoders_is_reached_at_a_tenth_of_the_training_and_stays(progress, weight):
    method = built(aet_weight=3.0)
    method.after_step(progress)
    assert method.aet_weight.value.item() == pytest.approx(weight)
    told = seeded_loss(built(kl_weight=0.0), batch())
    assert told["loss"].item() == pytest.approx(told["labeled"].item()), "nothing of it counts at the first step"


def test_a_decoder_sees_both_maps_and_both_learn_from_it():
    decoder = built().decoders["affine"].eval()
    before, after = torch.rand(2, 5, 4, 6, 6, requires_grad=True).unbind(0)
    assert not torch.allclose(decoder(before, after), decoder(after, before))
    for part in (before, after):
        (gradient,) = torch.autograd.grad(decoder(before, after).sum(), part)
        assert gradient.any()
    decoder(before, after.detach()).sum().backward()


def test_decoders_stand_on_early_maps_with_blocks_of_their_own():
    method = at_the_end(built(kl_weight=0.0, augment="none"))
    seeded_loss(method, batch())["aet"].backward()
    assert method.encoder[0].weight.grad.any(), "the first block of the encoder learns from them"
    last = [p for part in list(method.encoder)[method.block.start :] for p in part.parameters()]
    assert last and all(p.grad is None for p in [*last, *method.head.parameters()])
    blocks = {id(decoder.block[0].weight) for decoder in method.decoders.values()}
    assert len(blocks) == 5 and id(method.encoder[method.block.start].weight) not in blocks


def test_no_gradient_goes_through_the_guess_and_transformed_copies_move_no_running_statistics():
    method = at_the_end(built(augment="none"))
    b, q = batch(), torch.full((6, 3), 1 / 3, requires_grad=True)
    before = {name: value.clone() for name, value in method.encoder.named_buffers() if "running" in name}
    told = method.of_transformed(b.u, [mosaic(b.u, SIDE)], q)
    told["kl"].backward()
    assert q.grad is None and told["kl"] >= 0
    assert all(torch.equal(value, method.encoder.get_buffer(name)) for name, value in before.items())


def test_every_copy_goes_through_the_encoder_once():
    method, seen = at_the_end(built()), []
    method.encoder[0].register_forward_hook(lambda layer, given, out: seen.append(len(out)))
    method.loss(batch())
    guess, dealt, transformed = seen[0], seen[1:-1], seen[-1]
    assert (guess, dealt, transformed) == (3 * 6, [6] * 4, 7 * 6)
    for options, copies in (({"aet_weight": 0.0}, 6), ({"kl_weight": 0.0}, 6), ({"family": "affine"}, 3)):
        method = built(**options)
        method.encoder[0].register_forward_hook(lambda layer, given, out: seen.append(len(out)))
        method.loss(batch())
        assert seen[-1] == copies * 6, options  # without decoders no item as it was, without divergences no mosaic


@pytest.mark.parametrize("trunk", ["mlp", "conv", "resnet", "gated", "patches"])
@pytest.mark.parametrize("spec", [SPEC, COLOR], ids=["grey", "color"])
def test_decoders_find_a_place_in_every_trunk(trunk, spec):
    norm = "auto" if trunk in ("gated", "patches") else "batch"
    method = at_the_end(built(spec=spec, trunk=trunk, norm=norm, family="affine+colors"))
    assert method.degrees == (180.0 if spec is COLOR else 30.0)
    assert {name: decoder.last.out_dim for name, decoder in method.decoders.items()} == {
        "affine": 6,
        "colors": len(spec.shape) + (spec is COLOR),
    }
    terms = method.loss(batch(spec=spec))
    terms["loss"].backward()
    assert all(p.grad is not None for p in method.parameters())


def test_it_begins_with_a_learned_trunk():
    torch.manual_seed(2)
    learned = Rotation(SPEC.with_classes(()), width=8)
    method = EnAET(SPEC, **EnAET.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, *SPEC.shape)
    assert torch.equal(method.eval().embed(x), learned.eval().encoder(x))


def test_settings_without_sense_are_sentences():
    for options, said in (
        ({"copies": 0}, "a guess needs"),
        ({"temperature": 0.0}, "temperature"),
        ({"alpha": -1.0}, "alpha"),
        ({"degrees": 200.0}, "expected 0 to 180"),
    ):
        with pytest.raises(WrongUsage, match=said):
            built(**options)
    with pytest.raises(UnknownName, match="did you mean: colors"):
        built(family="affine+colours")
    with pytest.raises(WrongUsage, match="vectors\n  try: tacit train mixmatch"):
        EnAET(ItemSpec((6,), "vector", ("a", "b")))
    with pytest.raises(NotEnoughLabels, match="two classes"):
        EnAET(SPEC.with_classes(("a",)))


def test_it_decodes_what_was_done_to_digits(digits_pool, digits):
    torch.manual_seed(0)
    labels = torch.from_numpy(np.where(np.arange(1797) < 100, digits[1], -1))
    method = EnAET(digits_pool.spec, width=8, family="affine", kl_weight=0.0, mosaic=False, copies=1)
    optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
    errors = []
    for step, b in zip(range(60), semi(digits_pool, labels, 24, Stream()), strict=False):
        terms = method.loss(b)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        method.after_step(step / 60)
        errors.append(terms["aet"].item())
    assert sum(errors[-20:]) / 20 < 0.8 * terms["aet_chance"].item()

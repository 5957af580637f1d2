import math
import runpy
import subprocess
import sys

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.fit import fit
from tacit.errors import BadData, UnknownName, WrongUsage
from tacit.methods.cpc import CPC
from tacit.nn.patches import cut

SOUND, IMAGE = ItemSpec((1, 1600), "sound", rate=8000), ItemSpec((1, 12, 12))
SMALL = {"width": 8, "hidden": 6}


def clips(*samples: int, length: int = 1600) -> torch.Tensor:
    x = torch.zeros(len(samples), 1, length)
    for row, n in zip(x, samples, strict=True):
        row[0, :n] = 0.1 * torch.randn(n)
    return x


def slow_loss(method: CPC, x: torch.Tensor) -> tuple[float, int]:
    """Every frame predicts those ahead of it; each prediction chooses among all frames of all clips. In loops."""
    z, c = method.wave.frames(x), method.predictor.context(method.wave.frames(x))
    n = [max(1, int(row.nonzero().max()) + 1 if row.any() else 0) // 80 or 1 for row in x[:, 0]]
    nats = []
    for b in range(len(x)):
        for t in range(n[b]):
            for k in method.predictor.offsets:
                if t + k < n[b]:
                    prediction = method.predictor.maps[str(k)].weight @ c[b, :, t]
                    scores = [prediction @ z[a, :, s] for a in range(len(x)) for s in range(n[a])]
                    own = prediction @ z[b, :, t + k]
                    nats.append((torch.stack(scores).logsumexp(0) - own).item())
    return sum(nats) / len(nats), sum(n)


def test_the_loss_of_sounds_is_a_choice_among_all_frames_of_the_batch():
    torch.manual_seed(0)
    method, x = CPC(SOUND, **SMALL, ahead=3, negatives=0), clips(1600, 900, 130, 0)
    expected, candidates = slow_loss(method, x)
    terms = method.loss(x)
    assert terms["loss"].item() == pytest.approx(expected, abs=1e-4)
    assert candidates == 20 + 11 + 1 + 1
    assert terms["chance"].item() == pytest.approx(math.log(candidates), abs=1e-5)


def test_the_loss_of_images_is_a_choice_among_all_patches_of_the_batch(monkeypatch):
    torch.manual_seed(0)
    method, x = CPC(IMAGE, **SMALL, directions=2, negatives=0), torch.rand(3, 1, 12, 12)
    monkeypatch.setattr(method, "view", lambda x: cut(x, 4, 2))
    z = method.grid.encode(cut(x, 4, 2))  # (3, D, 5, 5)
    nats = []
    for turn, look in zip((0, 2), method.predictor.looks, strict=True):
        turned = z.rot90(turn, (2, 3))
        c = look(turned)
        for k in (2, 3, 4):
            for b in range(3):
                for i in range(5 - k):
                    for j in range(5):
                        scores = 0.1 * (
                            turned.permute(0, 2, 3, 1) @ (method.predictor.maps[f"{turn}_{k}"].weight @ c[b, :, i, j])
                        )
                        nats.append((scores.flatten().logsumexp(0) - scores[b, i + k, j]).item())
    terms = method.loss(x)
    assert terms["loss"].item() == pytest.approx(sum(nats) / len(nats), abs=1e-4)
    assert terms["chance"].item() == pytest.approx(math.log(75), abs=1e-5)


@pytest.mark.parametrize("negatives", [0, 16])
@pytest.mark.parametrize("candidates", ["batch", "others"])
@pytest.mark.parametrize("spec", [SOUND, IMAGE], ids=["sound", "image"])
def test_maps_of_zeros_cost_chance(spec, candidates, negatives):
    torch.manual_seed(0)
    method = CPC(spec, **SMALL, negatives=negatives, candidates=candidates)
    for name, p in method.predictor.named_parameters():
        if name.startswith("maps"):
            torch.nn.init.zeros_(p)
    terms = method.loss(clips(1600, 800, 1200) if spec is SOUND else torch.rand(3, 1, 12, 12))
    assert terms["loss"].item() == pytest.approx(terms["chance"].item(), abs=1e-5)
    assert terms["accuracy"] == 0


def test_candidates_are_of_the_item_itself_too_unless_they_are_others():
    torch.manual_seed(0)
    x = clips(1600, 800)  # 20 and 10 frames
    within, without = (CPC(SOUND, **SMALL, ahead=1, negatives=0, candidates=c) for c in ("batch", "others"))
    assert within.loss(x)["chance"].item() == pytest.approx(math.log(30), abs=1e-5)
    expected = (19 * math.log(11) + 9 * math.log(21)) / 28
    assert without.loss(x)["chance"].item() == pytest.approx(expected, abs=1e-5)


def test_drawn_negatives_are_never_the_target_nor_the_zeros_behind_a_clip():
    torch.manual_seed(0)
    method, x = CPC(SOUND, **SMALL, ahead=2, negatives=500), clips(1600, 240)  # 20 and 3 frames
    z, real = method.parts(x)
    everyone = method.everyone(z, real)
    assert set(everyone.candidates.tolist()) == {*range(20), 20, 21, 22}
    target = torch.tensor([4])
    guesses = method.guess(torch.zeros(1, 8), target, everyone)
    assert guesses.chance.exp().item() == pytest.approx(501 - (everyone.candidates == 4).sum().item(), rel=1e-4)


def test_silent_clips_predict_nothing_and_break_nothing():
    method = CPC(SOUND, **SMALL)
    terms = method.loss(torch.zeros(3, 1, 1600))
    terms["loss"].backward()
    assert terms["loss"] == 0 and all(p.grad is None or not p.grad.any() for p in method.parameters())
    assert method.embed(torch.zeros(3, 1, 1600)).isfinite().all()


def test_a_window_lies_within_its_clip_and_moves():
    torch.manual_seed(0)
    method = CPC(SOUND, **SMALL, window=480)
    x = torch.zeros(200, 1, 1600)
    x[:100, 0, :800] = torch.arange(1.0, 801)
    x[100:, 0, :300] = 1.0
    seen = method.view(x)
    assert seen.shape == (200, 1, 480)
    start = seen[:100, 0, 0]
    assert (seen[:100] > 0).all() and start.min() < 30 and start.max() > 290 and start.max() <= 321
    assert torch.equal(seen[100:, 0].ne(0).sum(1), torch.full((100,), 300))


def test_a_window_is_128_centiseconds_or_the_clip():
    assert CPC(ItemSpec((1, 40000), "sound", rate=16000), **SMALL).window == 20480
    assert CPC(ItemSpec((1, 40000), "sound", rate=8000), **SMALL).window == 10240
    method = CPC(SOUND, **SMALL)
    assert method.window == 1600 and len(method.predictor.offsets) == 10
    assert len(CPC(ItemSpec((1, 20480), "sound", rate=16000), **SMALL).predictor.offsets) == 12


def test_rows_that_share_pixels_are_not_predicted_from_each_other():
    assert CPC(ItemSpec((1, 28, 28)), **SMALL).predictor.offsets == range(2, 5)
    assert CPC(ItemSpec((1, 28, 28)), **SMALL, patch=4, stride=4, ahead=2).predictor.offsets == range(1, 3)
    assert CPC(ItemSpec((1, 40, 40)), **SMALL, patch=8, stride=3, ahead=9).predictor.offsets == range(3, 11)


def test_codes_are_the_context_of_sounds_and_the_patches_of_images():
    torch.manual_seed(0)
    x = clips(1600, 700)
    method = CPC(SOUND, **SMALL).eval()
    c = method.predictor.context(method.wave.frames(x))
    assert torch.allclose(method.embed(x)[1], c[1, :, :8].mean(1), atol=1e-6)
    assert [tuple(each.shape) for each in method.layers(x).values()] == [(2, 6), (2, 12), (2, 8)]
    assert torch.equal(method.embed(x), method.layers(x)["context"])
    method, x = CPC(IMAGE, **SMALL).eval(), torch.rand(2, 1, 12, 12)
    assert torch.allclose(method.embed(x), method.grid.encode(cut(x, 4, 2)).mean((2, 3)), atol=1e-6)
    assert torch.allclose(method.embed(x), method.layers(x)["patches"], atol=1e-6)


@pytest.mark.parametrize(("spec", "layer"), [(SOUND, "context_spread"), (SOUND, "frames"), (IMAGE, "context")])
def test_another_layer_can_be_the_code(spec, layer):
    torch.manual_seed(0)
    method, x = CPC(spec, **SMALL, layer=layer).eval(), clips(1600, 700) if spec is SOUND else torch.rand(2, 1, 12, 12)
    layers = method.layers(x)
    assert next(iter(layers)) == layer
    assert torch.allclose(method.embed(x), layers[layer], atol=1e-6)
    with pytest.raises(UnknownName, match=layer):
        CPC(spec, layer="contexts")


def test_what_a_step_sees_can_be_shown():
    assert CPC(SOUND, **SMALL, window=400).views(clips(1600, 600)).shape == (2, 1, 1, 400)
    assert CPC(IMAGE, **SMALL).views(torch.rand(2, 1, 12, 12)).shape == (2, 25, 1, 4, 4)


def chirps(n: int) -> torch.Tensor:
    """Each rises or falls at its own pace, so that the past tells of the future."""
    start, end = torch.rand(2, n, 1) * 1800 + 200  # Hz
    t = torch.arange(800) / 8000
    return torch.sin(2 * math.pi * (start * t + (end - start) * t**2 / 0.2))[:, None]


def test_it_learns_to_tell_the_future_of_chirps():
    torch.manual_seed(0)
    spec, x = ItemSpec((1, 800), "sound", rate=8000), chirps(8)
    method = CPC(spec, width=16, hidden=16, ahead=2, negatives=0)
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        method.loss(x)["loss"].backward()
        optimizer.step()
    found = method.loss(x)
    assert found["loss"] < found["chance"] - 1.5 and found["accuracy"] > 0.3


def test_vectors_short_sounds_and_small_images_are_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="a vector has none"):
        CPC(ItemSpec((5,), "vector"))
    with pytest.raises(WrongUsage, match="it takes 385"):
        CPC(ItemSpec((1, 384), "sound", rate=8000))
    CPC(ItemSpec((1, 385), "sound", rate=8000), **SMALL)
    with pytest.raises(WrongUsage, match="longer --window"):
        CPC(SOUND, window=300)
    with pytest.raises(WrongUsage, match="at least 3 x 3"):
        CPC(ItemSpec((1, 6, 6)))
    with pytest.raises(WrongUsage, match="overlap with all others"):
        CPC(ItemSpec((1, 12, 12)), patch=10, stride=1)


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        (SOUND, {"ahead": -1}, "ahead is -1"),
        (SOUND, {"width": 0}, "width is 0"),
        (SOUND, {"patch": 8}, "--patch does not apply to sounds"),
        (IMAGE, {"window": 800}, "--window does not apply to images"),
        (IMAGE, {"directions": 3}, "directions is 3"),
        (IMAGE, {"norm": "batch"}, "group or none"),
        (SOUND, {"norm": "batch"}, "group or none"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(spec, options, said):
    with pytest.raises(WrongUsage, match=said):
        CPC(spec, **options)


def test_a_misspelt_source_of_candidates_is_a_sentence():
    with pytest.raises(UnknownName, match="others"):
        CPC(SOUND, candidates="other")


def test_a_pool_of_clips_too_short_to_predict_is_refused_before_the_first_step():
    stored = np.zeros((5, 1, 1600), np.int16)
    stored[:3, 0, :300] = stored[3:, 0, :1600] = 1000
    stored[0] = 0
    with pytest.raises(BadData, match=r"3 of 5 clips looked at are too short for cpc, 1 of them silent"):
        fit(CPC(SOUND, **SMALL), Pool(SOUND, stored))


SCRIPT = """
import sys, torch
torch.set_num_threads(1)
import numpy as np
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine import distributed
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.methods.cpc import CPC
from tacit.methods.method import Recipe
from tacit.nn.patches import cut

rng = np.random.default_rng(0)
sound, image = ItemSpec((1, 800), "sound", rate=8000), ItemSpec((1, 12, 12))
clips = rng.integers(-9000, 9000, (24, 1, 800), dtype=np.int16)
for row, n in zip(clips, rng.integers(200, 800, 24)):
    row[0, n:] = 0
pools = {"sound": Pool(sound, clips), "image": Pool(image, rng.integers(0, 256, (24, 1, 12, 12), dtype=np.uint8))}
whole = CPC.view
CPC.view = lambda self, x: whole(self, x) if self.sound else cut(x, 4, 2)  # nothing random
for kind, pool in pools.items():
    torch.manual_seed(distributed.world().rank)
    method = CPC(pool.spec, width=8, hidden=6, negatives=0)
    recipe = Recipe(steps=6, batch=8, lr=0.1, optimizer="sgd")
    fit(method, pool, recipe=recipe, seed=1, device=Device(torch.device("cpu"), False, False))
    if distributed.world().first:
        torch.save(method.state_dict(), sys.argv[1] + kind)
CPC.view = whole
"""


def test_two_processes_equal_one_although_clips_differ_in_length(tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, str(script), str(tmp_path / "two-")], check=True, capture_output=True)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "one-")])
    runpy.run_path(str(script))
    for kind in ("sound", "image"):
        one, two = (torch.load(tmp_path / f"{n}-{kind}", weights_only=True) for n in ("one", "two"))
        for key in one:
            assert torch.allclose(one[key], two[key], atol=1e-4), (kind, key)

import math

import pytest
import torch

from tacit.data.augment import affine, augment, mirror, noise, shift
from tacit.data.sound_views import sound_view
from tacit.errors import UnknownName


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(b: int, c: int, h: int, w: int) -> torch.Tensor:
    """Images without hard edges, so that a resampled one can be compared."""
    down, right = torch.linspace(0, 3, h)[:, None], torch.linspace(0, 2, w)
    return ((down + right).sin() * 0.5 + 0.5).expand(b, c, h, w).contiguous()


CHANGES = {
    "shift": lambda x, g: shift(x, 2, g),
    "mirror": mirror,
    "affine": lambda x, g: affine(x, 10.0, 0.1, 0.1, g),
    "noise": lambda x, g: noise(x, 0.1, g),
    "light": lambda x, g: augment(x, "light", flip=True, generator=g),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_one_generator_state_gives_one_batch(change):
    x = torch.rand(6, 3, 9, 7)
    assert torch.equal(change(x, seeded(3)), change(x, seeded(3)))
    assert not torch.equal(change(x, seeded(3)), change(x, seeded(4)))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_item_gets_parameters_of_its_own(change):
    one = torch.rand(1, 3, 9, 7)
    changed = change(one.expand(16, 3, 9, 7), seeded())
    assert changed.shape == (16, 3, 9, 7)
    assert any(not torch.equal(changed[0], other) for other in changed[1:])


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_batch_itself_is_left_alone(change):
    x = torch.rand(6, 3, 9, 7)
    before = x.clone()
    change(x, seeded())
    assert torch.equal(x, before)


def test_a_shift_is_one_of_the_whole_pixel_moves():
    x = torch.rand(40, 2, 6, 5)
    shifted, seen = shift(x, 1, seeded()), set()
    for before, after in zip(x, shifted, strict=True):
        moves = []
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                rows = [min(max(i + dy, 0), 5) for i in range(6)]
                columns = [min(max(j + dx, 0), 4) for j in range(5)]
                if torch.equal(before[:, rows][:, :, columns], after):
                    moves.append((dy, dx))
        assert len(moves) == 1
        seen.update(moves)
    assert len(seen) == 9


def test_mirroring_swaps_left_and_right_of_about_half_the_items():
    x = torch.rand(200, 1, 3, 4)
    mirrored = mirror(x, seeded())
    same = (mirrored == x).flatten(1).all(1)
    swapped = (mirrored == x.flip(3)).flatten(1).all(1)
    assert (same | swapped).all()
    assert 70 < swapped.sum() < 130


def test_an_affine_change_of_nothing_is_the_identity():
    x = torch.rand(4, 3, 9, 6)
    assert torch.allclose(affine(x), x, atol=1e-5)


def test_a_turn_is_rigid_on_images_that_are_not_square():
    """Spelled out pixel by pixel: where each output pixel comes from, in pixels about the center."""
    h, w = 21, 33
    x = smooth(3, 1, h, w)
    turned = affine(x, degrees=30.0, generator=seeded(5))
    u = 2 * torch.rand(4, 3, 1, 1, generator=seeded(5)) - 1
    for item in range(3):
        angle = math.radians(30) * u[0, item].item()
        for i in range(8, 13):
            for j in range(12, 21):
                py, px = i - (h - 1) / 2, j - (w - 1) / 2
                sy = math.sin(angle) * px + math.cos(angle) * py + (h - 1) / 2
                sx = math.cos(angle) * px - math.sin(angle) * py + (w - 1) / 2
                expected = 0.5 + 0.5 * math.sin(3 * sy / (h - 1) + 2 * sx / (w - 1))
                assert turned[item, 0, i, j].item() == pytest.approx(expected, abs=2e-3)


def test_scale_and_shift_stay_in_their_ranges():
    h = w = 40
    down, right = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
    x = torch.stack((down, right)).expand(300, 2, h, w) / 40  # every pixel says where it came from
    moved = affine(x, shift=0.1, generator=seeded()) - x
    center = moved[:, :, 20, 20] * 40
    assert center.abs().max() <= 4 + 1e-3
    assert center.abs().max() > 3.5
    zoomed = affine(x, scale=0.25, generator=seeded())
    zoom = 1 / ((zoomed[:, 0, 25, 20] - zoomed[:, 0, 15, 20]) * 40 / 10)
    assert 0.8 - 1e-3 <= zoom.min() < 0.82 and 1.22 < zoom.max() <= 1.25 + 1e-3


def test_light_stays_in_range_and_keeps_black_and_white_borders():
    for value in (0.0, 1.0):
        x = torch.full((8, 1, 14, 14), value)
        assert torch.allclose(augment(x, "light", generator=seeded()), x, atol=1e-5)
    changed = augment(torch.rand(8, 3, 14, 14), "light", generator=seeded())
    assert changed.min() >= 0 and changed.max() <= 1


def test_light_does_not_mirror_unless_asked():
    x = torch.zeros(64, 1, 16, 16)
    x[..., :4] = 1.0  # bright on the left
    light = augment(x, "light", generator=seeded())
    assert (light[..., :8].mean((1, 2, 3)) > light[..., 8:].mean((1, 2, 3))).all()
    flipped = augment(x, "light", flip=True, generator=seeded())
    right = (flipped[..., :8].mean((1, 2, 3)) < flipped[..., 8:].mean((1, 2, 3))).sum()
    assert 15 < right < 49


def test_light_jitters_vectors():
    x = torch.zeros(2000, 5)
    assert augment(x, "light", generator=seeded()).std().item() == pytest.approx(0.1, rel=0.05)


def test_none_is_the_batch_itself():
    x = torch.rand(3, 1, 4, 4)
    assert augment(x, "none") is x


def test_coordinates_keep_their_precision_under_autocast():
    x = smooth(4, 1, 28, 28)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = augment(x, "light", generator=seeded())
    assert torch.allclose(mixed, augment(x, "light", generator=seeded()), atol=1e-5)


def test_an_unknown_strength_gets_the_nearest_one():
    with pytest.raises(UnknownName, match="did you mean: light"):
        augment(torch.rand(1, 1, 4, 4), "lite")


def test_light_is_a_third_of_a_view_for_sounds():
    x = 0.3 * torch.randn(5, 1, 400, generator=seeded())
    light = augment(x, "light", generator=seeded(1))
    assert torch.equal(light, sound_view(x, seeded(1), strength=1 / 3))
    assert not torch.equal(light, x)

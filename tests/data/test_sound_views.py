"""Random changes of sounds: what they may change, and what must not matter."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tacit.data.sound_views import add_noise, cut, deafen, later, lengths, louder, silence, sound_view

T = 400


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clips(b: int = 6, seed: int = 0, samples: int = T) -> Tensor:
    """Noise of different lengths and loudness, (B, 1, T)."""
    g = seeded(seed)
    end = torch.randint(samples // 4, samples + 1, (b, 1, 1), generator=g)
    level = torch.rand(b, 1, 1, generator=g)
    return (level * torch.randn(b, 1, samples, generator=g)).clamp(-1, 1) * (torch.arange(samples) < end)


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 500), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_view_is_a_clip_of_the_same_shape_within_full_scale(seed, b, samples, strength):
    x = clips(b, seed, samples)
    seen = sound_view(x, seeded(seed), strength=strength)
    assert seen.shape == x.shape and seen.dtype == x.dtype
    assert seen.isfinite().all() and seen.abs().max() <= 1


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_one_generator_state_gives_one_batch(seed):
    x = clips()
    assert torch.equal(sound_view(x, seeded(seed)), sound_view(x, seeded(seed)))
    assert not torch.equal(sound_view(x, seeded(seed)), sound_view(x, seeded(seed + 1)))


@given(st.integers(0, 2**32), st.integers(1, 500))
@settings(max_examples=30, deadline=None)
def test_at_strength_zero_a_clip_is_its_own_view(seed, samples):
    x = clips(5, seed, samples)
    assert torch.equal(sound_view(x, seeded(seed), strength=0.0), x)


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_the_view_of_a_clip_does_not_depend_on_the_others(seed):
    x = clips()
    others = clips(seed=1)
    others[2] = x[2]
    assert torch.allclose(sound_view(x, seeded(seed))[2], sound_view(others, seeded(seed))[2], atol=1e-6)


def test_every_clip_gets_parameters_of_its_own_and_the_batch_is_left_alone():
    one = clips(1).expand(16, 1, T).contiguous()
    before = one.clone()
    seen = sound_view(one, seeded())
    assert all(not torch.equal(seen[i], seen[j]) for i in range(16) for j in range(i))
    assert torch.equal(one, before)


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_zeros_behind_a_clip_stay_zeros(seed):
    x = clips(8, seed)
    n = lengths(x)
    longest = (1.1 * n + 1).long()  # a view begins up to a tenth later
    seen = sound_view(x, seeded(seed))
    place = torch.arange(T)
    assert not seen[(place >= longest[:, None])[:, None]].any()


def test_silence_stays_silence():
    assert not sound_view(torch.zeros(3, 1, T), seeded()).any()


PARAMETERS = {
    "cut": (cut, lambda u: ((u[0] * 50).long(), (50 + u[1] * 300).long())),
    "later": (later, lambda u: ((u[0] * 80).long(),)),
    "louder": (louder, lambda u: (12 * u[0] - 6,)),
    "silence": (silence, lambda u: ((u[0] * 200).long(), (u[1] * 100).long())),
    "deafen": (deafen, lambda u: (0.7 * u[0], 0.3 * u[1])),
}


@pytest.mark.parametrize("name", PARAMETERS)
@given(seed=st.integers(0, 2**32), order=st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_changing_the_order_of_a_batch_and_its_parameters_changes_the_order_of_the_views(name, seed, order):
    change, draw = PARAMETERS[name]
    x, u = clips(6, seed), torch.rand(2, 6, generator=seeded(seed))
    parameters = draw(u)
    seen = change(x, *parameters)
    assert torch.allclose(change(x[order], *(p[order] for p in parameters)), seen[order], atol=1e-6)


def test_a_cut_is_the_stretch_it_names():
    x = clips()
    seen = cut(x, torch.tensor([0, 3, 10, 390, 0, 7]), torch.tensor([T, 100, 1, 10, 0, 50]))
    for i, (start, length) in enumerate([(0, T), (3, 100), (10, 1), (390, 10), (0, 0), (7, 50)]):
        assert torch.equal(seen[i, 0, :length], x[i, 0, start : start + length])
        assert not seen[i, 0, length:].any()


def test_a_clip_that_begins_later_has_zeros_before_it():
    x = clips()
    for by in (0, 1, 37):
        seen = later(x, torch.full((6,), by))
        assert not seen[..., :by].any() and torch.equal(seen[..., by:], x[..., : T - by])


def test_six_decibels_are_a_factor_of_two_and_full_scale_is_the_end():
    x = torch.tensor([[[0.1, -0.4, 0.9]]])
    assert torch.allclose(louder(x, torch.tensor([6.0206])), torch.tensor([[[0.2, -0.8, 1.0]]]), atol=1e-4)
    assert torch.allclose(louder(x, torch.tensor([-6.0206])), x / 2, atol=1e-4)


def test_noise_has_the_ratio_to_the_clip_that_it_is_given():
    x = 0.05 * torch.randn(1, 1, 20000, generator=seeded())
    x[..., 10000:] = 0
    for decibels in (10.0, 20.0):
        noise = torch.randn(x.shape, generator=seeded(1))
        added = add_noise(x, torch.tensor([10 ** (-decibels / 20)]), noise) - x
        ratio = 10 * math.log10(x[..., :10000].square().mean() / added[..., :10000].square().mean())
        assert ratio == pytest.approx(decibels, abs=0.2) and not added[..., 10000:].any()


def test_a_silenced_stretch_is_zero_and_the_rest_unchanged():
    x = clips()
    seen = silence(x, torch.full((6,), 20), torch.full((6,), 30))
    assert not seen[..., 20:50].any()
    assert torch.equal(seen[..., :20], x[..., :20]) and torch.equal(seen[..., 50:], x[..., 50:])


def test_a_missing_band_takes_its_tone_and_leaves_the_others():
    time = torch.arange(8000) / 8000
    low, high = (0.3 * torch.sin(2 * math.pi * f * time)[None, None] for f in (500, 2000))
    # 2000 Hz of 4000 is sqrt(0.5) = 0.71 on the scale of squares, 500 Hz is 0.35
    seen = deafen(low + high, torch.tensor([0.6]), torch.tensor([0.2]))
    assert torch.allclose(seen, low, atol=1e-3)
    assert torch.allclose(deafen(low + high, torch.tensor([0.2]), torch.tensor([0.2])), high, atol=1e-3)
    assert torch.equal(deafen(low + high, torch.tensor([0.5]), torch.tensor([0.0])), low + high)


def test_the_missing_band_is_the_slow_fourier_sum_without_its_frequencies():
    x = clips(1, samples=40)[0, 0].double().numpy()
    n = int(lengths(torch.tensor(x)[None, None]))
    k = np.arange(40)
    spectrum = np.array([(x * np.exp(-2j * np.pi * f * k / 40)).sum() for f in range(40)])
    for f in range(40):
        share = min(f, 40 - f) / 20
        if 0.3**2 <= share < 0.6**2:
            spectrum[f] = 0
    back = np.array([(spectrum * np.exp(2j * np.pi * k * t / 40)).sum().real / 40 for t in range(40)])
    back[n:] = 0
    seen = deafen(torch.tensor(x).float()[None, None], torch.tensor([0.3]), torch.tensor([0.3]))
    assert np.allclose(seen[0, 0].numpy(), back.clip(-1, 1), atol=1e-5)


def test_crops_keep_seven_tenths_or_more_of_a_clip():
    x = torch.ones(200, 1, T)
    n = lengths(sound_view(x, seeded()))
    assert n.max() <= T and 0.68 * T <= n.min() <= 0.75 * T

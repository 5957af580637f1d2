"""The mel spectrum and the cepstra, against the formulas spelled out slowly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.errors import WrongUsage
from tacit.nn.mel import FLOOR, LogMel, lengths, mel_filters, mfcc


def mel(f: float) -> float:
    return 2595 * math.log10(1 + f / 700)


def slow_filters(rate: int, n_fft: int, bands: int) -> np.ndarray:
    """Triangle b rises from corner b to b + 1 and falls to b + 2; corners are evenly spaced in mel from 20 Hz on."""
    corners = []
    for i in range(bands + 2):
        m = mel(20) + i * (mel(rate / 2) - mel(20)) / (bands + 1)
        corners.append(700 * (10 ** (m / 2595) - 1))
    filters = np.zeros((bands, n_fft // 2 + 1))
    for b in range(bands):
        left, middle, right = corners[b : b + 3]
        for k in range(n_fft // 2 + 1):
            f = k * rate / n_fft
            if left < f <= middle:
                filters[b, k] = (f - left) / (middle - left)
            elif middle < f < right:
                filters[b, k] = (right - f) / (right - middle)
    return filters


def slow_log_mel(x: np.ndarray, rate: int, n_fft: int, bands: int) -> np.ndarray:
    """(bands, frames) of one clip (T,), window by window and frequency by frequency."""
    length, hop = round(0.025 * rate), round(0.010 * rate)
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / length) for i in range(length)]
    filters = slow_filters(rate, n_fft, bands)
    frames = []
    for center in range(0, len(x) + 1, hop):
        first = center - n_fft // 2 + (n_fft - length) // 2  # the window lies in the middle of the transform
        cut = [x[first + i] * window[i] if 0 <= first + i < len(x) else 0.0 for i in range(length)]
        power = []
        for k in range(n_fft // 2 + 1):
            angle = [-2 * math.pi * k * i / n_fft for i in range(length)]
            real = sum(c * math.cos(a) for c, a in zip(cut, angle, strict=True)) * 2 / sum(window)
            imaginary = sum(c * math.sin(a) for c, a in zip(cut, angle, strict=True)) * 2 / sum(window)
            power.append(real**2 + imaginary**2)
        frames.append([math.log(filters[b] @ power + FLOOR) for b in range(bands)])
    return np.array(frames).T


def slow_dct(column: np.ndarray, n: int) -> list[float]:
    """The orthonormal DCT-II."""
    m = len(column)
    scale = [math.sqrt(1 / m)] + [math.sqrt(2 / m)] * (n - 1)
    return [
        scale[j] * sum(column[i] * math.cos(math.pi * j * (2 * i + 1) / (2 * m)) for i in range(m)) for j in range(n)
    ]


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(0, 0.2, 700) * np.linspace(1, 0.01, 700)).clip(-1, 1)


def tensor(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float32)[None, None]


@pytest.mark.parametrize(("rate", "n_fft", "bands"), [(8000, 256, 40), (16000, 512, 40), (2000, 64, 12)])
def test_the_filters_are_htk_triangles(rate, n_fft, bands):
    filters = mel_filters(rate, n_fft, bands).numpy()
    assert np.allclose(filters, slow_filters(rate, n_fft, bands), atol=1e-6)


def test_the_spectrum_is_the_formula_window_by_window(clip):
    look = LogMel(8000, bands=20)
    slow = slow_log_mel(clip, 8000, 256, 20)
    assert np.allclose(look.log_energies(tensor(clip))[0].numpy(), slow, atol=2e-4)
    assert torch.allclose(look(tensor(clip))[0, 0], torch.tensor(1 - slow / math.log(FLOOR)).float(), atol=1e-4)


def test_cepstra_are_the_cosine_transform_of_the_log_spectrum(clip):
    cepstra, _ = mfcc(tensor(clip), 8000, 13)
    slow = slow_log_mel(clip, 8000, 256, 40)
    expected = np.array([slow_dct(column, 13) for column in slow.T]).T
    assert cepstra.shape == (1, 13, 9) and np.allclose(cepstra[0].numpy(), expected, atol=2e-3)


def test_silence_is_zero_and_a_loud_sine_is_one():
    look = LogMel(8000)
    time = torch.arange(8000) / 8000
    assert look(torch.zeros(1, 1, 8000)).abs().max() < 1e-6
    seen = look(torch.sin(2 * math.pi * 1000 * time)[None, None])[0, 0, :, 20:-20]
    assert 0.9 < seen.max() < 1.02
    assert seen.mean(1).argmax() == 18  # 1000 mel of 32 to 2146 in 41 steps: the 19th corner


def test_twice_as_loud_is_20_log_10_of_2_decibels_more():
    x = tensor(np.random.default_rng(0).normal(0, 0.1, 4000))
    more = (LogMel(8000).log_energies(2 * x) - LogMel(8000).log_energies(x)).median()
    assert more.item() == pytest.approx(math.log(4), abs=1e-2)


@pytest.mark.parametrize(
    ("rate", "bands"), [(400, None), (1000, None), (2000, None), (8000, 40), (11025, 40), (16000, 40), (44100, 40)]
)
def test_every_band_has_a_bin_of_its_own_at_any_rate(rate, bands):
    look = LogMel(rate)
    assert (look.filters.sum(1) > 0).all() and look.bands >= 3
    assert bands is None or look.bands == bands
    assert look(torch.randn(2, 1, rate // 10)).isfinite().all()


@pytest.mark.parametrize("samples", [1, 79, 80, 200, 801])
def test_frames_follow_the_length_of_a_clip_however_short(samples):
    look = LogMel(8000)
    assert look(torch.ones(2, 1, samples)).shape == (2, 1, 40, look.frames(samples))


def test_a_clip_ends_with_its_last_nonzero_sample_and_frames_behind_it_are_not_heard():
    x = torch.zeros(4, 1, 800)
    x[0, 0, :801] = 0.1
    x[1, 0, 100], x[2, 0, 160] = 0.1, -0.1
    assert lengths(x).tolist() == [800, 101, 161, 0]
    heard = LogMel(8000).heard(x)
    assert heard.sum(1).tolist() == [10, 2, 3, 1] and heard[:, 0].all()


@given(st.integers(1, 2000), st.integers(0, 1500))
@settings(max_examples=25, deadline=None)
def test_zeros_behind_a_clip_change_no_frame_of_its_own(samples, more):
    x = torch.randn(1, 1, samples, generator=torch.Generator().manual_seed(samples)) * 0.1
    x[..., -1] = 0.5
    short, heard = mfcc(x, 8000)
    long, still_heard = mfcc(torch.cat([x, torch.zeros(1, 1, more)], 2), 8000)
    assert heard.sum() == still_heard.sum()
    assert torch.allclose(short[heard[:, None].expand_as(short)], long[still_heard[:, None].expand_as(long)], atol=1e-3)


def test_gradients_reach_the_samples_and_half_precision_changes_nothing():
    x = (0.1 * torch.randn(2, 1, 400)).requires_grad_()
    look = LogMel(8000)
    look(x).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all() and x.grad.abs().sum() > 0
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(look(x), look(x.detach())) and look(x).dtype == torch.float32


def test_its_tables_are_made_from_the_rate_and_not_kept_with_the_weights():
    assert not LogMel(8000).state_dict()


def test_a_rate_that_nobody_gave_is_explained():
    with pytest.raises(WrongUsage, match=r"a sound of 0 samples a second has no spectrum.*\n  its spec needs a rate"):
        LogMel(0)
    with pytest.raises(WrongUsage, match="bands at 400 Hz have no 20 coefficients"):
        mfcc(torch.zeros(1, 1, 100), 400)

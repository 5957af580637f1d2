import base64
import io
import wave
import xml.etree.ElementTree as ET

import numpy as np
import torch

from tacit.nn.mel import LogMel
from tacit.report import sounds
from tacit.report.items import image_grid, pairs
from tacit.report.page import render
from tacit.report.sounds import players, spectra, wav


def clips(n: int = 3) -> torch.Tensor:
    x = (0.3 * torch.randn(n, 1, 800, generator=torch.Generator().manual_seed(0))).clamp(-0.9, 0.9)
    x[..., 500:] = 0
    return x


def test_a_spectrum_is_a_picture_with_high_tones_at_the_top():
    time = torch.arange(4000) / 8000
    low, high = (torch.sin(2 * np.pi * f * time)[None] for f in (200.0, 3500.0))
    seen = spectra(torch.stack([low, high]), 8000)
    assert seen.shape == (2, 1, 40, 51) and seen.min() >= 0 and seen.max() <= 1
    assert seen[0, 0].mean(1).argmax() > 30 > 10 > seen[1, 0].mean(1).argmax()
    assert torch.equal(spectra(torch.stack([low, high])[None], 8000)[0], seen)
    assert torch.equal(seen[0, 0], LogMel(8000)(low[None])[0, 0].flip(0).clamp(0, 1))


def test_what_is_heard_is_the_clip_without_the_zeros_behind_it():
    x = clips(1)[0]
    with wave.open(io.BytesIO(wav(x, 8000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 500)
        values = np.frombuffer(file.readframes(500), "<i2")
    assert np.array_equal(values, x[0, :500].mul(32768).round().numpy().astype(np.int16))
    with wave.open(io.BytesIO(wav(torch.zeros(1, 800), 8000))) as file:
        assert file.getnframes() == 1


def test_sounds_are_drawn_and_can_be_played_on_a_page_that_asks_nobody():
    x = clips()
    seen, play = spectra(x, 8000), players(x, 8000)
    markup = image_grid(seen, ["a", "b", "c"], players=play) + pairs(seen, seen, players=(play, play))
    page = ET.fromstring(f"<div>{markup}</div>")
    sources = [audio.get("src") for audio in page.iter("audio")]
    assert len(sources) == 9 and len(list(page.iter("img"))) == 9
    assert base64.b64decode(sources[0].removeprefix("data:audio/wav;base64,")) == wav(x[0], 8000)
    assert "media-src data:" in render("x", [], [])


def test_too_much_sound_is_drawn_and_not_sent(monkeypatch):
    monkeypatch.setattr(sounds, "MOST_HEARD", 1000)
    assert players(clips(), 8000) == []
    markup = pairs(spectra(clips(), 8000), spectra(clips(), 8000), players=([], []))
    assert "audio" not in markup and 'class="items"' in markup

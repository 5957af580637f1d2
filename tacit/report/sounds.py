"""Sounds on a page: drawn as spectra, and there to be heard."""

import base64
import io
import wave

import numpy as np
import torch
from torch import Tensor

from tacit.nn.mel import LogMel
from tacit.report.svg import tag

MOST_HEARD = 2**21  # bytes of sound in one figure; more, and the page would grow too heavy to send


@torch.no_grad()
def spectra(x: Tensor, rate: int) -> Tensor:
    """Log-mel spectra of sounds (..., 1, T) as images (..., 1, bands, frames) in [0, 1], high tones at the top."""
    seen = LogMel(rate)(x.reshape(-1, *x.shape[-2:])).flip(2).clamp(0, 1)
    return seen.reshape(*x.shape[:-2], *seen.shape[1:])


def players(x: Tensor, rate: int) -> list[str]:
    """An element for each sound (n, 1, T) that plays it; none where they would be too many bytes for a page."""
    if 2 * x.numel() > MOST_HEARD:
        return []
    return [tag("audio", controls="controls", preload="none", src=address(samples, rate)) for samples in x]


def address(samples: Tensor, rate: int) -> str:
    """Samples (1, T) in [-1, 1] as an address that holds the sound itself."""
    return "data:audio/wav;base64," + base64.b64encode(wav(samples, rate)).decode("ascii")


def wav(samples: Tensor, rate: int) -> bytes:
    """Samples (1, T) in [-1, 1] as a WAV file of 16 bits, without the zeros behind them."""
    values = samples[0].mul(32768).round().clamp(-32768, 32767).numpy().astype("<i2")
    values = values[: int(np.flatnonzero(values).max(initial=0)) + 1]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(values.tobytes())
    return file.getvalue()

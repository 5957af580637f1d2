"""Random changes of sounds that leave alone what is said in them: whole batches, each clip with parameters of its own.

A clip (1, T) ends with its last nonzero sample, and the zeros behind it stay zeros: shares are of the clip's own length.
Everything runs on the batch's device; parameters are (B,), in the order of the batch.
"""

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

KEEP, SHIFT = 0.7, 0.1  # shares of a clip: the shortest crop, the latest start
DECIBELS = 6.0  # of gain, up or down
NOISE = 0.2  # root mean square of the noise as a share of the clip's: 14 dB below it
SILENCE, DEAF = 0.1, 0.2  # shares of a clip and of the frequencies that are masked


@torch.no_grad()
def sound_view(
    x: Float[Tensor, "B 1 T"], generator: Generator | None = None, *, strength: float = 1.0
) -> Float[Tensor, "B 1 T"]:
    """One random view of every clip, in [-1, 1]: a stretch of it (70 % or more), begun up to a tenth later, louder or
    softer by up to 6 dB, with noise 14 dB below it or less, a moment of silence and a band of frequencies missing.

    `strength` multiplies all of this; at 0 a clip is its own view. The masks are SpecAugment's (Park et al. 2019,
    https://arxiv.org/abs/1904.08779, sec. 2) without its warp of time, on the samples themselves, so that a trunk that
    hears samples and one that sees spectra get the same view.
    """
    b = len(x)
    u = torch.rand(9, b, device=x.device, generator=generator)
    n = lengths(x)
    kept = (n * (1 - strength * (1 - KEEP) * u[0])).ceil().long()
    x = cut(x, ((n - kept + 1) * u[1]).long(), kept)
    x = later(x, (strength * SHIFT * kept * u[2]).long())
    x = add_noise(x, strength * NOISE * u[3], torch.empty_like(x).normal_(generator=generator))
    quiet = (strength * SILENCE * kept * u[4]).long()
    x = silence(x, ((lengths(x) - quiet + 1) * u[5]).long(), quiet)
    width = strength * DEAF * u[6]
    x = deafen(x, (1 - width) * u[7], width)
    return louder(x, strength * DECIBELS * (2 * u[8] - 1))


def lengths(x: Float[Tensor, "B 1 T"]) -> Int[Tensor, "B"]:
    """Samples up to the last that is not zero."""
    place = torch.arange(1, x.shape[-1] + 1, device=x.device)
    return (x[:, 0].ne(0) * place).amax(1)


def cut(x: Float[Tensor, "B 1 T"], start: Int[Tensor, "B"], length: Int[Tensor, "B"]) -> Float[Tensor, "B 1 T"]:
    """`length` samples from `start` on, moved to the front; zeros behind them."""
    place = torch.arange(x.shape[-1], device=x.device)
    rows = (place + start[:, None]).clamp(max=x.shape[-1] - 1)
    return x.gather(2, rows[:, None]) * (place < length[:, None])[:, None]


def later(x: Float[Tensor, "B 1 T"], by: Int[Tensor, "B"]) -> Float[Tensor, "B 1 T"]:
    """Moved back by so many samples, zeros before them; what then lies beyond T is lost."""
    place = torch.arange(x.shape[-1], device=x.device) - by[:, None]
    return x.gather(2, place.clamp(min=0)[:, None]) * (place >= 0)[:, None]


def louder(x: Float[Tensor, "B 1 T"], decibels: Float[Tensor, "B"]) -> Float[Tensor, "B 1 T"]:
    """Amplified (or softened), and cut off at full scale."""
    return (x * 10 ** (decibels / 20)[:, None, None]).clamp(-1, 1)


def add_noise(
    x: Float[Tensor, "B 1 T"], share: Float[Tensor, "B"], noise: Float[Tensor, "B 1 T"]
) -> Float[Tensor, "B 1 T"]:
    """With noise of variance 1 added, scaled to this share of the clip's root mean square: a share of 0.1 is 20 dB."""
    n = lengths(x)[:, None, None]
    level = (x.square().sum(2, keepdim=True) / n.clamp(min=1)).sqrt()
    inside = torch.arange(x.shape[-1], device=x.device) < n
    return (x + share[:, None, None] * level * noise * inside).clamp(-1, 1)


def silence(x: Float[Tensor, "B 1 T"], start: Int[Tensor, "B"], length: Int[Tensor, "B"]) -> Float[Tensor, "B 1 T"]:
    """Zeros in place of `length` samples from `start` on."""
    place = torch.arange(x.shape[-1], device=x.device)
    masked = (place >= start[:, None]) & (place < (start + length)[:, None])
    return x.masked_fill(masked[:, None], 0)


def deafen(x: Float[Tensor, "B 1 T"], low: Float[Tensor, "B"], width: Float[Tensor, "B"]) -> Float[Tensor, "B 1 T"]:
    """Without the frequencies from low^2 to (low + width)^2, as shares of half the rate.

    Squares, as ears hear finer differences between low tones than between high ones; the mel scale would need the rate.
    """
    heard = torch.linspace(0, 1, x.shape[-1] // 2 + 1, device=x.device).sqrt()
    masked = (heard >= low[:, None]) & (heard < (low + width)[:, None])
    lost = torch.fft.irfft(torch.fft.rfft(x) * masked[:, None], n=x.shape[-1])
    inside = torch.arange(x.shape[-1], device=x.device) < lengths(x)[:, None, None]
    return (x - lost * inside).clamp(-1, 1)  # taken away, so that nothing changes where no band is masked

"""Sound as the ear divides it: log-mel spectra, and the cepstral coefficients (MFCC) of decades of speech recognition.

The mel scale is HTK's, m = 2595 log10(1 + f / 700); MFCC after Davis & Mermelstein 1980 (IEEE Trans. ASSP 28, p. 357).
A clip ends with its last nonzero sample; what follows is padding (see `data/sound.py`).
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tacit.errors import WrongUsage

BANDS = 40
WINDOW, HOP = 0.025, 0.010  # seconds
LOWEST = 20.0  # Hz; below, there is no sound but that of the room and the mains
FLOOR = 1e-6  # power, -60 dB from a sine of full scale; quieter is silence
SLOWEST = 400  # Hz; at a lower rate a window has fewer than ten samples


class LogMel(nn.Module):
    """Log energies of mel bands, (B, 1, T) samples in [-1, 1] -> (B, 1, bands, frames): 0 is silence, 1 a loud sine.

    Windows (Hann) of 25 ms every 10 ms, frame f centered at sample f * hop: `frames` = 1 + T // hop. 40 bands, or as
    many as have a Fourier bin of their own at a low rate.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, rate: int, bands: int | None = None) -> None:
        super().__init__()
        if rate < SLOWEST:
            raise WrongUsage(
                f"a sound of {rate} samples a second has no spectrum to look at\n  its spec needs a rate in Hz, like 16000"
            )
        self.rate, self.hop = rate, round(HOP * rate)
        length = round(WINDOW * rate)
        self.n_fft = 2 ** math.ceil(math.log2(length))
        self.register_buffer("window", torch.hann_window(length), persistent=False)
        filters = mel_filters(rate, self.n_fft, bands) if bands else most_filters(rate, self.n_fft)
        self.register_buffer("filters", filters, persistent=False)

    @property
    def bands(self) -> int:
        return len(self.filters)

    def frames(self, samples: int) -> int:
        """Frames of a clip of so many samples."""
        return 1 + samples // self.hop

    def forward(self, x: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B 1 M F"]:
        return 1 - self.log_energies(x)[:, None] / math.log(FLOOR)

    def log_energies(self, x: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B M F"]:
        """Natural logarithms, from log(FLOOR) for silence to about 0 for a sine of full scale."""
        with torch.autocast(x.device.type, enabled=False):  # the transform is not there in half precision
            spectrum = torch.stft(
                x[:, 0].float(),
                self.n_fft,
                self.hop,
                len(self.window),
                self.window,
                pad_mode="constant",
                return_complex=True,
            )  # (B, n_fft / 2 + 1, F)
            spectrum = spectrum * (2 / self.window.sum())  # a sine of full scale has a peak of height 1
            power = spectrum.real.square() + spectrum.imag.square()
            return (self.filters @ power + FLOOR).log()

    def heard(self, x: Float[Tensor, "B 1 T"]) -> Bool[Tensor, "B F"]:
        """Which frames are centered within the clip and not in the zeros behind it; the first one always is."""
        center = torch.arange(self.frames(x.shape[-1]), device=x.device) * self.hop
        return center < lengths(x).clamp(min=1)[:, None]


def lengths(x: Float[Tensor, "B 1 T"]) -> Int[Tensor, "B"]:
    """Samples up to the last that is not zero."""
    place = torch.arange(1, x.shape[-1] + 1, device=x.device)
    return (x[:, 0].ne(0) * place).amax(1)


def mfcc(x: Float[Tensor, "B 1 T"], rate: int, n: int = 20) -> tuple[Float[Tensor, "B n F"], Bool[Tensor, "B F"]]:
    """The first n mel cepstral coefficients of every frame, and which frames are the clip's own (`LogMel.heard`).

    An orthonormal cosine transform (DCT-II) of the natural logarithms of the mel energies.
    """
    mel = LogMel(rate).to(x.device)
    if n > mel.bands:
        raise WrongUsage(f"{mel.bands} mel bands at {rate} Hz have no {n} coefficients")
    return cosines(n, mel.bands).to(x.device) @ mel.log_energies(x), mel.heard(x)


def cosines(n: int, bands: int) -> Float[Tensor, "n M"]:
    """The first n rows of the orthonormal DCT-II."""
    row, column = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(bands, dtype=torch.float64)
    basis = torch.cos(math.pi / bands * (column + 0.5) * row) * math.sqrt(2 / bands)
    basis[0] /= math.sqrt(2)
    return basis.float()


def mel_filters(rate: int, n_fft: int, bands: int) -> Float[Tensor, "M bins"]:
    """Triangles of height 1 over the Fourier bins, their corners evenly spaced in mel from LOWEST to half the rate."""
    bins = torch.linspace(0, rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    corners = hertz(torch.linspace(mel(LOWEST), mel(rate / 2), bands + 2, dtype=torch.float64))
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return torch.minimum(rising, falling).clamp(min=0).float()


def most_filters(rate: int, n_fft: int) -> Float[Tensor, "M bins"]:
    """As many as 40, each with a bin that it hears best: more would say the same twice."""
    for bands in range(BANDS, 0, -1):
        filters = mel_filters(rate, n_fft, bands)
        if (filters.sum(1) > 0).all() and len(filters.argmax(1).unique()) == bands:
            return filters
    raise AssertionError(f"no mel filter fits a rate of {rate}")


def mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def hertz(mels: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
    return 700 * (10 ** (mels / 2595) - 1)

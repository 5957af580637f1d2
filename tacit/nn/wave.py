"""Sound as it is: strided convolutions over samples, one frame every 10 ms (CPC, van den Oord et al. 2018, sec. 3.1).

At 16 kHz strides of 5, 4, 2, 2, 2 and kernels of twice that, padded by half of what they overlap, as in the code of
Riviere et al. 2020 (https://github.com/facebookresearch/CPC_audio): 20,480 samples are 128 frames.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import WrongUsage
from tacit.nn.mel import lengths
from tacit.nn.norm import CENTERING
from tacit.nn.norm import norm as norm_layers

FRAME = 0.010  # seconds from one frame to the next, as near as halvings come to it
SILENT = 1e-4  # root mean square, -80 dB from full scale: quieter clips stay quiet
AT_ONCE = 2**26  # values of a map where nothing has to be kept for gradients; long clips would fill the memory


class Stride(NamedTuple):
    """One convolution over time."""

    kernel: int
    stride: int
    padding: int


def strides(rate: int) -> tuple[Stride, ...]:
    """The convolutions for sounds of `rate` Hz: 5 and 4 samples to one, then as many halvings as come nearest to 10 ms."""
    halvings = max(0, round(math.log2(max(rate, 1) * FRAME / 20)))
    return (Stride(10, 5, 3), Stride(8, 4, 2), *[Stride(4, 2, 1)] * halvings)


def frames(samples: int, layers: tuple[Stride, ...], padded: bool = True) -> int:
    """Frames of a clip of so many samples."""
    for kernel, stride, padding in layers:
        samples = max(0, (samples + 2 * padding * padded - kernel) // stride + 1)
    return samples


def field(layers: tuple[Stride, ...]) -> int:
    """Samples that one frame sees."""
    seen = 1
    for kernel, stride, _ in reversed(layers):
        seen = (seen - 1) * stride + kernel
    return seen


class FrameNorm(nn.Module):
    """Layer normalization over the channels of each frame: no statistic passes from one moment to another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "B C 1 n"]) -> Float[Tensor, "B C 1 n"]:
        with torch.autocast(x.device.type, enabled=False):  # in x's own precision: a change of it costs two passes
            x = x.permute(0, 2, 3, 1)
            x = F.layer_norm(x, self.weight.shape, self.weight.to(x.dtype), self.bias.to(x.dtype))
            return x.permute(0, 3, 1, 2)


class Wave(nn.Module):
    """(B, 1, T) samples in [-1, 1] -> (B, width): the mean of a clip's frames. `frames(x)` has them one by one.

    Each clip is first centered and brought to a root mean square of 1. After every convolution comes a normalization
    and ReLU: `group` over the channels of a frame, `none` as in the paper, or any other of `nn/norm.py`, all of which mix
    frames. Convolutions are two-dimensional with a height of 1, since those are laid out for speed.
    """

    def __init__(self, samples: int, rate: int, width: int = 128, norm: str = "group") -> None:
        super().__init__()
        self.strides = strides(rate)
        if samples < field(self.strides):
            raise WrongUsage(
                f"sounds of {samples} samples are shorter than the {field(self.strides)} that one frame sees\n"
                "  try: longer clips, a lower rate, or --trunk mel"
            )
        self.hop, self.width = math.prod(each.stride for each in self.strides), width
        widths = [1, *[width] * len(self.strides)]
        layers: list[nn.Module] = []
        for (a, b), (kernel, stride, padding) in zip(pairwise(widths), self.strides, strict=True):
            normalized = [FrameNorm(b)] if norm == "group" else norm_layers(norm, b, axes=2)
            layers += [nn.Conv2d(a, b, (1, kernel), (1, stride), (0, padding), bias=norm not in CENTERING)]
            layers += [*normalized, nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def frames(self, x: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B D n"]:
        """Features of each frame, not negative; frame f begins at sample f * hop."""
        x = self.loud(x)[:, :, None]
        if torch.is_grad_enabled() or torch.compiler.is_exporting():
            return self.layers(x)[:, :, 0]
        first = self.width * x.shape[-1] // self.strides[0].stride  # values of a clip's largest map
        return torch.cat([self.layers(some)[:, :, 0] for some in x.split(max(1, AT_ONCE // first))])

    def loud(self, x: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B 1 T"]:
        """Clips without what is constant in them, at a root mean square of 1; zeros behind a clip stay zeros."""
        n = lengths(x)[:, None, None]
        inside = torch.arange(x.shape[-1], device=x.device) < n
        x = (x - x.sum(-1, keepdim=True) / n.clamp(min=1)) * inside
        level = (x.square().sum(-1, keepdim=True) / n.clamp(min=1)).sqrt()
        return x / level.clamp(min=SILENT)

    def heard(self, x: Float[Tensor, "B 1 T"]) -> Bool[Tensor, "B n"]:
        """Which frames lie within the clip and not in the zeros behind it; the first one always does."""
        end = torch.arange(1, frames(x.shape[-1], self.strides) + 1, device=x.device) * self.hop
        return end <= lengths(x).clamp(min=self.hop)[:, None]

    def forward(self, x: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B D"]:
        return pooled(self.frames(x), self.heard(x))


def pooled(z: Float[Tensor, "B D n"], heard: Bool[Tensor, "B n"]) -> Float[Tensor, "B D"]:
    """The mean over a clip's own frames."""
    return (z * heard[:, None]).sum(2) / heard.sum(1, keepdim=True)

"""The way back: codes (B, D) -> (B, *item), as logits or means. It has no opinion which."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from tacit.errors import WrongUsage
from tacit.nn.gated import GatedConv, gated_layers, started
from tacit.nn.norm import CENTERING
from tacit.nn.norm import norm as norm_layers
from tacit.nn.residual import residual_deconvs
from tacit.nn.trunk import SOUND, channels, map_sizes, resolve

STRIDE = 4  # of the layers that make a sound longer
FIRST_LENGTH = 64  # samples at most that a sound's decoder begins with


class Decoder(nn.Sequential):
    """Layers from codes to items; the last one is linear, so values have no bounds."""

    def forward(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B *item"]:
        return super().forward(z)


class Double(nn.Module):
    """A map of twice the size, cropped to `size`, the size it had on the way in.

    The kernel (4) is a multiple of the stride (2), so that every output pixel is reached equally often and no
    checkerboard appears (Odena et al. 2016).
    """

    def __init__(self, a: int, b: int, size: tuple[int, int], bias: bool) -> None:
        super().__init__()
        self.conv, self.size = nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=bias), size

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        return self.conv(x)[..., : self.size[0], : self.size[1]]


class Longer(nn.Module):
    """A sound four times as long, cropped to `length`; the kernel (8) is a multiple of the stride."""

    def __init__(self, a: int, b: int, length: int, bias: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(a, b, 2 * STRIDE, stride=STRIDE, padding=STRIDE // 2, bias=bias)
        self.length = length

    def forward(self, x: Float[Tensor, "B C T"]) -> Float[Tensor, "B C2 T2"]:
        return self.conv(x)[..., : self.length]


def decoder(
    dim: int,
    shape: tuple[int, ...],
    kind: str = "auto",
    *,
    width: int | None = None,
    depth: int | None = None,
    norm: str | None = None,
) -> Decoder:
    """The mirror of `trunk(shape, kind, width=..., depth=...)` for codes of length `dim`.

    - `mlp`: `depth` (2) hidden layers of `width` (300).
    - `conv`, and `resnet` as well: one layer up to the trunk's last map, then transposed convolutions that double it
      back to the size of the item, odd sizes included, with `width` (32; resnet 16) channels before the last.
    - `gated`: `depth` (2) gated layers of `width` (300).
    - `gated_conv`: gated layers up to the size of the item, the last of `depth` (2) as long as the item, then four gated
      3x3 convolutions of twice `width` (32) channels and one of 1x1.
    - `residual`: one layer up to a map of a quarter of the size, then the trunk's blocks backwards, doubling twice.
    - `mel`, and whatever else hears a sound: one layer up to 64 samples or fewer, then transposed convolutions in one
      dimension that make them four times as long until the sound is whole, with `width` (16) channels before the last.
      The way back to samples is learned: spectra have lost the phase.
    """
    if dim < 1:
        raise WrongUsage(f"a code has at least one dimension, not {dim}")
    kind = resolve(shape, kind)
    if kind in SOUND:
        return _sound(dim, shape, width or 16, norm or "batch")
    if kind == "mlp":
        return _mlp(dim, shape, width or 300, depth or 2, norm or "none")
    if kind in ("gated", "gated_conv"):
        return _gated(dim, shape, kind, width, depth or 2)
    if kind == "residual":
        return Decoder(*residual_deconvs(dim, shape, width or 16, depth or 2))
    if kind == "resnet":  # its depth counts blocks a stage, which have no counterpart here
        return _conv(dim, shape, width or 16, None, norm or "batch")
    return _conv(dim, shape, width or 32, depth, norm or "batch")


def _mlp(dim: int, shape: tuple[int, ...], width: int, depth: int, norm: str) -> Decoder:
    layers: list[nn.Module] = []
    for a in [dim, *[width] * (depth - 1)]:
        layers += [
            nn.Linear(a, width, bias=norm not in CENTERING),
            *norm_layers(norm, width, axes=0),
            nn.ReLU(inplace=True),
        ]
    return Decoder(*layers, nn.Linear(width, math.prod(shape)), nn.Unflatten(1, shape))


def _gated(dim: int, shape: tuple[int, ...], kind: str, width: int | None, depth: int) -> Decoder:
    if kind == "gated":
        layers = gated_layers([dim, *[width or 300] * depth])
        return Decoder(*layers, started(nn.Linear(width or 300, math.prod(shape))), nn.Unflatten(1, shape))
    maps = 2 * (width or 32)
    layers = gated_layers([dim, *[300] * (depth - 1), math.prod(shape)])
    convs = [GatedConv(a, maps, 3) for a in (shape[0], maps, maps, maps)]
    return Decoder(*layers, nn.Unflatten(1, shape), *convs, started(nn.Conv2d(maps, shape[0], 1)))


def _conv(dim: int, shape: tuple[int, ...], width: int, depth: int | None, norm: str) -> Decoder:
    sizes = map_sizes(shape[1], shape[2], depth)
    widths = channels(width, len(sizes) - 1)
    first = (widths[-1], *sizes[-1])
    layers: list[nn.Module] = [nn.Linear(dim, math.prod(first)), nn.Unflatten(1, first)]
    layers += [*norm_layers(norm, first[0], axes=2), nn.ReLU(inplace=True)]
    for i in range(len(widths) - 1, 0, -1):
        layers += [Double(widths[i], widths[i - 1], sizes[i], bias=norm not in CENTERING)]
        layers += [*norm_layers(norm, widths[i - 1], axes=2), nn.ReLU(inplace=True)]
    return Decoder(*layers, Double(widths[0], shape[0], sizes[0], bias=True))


def _sound(dim: int, shape: tuple[int, ...], width: int, norm: str) -> Decoder:
    lengths = [shape[1]]
    while lengths[-1] > FIRST_LENGTH or len(lengths) == 1:
        lengths.append(-(-lengths[-1] // STRIDE))
    widths = channels(width, len(lengths) - 1)
    first = (widths[-1], lengths[-1])
    layers: list[nn.Module] = [nn.Linear(dim, math.prod(first)), nn.Unflatten(1, first)]
    layers += [*norm_layers(norm, first[0], axes=1), nn.ReLU(inplace=True)]
    for i in range(len(widths) - 1, 0, -1):
        layers += [Longer(widths[i], widths[i - 1], lengths[i], bias=norm not in CENTERING)]
        layers += [*norm_layers(norm, widths[i - 1], axes=1), nn.ReLU(inplace=True)]
    return Decoder(*layers, Longer(widths[0], shape[0], lengths[0], bias=True))

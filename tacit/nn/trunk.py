"""The trunk every method stands on: (B, *item) -> (B, F)."""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import WrongUsage, unknown_name
from tacit.nn.gated import GatedLinear, gated_convs, gated_layers
from tacit.nn.mel import LogMel
from tacit.nn.norm import CENTERING
from tacit.nn.norm import norm as norm_layers
from tacit.nn.patches import Patches
from tacit.nn.residual import residual_convs
from tacit.nn.wave import Wave

KINDS = ("auto", "mlp", "conv", "resnet", "gated", "gated_conv", "residual", "mel", "wave", "patches")
FLAT = ("mlp", "gated")  # need no image
SOUND = ("mel", "wave")  # need clips (1, T)
SMALL = 8  # pixels of the longer side; below, a map has too little room for convolutions to earn their time
LAST_MAP = 4  # pixels of the longer side of the last map of a convolutional trunk
LARGEST_STAGE = 32  # pixels; a resnet halves larger images in its stem, so that its cost stays bounded


class Trunk(nn.Sequential):
    """Layers from items to features; `out_dim` is F."""

    def __init__(self, *layers: nn.Module, out_dim: int) -> None:
        super().__init__(*layers)
        self.out_dim = out_dim

    def forward(self, x: Float[Tensor, "B *item"]) -> Float[Tensor, "B F"]:
        return super().forward(x)


def trunk(
    shape: tuple[int, ...],
    kind: str = "auto",
    *,
    width: int | None = None,
    depth: int | None = None,
    norm: str | None = None,
    out_dim: int | None = None,
    rate: int = 16000,
) -> Trunk:
    """A network for items of this shape: (C, H, W) images of any size, (1, T) sounds at `rate` Hz, or (F,) vectors.

    - `mlp`: `depth` (2) hidden layers of `width` (300) with ReLU; `norm` none. `out_dim` is the width of the last.
    - `conv`: `depth` blocks of [3x3 convolution, norm, 2x2 max-pool, ReLU] with `width` (32) channels, doubled block by
      block up to eightfold, then one layer of `out_dim` (128) features with ReLU; `norm` batch. By default two
      blocks, or as many as bring the longer side down to 4 pixels.
    - `resnet`: He et al. 2016 as they build it for CIFAR: 3x3 stem, stages of `depth` (2) basic blocks from `width`
      (16) channels, each at half the size of the one before, down to 4 pixels; global average pool; `norm` batch. At 32
      pixels that is a ResNet-18 at a quarter of the width. `out_dim` adds a layer of features, otherwise there is none.
    - `gated`: `depth` (2) gated layers of `width` (300), as in the VAEs of the VampPrior and Exemplar VAE papers.
    - `gated_conv`: the five gated convolutions of ConvHVAE with `width` (32) channels in the first two.
    - `residual`: the network Exemplar VAE uses for faces: twice a convolution of stride 2 and `depth` (2) residual blocks
      with ELU and weight normalization, `width` (16) channels and then twice that, then 6 channels. The paper: 48 and 6.
    - `mel`: the log-mel spectrum of a sound (`LogMel`), seen as a picture by `conv` with `width` (16) channels.
    - `wave`: strided convolutions over the samples of a sound and the mean over time (`Wave`), `width` (128) channels;
      `norm` group, over the channels of a moment. `out_dim` adds a layer of features, otherwise there is none.
    - `patches`: overlapping patches of an image, each encoded by itself, and the mean over them (`Patches`), `width`
      (128) features; `norm` group. `out_dim` as for `wave`.
    - `auto`: `mel` for sounds; `mlp` for vectors and for images under 8 pixels; otherwise `conv`.
    """
    kind = resolve(shape, kind)
    for name, value in (("width", width), ("depth", depth), ("out_dim", out_dim)):
        if value is not None and value < 1:
            raise WrongUsage(f"a trunk's {name} is a whole number from 1 on, not {value}")
    if kind == "mel":
        return _mel(shape, width, depth, norm, out_dim, rate)
    if kind in ("wave", "patches"):
        return _pooled(shape, kind, width, depth, norm, out_dim, rate)
    build = {"mlp": _mlp, "conv": _conv, "resnet": _resnet}.get(kind)
    if build:
        return build(shape, width, depth, norm, out_dim)
    if norm not in (None, "none"):
        raise WrongUsage(f"a {kind} trunk has no normalization of its own to choose; it got {norm!r}")
    layers, features = _plain(shape, kind, width, depth)
    if out_dim:
        layers, features = [*layers, GatedLinear(features, out_dim)], out_dim
    return Trunk(*layers, out_dim=features)


def resolve(shape: tuple[int, ...], kind: str) -> str:
    """The kind that `auto` means for this shape; an error for one that does not exist or cannot fit."""
    if kind not in KINDS:
        raise unknown_name("trunk", kind, KINDS)
    image, sound = len(shape) == 3, len(shape) == 2
    if kind == "auto":
        return "mel" if sound else "conv" if image and max(shape[1:]) >= SMALL else "mlp"
    if kind in SOUND and not sound:
        raise WrongUsage(f"a {kind} trunk needs sounds (1, T); these items have shape {shape}\n  try: --trunk auto")
    if kind not in (*FLAT, *SOUND) and not image:
        raise WrongUsage(f"a {kind} trunk needs images (C, H, W); these items have shape {shape}\n  try: --trunk auto")
    return kind


def _plain(shape: tuple[int, ...], kind: str, width: int | None, depth: int | None) -> tuple[list[nn.Module], int]:
    """The kinds without batch statistics: an item's features depend on nothing but the item, in training too."""
    if kind == "gated":
        return [nn.Flatten(), *gated_layers([math.prod(shape), *[width or 300] * (depth or 2)])], width or 300
    if kind == "gated_conv":
        return gated_convs(shape, width or 32)
    return residual_convs(shape, width or 16, depth or 2)


def map_sizes(height: int, width: int, depth: int | None = None) -> list[tuple[int, int]]:
    """Height and width of the item and of every map after it, each half of the one before, rounded up."""
    if depth is None:
        depth = max(2, math.ceil(math.log2(max(height, width) / LAST_MAP)))
    return [(-(-height // 2**i), -(-width // 2**i)) for i in range(depth + 1)]


def channels(width: int, depth: int) -> list[int]:
    """Channels of each block: doubled, up to eightfold."""
    return [width * 2 ** min(i, 3) for i in range(depth)]


def _mlp(shape: tuple[int, ...], width: int | None, depth: int | None, norm: str | None, out_dim: int | None) -> Trunk:
    width, depth, norm = width or 300, depth or 2, norm or "none"
    widths = [math.prod(shape), *[width] * (depth - 1), out_dim or width]
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, bias=norm not in CENTERING), *norm_layers(norm, b, axes=0), nn.ReLU(inplace=True)]
    return Trunk(*layers, out_dim=widths[-1])


def _conv(shape: tuple[int, ...], width: int | None, depth: int | None, norm: str | None, out_dim: int | None) -> Trunk:
    norm, out_dim = norm or "batch", out_dim or 128
    sizes = map_sizes(shape[1], shape[2], depth)
    widths = [shape[0], *channels(width or 32, len(sizes) - 1)]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [
            nn.Conv2d(a, b, 3, padding=1, bias=norm not in CENTERING),
            *norm_layers(norm, b, axes=2),
            nn.MaxPool2d(2, ceil_mode=True),  # the last row and column of an odd map count too
            nn.ReLU(inplace=True),  # the same as before the pooling, at a quarter of the work
        ]
    features = widths[-1] * math.prod(sizes[-1])
    return Trunk(*layers, nn.Flatten(), nn.Linear(features, out_dim), nn.ReLU(inplace=True), out_dim=out_dim)


def _mel(
    shape: tuple[int, ...], width: int | None, depth: int | None, norm: str | None, out_dim: int | None, rate: int
) -> Trunk:
    look = LogMel(rate)
    convs = _conv((1, look.bands, look.frames(shape[1])), width or 16, depth, norm, out_dim)
    return Trunk(look, *convs, out_dim=convs.out_dim)


def _pooled(
    shape: tuple[int, ...],
    kind: str,
    width: int | None,
    depth: int | None,
    norm: str | None,
    out_dim: int | None,
    rate: int,
) -> Trunk:
    """The kinds that look at parts of an item and take the mean over them."""
    if depth is not None:
        raise WrongUsage(f"a {kind} trunk has a depth of its own, that of its items\n  leave out --depth")
    width, norm = width or 128, norm or "group"
    parts = Wave(shape[1], rate, width, norm) if kind == "wave" else Patches(shape, width, norm=norm)
    features = [nn.Linear(width, out_dim), nn.ReLU(inplace=True)] if out_dim else []
    return Trunk(parts, *features, out_dim=out_dim or width)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a way around them (He et al. 2016, fig. 2)."""

    def __init__(self, a: int, b: int, stride: int, norm: str) -> None:
        super().__init__()
        bias = norm not in CENTERING
        self.body = nn.Sequential(
            nn.Conv2d(a, b, 3, stride, 1, bias=bias),
            *norm_layers(norm, b, axes=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(b, b, 3, 1, 1, bias=bias),
            *norm_layers(norm, b, axes=2),
        )
        same = stride == 1 and a == b
        around = [] if same else [nn.Conv2d(a, b, 1, stride, bias=bias), *norm_layers(norm, b, axes=2)]
        self.around = nn.Sequential(*around)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        return F.relu(self.body(x) + self.around(x))


def _resnet(
    shape: tuple[int, ...], width: int | None, depth: int | None, norm: str | None, out_dim: int | None
) -> Trunk:
    width, depth, norm = width or 16, depth or 2, norm or "batch"
    layers: list[nn.Module] = []
    a, side = shape[0], max(shape[1:])
    while side > LARGEST_STAGE or not layers:
        stride = 2 if side > LARGEST_STAGE else 1
        bias = norm not in CENTERING
        layers += [
            nn.Conv2d(a, width, 3, stride, 1, bias=bias),
            *norm_layers(norm, width, axes=2),
            nn.ReLU(inplace=True),
        ]
        a, side = width, -(-side // stride)
    for i, b in enumerate(channels(width, len(map_sizes(side, side)))):
        for j in range(depth):
            layers.append(BasicBlock(a, b, stride=2 if i > 0 and j == 0 else 1, norm=norm))
            a = b
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if out_dim:
        layers += [nn.Linear(a, out_dim), nn.ReLU(inplace=True)]
    return Trunk(*layers, out_dim=out_dim or a)

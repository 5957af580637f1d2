"""A convolutional encoder that keeps its switches, and the decoder that follows them back (Zhao et al. 2015, fig. 1).

https://arxiv.org/abs/1506.02351. Networks are written as in the paper: `(16)5c-(32)3c-4p` is 16 maps of 5x5 convolutions,
32 of 3x3, and pooling in windows of 4x4 pixels. Every level ends with a pooling.
"""

import math
import re
from typing import NamedTuple, cast

from jaxtyping import Float
from torch import Tensor, nn

from tacit.errors import WrongUsage
from tacit.nn.norm import CENTERING
from tacit.nn.norm import norm as norm_layers
from tacit.nn.switches import Pooled, Pooling

SMALL = 8  # pixels of the shorter side; less has no room for two levels
LAST_MAP = 4  # pixels of the longer side of the last map


class Level(NamedTuple):
    """Convolutions (maps, pixels of the kernel) with ReLU, and the pooling above them."""

    convs: tuple[tuple[int, int], ...]
    pool: int


class Drawn(NamedTuple):
    """The item as the decoder draws it, and what it held on the way in the place of the `whats`, lowest level first."""

    x: Tensor  # (B, *item), without bounds
    states: list[Tensor]
    whats: list[Tensor]


def levels_of(net: str) -> list[Level]:
    """The levels of a network as the paper writes it; a sentence where that cannot be read."""
    levels, convs = [], []
    for part in net.replace(" ", "").split("-"):
        if conv := re.fullmatch(r"\((\d+)\)(\d+)c", part):
            convs.append((int(conv[1]), int(conv[2])))
        elif (pool := re.fullmatch(r"(\d+)p", part)) and convs:
            levels.append(Level(tuple(convs), int(pool[1])))
            convs = []
        else:
            raise WrongUsage(
                f"the network {net!r} cannot be read at {part!r}; a level is convolutions and then a pooling\n"
                "  for example: (32)5c-2p-(64)3c-(64)3c-2p"
            )
    if convs:
        raise WrongUsage(f"the network {net!r} does not end with a pooling\n  try: {net}-2p")
    for maps, kernel in (conv for level in levels for conv in level.convs):
        if maps < 1 or kernel % 2 == 0:
            raise WrongUsage(
                f"({maps}){kernel}c: a convolution has 1 map or more and an odd kernel\n  for example: (32)3c"
            )
    return levels


def usual_net(shape: tuple[int, ...], width: int = 32) -> str:
    """(32)5c-2p-(64)3c-(64)3c-2p-(128)3c-2p for `width` 32 and images of 28 pixels.

    Two levels or more, until the longer side is down to 4 pixels or the shorter to 1: smaller images get less of it, and
    larger ones the last level again.
    """
    levels = [f"({width})5c-2p", f"({2 * width})3c-({2 * width})3c-2p"]
    short, long = sorted(side // 4 for side in shape[1:])
    while long > LAST_MAP and short > 1:
        levels.append(f"({4 * width})3c-2p")
        short, long = short // 2, long // 2
    return "-".join(levels)


def sizes_of(shape: tuple[int, ...], levels: list[Level]) -> list[tuple[int, ...]]:
    """(C, H, W) of the item and of what every level finds; a sentence where a map becomes too small."""
    sizes = [shape]
    for level in levels:
        _, height, width = sizes[-1]
        if min(height, width) < level.pool:
            raise WrongUsage(
                f"a window of {level.pool} x {level.pool} pixels does not fit a map of {height} x {width}\n"
                "  give a --net with fewer or smaller poolings, or leave it out"
            )
        sizes.append((level.convs[-1][0], height // level.pool, width // level.pool))
    return sizes


class WhatWhereEncoder(nn.Module):
    """`encoder(x)` is the topmost what as a code (B, F); `encoder.levels(x)` is what every level found, and where.

    With `features`, a layer of so many features above the topmost what is the code.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        net: str,
        *,
        where: str = "hard",
        beta: float = 100.0,
        norm: str = "none",
        features: int | None = None,
    ) -> None:
        super().__init__()
        if features is not None and features < 1:
            raise WrongUsage(f"a code has 1 feature or more, not {features}\n  try: --features 64")
        levels = levels_of(net)
        sizes = sizes_of(shape, levels)
        blocks: list[nn.Module] = []
        for (maps, *_), level in zip(sizes, levels, strict=False):
            layers: list[nn.Module] = []
            for a, (b, kernel) in zip(below(maps, level), level.convs, strict=True):
                layers += conv(a, b, kernel, norm)
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(blocks)
        self.poolings = nn.ModuleList(Pooling(level.pool, where, beta) for level in levels)
        inside = math.prod(sizes[-1])
        above = [nn.Linear(inside, features), nn.ReLU(inplace=True)] if features else []
        self.above = nn.Sequential(nn.Flatten(), *above)
        self.out_dim = features or inside

    def levels(self, x: Float[Tensor, "B C H W"]) -> list[Pooled]:
        """What was found and where, lowest level first. Only what is passed up."""
        found = []
        for block, pooling in zip(self.blocks, self.poolings, strict=True):
            found.append(pooling(block(x)))
            x = found[-1].what
        return found

    def code(self, found: list[Pooled]) -> Float[Tensor, "B F"]:
        """The code that belongs to these levels."""
        return self.above(found[-1].what)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        return self.code(self.levels(x))


class WhatWhereDecoder(nn.Module):
    """The encoder mirrored, with weights of its own: unpooling by the encoder's where, then convolutions.

    A ReLU stands behind each of them but the last, whose values have no bounds. Without `features` the topmost what is
    taken as it is; with them it is drawn from the code first.
    """

    def __init__(
        self, shape: tuple[int, ...], net: str, *, where: str = "hard", norm: str = "none", features: int | None = None
    ) -> None:
        super().__init__()
        levels = levels_of(net)
        sizes = sizes_of(shape, levels)
        blocks: list[nn.Module] = []
        for (maps, *_), level in zip(sizes, levels, strict=False):
            layers: list[nn.Module] = []
            for a, (b, kernel) in zip(below(maps, level), level.convs, strict=True):
                # at stride 1 a transposed convolution is a convolution; an item's values have no ReLU behind them
                draws_item = not blocks and not layers
                layers = [*([started(b, a, kernel)] if draws_item else conv(b, a, kernel, norm)), *layers]
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(blocks)
        self.poolings = nn.ModuleList(Pooling(level.pool, where) for level in levels)
        self.down = None
        if features:
            up = nn.Linear(features, math.prod(sizes[-1]))
            self.down = nn.Sequential(up, nn.ReLU(inplace=True), nn.Unflatten(1, sizes[-1]))

    def forward(self, found: list[Pooled], code: Float[Tensor, "B F"]) -> Drawn:
        """Draw an item from its code and from where the encoder found things."""
        whats, states = [pooled.what for pooled in found[:-1]], []
        state = found[-1].what
        if self.down:
            state = self.down(code)
            whats, states = [*whats, found[-1].what], [state]
        for block, pooling, pooled in reversed(list(zip(self.blocks, self.poolings, found, strict=True))):
            state = block(cast(Pooling, pooling).unpool(state, pooled))
            states.insert(0, state)
        return Drawn(states[0], states[1:], whats)


def network(shape: tuple[int, ...], net: str, width: int | None) -> str:
    """The network that these options mean for items of this shape; a sentence where there is none."""
    if len(shape) != 3 or min(shape[1:]) < SMALL:
        raise WrongUsage(
            f"what and where are found in pictures of {SMALL} x {SMALL} pixels or more; these items have shape {shape}\n"
            "  try: tacit learn autoencoder, or tacit train mixmatch"
        )
    if net == "auto":
        return usual_net(shape, width or 32)
    if width is not None:
        raise WrongUsage("a --net has its own number of maps\n  leave out --width")
    return net


def below(maps: int, level: Level) -> list[int]:
    """The maps that each convolution of a level sees."""
    return [maps, *(b for b, _ in level.convs[:-1])]


def conv(a: int, b: int, kernel: int, norm: str) -> list[nn.Module]:
    """A convolution that keeps the size of its map, normalization where it is asked for, and ReLU."""
    return [started(a, b, kernel, bias=norm not in CENTERING), *norm_layers(norm, b, axes=2), nn.ReLU(inplace=True)]


def started(a: int, b: int, kernel: int, bias: bool = True) -> nn.Conv2d:
    """Weights as He et al. 2015 have them (eq. 10): with torch's own, signals fade on the long way there and back."""
    layer = nn.Conv2d(a, b, kernel, padding=kernel // 2, bias=bias)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer

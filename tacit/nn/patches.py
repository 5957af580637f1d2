"""Pictures as a grid of overlapping patches, and contexts that see a part of the grid (CPC v2, Henaff et al. 2019)."""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import WrongUsage
from tacit.nn.norm import norm as norm_layers

LEAST_GRID = 3  # patches; a smaller grid has nothing two rows away
LEAST_PATCH = 4  # pixels
LARGE_PATCH = 16  # pixels; larger patches are halved by the first convolution too
LAST_MAP = 2  # pixels of the last map of a patch
ROWS_BACK = 2  # that a layer of a context sees, with the row itself: three layers cover a grid of seven


def patch_size(shape: tuple[int, ...]) -> int:
    """A quarter of the shorter side, rounded up to an even number: 7 x 7 patches of a square of 32, 64 or 256 pixels,
    6 x 6 of one of 28, where neighbors overlap by half."""
    return max(LEAST_PATCH, 2 * math.ceil(min(shape[1:]) / 8))


def grid_size(shape: tuple[int, ...], size: int, stride: int) -> tuple[int, int]:
    """Rows and columns of whole patches in an image."""
    rows, columns = (max(0, (side - size) // stride + 1) for side in shape[1:])
    return rows, columns


def cut(x: Float[Tensor, "B C H W"], size: int, stride: int) -> Float[Tensor, "B R S C p p"]:
    """Patches of `size` x `size` pixels, a row of them every `stride` pixels and one every `stride` pixels of a row."""
    return x.unfold(2, size, stride).unfold(3, size, stride).permute(0, 2, 3, 1, 4, 5)


class Patches(nn.Module):
    """(B, C, H, W) images -> (B, width): the mean over a grid of patches, each encoded by itself.

    Encoder: 3x3 convolutions, the map halved by every one but the first until it has 2 pixels a side; as many channels
    as `width` in the last, half of it in the one before; then the mean over the map. `norm` is `group` or `none`: batch
    statistics would let patches know of each other.
    """

    def __init__(
        self, shape: tuple[int, ...], width: int = 128, size: int = 0, stride: int = 0, norm: str = "group"
    ) -> None:
        super().__init__()
        self.size = size or patch_size(shape)
        self.stride = stride or max(1, self.size // 2)
        self.grid = grid_size(shape, self.size, self.stride)
        self._check(shape, norm)
        halvings = max(0, math.ceil(math.log2(self.size / LAST_MAP)))
        steps = [2 if self.size > LARGE_PATCH else 1, *[2] * halvings][: halvings + 1]
        widths = [shape[0], *[max(8, width // 2 ** min(i, 3)) for i in range(len(steps) - 1, 0, -1)], width]
        layers: list[nn.Module] = []
        for (a, b), step in zip(pairwise(widths), steps, strict=True):
            layers += [nn.Conv2d(a, b, 3, step, 1), *norm_layers(norm, b, axes=2), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def _check(self, shape: tuple[int, ...], norm: str) -> None:
        if norm not in ("group", "none"):
            raise WrongUsage(f"patches are normalized one by one: norm is group or none, not {norm!r}")
        if min(self.grid) < LEAST_GRID:
            raise WrongUsage(
                f"images of {shape[1]} x {shape[2]} pixels hold {self.grid[0]} x {self.grid[1]} patches of {self.size} pixels"
                f" every {self.stride}; at least {LEAST_GRID} x {LEAST_GRID} are needed\n  try: smaller patches or larger images"
            )

    def encode(self, patches: Float[Tensor, "B R S C p p"]) -> Float[Tensor, "B D R S"]:
        """Features of each patch of the grid, not negative."""
        b, rows, columns = patches.shape[:3]
        z = self.layers(patches.flatten(0, 2)).mean((2, 3))  # (B R S, D)
        return z.view(b, rows, columns, -1).permute(0, 3, 1, 2)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        return self.encode(cut(x, self.size, self.stride)).mean((2, 3))


class RowsAbove(nn.Module):
    """(B, D, R, S) -> (B, H, R, S): position (i, j) sees rows up to and including i, and nothing below.

    Convolutions with what lies below cut off (van den Oord et al. 2016, PixelCNN), around each a residual connection.
    Nothing is normalized over the grid, since its statistics would tell of the rows below.
    """

    def __init__(self, features: int, hidden: int, depth: int = 3) -> None:
        super().__init__()
        self.start = nn.Conv2d(features, hidden, 1)
        self.looks = nn.ModuleList(nn.Conv2d(hidden, hidden, (ROWS_BACK + 1, 3)) for _ in range(depth))
        self.mixes = nn.ModuleList(nn.Conv2d(hidden, hidden, 1) for _ in range(depth))

    def forward(self, z: Float[Tensor, "B D R S"]) -> Float[Tensor, "B H R S"]:
        c = self.start(z)
        for look, mix in zip(self.looks, self.mixes, strict=True):
            above = F.pad(F.relu(c), (1, 1, ROWS_BACK, 0))  # columns on both sides, rows above only
            c = c + mix(F.relu(look(above)))
        return c

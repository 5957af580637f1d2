"""Pooling that keeps what it found and where, and the way back (Zhao, Mathieu, Goroshin & LeCun 2015).

https://arxiv.org/abs/1506.02351. Windows are s x s pixels and do not overlap; what is left at the right and lower border
belongs to none, and is zero on the way back. The kinds of "where":

- `hard`: the switch, i.e. the position of the maximum in the map; of equal values the first.
- `soft`: a place (x, y) in [-1, 1]^2, the mean over the window's pixels under a softmax of their values, with x to the
  right and y up: (-1, -1) is the lower left pixel. Gradients go through it.
- `none`: no where. The way back fills the window with the one value: the control.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import WrongUsage, unknown_name

KINDS = ("hard", "soft", "none")


class Pooled(NamedTuple):
    """What a layer found in its windows, where, and the height and width of the map it looked at."""

    what: Tensor  # (B, C, h, w)
    where: Tensor | None  # hard: (B, C, h, w) int64, positions in the flat map; soft: (B, C, 2, h, w) in [-1, 1]
    size: tuple[int, int]


class Pooling(nn.Module):
    """`pool(z)` and `unpool(what, pooled)` of one kind, with windows of s x s pixels."""

    def __init__(self, s: int, kind: str = "hard", beta: float = 100.0) -> None:
        super().__init__()
        if kind not in KINDS:
            raise unknown_name("kind of where", kind, KINDS)
        if s < 2:
            raise WrongUsage(f"a pooling window has 2 x 2 pixels or more, not {s} x {s}")
        self.s, self.kind, self.beta = s, kind, beta

    def forward(self, z: Float[Tensor, "B C H W"]) -> Pooled:
        size = (z.shape[2], z.shape[3])
        if self.kind == "hard":
            return Pooled(*hard_pool(z, self.s), size)
        if self.kind == "soft":
            return Pooled(*soft_pool(z, self.s, self.beta), size)
        return Pooled(F.max_pool2d(z, self.s), None, size)

    def unpool(self, what: Float[Tensor, "B C h w"], pooled: Pooled) -> Float[Tensor, "B C H W"]:
        """A map of the size it had, with these values where `pooled` found its own."""
        if pooled.where is None:
            return upsample(what, self.s, pooled.size)
        unpool = hard_unpool if self.kind == "hard" else soft_unpool
        return unpool(what, pooled.where, self.s, pooled.size)


def hard_pool(z: Float[Tensor, "B C H W"], s: int) -> tuple[Float[Tensor, "B C h w"], Int[Tensor, "B C h w"]]:
    """The maximum of every window, and its position in the flat map."""
    what, where = F.max_pool2d(z, s, return_indices=True)
    return what, where


def hard_unpool(
    what: Float[Tensor, "B C h w"], where: Int[Tensor, "B C h w"], s: int, size: tuple[int, int]
) -> Float[Tensor, "B C H W"]:
    """Each value at its switch, zeros elsewhere. Pooling brings it back as long as no value is below zero."""
    return F.max_unpool2d(what, where, [s, s], output_size=list(size))


def soft_pool(
    z: Float[Tensor, "B C H W"], s: int, beta: float
) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B C 2 h w"]]:
    """m = sum of w z and p = sum of w (x, y) over a window, with w the softmax of beta z: near the maximum and its place.

    `beta` 0 gives the mean and the middle. In single precision: exp(100 z) is beyond half precision.
    """
    cells = windows(z.float(), s)  # (B, C, h, w, s, s)
    w = (beta * cells).flatten(-2).softmax(-1).view_as(cells)  # the softmax subtracts the window's maximum
    grid = torch.linspace(-1, 1, s, device=z.device)
    x, y = (w.sum(-2) * grid).sum(-1), (w.sum(-1) * -grid).sum(-1)  # the first row is the upper one: y = 1
    return (w * cells).sum((-2, -1)), torch.stack([x, y], dim=2)


def soft_unpool(
    what: Float[Tensor, "B C h w"], where: Float[Tensor, "B C 2 h w"], s: int, size: tuple[int, int]
) -> Float[Tensor, "B C H W"]:
    """Each value shared by the four pixels around its place, bilinearly: their sum is the value."""
    x, y = where.unbind(2)
    pixel = torch.arange(s, device=where.device)
    column, row = (x + 1) / 2 * (s - 1), (1 - y) / 2 * (s - 1)  # in pixels of the window, from 0 to s - 1
    across, down = ((1 - (at[..., None] - pixel).abs()).clamp(min=0) for at in (column, row))  # (B, C, h, w, s)
    cells = what[..., None, None] * down[..., :, None] * across[..., None, :]
    return whole(cells, size)


def upsample(what: Float[Tensor, "B C h w"], s: int, size: tuple[int, int]) -> Float[Tensor, "B C H W"]:
    """Each value in every pixel of its window."""
    return whole(what[..., None, None].expand(*what.shape, s, s), size)


def windows(z: Float[Tensor, "B C H W"], s: int) -> Float[Tensor, "B C h w s s"]:
    """The windows of a map, without the border that belongs to none."""
    h, w = z.shape[2] // s, z.shape[3] // s
    return z[..., : h * s, : w * s].unflatten(3, (w, s)).unflatten(2, (h, s)).transpose(3, 4)


def whole(cells: Float[Tensor, "B C h w s s"], size: tuple[int, int]) -> Float[Tensor, "B C H W"]:
    """Windows as one map of this size, zeros at the border that belongs to none."""
    z = cells.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return F.pad(z, (0, size[1] - z.shape[3], 0, size[0] - z.shape[2]))


def place(
    where: Int[Tensor, "B C h w"] | Float[Tensor, "B C 2 h w"], s: int, size: tuple[int, int]
) -> Float[Tensor, "B C 2 h w"]:
    """A where of either kind as (x, y) in [-1, 1] inside its window."""
    if where.is_floating_point():
        return where
    column, row = where % size[1] % s, where // size[1] % s
    return torch.stack([2 * column / (s - 1) - 1, 1 - 2 * row / (s - 1)], dim=2)

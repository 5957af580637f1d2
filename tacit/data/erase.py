"""Squares of a picture that are taken away."""

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor


def cutout(x: Float[Tensor, "B C H W"], side: float, generator: Generator | None = None) -> Float[Tensor, "B C H W"]:
    """A square at its picture's mean color, which leaves its part of the picture unknown (DeVries & Taylor 2017).

    `side` is a share of the shorter side; the middle of the square lies anywhere in the picture.
    """
    inside = squares(x, side, generator)
    return torch.where(inside, x.mean((2, 3), keepdim=True), x)


def mosaic(x: Float[Tensor, "B C H W"], side: float, generator: Generator | None = None) -> Float[Tensor, "B C H W"]:
    """A square replaced by its own mean, channel by channel (the sixth copy of the authors' code for EnAET)."""
    inside = squares(x, side, generator)
    mean = (x * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True)
    return torch.where(inside, mean, x)


def squares(x: Float[Tensor, "B C H W"], side: float, generator: Generator | None = None) -> Bool[Tensor, "B 1 H W"]:
    """One square of pixels of each picture, with its middle anywhere in it."""
    b, _, h, w = x.shape
    size = max(1, round(side * min(h, w)))
    inside = torch.ones(b, 1, 1, 1, dtype=torch.bool, device=x.device)
    for axis, length in ((2, h), (3, w)):
        start = torch.randint(length, (b, 1), device=x.device, generator=generator) - size // 2
        place = torch.arange(length, device=x.device)
        along = (place >= start) & (place < start + size)  # (B, length)
        inside = inside & (along[:, None, :, None] if axis == 2 else along[:, None, None, :])
    return inside

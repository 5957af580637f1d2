"""Small random changes that leave the class alone: whole batches at once, each item with parameters of its own.

Everything runs on the batch's device. The same generator state gives the same batch; without one, torch's own is used.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from tacit.data.sound_views import sound_view
from tacit.data.warps import warp
from tacit.errors import unknown_name

STRENGTHS = ("none", "light")


def augment(
    x: Float[Tensor, "B *item"], strength: str, *, flip: bool = False, generator: Generator | None = None
) -> Float[Tensor, "B *item"]:
    """A preset. `light` shifts an image by up to 1/14 of its size, turns it by up to 10 degrees and scales it by up to
    10 %; a sound is changed a third as much as for `sound_view`; a (standardized) vector gets Gaussian noise of 0.1.
    `none` leaves x alone.

    Images are mirrored only when asked: letters, digits and road signs must not be.
    """
    if strength not in STRENGTHS:
        raise unknown_name("strength of augmentation", strength, STRENGTHS)
    if strength == "none":
        return mirror(x, generator) if flip and x.ndim == 4 else x
    if x.ndim == 3:
        return sound_view(x, generator, strength=1 / 3)
    if x.ndim != 4:
        return noise(x, 0.1, generator)
    x = affine(x, degrees=10.0, scale=0.1, shift=1 / 14, generator=generator)
    return mirror(x, generator) if flip else x


def shift(x: Float[Tensor, "B C H W"], pixels: int, generator: Generator | None = None) -> Float[Tensor, "B C H W"]:
    """Moved by whole pixels, up to `pixels` each way; the border is repeated into the gap."""
    b, _, h, w = x.shape
    move = torch.randint(-pixels, pixels + 1, (2, b, 1), device=x.device, generator=generator)
    rows = (torch.arange(h, device=x.device) + move[0]).clamp(0, h - 1)  # (B, H)
    columns = (torch.arange(w, device=x.device) + move[1]).clamp(0, w - 1)  # (B, W)
    item = torch.arange(b, device=x.device)[:, None, None]
    return x[item, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def mirror(x: Float[Tensor, "B C H W"], generator: Generator | None = None) -> Float[Tensor, "B C H W"]:
    """Left and right swapped, for every second item on average."""
    coin = torch.rand(len(x), 1, 1, 1, device=x.device, generator=generator) < 0.5
    return torch.where(coin, x.flip(3), x)


def affine(
    x: Float[Tensor, "B C H W"],
    degrees: float = 0.0,
    scale: float = 0.0,
    shift: float = 0.0,
    generator: Generator | None = None,
) -> Float[Tensor, "B C H W"]:
    """Turned by up to `degrees`, scaled by a factor from 1 / (1 + scale) to 1 + scale, moved by up to `shift`.

    `shift` is a share of the image's size. One bilinear pass; the border is repeated into the gap. A turn is rigid on
    images that are not square, too.
    """
    b, _, h, w = x.shape
    u = 2 * torch.rand(4, b, device=x.device, generator=generator) - 1  # in [-1, 1)
    angle, zoom = u[0] * math.radians(degrees), (u[1] * math.log1p(scale)).exp()
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    from_x = torch.stack((cos, -sin * (h / w), 2 * shift * u[2]), 1)
    from_y = torch.stack((sin * (w / h), cos, 2 * shift * u[3]), 1)
    return warp(x, torch.stack((from_x, from_y), 1))


def noise(x: Float[Tensor, "B *item"], sigma: float, generator: Generator | None = None) -> Float[Tensor, "B *item"]:
    """With Gaussian noise of standard deviation `sigma` added."""
    return x + sigma * torch.empty_like(x).normal_(generator=generator)

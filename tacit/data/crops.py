"""A random part of every image, brought back to full size, mirrored or not, sharp or not: two small matrix products.

Resampling a box line by line is linear and separable: rows = A x, columns = x B^T, with A and B of one image's own box,
mirror and blur. At 32 x 32 pixels this is several times faster than one interpolation after another.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

ASPECT = (3 / 4, 4 / 3)  # width over height of a box, in shares of the image's own


def random_boxes(
    n: int, smallest: float, device: torch.device, generator: Generator | None = None
) -> Float[Tensor, "n 4"]:
    """Center and size (x, y, width, height) of a random box in each of n images, as shares of it.

    Its area is uniform in [smallest, 1] and its aspect log-uniform in [3/4, 4/3] (Szegedy et al. 2015, sec. 6); where
    that would reach over the image's edge it is cut, which is what ten tries in a row nearly always avoid elsewhere.
    """
    u = torch.rand(4, n, device=device, generator=generator)
    area = smallest + (1 - smallest) * u[0]
    low, high = (math.log(a) for a in ASPECT)
    aspect = (low + (high - low) * u[1]).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    return torch.stack([width / 2 + (1 - width) * u[2], height / 2 + (1 - height) * u[3], width, height], dim=1)


def lines(
    center: Float[Tensor, "B"], size: Float[Tensor, "B"], pixels: int, mirrored: Tensor | None = None
) -> Float[Tensor, "B out pixels"]:
    """The matrix that takes a line of pixels to the part around `center`, of `size` (shares), at full length: linear
    interpolation between pixel centers, the edge pixel beyond the edge. `mirrored` (B,) turns it round."""
    at = (torch.arange(pixels, device=center.device) + 0.5) / pixels - 0.5  # (out,) pixel centers in [-0.5, 0.5]
    across = at if mirrored is None else torch.where(mirrored[:, None], -at, at)
    place = (center[:, None] + size[:, None] * across) * pixels - 0.5  # (B, out) in pixels of the source
    place = place.clamp(0, pixels - 1)
    return (1 - (place[:, :, None] - torch.arange(pixels, device=center.device)).abs()).clamp_(min=0)


def blurred(
    lines: Float[Tensor, "B out pixels"], sigma: Float[Tensor, "B"], radius: int
) -> Float[Tensor, "B out pixels"]:
    """A matrix of lines with a Gaussian blur behind it: of `sigma` pixels, cut at `radius`, the edge repeated.

    Where sigma is 0 nothing changes.
    """
    apart = torch.arange(-radius, radius + 1, device=sigma.device)
    weight = torch.exp(-0.5 * (apart / sigma.clamp(min=1e-3)[:, None]).square())  # (B, 2 radius + 1)
    weight = (weight / weight.sum(1, keepdim=True))[:, :, None, None]
    spot = torch.arange(lines.shape[1], device=sigma.device)
    found = weight[:, radius] * lines
    for k in range(1, radius + 1):
        both = lines[:, (spot - k).clamp(min=0)] + lines[:, (spot + k).clamp(max=len(spot) - 1)]
        found.addcmul_(weight[:, radius + k], both)
    return found


def blur_radius(pixels: int) -> int:
    """Half of a kernel of a tenth of the image, as SimCLR has it; at least one pixel."""
    return max(1, pixels // 20)


def resample(
    x: Float[Tensor, "B C H W"], down: Float[Tensor, "B H H"], across: Float[Tensor, "B W W"]
) -> Float[Tensor, "B C H W"]:
    """`down` applied to the columns of every channel and `across` to its rows."""
    b, c, h, w = x.shape
    rows = torch.bmm(x.reshape(b, c * h, w), across.transpose(1, 2)).view(b, c, h, w)
    return torch.matmul(down[:, None], rows)


def crop(
    x: Float[Tensor, "B C H W"],
    smallest: float,
    *,
    flip: bool = False,
    blur: float = 0.0,
    generator: Generator | None = None,
) -> Float[Tensor, "B C H W"]:
    """A random box of every image (`smallest` is the least area) at full size; mirrored for every second image with
    `flip`, blurred with sigma in [0.1, 2] pixels for a share `blur` of them."""
    b, _, h, w = x.shape
    box = random_boxes(b, smallest, x.device, generator)
    mirrored = torch.rand(b, device=x.device, generator=generator) < 0.5 if flip else None
    down, across = lines(box[:, 1], box[:, 3], h), lines(box[:, 0], box[:, 2], w, mirrored)
    if blur:
        u = torch.rand(2, b, device=x.device, generator=generator)
        sigma = torch.where(u[0] < blur, 0.1 + 1.9 * u[1], 0.0)
        down, across = blurred(down, sigma, blur_radius(h)), blurred(across, sigma, blur_radius(w))
    return resample(x, down, across)

"""Color, contrast, brightness and sharpness of images by a factor each, as Pillow's ImageEnhance has them.

Factor 1 leaves an image as it is; 0 takes the property away (a grey image, an even one, a black one, a smooth one), and
above 1 there is more of it. Images are in [0, 1] and stay there after each of the four.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from tacit.data.colors import LUMA


def factors(channels: int) -> tuple[str, ...]:
    """The factors an image of so many channels has, in the order they are applied: color needs three."""
    return ("color", "contrast", "brightness", "sharpness")[0 if channels == 3 else 1 :]


def draw_factors(
    n: int,
    channels: int,
    strength: float,
    generator: Generator | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "n P"]:
    """Factors for n images, uniform within `strength` of 1."""
    return 1 + strength * (2 * torch.rand(n, len(factors(channels)), device=device, generator=generator) - 1)


def enhance(x: Float[Tensor, "B C H W"], factor: Float[Tensor, "B P"]) -> Float[Tensor, "B C H W"]:
    """Each image with its factors, (B, 4) with three channels and (B, 3) without color otherwise."""
    without = {"color": tone, "contrast": even, "brightness": black, "sharpness": smooth}
    for name, f in zip(factors(x.shape[1]), factor[:, :, None, None, None].unbind(1), strict=True):
        x = (f * x).add_((1 - f) * without[name](x)).clamp_(0, 1)
    return x


def tone(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
    """Grey: the weighted mean of red, green and blue, or the mean of other channels."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    red, green, blue = x.split(1, dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def even(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 1 1"]:
    """The mean grey of an image."""
    return tone(x).mean((2, 3), keepdim=True)


def black(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "1"]:
    """Nothing at all."""
    return x.new_zeros(1)


def smooth(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Each pixel and its eight neighbours averaged, the pixel five times as heavy; the border stays as it is."""
    if min(x.shape[2:]) < 3:
        return x
    across = (x[..., :-2] + x[..., 2:]).add_(x[..., 1:-1])  # sums of slices: 15 times as fast as avg_pool2d on a CPU
    nine = (across[:, :, :-2] + across[:, :, 2:]).add_(across[:, :, 1:-1])
    smoothed = x.clone()
    smoothed[:, :, 1:-1, 1:-1] = nine.add_(x[:, :, 1:-1, 1:-1], alpha=4).div_(13)
    return smoothed

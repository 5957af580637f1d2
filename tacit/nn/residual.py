"""Residual blocks with ELU and weight normalization, as Exemplar VAE builds its networks for faces."""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

THIN = 6  # channels of the last map on the way in ("bottleneck")


class Block(nn.Module):
    """x + conv(elu(conv(elu(x)))), the map's size and channels kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (weight_norm(nn.Conv2d(width, width, 3, padding=1)) for _ in range(2))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.two(F.elu(self.one(F.elu(x))))


class Upsampled(nn.Module):
    """A map of the given size, each pixel repeated, and a convolution over it."""

    def __init__(self, a: int, b: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv, self.size = weight_norm(nn.Conv2d(a, b, 3, padding=1)), size

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        return self.conv(F.interpolate(x, size=self.size, mode="nearest"))


def residual_convs(shape: tuple[int, ...], width: int, depth: int) -> tuple[list[nn.Module], int]:
    """Two stages, each a convolution of stride 2 and `depth` blocks; 6 channels at a quarter of the size, flat."""
    layers: list[nn.Module] = []
    for a, b in pairwise((shape[0], width, 2 * width)):
        layers += [weight_norm(nn.Conv2d(a, b, 3, 2, 1)), *(Block(b) for _ in range(depth))]
    layers += [nn.ELU(), weight_norm(nn.Conv2d(2 * width, THIN, 3, padding=1)), nn.Flatten()]
    return layers, THIN * math.prod(sizes(shape)[-1])


def residual_deconvs(dim: int, shape: tuple[int, ...], width: int, depth: int) -> list[nn.Module]:
    """The way back from codes (B, dim): the same stages in reverse, each map doubled before its convolution."""
    full, half, quarter = sizes(shape)
    layers: list[nn.Module] = [nn.Linear(dim, 2 * width * math.prod(quarter)), nn.Unflatten(1, (2 * width, *quarter))]
    layers += [*(Block(2 * width) for _ in range(depth)), Upsampled(2 * width, width, half)]
    layers += [*(Block(width) for _ in range(depth)), nn.ELU(), Upsampled(width, shape[0], full)]
    return layers


def sizes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Height and width of the item, and of its maps at half and a quarter of it, rounded up."""
    height, width = shape[1:]
    return [(-(-height // s), -(-width // s)) for s in (1, 2, 4)]

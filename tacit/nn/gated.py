"""Gated layers: every unit has a second one that says how much of it passes (Dauphin et al. 2017, eq. 1).

https://arxiv.org/abs/1612.08083. The networks of VampPrior (Tomczak & Welling 2018) and Exemplar VAE (Norouzi et al.
2020) consist of them.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

KERNELS = (7, 3, 5, 3, 3)  # of the convolutions of ConvHVAE, with these strides:
STRIDES = (1, 2, 1, 2, 1)
THIN = 6  # channels of the last map
Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class GatedLinear(nn.Module):
    """(W x + b) * sigmoid(V x + c), both halves as one product."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.both = started(nn.Linear(a, 2 * b))

    def forward(self, x: Float[Tensor, "*batch A"]) -> Float[Tensor, "*batch B"]:
        return F.glu(self.both(x), -1)


class GatedConv(nn.Module):
    """The same with convolutions; the map keeps its size at stride 1."""

    def __init__(self, a: int, b: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.both = started(nn.Conv2d(a, 2 * b, kernel, stride, kernel // 2))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        return F.glu(self.both(x), 1)


def started(layer: Layer) -> Layer:
    """Weights from N(0, 2 / fan-in), biases zero, as the code of both papers starts them."""
    nn.init.normal_(layer.weight, 0, math.sqrt(2 / layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def gated_layers(widths: Sequence[int]) -> list[nn.Module]:
    """One gated layer after the other, between these widths."""
    return [GatedLinear(a, b) for a, b in pairwise(widths)]


def gated_convs(shape: tuple[int, ...], width: int, kernels: Sequence[int] = KERNELS) -> tuple[list[nn.Module], int]:
    """The five convolutions of ConvHVAE's posteriors, and how many features they end in: `width`, `width`, twice that
    twice, and 6 channels, at a quarter of the size.
    """
    maps = (shape[0], width, width, 2 * width, 2 * width, THIN)
    layers = [GatedConv(a, b, k, s) for (a, b), k, s in zip(pairwise(maps), kernels, STRIDES, strict=True)]
    height, wide = (math.ceil(side / 4) for side in shape[1:])
    return [*layers, nn.Flatten()], THIN * height * wide

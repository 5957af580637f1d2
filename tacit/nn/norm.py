"""Normalization layers by name."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import unknown_name

NORMS = ("batch", "group", "none")


class BatchNorm1d(nn.BatchNorm1d):
    """Batch normalization that falls back on the running statistics where a batch has one value a feature."""

    def forward(self, x: Tensor) -> Tensor:
        return _remembered(self, x) if self.training and x.numel() == x.shape[1] else super().forward(x)


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalization that falls back on the running statistics where a batch has one value a channel."""

    def forward(self, x: Tensor) -> Tensor:
        return _remembered(self, x) if self.training and x.numel() == x.shape[1] else super().forward(x)


def _remembered(layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    # one value has no variance: torch raises here, although a batch of one item is no mistake of the person
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)


def norm(kind: str, features: int, axes: int) -> list[nn.Module]:
    """The layers of this name: one, or none. `axes` is 2 behind a convolution, 0 behind a linear layer."""
    if kind == "batch":
        return [BatchNorm2d(features) if axes == 2 else BatchNorm1d(features)]
    if kind == "group":
        # groups of four channels or more; a linear layer's features are one group, since one value has no variance
        return [nn.GroupNorm(math.gcd(8, features, max(features // 4, 1)) if axes else 1, features)]
    if kind == "none":
        return []
    raise unknown_name("normalization", kind, NORMS)

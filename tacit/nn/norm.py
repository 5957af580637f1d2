"""Normalization layers by name."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.across import mean_everywhere, processes
from tacit.errors import unknown_name

NORMS = ("batch", "split", "group", "none")
CENTERING = ("batch", "split")  # these take a bias away again
SPLITS = 8  # groups of a batch that `split` takes statistics of, as MoCo's authors on CIFAR-10


class BatchNorm1d(nn.BatchNorm1d):
    """Batch normalization over all processes; running statistics where a batch has one value a feature."""

    def forward(self, x: Tensor) -> Tensor:
        return _whole_batch(self, x) if self.training and _special(x) else super().forward(x)


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalization over all processes; running statistics where a batch has one value a channel."""

    def forward(self, x: Tensor) -> Tensor:
        return _whole_batch(self, x) if self.training and _special(x) else super().forward(x)


class SplitNorm1d(nn.BatchNorm1d):
    """Batch normalization with statistics of each eighth of a batch, as if eight devices had a part each."""

    def forward(self, x: Tensor) -> Tensor:
        return _split(self, x) if self.training else super().forward(x)


class SplitNorm2d(nn.BatchNorm2d):
    """Batch normalization with statistics of each eighth of a batch, as if eight devices had a part each."""

    def forward(self, x: Tensor) -> Tensor:
        return _split(self, x) if self.training else super().forward(x)


def _special(x: Tensor) -> bool:
    return processes() > 1 or x.numel() == x.shape[1]


def _whole_batch(layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    count = x.numel() // x.shape[1] * processes()
    if count == 1:  # one value has no variance: torch raises here, although a batch of one item is no mistake
        return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)
    axes = [0, *range(2, x.ndim)]
    mean, square = mean_everywhere(torch.stack([x.float().mean(axes), x.float().square().mean(axes)]))
    variance = (square - mean.square()).clamp(min=0)
    assert layer.running_mean is not None and layer.running_var is not None and layer.momentum is not None
    with torch.no_grad():
        layer.running_mean.lerp_(mean, layer.momentum)
        layer.running_var.lerp_(variance * count / (count - 1), layer.momentum)
        if layer.num_batches_tracked is not None:
            layer.num_batches_tracked.add_(1)
    scale = (variance + layer.eps).rsqrt()
    scale = scale if layer.weight is None else scale * layer.weight
    shift = -mean * scale if layer.bias is None else layer.bias - mean * scale
    shape = [1, -1, *[1] * (x.ndim - 2)]
    return (x * scale.view(shape) + shift.view(shape)).to(x.dtype)


def _split(layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    assert layer.momentum is not None
    groups = max(1, min(SPLITS // processes(), len(x) // 2))  # a group of one item has no variance
    momentum = 1 - (1 - layer.momentum) ** (1 / groups)  # so that a batch moves the running statistics as far as ever
    training = x.numel() > x.shape[1]
    parts = [
        F.batch_norm(
            part, layer.running_mean, layer.running_var, layer.weight, layer.bias, training, momentum, layer.eps
        )
        for part in x.tensor_split(groups)
    ]
    return torch.cat(parts)


def norm(kind: str, features: int, axes: int) -> list[nn.Module]:
    """The layers of this name: one, or none. `axes` is 2 or 1 behind a convolution, 0 behind a linear layer."""
    if kind == "batch":
        return [BatchNorm2d(features) if axes == 2 else BatchNorm1d(features)]
    if kind == "split":
        return [SplitNorm2d(features) if axes == 2 else SplitNorm1d(features)]
    if kind == "group":
        # groups of four channels or more; a linear layer's features are one group, since one value has no variance
        return [nn.GroupNorm(math.gcd(8, features, max(features // 4, 1)) if axes else 1, features)]
    if kind == "none":
        return []
    raise unknown_name("normalization", kind, NORMS)

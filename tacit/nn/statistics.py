"""Batches that a network sees without remembering them."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Batch normalization goes by the batch as it does in training; its running statistics stay as they are."""
    layers = [layer for layer in network.modules() if isinstance(layer, BATCH_NORMS)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

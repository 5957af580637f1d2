"""A network that follows another slowly."""

import copy

import torch
from torch import nn


class SlowCopy(nn.Module):
    """An exponential moving average of a network; no gradient reaches it."""

    def __init__(self, network: nn.Module, momentum: float) -> None:
        super().__init__()
        self.network, self.momentum = copy.deepcopy(network).requires_grad_(False), momentum

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """One step of the average: slow <- momentum slow + (1 - momentum) fast."""
        for slow, fast in zip(self.network.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - self.momentum)
        for kept, now in zip(self.network.buffers(), network.buffers(), strict=True):
            if kept.shape != now.shape:
                kept.resize_(now.shape)  # a memory that was filled since
            kept.copy_(now)  # running statistics are averages already; counters cannot be averaged

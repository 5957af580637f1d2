"""A weight that rises with time."""

import torch
from torch import Tensor, nn


class Ramp(nn.Module):
    """`value` rises from 0 to `end` over the first `share` of a training, then stays; at once without a share."""

    value: Tensor

    def __init__(self, end: float, share: float) -> None:
        super().__init__()
        self.end, self.share = end, share
        self.register_buffer("value", torch.tensor(0.0 if share else end))

    def follow(self, progress: float) -> None:
        if self.share:
            self.value.fill_(self.end * min(1.0, progress / self.share))

"""What comes next, from what was seen so far: contexts and the maps from them to later parts of an item.

Both give predictions and the positions of their targets, counted over all parts of the batch, item after item.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tacit.nn.patches import RowsAbove

Predicted = tuple[Float[Tensor, "n D"], Int[Tensor, "n"]]


class FramesAhead(nn.Module):
    """A GRU over the frames of sounds, and a linear map for each offset in frames (CPC, van den Oord et al. 2018, sec. 2.2)."""

    def __init__(self, features: int, hidden: int, offsets: range) -> None:
        super().__init__()
        self.offsets = offsets
        self.memory = nn.GRU(features, hidden, batch_first=True)
        self.maps = nn.ModuleDict({str(k): nn.Linear(hidden, features, bias=False) for k in offsets})

    def context(self, z: Float[Tensor, "B D n"]) -> Float[Tensor, "B H n"]:
        """What is known after each frame."""
        return self.memory(z.transpose(1, 2).contiguous())[0].transpose(1, 2)

    def forward(self, z: Float[Tensor, "B D n"], real: Bool[Tensor, "B n"]) -> Iterator[Predicted]:
        """Predictions of each offset, only of frames within their clip."""
        c = self.context(z).transpose(1, 2)  # (B, n, H)
        place = torch.arange(real.numel(), device=z.device).view_as(real)
        for k in self.offsets:
            there = real[:, k:]
            yield self.maps[str(k)](c[:, :-k][there]), place[:, k:][there]


class RowsBelow(nn.Module):
    """Contexts over the rows of a grid of patches and a linear map for each offset in rows (CPC v2, Henaff et al. 2019).

    Each direction has a context and maps of its own: the first reads from above, the next the grid turned by 90 degrees,
    and so on. Two directions read from above and below.
    """

    def __init__(self, features: int, hidden: int, offsets: range, directions: int) -> None:
        super().__init__()
        self.offsets = offsets
        self.turns = [4 // directions * i for i in range(directions)]  # quarters of a circle
        self.looks = nn.ModuleList(RowsAbove(features, hidden) for _ in self.turns)
        self.maps = nn.ModuleDict(
            {f"{turn}_{k}": nn.Linear(hidden, features, bias=False) for turn in self.turns for k in offsets}
        )

    def context(self, z: Float[Tensor, "B D R S"]) -> Float[Tensor, "B H R S"]:
        """The mean over directions of what is known at each patch."""
        sides = [
            look(z.rot90(turn, (2, 3))).rot90(-turn, (2, 3)) for turn, look in zip(self.turns, self.looks, strict=True)
        ]
        return torch.stack(sides).mean(0)

    def forward(self, z: Float[Tensor, "B D R S"], real: Bool[Tensor, "B R S"]) -> Iterator[Predicted]:
        """Predictions of each offset and direction. All patches of an image are real."""
        place = torch.arange(real.numel(), device=z.device).view_as(real)
        for turn, look in zip(self.turns, self.looks, strict=True):
            c = look(z.rot90(turn, (2, 3))).permute(0, 2, 3, 1)  # (B, R, S, H)
            there = place.rot90(turn, (1, 2))
            for k in self.offsets:
                yield self.maps[f"{turn}_{k}"](c[:, :-k]).flatten(0, 2), there[:, k:].flatten()

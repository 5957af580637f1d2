"""Codes of items that are remembered between steps."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class CodeMemory(nn.Module):
    """One code an item, (N, D); empty until it is filled. It comes back from a state dictionary at any length."""

    codes: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.empty(0, dim))

    def __len__(self) -> int:
        return len(self.codes)

    def fill(self, codes: Float[Tensor, "N D"]) -> None:
        self.codes = codes.detach().float().clone()

    def write(self, rows: Int[Tensor, "B"], codes: Float[Tensor, "B D"]) -> None:
        self.codes[rows] = codes.detach().float()

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        if (saved := state.get(f"{prefix}codes")) is not None and saved.shape[1:] == self.codes.shape[1:]:
            self.codes = self.codes.new_empty(saved.shape)
        super()._load_from_state_dict(state, prefix, *rest)

"""Keys of the batches before."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.across import same_everywhere


class Queue(nn.Module):
    """The last `size` rows that were added, (Q, D); random directions at first. The oldest make room."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", F.normalize(torch.randn(size, dim), dim=1))
        self.register_buffer("next", torch.zeros((), dtype=torch.long))

    rows: Tensor
    next: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @torch.no_grad()
    def resize(self, size: int) -> None:
        """Begin again with another number of rows."""
        fresh = F.normalize(torch.randn(size, self.rows.shape[1], device=self.rows.device), dim=1)
        self.rows, self.next = same_everywhere(fresh), torch.zeros_like(self.next)

    @torch.no_grad()
    def add(self, rows: Float[Tensor, "B D"]) -> None:
        """These in place of the oldest; of more than fit, the last."""
        rows = rows[-len(self) :]
        at = (self.next + torch.arange(len(rows), device=self.rows.device)) % len(self)
        self.rows = self.rows.index_copy(
            0, at, rows.detach().float()
        )  # the step before its backward still needs the old
        self.next.add_(len(rows)).remainder_(len(self))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        if (saved := state.get(f"{prefix}rows")) is not None and saved.shape[1:] == self.rows.shape[1:]:
            self.rows = self.rows.new_empty(saved.shape)
        super()._load_from_state_dict(state, prefix, *rest)

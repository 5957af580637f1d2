"""Guesses that are dealt out among the classes as the classes are."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tacit.across import mean_everywhere
from tacit.errors import unknown_name

SHARES = ("none", "labels", "even")
MOMENTUM = 0.99  # of the shares that are remembered


class Alignment(nn.Module):
    """Predictions times the shares classes should have over those they had lately, brought back to a sum of 1
    (Berthelot et al. 2020, sec. 3.1, https://arxiv.org/abs/1911.09785).

    `to`: `labels`, the shares among the labeled items of the steps so far; `even`; or `none`, which changes nothing.
    """

    guessed: Tensor
    wanted: Tensor

    def __init__(self, classes: int, to: str) -> None:
        super().__init__()
        if to not in SHARES:
            raise unknown_name("shares to align with", to, SHARES)
        self.to_shares = to
        self.register_buffer("guessed", torch.full((classes,), 1 / classes))
        self.register_buffer("wanted", torch.full((classes,), 1 / classes))

    @torch.no_grad()
    def forward(self, p: Float[Tensor, "M K"], y: Int[Tensor, "B"]) -> Float[Tensor, "M K"]:
        if self.to_shares == "none":
            return p
        if self.to_shares == "labels":
            now = torch.bincount(y, minlength=len(self.wanted)).float() / len(y)
            self.wanted.lerp_(mean_everywhere(now), 1 - MOMENTUM)
        self.guessed.lerp_(mean_everywhere(p.mean(0)), 1 - MOMENTUM)
        aligned = p * (self.wanted / self.guessed)
        return aligned / aligned.sum(1, keepdim=True)

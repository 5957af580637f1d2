"""How far what was drawn is from what was there."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def l2_rec(drawn: Float[Tensor, "B *item"], x: Float[Tensor, "B *item"]) -> Float[Tensor, ""]:
    """Mean squared error of a value (Zhao et al. 2015, L_L2rec as a mean): it does not grow with the size of an item."""
    return F.mse_loss(drawn.float(), x.float())


def l2_middle(
    states: Sequence[Float[Tensor, "..."]], whats: Sequence[Float[Tensor, "..."]], detach_targets: bool = False
) -> Float[Tensor, ""]:
    """Sum over the levels of the mean squared error between what the decoder holds and what the encoder found (Zhao et
    al. 2015, L_L2M with means). Both move, unless the targets are detached: then the decoder alone.
    """
    targets = [what.detach() if detach_targets else what for what in whats]  # detached: a target
    errors = [F.mse_loss(state.float(), what.float()) for state, what in zip(states, targets, strict=True)]
    return torch.stack(errors).sum() if errors else torch.zeros(())

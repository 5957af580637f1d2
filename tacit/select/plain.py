"""Random picks."""

import torch
from torch import Tensor

from tacit.latent.space import Space
from tacit.select.candidates import copies, one_of_each, unanswered
from tacit.select.picks import Picks


def random(space: Space, labels: Tensor, k: int, *, seed: int = 0) -> Picks:
    """you want the baseline every other strategy has to beat, or labels that show the pool as it is.

    A near copy of an item drawn before it in the same round is passed over; copies of items answered earlier are not,
    so that the labels stay a fair picture of the pool.
    """
    left = unanswered(labels)
    order = left[torch.randperm(len(left), generator=torch.Generator().manual_seed(seed))]
    index = one_of_each(order, copies(space))[:k]
    return Picks("random", index, [f"drawn at random from {len(left)} items without an answer"] * len(index))

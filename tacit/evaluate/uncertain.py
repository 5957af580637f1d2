"""Where a model is least sure, and which answers it disagrees with for good reason. To look at, not to choose from:
what to ask next is the strategies' work."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Doubts:
    """Labels worth a second look, worst first."""

    index: Tensor  # (k,) positions in what was given
    given: Tensor  # (k,) class indices: the label there is
    suggested: Tensor  # (k,) class indices: what the model would say
    confidence: Tensor  # (k,) probability of the suggested class
    reasons: list[str]

    def __len__(self) -> int:
        return len(self.index)


def least_sure(p: Tensor, k: int) -> Tensor:
    """Positions of the k items whose two likeliest classes are closest in probability, closest first; p (n, K)."""
    top = p.topk(min(2, p.shape[1]), dim=1).values
    return (top[:, 0] - top[:, -1]).argsort(stable=True)[:k]


def likely_errors(p: Tensor, y: Tensor, k: int, classes: tuple[str, ...] | list[str]) -> Doubts:
    """At most k labeled items whose label is probably wrong (Northcutt et al. 2021, sec. 3.1): confident disagreement.

    A class's threshold is the model's mean probability of it over the items labeled with it. An item is doubted when
    another class passes its own threshold and is likelier than every other that does, the given one among them.
    Worst first by how much likelier that class is than the given one. p (n, K) must come from a model that did not
    train on these labels, or one that could not learn them by heart; y < 0 is left out.
    """
    known = (y >= 0).nonzero().flatten()
    p, y = p[known], y[known]
    threshold = torch.stack(
        [p[y == c, c].mean() if (y == c).any() else p.new_tensor(torch.inf) for c in range(p.shape[1])]
    )
    candidates = p.where(p >= threshold, -1.0)  # (n, K)
    confidence, suggested = candidates.max(1)
    given = p.gather(1, y[:, None]).flatten()
    doubted = ((confidence > 0) & (suggested != y)).nonzero().flatten()
    order = doubted[(confidence - given)[doubted].argsort(descending=True, stable=True)][:k]
    reasons = [
        f"labelled {classes[y[i]]}, looks like {classes[suggested[i]]} ({confidence[i]:.0%} against {given[i]:.0%})"
        for i in order.tolist()
    ]
    return Doubts(known[order], y[order], suggested[order], confidence[order], reasons)

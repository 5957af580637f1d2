"""A linear classifier on frozen codes: how far apart are the classes for the simplest thing that can be trained?

    min_{W, b}  mean CE(softmax(W h + b), y) + l2 |W|^2,    h standardised by the statistics of the training codes

It sees codes only, so no encoder can change while it is fitted.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tacit.errors import NotEnoughLabels

L2 = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)  # strongest first: each fit begins where the stronger one ended
HELD_OUT = 0.3  # of the training codes, to choose l2 on
SPLITS_OF_FEW, FEW = 3, 300  # with few labels one split says little


@dataclass(frozen=True)
class Probe:
    """weight (K, D) and bias (K,) on codes standardised by center and scale (D,)."""

    weight: Tensor
    bias: Tensor
    center: Tensor
    scale: Tensor
    l2: float

    def probabilities(self, codes: Tensor) -> Tensor:
        """(n, D) -> (n, K)."""
        h = (codes - self.center) / self.scale
        return (h @ self.weight.T + self.bias).softmax(1)


def fit_probe(codes: Tensor, y: Tensor, *, classes: int, l2: float | None = None, seed: int = 0) -> Probe:
    """Fit on codes (n, D) with labels y (n,); items with y < 0 are left out.

    Without `l2` it is the one of five with the lowest held-out cross entropy inside the training codes; then all of
    them are fitted.
    """
    codes, y = codes[y >= 0].float(), y[y >= 0]
    if len(y) == 0:
        raise NotEnoughLabels("there are no labels to fit a probe to\n  try: tacit choose -k 20, then tacit label")
    if l2 is None:
        l2 = choose_l2(codes, y, classes, seed)
    center, scale = standard(codes)
    weight, bias = minimize((codes - center) / scale, y, classes, l2)
    return Probe(weight, bias, center, scale, l2)


def choose_l2(codes: Tensor, y: Tensor, classes: int, seed: int) -> float:
    """The l2 with the lowest cross entropy on held-out training codes; weaker ones are not tried once it rises."""
    splits = []
    for i in range(SPLITS_OF_FEW if len(y) < FEW else 1):
        held = hold_out(y, seed + i)
        if not held.any():  # one label a class: nothing can be held out, so stay careful
            return L2[0]
        center, scale = standard(codes[~held])
        splits.append(((codes - center) / scale, held))
    starts: list[tuple[Tensor, Tensor] | None] = [None] * len(splits)
    best, lowest = L2[0], math.inf
    for l2 in L2:
        total = 0.0
        for i, (h, held) in enumerate(splits):
            weight, bias = starts[i] = minimize(h[~held], y[~held], classes, l2, starts[i])
            total += F.cross_entropy(h[held] @ weight.T + bias, y[held]).item()
        if total > lowest:
            break
        best, lowest = l2, total
    return best


def hold_out(y: Tensor, seed: int) -> Tensor:
    """A mask (n,) of about 30 % of every class, chosen at random; the last item of a class always stays."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    held = torch.zeros(len(y), dtype=torch.bool)
    for c in y.unique():
        members = order[y[order] == c]
        held[members[: min(len(members) - 1, max(1, round(HELD_OUT * len(members))))]] = True
    return held


def standard(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every column; a constant column is left at its scale."""
    scale = codes.std(0, correction=0)
    return codes.mean(0), torch.where(scale > 1e-6, scale, 1.0)


def minimize(
    h: Tensor, y: Tensor, classes: int, l2: float, start: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Weight and bias at the minimum, by L-BFGS. The problem is convex: where it starts matters for speed alone."""
    zeros = (h.new_zeros(classes, h.shape[1]), h.new_zeros(classes))
    weight, bias = (part.clone().requires_grad_() for part in start or zeros)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=300, history_size=20, tolerance_grad=1e-4, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        search.zero_grad()
        value = F.cross_entropy(h @ weight.T + bias, y) + l2 * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        search.step(loss)
    return weight.detach(), bias.detach()

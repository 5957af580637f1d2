"""Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds (BADGE).
Ash, Zhang, Krishnamurthy, Langford & Agarwal, 2020. https://arxiv.org/abs/1906.03671

If the model's own guess were the answer, the loss would pull at its last layer with g = (p - onehot(argmax p)) (x)
embed(x) (eq. 1). Long g are uncertain items, different g different ones: k-means++ over them is both.

Departures: g is never written out. It is an outer product, so that
|g_i - g_j|^2 = |a_i|^2 |h_i|^2 + |a_j|^2 |h_j|^2 - 2 (a_i . a_j)(h_i . h_j), in N (K + F) numbers instead of N K F.
The first pick is the longest g, as in the authors' code (the paper draws it).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from tacit.engine.apply import embed, probabilities
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.select.candidates import askable
from tacit.select.picks import Picks
from tacit.select.words import torn


def badge(space: Space, labels: Tensor, k: int, *, model: Method, seed: int = 0) -> Picks:
    """the model is useful already and you pick large batches: uncertain items of as many kinds as possible.

    Time: two forward passes over all candidates and N (K + F) multiplications a pick. `score` is the distance of the
    item's gradient to the nearest one picked before (its length, for the first).
    """
    candidates = askable(space, labels)
    p = probabilities(model, space.pool, candidates)  # (n, K)
    h = embed(model, space.pool, candidates)  # (n, F)
    order, gap = plus_plus(p - F.one_hot(p.argmax(1), p.shape[1]), h, min(k, len(candidates)), seed)
    reasons = [f"would teach the model something else than the rest: {torn(space.pool.spec, p[i])}" for i in order]
    return Picks("badge", candidates[order], reasons, score=gap)


def plus_plus(a: Tensor, h: Tensor, k: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """k-means++ (Arthur & Vassilvitskii 2007) over the outer products of rows a (n, K) and h (n, F), k <= n.

    Returns the rows (k,), none twice, and the distance of each to the nearest before it (k,). The first is the longest;
    each other one is drawn with probability proportional to its squared distance, evenly when all distances are zero.
    """
    generator = torch.Generator().manual_seed(seed)
    length = a.square().sum(1) * h.square().sum(1)
    gap, free = torch.full_like(length, torch.inf), torch.ones(len(a), dtype=torch.bool)
    chosen, far = [int(length.argmax())], [float(length.max()) ** 0.5]
    while True:
        last = chosen[-1]
        distance = (length + length[last] - 2 * (a @ a[last]) * (h @ h[last])).clamp_(min=0)
        gap = torch.minimum(gap, distance)
        gap[last], free[last] = 0, False
        if len(chosen) == k:
            return torch.tensor(chosen), torch.tensor(far)
        chance = gap.double() * free  # double: a cumulative sum over a large pool loses its small terms in float
        mass = (chance if float(chance.sum()) > 0 else free.double()).cumsum(0)
        at = (1 - torch.rand(1, dtype=torch.float64, generator=generator)) * mass[-1]  # in (0, all of it]
        chosen.append(int(torch.searchsorted(mass, at)))
        far.append(float(gap[chosen[-1]]) ** 0.5)

"""Active Learning for Convolutional Neural Networks: A Core-Set Approach (greedy k-center).
Sener & Savarese, 2018. https://arxiv.org/abs/1708.00489

Algorithm 1 on the codes of the space: every pick is the item farthest from everything answered or picked before.

Departures: the mixed-integer refinement (algorithm 2) is left out, as it is in every library; "cannot tell" covers its
surroundings too, so that a corner of junk is not asked about again and again.
"""

import torch
from torch import Tensor

from tacit.data.spec import UNLABELED
from tacit.latent.space import Space
from tacit.select.candidates import askable
from tacit.select.picks import Picks

ROWS, CENTERS = 8192, 1024  # of one block of distances, 32 MiB


def k_center(space: Space, labels: Tensor, k: int, *, seed: int = 0) -> Picks:
    """you want no corner of the pool left without a label.

    Time: (answered + k) N D multiplications. Nothing is random; without any answer the first pick is the most central
    item. `score` is the distance to what was answered or picked before, in typical steps (infinite for that first).
    """
    candidates = askable(space, labels)
    covered = space.codes[labels != UNLABELED]
    order, gap = farthest_first(space.codes[candidates], min(k, len(candidates)), covered=covered)
    steps = gap / space.step
    return Picks("k_center", candidates[order], [_reason(s) for s in steps.tolist()], score=steps)


def _reason(steps: float) -> str:
    if steps == float("inf"):
        return "the most central item; nothing is labeled yet"
    return f"far from anything labeled or picked before ({steps:.1f} typical steps)"


def farthest_first(
    codes: Tensor, k: int, *, covered: Tensor | None = None, weight: Tensor | None = None, width: int = 512
) -> tuple[Tensor, Tensor]:
    """Greedy k-center: the row farthest from all covered and chosen ones, k times.

    `codes` (n, D), k <= n; `covered` (c, D) may be empty: then the heaviest row starts, the most central without
    weights. With `weight` (n,) >= 0 the largest weight x squared distance wins. Returns the rows (k,) and how far each
    was from the nearest before it (k,), infinite for a start.

    One matrix product serves many picks: among the `width` rows of the largest value the order is settled exactly,
    until the best of them falls below the last of them; as values only shrink, nobody outside can be ahead before.
    """
    middle = codes.mean(0)
    codes = codes - middle  # around zero the products below cancel least
    length = codes.square().sum(1)
    weight = torch.ones_like(length) if weight is None else weight
    gap = torch.full_like(length, torch.inf)  # squared distance to the nearest row covered; -inf once chosen
    chosen: list[int] = []
    far: list[float] = []
    if covered is not None and len(covered):
        _cover(gap, codes, length, covered - middle)
    else:
        start = int(weight.argmax()) if weight.max() > weight.min() else int(length.argmin())
        chosen, far = [start], [torch.inf]
        _cover(gap, codes, length, codes[[start]])
        gap[start] = -torch.inf
    while len(chosen) < k:
        # a chosen row stays out even where its weight is zero
        best = torch.where(gap < 0, gap, gap * weight).topk(min(width, len(codes)))
        floor = float(best.values[-1]) if width < len(codes) else -torch.inf
        among = best.indices
        new: list[int] = []
        heavy, near = weight[among], gap[among]
        between = _squared(codes[among], length[among], codes[among])
        while len(chosen) + len(new) < k:
            value = torch.where(near < 0, near, near * heavy)
            j = int(value.argmax())
            if new and float(value[j]) < floor:
                break
            new.append(int(among[j]))
            far.append(float(near[j]) ** 0.5)
            torch.minimum(near, between[j], out=near)
            near[j] = -torch.inf
        _cover(gap, codes, length, codes[new])
        gap[new] = -torch.inf
        chosen += new
    return torch.tensor(chosen), torch.tensor(far)


def _cover(gap: Tensor, codes: Tensor, length: Tensor, centers: Tensor) -> None:
    """Shrink `gap` (n,) to the squared distance to the nearest of `centers` where that is smaller."""
    for some in centers.split(CENTERS):
        for i in range(0, len(codes), ROWS):
            part = gap[i : i + ROWS]
            nearest = _squared(codes[i : i + ROWS], length[i : i + ROWS], some).amin(1)
            torch.minimum(part, nearest, out=part)


def _squared(a: Tensor, length: Tensor, b: Tensor) -> Tensor:
    """Squared distances (n, m) of rows a (n, D), whose squared lengths are known, to rows b (m, D)."""
    return torch.addmm(b.square().sum(1), a, b.T, alpha=-2).add_(length[:, None]).clamp_(min=0)

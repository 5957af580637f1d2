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

ROWS, CENTERS = 4096, 1024  # of one block of distances, 16 MiB


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
        return "the most central item; nothing is labelled yet"
    return f"far from anything labelled or picked before ({steps:.1f} times the usual distance between neighbours)"


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
        new, away = _settle(codes, gap, weight, k - len(chosen), width)
        chosen, far = chosen + new, far + away
        if len(chosen) < k:
            _cover(gap, codes, length, codes[new])
            gap[new] = -torch.inf
    return torch.tensor(chosen), torch.tensor(far)


def _settle(codes: Tensor, gap: Tensor, weight: Tensor, most: int, width: int) -> tuple[list[int], list[float]]:
    """The next rows in their order, as many as a look at the `width` best can tell, and how far away each was."""
    best = _value(gap, weight).topk(min(width, len(codes)))
    floor = float(best.values[-1]) if width < len(codes) else -torch.inf
    among, near, heavy = best.indices, gap[best.indices], weight[best.indices]
    between = torch.cdist(codes[among], codes[among]).square_()
    new: list[int] = []
    far: list[float] = []
    while len(new) < most:
        value = _value(near, heavy)
        j = int(value.argmax())
        if new and float(value[j]) < floor:
            break
        new.append(int(among[j]))
        far.append(float(near[j]) ** 0.5)
        torch.minimum(near, between[j], out=near)
        near[j] = -torch.inf
    return new, far


def _value(gap: Tensor, weight: Tensor) -> Tensor:
    """What the next row is chosen by. One chosen already (-inf) stays out even where it weighs nothing."""
    return torch.where(gap < 0, gap, gap * weight)


def _cover(gap: Tensor, codes: Tensor, length: Tensor, centers: Tensor) -> None:
    """Shrink `gap` (n,) to the squared distance to the nearest of `centers` where that is smaller."""
    for some in centers.split(CENTERS):
        square = some.square().sum(1)
        for i in range(0, len(codes), ROWS):
            rows = slice(i, i + ROWS)
            nearest = torch.addmm(square, codes[rows], some.T, alpha=-2).amin(1)  # |c|^2 - 2 z.c of the nearest c
            torch.minimum(gap[rows], nearest.add_(length[rows]).clamp_(min=0), out=gap[rows])

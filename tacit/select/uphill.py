"""Efficient Deep Representation Learning by Adaptive Latent Space Sampling (ALSS).
Mo, Wang, Dai, Zhou, Teng, Bai & Guo, 2020. https://arxiv.org/abs/2004.02757

Take labeled items to their codes p, move each against the model, p_h = p + alpha g / |g| with g the gradient of the
loss at the decoded code, and ask about what is found there: the nearest real item (SNN, `uphill`) or the decoded code
itself (SI, `between`). `jitter` is the control: the same items, the same step, a random direction.

The starting items are those answered in the latest round, where the loop says which these are (`latest`), else any
labeled ones.

Departures: the step is normalized and counted in typical distances between neighbours; no item is asked about twice;
`uphill` asks about the real item, and whether one trains on it or on its decoded picture is the loop's choice
(`image` of `rounds`), the same for every item; `between` always starts from real items, also after rounds of made ones;
where the gradient has vanished the direction is random, and the note
says how often.
"""

from typing import Literal

import torch
from torch import Tensor

from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.select.candidates import askable
from tacit.select.metric import Name
from tacit.select.picks import Picks
from tacit.select.walk import Walk, against, anywhere, decode
from tacit.select.words import class_name


def uphill(
    space: Space,
    labels: Tensor,
    k: int,
    *,
    model: Method,
    seed: int = 0,
    latest: Tensor | None = None,
    step: float = 2.0,
    metric: Name = "plain",
) -> Picks:
    """the space can decode and you want harder relatives of what is labeled already.

    `step` is in typical distances between neighbours; 2 did best on MNIST, by little. In the order of the draw. Time: k
    decodings with gradient and a search for neighbours.
    """
    walk = against(model, space, labels, k, seed=seed, latest=latest, step=step, metric=metric)
    return _nearest_real("uphill", space, labels, walk)


def jitter(
    space: Space,
    labels: Tensor,
    k: int,
    *,
    seed: int = 0,
    latest: Tensor | None = None,
    step: float = 2.0,
    metric: Name = "plain",
) -> Picks:
    """you want to know what the direction of `uphill` is worth: the same items and step, a random direction."""
    walk = anywhere(space, labels, k, seed=seed, latest=latest, step=step, metric=metric)
    return _nearest_real("jitter", space, labels, walk)


def between(
    space: Space,
    labels: Tensor,
    k: int,
    *,
    model: Method,
    seed: int = 0,
    latest: Tensor | None = None,
    step: float = 1.0,
    mode: Literal["direct", "toward_nn"] = "direct",
    share: float = 0.5,
    metric: Name = "plain",
) -> Picks:
    """the space can decode and answers can be had for items that do not exist, from a simulator say.

    `direct` shows the decoded p_h; `toward_nn` the decoded p + share (p* - p), with p* the code of the nearest item
    without an answer. `index` is the labeled item each was made from; it repeats when there are fewer than k.
    """
    walk = against(model, space, labels, k, seed=seed, latest=latest, step=step, metric=metric)
    start, z = walk.start, walk.z
    if mode == "toward_nn":
        nearest_real, _ = walk.metric.snap(z, _allowed(space, labels))
        start = start[: len(nearest_real)]
        z = torch.lerp(space.codes[start], space.codes[nearest_real], share)
    far = walk.metric.steps_between(space.codes[start], z).tolist()
    reasons = [f"made from {_item(space, labels, i)}, {d:.1f} steps away" for i, d in zip(start, far, strict=True)]
    return Picks("between", start, reasons, items=decode(space, z), made_new=True, note=walk.note)


def _nearest_real(name: str, space: Space, labels: Tensor, walk: Walk) -> Picks:
    """SNN: the nearest item without an answer, for every code of the walk in turn."""
    index, _ = walk.metric.snap(walk.z, _allowed(space, labels))
    start = walk.start[: len(index)]
    far = walk.metric.steps_between(space.codes[start], space.codes[index]).tolist()
    reasons = []
    for i, d, flat in zip(start, far, walk.flat, strict=False):
        if name == "uphill" and not flat:
            reasons.append(f"uphill from {_item(space, labels, i)}: a harder variant, {d:.1f} steps away")
        else:
            reasons.append(f"in a random direction from {_item(space, labels, i)}, {d:.1f} steps away")
    return Picks(name, index, reasons, note=walk.note)


def _item(space: Space, labels: Tensor, i: Tensor) -> str:
    return f"item {int(i)} (class {class_name(space.pool.spec, int(labels[i]))})"


def _allowed(space: Space, labels: Tensor) -> Tensor:
    """Items that may be asked about, as (N,) bool."""
    return torch.zeros(len(space), dtype=torch.bool).index_fill_(0, askable(space, labels), True)

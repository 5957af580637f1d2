"""Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets (TypiClust).
Hacohen, Dekel & Weinshall, 2022. https://arxiv.org/abs/2202.02794

With few labels typical items teach more than uncertain ones. Cut the space into as many groups as there will be
labels; take the largest groups without a label first, and of each the most typical item (eq. 4 and 5).

Departures: codes are taken as they are, where the paper normalizes those of SimCLR; k-means at every number of
groups, where the reference code turns to mini-batches above 50; typicality counts answered neighbours too, as density
does not depend on who has been asked; a group whose only answers are "cannot tell" counts as covered; groups of fewer
than five items come last instead of never.
"""

from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from tacit.data.spec import UNLABELED
from tacit.latent.neighbours import nearest
from tacit.latent.space import Space
from tacit.select.candidates import askable, copies
from tacit.select.picks import Picks

SMALL = 5  # a group with fewer items is no type of anything (MIN_CLUSTER_SIZE of the reference code)


class Group(NamedTuple):
    """One part of the space."""

    members: Tensor  # (n,) positions in the pool
    candidates: Tensor  # (c,) places among the members that may be asked about
    answers: int


def typical(space: Space, labels: Tensor, k: int, *, seed: int = 0, neighbours: int = 20, groups: int = 500) -> Picks:
    """there is no model yet, or so few labels that its doubts mean little.

    `groups` is the largest number of groups, `neighbours` those whose mean distance makes an item typical. Time: a
    k-means of N items in answered + k groups, then distances within groups. `score` is the typicality, one over that
    mean distance.
    """
    candidates = askable(space, labels)
    answered = int((labels != UNLABELED).sum())
    count = min(answered + k, groups, len(copies(space).unique()))
    parts = _parts(_k_means(space.codes, count, seed), labels, candidates)
    parts.sort(key=lambda part: (len(part.members) < SMALL, part.answers, -len(part.members)))
    ranked = [_ranked(space, part, neighbours) for part in parts[:k]]
    large = sum(len(part.members) >= SMALL for part in parts[:k])
    picks = (_in_turn(ranked[:large]) + _in_turn(ranked[large:]))[:k]
    index, score, reasons = zip(*picks, strict=True)
    return Picks("typical", torch.tensor(index), list(reasons), score=torch.tensor(score))


def _k_means(codes: Tensor, count: int, seed: int) -> Tensor:
    """The group (N,) of every code."""
    from sklearn.cluster import KMeans

    means = KMeans(count, n_init=1, max_iter=100, random_state=seed % 2**32)
    return torch.from_numpy(means.fit_predict(codes.numpy())).long()


def _parts(group: Tensor, labels: Tensor, candidates: Tensor) -> list[Group]:
    """The groups that hold a candidate."""
    may_ask = torch.zeros(len(group), dtype=torch.bool)
    may_ask[candidates] = True
    parts = []
    for g in group[candidates].unique():
        members = (group == g).nonzero().flatten()
        answers = int((labels[members] != UNLABELED).sum())
        parts.append(Group(members, may_ask[members].nonzero().flatten(), answers))
    return parts


def _ranked(space: Space, group: Group, neighbours: int) -> list[tuple[int, float, str]]:
    """A group's candidates from the most typical on: position, typicality and reason."""
    score = typicality(space.codes[group.members], neighbours)[group.candidates]
    order = score.argsort(descending=True, stable=True)
    answers = "no label yet" if group.answers == 0 else f"{group.answers} answered so far"
    reason = f"typical of a group of {len(group.members)} with {answers}"
    places = group.members[group.candidates[order]]
    return [(int(i), float(s), reason) for i, s in zip(places, score[order], strict=True)]


def typicality(codes: Tensor, neighbours: int = 20) -> Tensor:
    """One over the mean distance to the `neighbours` nearest others (eq. 4), or to half the group if that is less."""
    if len(codes) == 1:
        return torch.zeros(1)
    count = max(1, min(neighbours, len(codes) // 2))
    distance = nearest(codes, codes, count + 1)[0][:, 1:]  # the first is the item itself
    return 1 / distance.mean(1).clamp(min=1e-12)


def _in_turn(queues: list[list[tuple[int, float, str]]]) -> list[tuple[int, float, str]]:
    """The first of every queue, then the second of every queue, and so on."""
    return [pick for turn in zip_longest(*queues) for pick in turn if pick is not None]

"""Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets (TypiClust).
Hacohen, Dekel & Weinshall, 2022. https://arxiv.org/abs/2202.02794

With few labels typical items teach more than uncertain ones. Cut the space into as many groups as there will be
labels; take the largest groups without a label first, and of each the most typical item (eq. 4 and 5).

Departures: codes are taken as they are, where the paper normalizes those of SimCLR; k-means at every number of
groups, where the reference code turns to mini-batches above 50; typicality counts answered neighbours too, as density
does not depend on who has been asked; a group whose only answers are "cannot tell" counts as covered; groups of fewer
than five items come last instead of never; of a group of more than 10,000, the thousand that lie closest to a sample
of it are compared with all the others.
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

LARGE = 10_000  # members from which on not every one is compared with every other
SAMPLE, SAMPLED, KEPT = 1000, 5, 1000  # then: members of a sample, the nearest of it, and the best to compare with all
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
    group = copies(space)
    candidates = askable(space, labels, group)
    answered = int((labels != UNLABELED).sum())
    count = min(answered + k, groups, len(group.unique()))
    parts = _parts(_k_means(space.codes, count, seed), labels, candidates)
    parts.sort(key=lambda part: (len(part.members) < SMALL, part.answers, -len(part.members)))
    ranked = [_ranked(space, part, neighbours, k, seed) for part in parts[:k]]
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


def _ranked(space: Space, group: Group, neighbours: int, k: int, seed: int) -> list[tuple[int, float, str]]:
    """Up to k of a group's candidates from the most typical on: position, typicality and reason."""
    codes = space.codes[group.members]
    rows = group.candidates if len(codes) <= LARGE else _promising(codes, group.candidates, max(k, KEPT), seed)
    score = typicality(codes, neighbours, rows)
    order = score.argsort(descending=True, stable=True)[:k]
    answers = "no label yet" if group.answers == 0 else f"{group.answers} answered so far"
    reason = f"typical of a group of {len(group.members):,} with {answers}"
    places = group.members[rows[order]]
    return [(int(i), float(s), reason) for i, s in zip(places, score[order], strict=True)]


def _promising(codes: Tensor, rows: Tensor, count: int, seed: int) -> Tensor:
    """Those `count` of the rows that lie closest to some of a sample of the codes, in the order of rows."""
    sample = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
    distance = nearest(codes[rows], codes[sample], SAMPLED)[0].mean(1)
    return rows[distance.argsort(stable=True)[:count].sort().values]


def typicality(codes: Tensor, neighbours: int = 20, rows: Tensor | None = None) -> Tensor:
    """One over the mean distance to the `neighbours` nearest others (eq. 4), or to half the group if that is less.

    Of all codes (N, D), or of those at `rows` (n,).
    """
    rows = torch.arange(len(codes)) if rows is None else rows
    if len(codes) == 1:
        return torch.zeros(len(rows))
    count = max(1, min(neighbours, len(codes) // 2))
    distance = nearest(codes[rows], codes, count + 1)[0][:, 1:]  # the first is the item itself
    return 1 / distance.mean(1).clamp(min=1e-12)


def _in_turn(queues: list[list[tuple[int, float, str]]]) -> list[tuple[int, float, str]]:
    """The first of every queue, then the second of every queue, and so on."""
    return [pick for turn in zip_longest(*queues) for pick in turn if pick is not None]

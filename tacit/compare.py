"""Classifiers side by side on the answers there are: some are held out, and asked of models that never saw them.

Every candidate is trained on the same parts with the same seeds, so that differences are taken item by item. An item that
is held out stays in the pool without its answer, as it would if nobody had been asked.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED
from tacit.engine.apply import probabilities
from tacit.errors import Stopped, TacitError
from tacit.evaluate.intervals import Interval, bootstrap, paired_bootstrap, wilson
from tacit.rounds import Train

PARTS = 3  # every model learns from two thirds of the answers
ENOUGH = 60  # held-out answers; with fewer everything is done twice, with other parts
LEAST = 10  # held-out answers; with fewer a comparison says nothing
UNEVEN = 3  # the commonest class has more than so many times the answers of the rarest


@dataclass(frozen=True)
class Answered:
    """What one candidate answered for one part, and the seconds its training took."""

    candidate: str
    part: int
    answers: list[int]
    seconds: float
    refused: str = ""  # why it could not be trained


@dataclass(frozen=True)
class Row:
    """One candidate over all parts."""

    name: str
    accuracy: Interval
    balanced: Interval  # mean over classes of the share that is right
    above: Interval  # accuracy above the baseline's, item by item
    seconds: float  # of one training, the mean


def parts_of(labels: Tensor, seed: int) -> list[Tensor]:
    """What is held out together: positions in the pool, three parts with every class spread evenly over them.

    An item that is alone in its class with its answer is in no part. Where few answers can be held out, another three
    parts follow; where too few can, there is none.
    """
    known = (labels >= 0).nonzero().flatten()
    counts = torch.bincount(labels[known])
    able = known[counts[labels[known]] >= 2]
    if len(able) < LEAST:
        return []
    found = []
    for repeat in range(1 if len(able) >= ENOUGH else 2):
        order = able[torch.randperm(len(able), generator=torch.Generator().manual_seed(mix(seed, repeat)))]
        by_class = order[labels[order].argsort(stable=True)]  # dealt like cards, one class after another
        found += [by_class[i::PARTS] for i in range(PARTS)]
    return found


def compare(
    trains: Mapping[str, Train],
    pool: Pool,
    labels: Tensor,
    parts: Sequence[Tensor],
    *,
    seed: int = 0,
    done: Iterable[Answered] = (),
) -> Iterator[Answered]:
    """Train every candidate for every part on all other answers, and yield what it answers for the part.

    What is `done` already is not done again. A candidate that cannot be trained is left out from then on; the first,
    which the others are measured against, may not fail.
    """
    before = {(one.candidate, one.part): one for one in done}
    refused = {one.candidate for one in before.values() if one.refused}
    baseline = next(iter(trains))
    for i, held in enumerate(parts):
        known = labels.clone()
        known[held] = UNLABELED
        for name, train in trains.items():
            if name in refused or (name, i) in before:
                continue
            began = time.perf_counter()
            try:
                model = train(pool, known, mix(seed, i), None)
            except TacitError as error:
                if isinstance(error, Stopped) or name == baseline:
                    raise
                refused.add(name)
                yield Answered(name, i, [], 0.0, in_a_line(error))
                continue
            answers = probabilities(model, pool, held).argmax(1).tolist()
            yield Answered(name, i, answers, round(time.perf_counter() - began, 2))


def rows_of(found: Sequence[Answered], labels: Tensor, parts: Sequence[Tensor], *, seed: int = 0) -> list[Row]:
    """The candidates that answered every part, in the order of their first answers; the first is the baseline."""
    refused = {one.candidate for one in found if one.refused}
    names = [name for name in dict.fromkeys(one.candidate for one in found) if name not in refused]
    rows: list[Row] = []
    base = torch.empty(0)
    for name in names:
        mine = {one.part: one for one in found if one.candidate == name}
        share, y = share_right([mine[i].answers for i in range(len(parts))], labels, parts)
        base = base if rows else share
        rows.append(
            Row(
                name,
                accuracy_of(share),
                balanced_accuracy(share, y, seed),
                paired_bootstrap(share, base, seed=seed),
                sum(one.seconds for one in mine.values()) / len(mine),
            )
        )
    return rows


def share_right(answers: Sequence[list[int]], labels: Tensor, parts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """How often each held-out item was answered rightly, 0 to 1, and its label: (n,) each."""
    right, times = torch.zeros(len(labels)), torch.zeros(len(labels))
    for given, held in zip(answers, parts, strict=True):
        right[held] += (torch.tensor(given) == labels[held]).float()
        times[held] += 1
    seen = times > 0
    return right[seen] / times[seen], labels[seen]


def accuracy_of(share: Tensor) -> Interval:
    """The mean, with Wilson's interval for so many items: answering an item twice makes it no two items."""
    mean, ends = float(share.double().mean()), wilson(round(float(share.sum())), len(share))
    return Interval(mean, min(mean, ends.low), max(mean, ends.high))


def balanced_accuracy(share: Tensor, y: Tensor, seed: int) -> Interval:
    """The mean over classes of the share of their items that is right."""
    classes, place = y.unique(return_inverse=True)

    def statistic(rows: Tensor) -> Tensor:  # (R, n, 2)
        right, of = rows[..., 0], rows[..., 1].long()
        zeros = right.new_zeros(len(rows), len(classes))
        hits, items = zeros.scatter_add(1, of, right), zeros.scatter_add(1, of, torch.ones_like(right))
        return (hits / items).nanmean(1)

    return bootstrap(torch.stack([share, place.float()], 1), statistic, seed=seed)


def uneven(labels: Tensor) -> bool:
    """Whether the answers are so unevenly spread over classes that accuracy is mostly about the common ones."""
    counts = labels[labels >= 0].unique(return_counts=True)[1]
    return bool(counts.max() > UNEVEN * counts.min())


def best_of(rows: Sequence[Row]) -> Row:
    """The most accurate; of equals the first, so candidates stand in the order of their simplicity."""
    return max(rows, key=lambda row: row.accuracy.value)


def in_a_line(error: TacitError) -> str:
    """What happened, and what to do next, without the rest."""
    return "; ".join(line.strip() for line in str(error).splitlines()[:2])

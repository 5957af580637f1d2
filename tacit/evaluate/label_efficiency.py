"""How far do few labels go? Accuracy on other items for growing numbers of labels, over repeated draws of them.

After the protocols of SimCLR (sec. B.5: 1 % and 10 % of the labels, as many of every class) and of Realistic Evaluation
of Deep Semi-Supervised Learning Algorithms (https://arxiv.org/abs/1804.09170): the same draws and the same budget for
every row, a tuned supervised baseline among them. Drawing equally many of every class takes their shares as known.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from tacit import methods
from tacit.data.feeds import mix
from tacit.data.pool import Items, Pool
from tacit.data.spec import UNLABELED
from tacit.engine.apply import apply
from tacit.engine.device import pick
from tacit.engine.fit import fit
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.intervals import plain
from tacit.evaluate.neighbours_vote import vote
from tacit.evaluate.probe import fit_probe
from tacit.evaluate.quality import See
from tacit.methods.finetune import finetune_from
from tacit.methods.method import Method, Recipe
from tacit.outcome import table

Train = Callable[[Pool, Tensor, int], Method]  # pool, labels (N,), seed -> a classifier
Watch = Callable[[str, int, int, float], None]  # row, labels a class, draw, accuracy


@dataclass(frozen=True)
class Row:
    """One way to use `labels` labels, `per_class` of each class: its accuracy in every draw."""

    name: str
    per_class: int
    labels: int
    accuracy: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.accuracy) / len(self.accuracy)

    @property
    def error(self) -> float:
        """The standard error of the mean over draws; NaN for one draw."""
        return standard_error(self.accuracy)


@dataclass(frozen=True)
class Efficiency:
    """Rows in the order they were asked for, each for every number of labels; measured on `n` other items."""

    rows: list[Row]
    n: int

    def above(self, name: str, baseline: str) -> list[tuple[int, float, float]]:
        """(labels, mean, standard error) of the difference of two rows, draw by draw."""
        found = []
        for row in self.named(name):
            other = next(r for r in self.named(baseline) if r.per_class == row.per_class)
            gain = [a - b for a, b in zip(row.accuracy, other.accuracy, strict=True)]
            found.append((row.labels, sum(gain) / len(gain), standard_error(gain)))
        return found

    def named(self, name: str) -> list[Row]:
        return [row for row in self.rows if row.name == name]

    def to_dict(self) -> dict[str, Any]:
        rows = [asdict(row) | {"mean": row.mean, "error": row.error} for row in self.rows]
        return {"rows": plain(rows), "measured": self.n}

    def lines(self) -> list[str]:
        names = list(dict.fromkeys(row.name for row in self.rows))
        cells = [[f"{r.mean:.1%} ± {r.error:.1%}" for r in self.named(name)] for name in names]
        head = ["labels", *(f"{row.labels:,}" for row in self.named(names[0]))]
        draws = len(self.rows[0].accuracy)
        return [
            f"accuracy on {self.n:,} other items, mean ± standard error of {draws} draws of the labels",
            *table([head, *([name, *row] for name, row in zip(names, cells, strict=True))]),
        ]


def label_efficiency(
    pool: Pool,
    truth: Tensor,
    test: Items,
    test_truth: Tensor,
    *,
    per_class: Sequence[int | float],
    codes: Mapping[str, See] | None = None,
    trained: Mapping[str, Train] | None = None,
    draws: int = 5,
    k: int = 20,
    seed: int = 0,
    watch: Watch | None = None,
) -> Efficiency:
    """Rows for frozen codes (a linear probe and a weighted vote of neighbours on each) and for trained classifiers.

    `truth` (N,) and `test_truth` (T,) are the labels of pool and test items, negative where there is none; `pool.spec`
    names the classes. `per_class` are numbers of labels of every class, or shares of the pool (0.01, 0.1). A draw is the
    same for all rows, and its smaller sets are part of its larger ones. `k` neighbours vote, by cosine, temperature 0.07.
    """
    classes = max(len(pool.spec.classes), int(truth.max()) + 1)
    measured = (test_truth >= 0).nonzero().flatten()
    y = test_truth[measured]
    sizes = [labels_a_class(n, truth, classes) for n in per_class]
    sets = [nested(truth, sizes, mix(seed, draw)) for draw in range(draws)]
    found: dict[tuple[str, int], list[float]] = {}

    def note(name: str, n: int, draw: int, answers: Tensor) -> None:
        accuracy = (answers == y).double().mean().item()
        found.setdefault((name, n), []).append(accuracy)
        if watch:
            watch(name, n, draw, accuracy)

    for name, see in (codes or {}).items():
        used = torch.cat([each for drawn in sets for each in drawn.values()]).unique()
        bank, fresh = see(pool, used), see(test, measured)
        for draw, drawn in enumerate(sets):
            for n, index in drawn.items():
                known, known_y = bank[torch.searchsorted(used, index)], truth[index]
                probe = fit_probe(known, known_y, classes=classes, seed=mix(seed, draw))
                note(f"probe on {name}", n, draw, probe.probabilities(fresh).argmax(1))
                note(f"vote on {name}", n, draw, vote(fresh, known, known_y, classes=classes, k=k).argmax(1))
    for name, train in (trained or {}).items():
        for draw, drawn in enumerate(sets):
            for n, index in drawn.items():
                labels = torch.full_like(truth, UNLABELED)
                labels[index] = truth[index]
                model = train(pool, labels, mix(seed, draw))
                note(name, n, draw, apply(model, model.logits, test, measured).argmax(1))  # type: ignore[arg-type]
    names = dict.fromkeys(name for name, _ in found)
    rows = [Row(name, n, len(index), tuple(found[name, n])) for name in names for n, index in sets[0].items()]
    return Efficiency(rows, len(measured))


def labels_a_class(n: int | float, truth: Tensor, classes: int) -> int:
    """A number as it is; a share of the labeled pool as a number of every class, at least one."""
    if isinstance(n, int):
        return n
    if not 0 < n < 1:
        raise WrongUsage(f"labels are a whole number of every class or a share between 0 and 1, not {n:g}")
    return max(1, round(n * int((truth >= 0).sum()) / classes))


def nested(y: Tensor, per_class: Sequence[int], seed: int) -> dict[int, Tensor]:
    """For every n exactly n items of each class, positions in increasing order; the smaller sets lie in the larger."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    members = {int(c): order[y[order] == c] for c in y[y >= 0].unique()}
    fewest = min((len(found) for found in members.values()), default=0)
    if not per_class or not 1 <= min(per_class) <= max(per_class) <= fewest:
        raise NotEnoughLabels(
            f"asked for {', '.join(map(str, per_class)) or 'no'} labels of every class; the rarest class has {fewest}"
        )
    return {n: torch.cat([found[:n] for found in members.values()]).sort().values for n in sorted(set(per_class))}


def finetuned(learned: Method, *, recipe: Recipe | None = None, precision: str = "auto", **options: Any) -> Train:
    """Classifiers that begin with what `learned` knows; `options` of `Finetune`, `layer` above all."""
    return _trainer(lambda pool: finetune_from(learned, pool.spec, **options), recipe, precision)


def from_scratch(*, recipe: Recipe | None = None, precision: str = "auto", **options: Any) -> Train:
    """The supervised baseline; `options` of `Supervised`."""
    return _trainer(lambda pool: methods.build("supervised", pool.spec, **options), recipe, precision)


def _trainer(build: Callable[[Pool], Method], recipe: Recipe | None, precision: str) -> Train:
    where = pick("auto", precision)

    def train(pool: Pool, labels: Tensor, seed: int) -> Method:
        with torch.random.fork_rng():
            torch.manual_seed(mix(seed, 1))
            model = build(pool)
        settings = recipe or model.recipe
        settings = replace(settings, batch=min(settings.batch, int((labels >= 0).sum())))
        fit(model, pool, labels, recipe=settings, seed=seed, device=where)
        return model

    return train


def standard_error(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.nan
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))

"""Strategies side by side against hidden labels; random always runs beside them.

Every strategy of a seed starts from the same random items and the same first model, gets the same budget and the same
training, and is measured on the yardstick, which neither choosing nor training can reach.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tacit.data.pool import Yardstick
from tacit.engine.apply import probabilities
from tacit.evaluate.curves import area_under, paired_difference
from tacit.evaluate.intervals import Interval, mean_and_error
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.rounds import Ask, Round, Train, hidden_truth, rounds


@dataclass(frozen=True)
class Plan:
    """One row of a simulation: a strategy and how it is run."""

    strategy: str
    options: dict[str, Any] = field(default_factory=dict)
    image: str = "real"
    start: str = "random"
    name: str = ""

    @property
    def title(self) -> str:
        return self.name or self.strategy


@dataclass
class Curve:
    """Accuracy after each round, one row a seed."""

    title: str
    labels: list[int]
    accuracy: Tensor  # (seeds, rounds)
    refused: int = 0
    seconds: float = 0.0

    @property
    def mean(self) -> Tensor:
        return self.accuracy.mean(0)

    @property
    def error(self) -> Tensor:
        """Standard error over seeds."""
        return self.accuracy.std(0) / len(self.accuracy) ** 0.5 if len(self.accuracy) > 1 else torch.zeros(len(self.labels))

    def interval(self, at: int) -> Interval:
        """The mean over seeds after round `at`, with a 95 % interval."""
        return mean_and_error(self.accuracy[:, at])

    @property
    def area(self) -> Tensor:
        """Area under each seed's curve as a mean accuracy over the budget, (seeds,)."""
        return torch.stack([torch.as_tensor(area_under(self.labels, row)) for row in self.accuracy])


@dataclass
class Simulation:
    """The curves, `random` first."""

    curves: list[Curve]
    seeds: Sequence[int]

    @property
    def random(self) -> Curve:
        return self.curves[0]

    def gain(self, curve: Curve, at: int | None = None) -> Interval:
        """Accuracy above random's, seed by seed, at this many labels (the last round's by default)."""
        at = curve.labels[-1] if at is None else at
        column = curve.labels.index(at)
        return paired_difference(curve.accuracy[:, column], self.random.accuracy[:, self.random.labels.index(at)])

    def to_dict(self) -> dict[str, Any]:
        rows = []
        for curve in self.curves:
            last, gain = curve.interval(-1), self.gain(curve)
            rows.append(
                {
                    "strategy": curve.title,
                    "labels": curve.labels,
                    "accuracy": [round(v, 4) for v in curve.mean.tolist()],
                    "standard_error": [round(v, 4) for v in curve.error.tolist()],
                    "last": [last.value, last.low, last.high],
                    "area": round(float(curve.area.mean()), 4),
                    "gain_over_random": [gain.value, gain.low, gain.high],
                    "refused": curve.refused,
                    "seconds": round(curve.seconds, 1),
                }
            )
        return {"seeds": list(self.seeds), "curves": rows}


def simulate(
    spaces: Callable[[int], Space],
    truth: Tensor,
    yardstick: Yardstick,
    yardstick_truth: Tensor,
    train: Train,
    plans: Sequence[Plan],
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    first: int = 100,
    k: int = 100,
    count: int = 10,
    ask_new: Ask | None = None,
    watch: Callable[[str, int, Round, float], None] | None = None,
) -> Simulation:
    """Run every plan for every seed. `spaces(seed)` is the space of a seed; `truth` (N,) goes to the annotator alone."""
    plans = [Plan("random"), *(p for p in plans if p != Plan("random"))]
    ask = hidden_truth(truth)
    curves = [Curve(p.title, [first + k * i for i in range(count)], torch.zeros(len(seeds), count)) for p in plans]
    for row, seed in enumerate(seeds):
        space, beginnings = spaces(seed), {}
        for plan, curve in zip(plans, curves, strict=True):
            began = time.perf_counter()
            turns = rounds(
                space,
                ask,
                train,
                strategy=plan.strategy,
                options=plan.options,
                start=plan.start,
                first=first,
                k=k,
                count=count,
                image=plan.image,
                ask_new=ask_new,
                seed=seed,
                beginning=beginnings.get((plan.start, plan.image)),
            )
            for turn in turns:
                beginnings.setdefault((plan.start, plan.image), turn.model)
                score = accuracy(turn.model, yardstick, yardstick_truth)
                curve.accuracy[row, turn.number] = score
                curve.refused += turn.refused
                if watch:
                    watch(plan.title, seed, turn, score)
            curve.seconds += time.perf_counter() - began
    return Simulation(curves, seeds)


def accuracy(model: Method, yardstick: Yardstick, truth: Tensor) -> float:
    """Share of the yardstick's answered items the model gets right."""
    known = truth >= 0
    guess = probabilities(model, yardstick, known.nonzero().flatten()).argmax(1)
    return float((guess == truth[known]).float().mean())

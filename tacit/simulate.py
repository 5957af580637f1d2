"""Strategies side by side against hidden labels, with one learner or several; random always runs beside them.

Every strategy of a seed starts from the same random items, and with the same learner from the same first model, gets the
same budget and the same training, and is measured on the yardstick, which neither choosing nor training can reach.
"""

from collections.abc import Callable, Mapping, Sequence
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

Watch = Callable[[str, int, Round, float], None]  # title, seed, the round, accuracy on the yardstick


@dataclass(frozen=True)
class Plan:
    """One row of a simulation: a strategy, the learner it chooses for, and how it is run."""

    strategy: str
    options: dict[str, Any] = field(default_factory=dict)
    image: str = "real"  # "decoded": every item is trained on as the space decodes it
    start: str = "random"  # how the first items are chosen
    restart: str = "scratch"  # "warm": every round goes on from the weights of the one before
    name: str = ""
    learner: str = ""  # one of the learners of the simulation; "" is its baseline

    @property
    def title(self) -> str:
        return (self.name or self.strategy) + (f" + {self.learner}" if self.learner else "")


RANDOM = Plan("random")


@dataclass(frozen=True)
class Budget:
    """Labels at the start, labels a round, and rounds, the start included."""

    first: int = 100
    k: int = 100
    count: int = 10

    @property
    def labels(self) -> list[int]:
        return [self.first + self.k * i for i in range(self.count)]


@dataclass(frozen=True)
class Row:
    """One plan with one seed."""

    title: str
    seed: int
    accuracy: list[float]  # on the yardstick, after each round
    refused: int  # asked about, and the annotator could not tell
    seconds: dict[str, float]  # choose, ask, train: summed over the rounds


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
        """Standard error over seeds; zero where there is only one."""
        n = len(self.accuracy)
        return self.accuracy.std(0) / n**0.5 if n > 1 else torch.zeros(len(self.labels))

    def interval(self, at: int) -> Interval:
        """The mean over seeds after round `at`, with a 95 % interval."""
        return mean_and_error(self.accuracy[:, at])

    @property
    def area(self) -> Tensor:
        """Mean height of each seed's curve over the budget, (seeds,)."""
        return torch.tensor([area_under(self.labels, row) for row in self.accuracy])


@dataclass
class Simulation:
    """The curves, `random` first."""

    curves: list[Curve]
    seeds: list[int]

    @classmethod
    def of(cls, rows: Sequence[Row], labels: list[int]) -> "Simulation":
        """Rows of every plan for every seed, in any order."""
        seeds = sorted({row.seed for row in rows})
        titles = list(dict.fromkeys([RANDOM.title, *(row.title for row in rows)]))
        curves = []
        for title in titles:
            mine = sorted((row for row in rows if row.title == title), key=lambda row: row.seed)
            seconds = sum((sum(row.seconds.values()) for row in mine), 0.0)
            accuracy = torch.tensor([row.accuracy for row in mine])
            curves.append(Curve(title, labels, accuracy, sum(row.refused for row in mine), seconds))
        return cls(curves, seeds)

    @property
    def random(self) -> Curve:
        return self.curves[0]

    def gain(self, curve: Curve, at: int = -1) -> Interval:
        """Accuracy above random's after round `at`, seed by seed."""
        return paired_difference(curve.accuracy[:, at], self.random.accuracy[:, at])

    def to_dict(self) -> dict[str, Any]:
        return {"seeds": self.seeds, "curves": [self._curve(curve) for curve in self.curves]}

    def _curve(self, curve: Curve) -> dict[str, Any]:
        last, gain = curve.interval(-1), self.gain(curve)
        intervals = [curve.interval(i) for i in range(len(curve.labels))]
        return {
            "strategy": curve.title,
            "labels": curve.labels,
            "accuracy": [round(i.value, 4) for i in intervals],
            "low": [round(i.low, 4) for i in intervals],
            "high": [round(i.high, 4) for i in intervals],
            "last": [last.value, last.low, last.high],
            "area": round(float(curve.area.mean()), 4),
            "above_random": [gain.value, gain.low, gain.high],
            "refused": curve.refused,
            "seconds": round(curve.seconds, 1),
        }


def simulate(
    spaces: Callable[[int], Space],
    truth: Tensor,
    yardstick: Yardstick,
    yardstick_truth: Tensor,
    train: Train,
    plans: Sequence[Plan],
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    budget: Budget = Budget(),
    learners: Mapping[str, Train] | None = None,
    ask_new: Ask | None = None,
    watch: Watch | None = None,
) -> Simulation:
    """Run every plan for every seed. `spaces(seed)` is the space of a seed; `truth` (N,) goes to the annotator alone.

    `train` is the baseline, which runs with random in any case; `learners` are others by the names that plans call.
    """
    trains = {"": train, **(learners or {})}
    plans = [RANDOM, *(p for p in plans if p != RANDOM)]
    rows = []
    for seed in seeds:
        space, beginnings = spaces(seed), Beginnings()
        for plan in plans:
            rows.append(
                simulate_one(
                    plan,
                    seed,
                    space,
                    truth,
                    yardstick,
                    yardstick_truth,
                    trains[plan.learner],
                    budget,
                    beginnings,
                    ask_new,
                    watch,
                )
            )
    return Simulation.of(rows, budget.labels)


Beginnings = dict[
    tuple[str, str, str], Method
]  # (start, image, learner) -> the first model of a seed, which plans share


def simulate_one(
    plan: Plan,
    seed: int,
    space: Space,
    truth: Tensor,
    yardstick: Yardstick,
    yardstick_truth: Tensor,
    train: Train,
    budget: Budget,
    beginnings: Beginnings,
    ask_new: Ask | None = None,
    watch: Watch | None = None,
) -> Row:
    """One plan with one seed: the accuracy on the yardstick after each round."""
    beginning = (plan.start, plan.image, plan.learner)
    scores, refused, seconds = [], 0, dict.fromkeys(("choose", "ask", "train"), 0.0)
    turns = rounds(
        space,
        hidden_truth(truth),
        train,
        strategy=plan.strategy,
        options=plan.options,
        start=plan.start,
        first=budget.first,
        k=budget.k,
        count=budget.count,
        image=plan.image,
        restart=plan.restart,
        ask_new=ask_new,
        seed=seed,
        beginning=beginnings.get(beginning),
    )
    for turn in turns:
        beginnings.setdefault(beginning, turn.model)
        scores.append(accuracy(turn.model, yardstick, yardstick_truth))
        refused += turn.refused
        for part, spent in turn.seconds.items():
            seconds[part] += spent
        if watch:
            watch(plan.title, seed, turn, scores[-1])
    return Row(plan.title, seed, scores, refused, {part: round(spent, 2) for part, spent in seconds.items()})


def accuracy(model: Method, yardstick: Yardstick, truth: Tensor) -> float:
    """Share of the yardstick's answered items the model gets right."""
    known = truth >= 0
    guess = probabilities(model, yardstick, known.nonzero().flatten()).argmax(1)
    return float((guess == truth[known]).float().mean())

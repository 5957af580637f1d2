"""What are the next labels worth? A power law through the accuracies measured so far, and everything else that fits them.

    error(n) = e (f + (1 - f) (n / n_0)^-b),        n labels, n_0 the fewest of those measured, e the error there

After Hestness et al. 2017 (https://arxiv.org/abs/1712.00409, sec. 2): errors fall as a power of the number of labels, down
to one that stays, e f. Written like this every curve falls and every error lies between 0 and 1.

Two to five measurements do not tell e, b and f apart, so none of them is chosen: all of a grid are weighed by how likely
they make what was measured (a beta-binomial: the items of the yardstick count, and one training is not like the next,
with a scatter that is not known either). What is said is the median of that and the middle 95 %.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from tacit.evaluate.intervals import Interval

MORE = 20  # labels: what one round asks for
AIMS = (0.05, 0.01)  # points of accuracy to be gained: the first that is at most half of the error left
MOST = 100_000  # labels: beyond this, "not in sight"
ERROR = torch.linspace(-7.0, 3.0, 101, dtype=torch.float64).sigmoid()  # e: 0.1 % to 95 %
POWER = torch.linspace(0.0, 1.2, 17, dtype=torch.float64)  # b; 0 is a curve that no longer falls
FLOOR = torch.linspace(0.0, 0.8, 5, dtype=torch.float64)  # f
# s: the error of one training lies sqrt(error (1 - error) / (s + 1)) from the curve, at 90 % accuracy 3 to 0.5 points
SCATTER = torch.tensor([100.0, 300.0, 1000.0, 3000.0], dtype=torch.float64)


@dataclass(frozen=True)
class Measured:
    """One training: how many labels it had, its accuracy, and on how many items that was measured."""

    labels: int
    accuracy: float
    items: int


@dataclass(frozen=True)
class NextLabels:
    """What `more` labels on top of `labels` are worth: a gain in accuracy (0 .. 1), and what a gain of `aim` takes.

    `needed` is a number of further labels, infinite where the aim is not in sight; None without an aim, where accuracy
    has little room left.
    """

    labels: int
    more: int
    measurements: int
    gain: Interval
    aim: float | None
    needed: Interval | None

    def __str__(self) -> str:
        low, high = (100 * max(0.0, end) for end in (self.gain.low, self.gain.high))
        said = f"{self.more} more labels: about +{100 * self.gain.value:.1f} points [{low:.1f}, {high:.1f}]"
        if self.aim is None or self.needed is None:
            return said
        points = f"{100 * self.aim:.0f} point{'s' if self.aim > AIMS[-1] else ''}"
        if not math.isfinite(self.needed.value):
            return f"{said}; a gain of {points} is not in sight"
        about, least = (f"{rounded(end):,}" for end in (self.needed.value, self.needed.low))
        within = (
            f" [{least}, {rounded(self.needed.high):,}]" if math.isfinite(self.needed.high) else f", at least {least}"
        )
        return f"{said}; to gain {points} you would need about {about}{within}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; infinite numbers of labels are None."""
        found = asdict(self)
        for key in ("gain", "needed"):
            if found[key] is not None:
                found[key] = [value if math.isfinite(value) else None for value in found[key].values()]
        return found


ONE_ONLY = "one measurement only: what more labels would bring cannot be said yet; train again after the next round"


def next_labels(measured: Sequence[Measured], *, more: int = MORE) -> NextLabels | None:
    """What the next labels are worth, from trainings of one kind; None where all of them had as many labels.

    It is the gain of the curve that is predicted, not that of one training, and for labels chosen as those so far were.
    """
    measured = [one for one in measured if one.labels > 0 and one.items > 0]
    counts = sorted({one.labels for one in measured})
    if len(counts) < 2:
        return None
    weight, now = posterior(measured), counts[-1]
    error = errors(now / counts[0])
    gain = quantiles(error - errors((now + more) / counts[0]), weight)
    left = quantiles(error, weight)
    aim = next((aim for aim in AIMS if aim <= left.value / 2), None)
    needed = quantiles(labels_for(aim, now, counts[0]), weight) if aim else None
    return NextLabels(now, more, len(measured), gain, aim, needed)


@cache
def grid() -> tuple[Tensor, Tensor, Tensor]:
    """e, b and f of every curve, (G,) each."""
    e, b, f = torch.meshgrid(ERROR, POWER, FLOOR, indexing="ij")
    return e.flatten(), b.flatten(), f.flatten()


def errors(times: float) -> Tensor:
    """The error of every curve at so many times the fewest labels, (G,)."""
    e, b, f = grid()
    return e * (f + (1 - f) * times**-b)


def posterior(measured: Sequence[Measured]) -> Tensor:
    """How likely every curve is after what was measured, (G,); before it, all of the grid are equally likely."""
    first = min(one.labels for one in measured)
    total = torch.zeros(len(grid()[0]), len(SCATTER), dtype=torch.float64)
    for one in measured:
        total += beta_binomial(one, errors(one.labels / first)[:, None])
    return total.flatten().softmax(0).view_as(total).sum(1)


def beta_binomial(one: Measured, error: Tensor) -> Tensor:
    """log P of the wrong answers of one training, up to what is the same for all: its own error is drawn from
    Beta(error s, (1 - error) s), and that of every item from the training's. (G, 1) -> (G, scatters)."""
    wrong = (1 - one.accuracy) * one.items
    a, b = error * SCATTER, (1 - error) * SCATTER
    return log_beta(a + wrong, b + one.items - wrong) - log_beta(a, b)


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    return a.lgamma() + b.lgamma() - (a + b).lgamma()


def labels_for(aim: float, now: int, first: int) -> Tensor:
    """How many labels more than `now` take the error down by `aim`, for every curve; infinite where none do. (G,)"""
    e, b, f = grid()
    # e (1 - f) (n / first)^-b is to be smaller than it is now by the aim
    falling = e * (1 - f) * (now / first) ** -b
    share = (falling - aim).clamp(min=0) / falling
    n = now * share ** (-1 / b.clamp(min=1e-9))
    return (n - now).where((b > 0) & (n <= MOST), torch.inf)


def quantiles(values: Tensor, weight: Tensor) -> Interval:
    """Median and middle 95 % of values (G,) of these weights."""
    order = values.argsort()
    reached = weight[order].cumsum(0)
    at = torch.searchsorted(reached, torch.tensor([0.5, 0.025, 0.975], dtype=torch.float64)).clamp(max=len(values) - 1)
    return Interval(*values[order[at]].tolist())


def rounded(n: float) -> int:
    """Two digits are more than is known."""
    digits = max(0, len(str(int(n))) - 2)
    return int(round(n, -digits)) if n >= 1 else 1

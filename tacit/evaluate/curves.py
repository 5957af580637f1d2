"""Learning curves: accuracy against labels paid for."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tacit.errors import WrongUsage
from tacit.evaluate.intervals import Interval, mean_and_error

Numbers = Sequence[float] | Sequence[int] | np.ndarray | Tensor


def area_under(labels: Numbers, accuracy: Numbers) -> float:
    """Mean height of the curve over its range of labels: trapezoids, divided by that range. In units of accuracy."""
    x, y = points(labels, accuracy)
    if len(x) == 1:
        return float(y[0])
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def accuracy_at(labels: Numbers, accuracy: Numbers, at: float | int) -> float:
    """Height of the curve at this many labels, on the straight line between the two rounds around it."""
    x, y = points(labels, accuracy)
    if not x[0] <= at <= x[-1]:
        raise WrongUsage(f"the curve runs from {x[0]:g} to {x[-1]:g} labels; there is nothing at {at:g}")
    return float(np.interp(at, x, y))


def labels_needed(labels: Numbers, accuracy: Numbers, reach: float | int) -> float | None:
    """The number of labels at which the curve first reaches an accuracy, between rounds by a straight line.

    None when it never does. A curve that begins above it needs at most its first labels, and that is the answer.
    """
    x, y = points(labels, accuracy)
    for i in range(len(x)):
        if y[i] >= reach:
            if i == 0:
                return float(x[0])
            return float(x[i - 1] + (reach - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]))
    return None


def paired_difference(a: Numbers, b: Numbers) -> Interval:
    """Mean of a - b over repetitions that share their seeds, (seeds,) each, with Student's interval.

    What one seed gives to both (an easy start, a lucky space) cancels.
    """
    first, second = vector(a), vector(b)
    if len(first) != len(second):
        raise WrongUsage(f"{len(first)} and {len(second)} seeds cannot be paired: run both with the same seeds")
    return mean_and_error(first - second)


def vector(values: Numbers) -> np.ndarray:
    return np.asarray(torch.as_tensor(values, dtype=torch.float64))


def points(labels: Numbers, accuracy: Numbers) -> tuple[np.ndarray, np.ndarray]:
    x, y = vector(labels), vector(accuracy)
    if len(x) != len(y) or len(x) == 0:
        raise WrongUsage(f"a curve needs one accuracy a round; got {len(x)} numbers of labels and {len(y)} accuracies")
    if (np.diff(x) <= 0).any():
        raise WrongUsage(f"the numbers of labels of a curve must rise; got {x.tolist()}")
    return x, y

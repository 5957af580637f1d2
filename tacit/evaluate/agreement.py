"""How far people agree on items that several of them answered, beyond what chance would bring about.

Two people: Cohen's kappa (1960, A Coefficient of Agreement for Nominal Scales). More: Fleiss' kappa (1971, Measuring
Nominal Scale Agreement Among Many Raters), in its standard generalisation to items with different numbers of answers
(Gwet 2014, Handbook of Inter-Rater Reliability, ch. 2): an item's agreement is that of its own pairs, the share of a class
is the mean over items of its share in their answers, and items with one answer say nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tacit.evaluate.intervals import FEW, Interval

NOBODY = -1
N_BOOT = 2000
AT_ONCE = 4_000_000  # resampled numbers held at once


@dataclass(frozen=True)
class Agreement:
    """Kappa with its 95 % interval, and in words what it is worth. None where it is not defined."""

    kind: str  # "none", "Cohen's kappa" or "Fleiss' kappa"
    kappa: Interval | None
    items: int  # answered by two people or more
    raw: float | None  # share of pairs of answers about an item that are the same
    said: str


def agreement(answers: np.ndarray, *, seed: int = 0) -> Agreement:
    """The agreement of `answers` (N, P) int: the class that each of P people gave to each of N items, NOBODY where none."""
    several = answers[(answers != NOBODY).sum(1) > 1]
    people = several[:, (several != NOBODY).any(0)]
    if not len(people):
        return Agreement("none", None, 0, None, "No item has answers of two people yet: ask for second opinions.")
    n = _counts(people)
    raw = float((n * (n - 1)).sum() / (n.sum(1) * (n.sum(1) - 1)).sum())
    kind, (patterns, times), statistic = (
        ("Cohen's kappa", _tables(people), cohen) if people.shape[1] == 2 else ("Fleiss' kappa", _moments(n), fleiss)
    )
    kappa = resampled(patterns, times, statistic, seed=seed)
    return Agreement(kind, kappa, len(people), raw, _words(kind, kappa, len(people), people.shape[1], raw))


def cohen(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa of tables (R, K, K): how often (or with what share) one person said i and the other j. NaN where
    both said the same class throughout."""
    shares = tables / tables.sum((-2, -1), keepdims=True)
    observed = np.trace(shares, axis1=-2, axis2=-1)
    expected = (shares.sum(-1) * shares.sum(-2)).sum(-1)
    return _beyond_chance(observed, expected)


def fleiss(moments: np.ndarray) -> np.ndarray:
    """Fleiss' kappa of means over items (R, 1 + K): the agreement of an item's pairs, then each class's share in its
    answers. NaN where all answers are of one class."""
    return _beyond_chance(moments[..., 0], (moments[..., 1:] ** 2).sum(-1))


def resampled(
    patterns: np.ndarray, times: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], *, seed: int = 0
) -> Interval | None:
    """A statistic of the mean over items, with its 95 % bootstrap interval over items; None where it is undefined.

    `patterns` (U, ...) are the different items there are, `times` (U,) how often each. Drawing n of n items with
    replacement is drawing how often each pattern comes: far fewer numbers, and the same distribution.
    """
    n, flat = times.sum(), patterns.reshape(len(patterns), -1).astype(float)
    mean = (times / n) @ flat
    value = float(statistic(mean.reshape(1, *patterns.shape[1:]))[0])
    if math.isnan(value):
        return None
    generator, at_once = np.random.default_rng(seed), max(1, AT_ONCE // len(times))
    found = []
    for begin in range(0, N_BOOT, at_once):
        drawn = generator.multinomial(n, times / n, size=min(at_once, N_BOOT - begin)) / n  # (R, U)
        found.append(statistic((drawn @ flat).reshape(-1, *patterns.shape[1:])))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _beyond_chance(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected < 1 - 1e-12, (observed - expected) / (1 - expected), math.nan)


def _counts(people: np.ndarray) -> np.ndarray:
    """How many gave each class to each item, (N, K)."""
    return np.stack([(people == c).sum(1) for c in range(int(people.max()) + 1)], 1)


def _tables(people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of two people: one table (K, K) for every pair of answers that there is, and how often it is."""
    k = int(people.max()) + 1
    pairs, times = np.unique(people[:, 0] * k + people[:, 1], return_counts=True)
    tables = np.zeros((len(pairs), k, k))
    tables[np.arange(len(pairs)), pairs // k, pairs % k] = 1
    return tables, times


def _moments(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The agreement of an item's pairs (Fleiss 1971, eq. 2) and the shares of its classes, (U, 1 + K), of the different
    rows of the counts `n` (N, K), and how often each is."""
    patterns, times = np.unique(n, axis=0, return_counts=True)
    total = patterns.sum(1, keepdims=True)
    pairs = (patterns * (patterns - 1)).sum(1, keepdims=True) / (total * (total - 1))
    return np.concatenate([pairs, patterns / total], 1), times


def _words(kind: str, kappa: Interval | None, items: int, people: int, raw: float) -> str:
    said = (
        f"{people} people on {items:,} item{'s' * (items > 1)}: {100 * raw:.0f} % of the pairs of answers are the same"
    )
    if kappa is None:
        return f"{said}; all answers are of one class, so kappa is not defined"
    said += f"; {kind} {kappa.value:z.2f} [{kappa.low:z.2f}, {kappa.high:z.2f}] (95 % bootstrap interval), where 0 is chance and 1 is full agreement"
    if kappa.value < 1 and kappa.high - kappa.low < 1e-9:
        return f"{said}; somebody gave one class only, so there is nothing that kappa could rest on"
    if kappa.value == 1:
        return f"{said}; nobody disagreed yet, so the interval cannot tell how rare a disagreement is"
    return said + (f"; with fewer than {FEW} items the interval is too hopeful" if items < FEW else "")

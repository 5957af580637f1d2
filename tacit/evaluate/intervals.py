"""Numbers with their uncertainty. Every interval is meant to hold the truth 95 times in 100."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Z = 1.959964  # the 97.5 % point of the normal distribution
FEW = 20  # items below which an interval from resampling is too hopeful
CHUNK = 4_000_000  # resampled positions held at once

Statistic = Callable[[Tensor], Tensor]  # resampled rows (R, n, ...) -> (R,) or (R, S): S numbers of every resample


@dataclass(frozen=True)
class Interval:
    """A value with a 95 % interval. NaN where nothing was there to measure."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(successes: int, n: int) -> Interval:
    """A share (Wilson 1927): honest for few items and near 0 and 1, where value +- 2 standard errors is not."""
    if n == 0:
        return Interval(math.nan, 0.0, 1.0)
    share, z2 = successes / n, Z * Z / n
    center = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
    # rounding must not push an end past the value it is exactly: 0 of n begins at 0, n of n ends at 1
    return Interval(share, min(max(0.0, center - half), share), max(min(1.0, center + half), share))


def row_mean(rows: Tensor) -> Tensor:
    """The mean of every resample, (R, n) -> (R,)."""
    return rows.mean(1)


def bootstrap(values: Tensor, statistic: Statistic = row_mean, *, n_boot: int = 2000, seed: int = 0) -> Interval:
    """A statistic of n items: its value on all of them, its interval from resamples of them.

    `statistic` maps resampled values (R, n, ...) to (R,). Equal values give an interval without width: for a share of
    few items ask `wilson`.
    """
    return bootstrap_many(values, lambda rows: statistic(rows)[:, None], n_boot=n_boot, seed=seed)[0]


def bootstrap_many(values: Tensor, statistic: Statistic, *, n_boot: int = 2000, seed: int = 0) -> list[Interval]:
    """The same for S statistics computed together, (R, n, ...) -> (R, S): the percentile interval of each.

    A statistic may be NaN in resamples that lack what it needs; those say nothing about it.
    """
    n, generator = len(values), torch.Generator().manual_seed(seed)
    at_once = max(1, CHUNK // max(n, 1))
    drawn = []
    for begin in range(0, n_boot, at_once):
        rows = torch.randint(n, (min(at_once, n_boot - begin), n), generator=generator)
        drawn.append(statistic(values[rows]))
    value = statistic(values[None])[0].double()  # (S,)
    found = torch.cat(drawn).double()
    # a statistic that resampling inflates can lie below all its resamples: the interval still holds it
    low = torch.minimum(found.nanquantile(0.025, dim=0), value)
    high = torch.maximum(found.nanquantile(0.975, dim=0), value)
    return [Interval(*ends) for ends in zip(value.tolist(), low.tolist(), high.tolist(), strict=True)]


def reflected(interval: Interval, least: float = 0.0) -> Interval:
    """The basic bootstrap interval (Davison & Hinkley 1997, eq. 5.6) from the percentile one: turned round the value.

    For a statistic that noise inflates, a calibration error say: resampling adds the bias a second time, so the truth
    is as far below the value as the resamples are above it.
    """
    value = interval.value
    return Interval(value, max(least, 2 * value - interval.high), max(value, 2 * value - interval.low))


def paired_bootstrap(a: Tensor, b: Tensor, *, n_boot: int = 2000, seed: int = 0) -> Interval:
    """The mean of a - b over items both were measured on. Pairs cancel what is hard or easy for both."""
    return bootstrap(a.double() - b.double(), n_boot=n_boot, seed=seed)


def mean_and_error(values: Sequence[float] | np.ndarray | Tensor) -> Interval:
    """The mean over a few repetitions (seeds, draws), with Student's interval.

    A bootstrap of five seeds holds the truth 83 times in 100 and not 95; with one seed nothing is known about the
    spread and the interval is infinite.
    """
    from scipy.stats import t

    x = torch.as_tensor(values, dtype=torch.float64)
    if len(x) == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = x.mean().item()
    if len(x) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = float(t.ppf(0.975, len(x) - 1)) * x.std().item() / math.sqrt(len(x))
    return Interval(mean, mean - half, mean + half)


def plain(record: Any) -> Any:
    """A record as JSON can hold it: dictionaries, lists and numbers; None where a number is NaN or infinite."""
    if is_dataclass(record) and not isinstance(record, type):
        return plain(asdict(record))
    if isinstance(record, dict):
        return {str(key): plain(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [plain(value) for value in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record

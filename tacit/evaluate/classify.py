"""How good is a classifier? On the yardstick, every number with an interval or something to compare it with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tacit.data.pool import Yardstick
from tacit.engine.apply import probabilities
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.intervals import FEW, Interval, bootstrap, bootstrap_many, plain, reflected, wilson
from tacit.methods.method import Method

BINS = 15  # of equal width in confidence (Guo et al. 2017, sec. 2)
LEAST = 1e-12  # probability; a class that was ruled out costs 27.6 nats and not infinitely many


@dataclass(frozen=True)
class ClassReport:
    """One class: `n` items have it, `answered` were given it."""

    name: str
    n: int
    answered: int
    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True)
class Bin:
    """Items whose confidence lies in (low, high]: how confident the model was, how often it was right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: Interval


@dataclass(frozen=True)
class Report:
    """A classifier on `n` labeled items it never saw."""

    n: int
    classes: list[str]
    accuracy: Interval
    chance: float  # accuracy of always answering the commonest class
    macro_f1: Interval  # mean F1 of the classes that have items here
    ece: Interval  # expected calibration error, 0 .. 1
    ece_if_calibrated: float  # what a perfectly calibrated model would show with this many items
    brier: Interval  # 0 .. 2, lower is better
    nll: Interval  # nats per item
    per_class: list[ClassReport]
    confusion: list[list[int]]  # [true class][answered class]
    reliability: list[Bin]
    missing: list[str]  # classes without an item here: nothing is known about them

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return plain(self)

    def lines(self) -> list[str]:
        """A few lines for the terminal."""
        said = [
            f"accuracy {percent(self.accuracy)} on {self.n} items   (always the commonest class: {self.chance:.1%})",
            f"macro F1 {self.macro_f1}   nll {self.nll} nats   Brier {self.brier}",
            f"calibration error {self.ece}   (a perfectly calibrated model: about {self.ece_if_calibrated:.3f})",
        ]
        seen = [one for one in self.per_class if one.n]
        if len(seen) > 1:
            worst = min(seen, key=lambda one: one.f1.value)
            said.append(f"weakest class: {worst.name}   F1 {worst.f1}   {worst.n} items")
        if self.n < FEW:
            said.append(f"fewer than {FEW} items: all intervals but that of accuracy are too narrow")
        if self.missing:
            said.append(f"no labelled item, so nothing known, of: {', '.join(self.missing)}")
        return said


def percent(share: Interval) -> str:
    return f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"


def evaluate(p: Tensor, y: Tensor, classes: Sequence[str], *, seed: int = 0) -> Report:
    """Measure class probabilities p (n, K) against answers y (n,); items with y < 0 are left out.

    Accuracy, precision and recall have Wilson's interval, everything else one from 2000 resamples of the items.
    """
    classes = list(classes)
    check(p, y, classes)
    p, y = p[y >= 0].double(), y[y >= 0]
    if len(y) == 0:
        raise NotEnoughLabels(
            "no item of the yardstick has a label yet, so there is nothing to measure on\n"
            "  try: tacit label --todo yardstick.csv --yardstick 40, fill it in, tacit label --import yardstick.csv"
        )
    confidence, answer = p.max(1)
    right = (answer == y).double()
    k = len(classes)
    confusion = torch.bincount(y * k + answer, minlength=k * k).view(k, k)
    (macro_f1, *f1), counts = bootstrap_f1(y, answer, k, seed), confusion.sum(1)
    one_hot, sure_and_right = F.one_hot(y, k), torch.stack([confidence, right], 1)
    return Report(
        n=len(y),
        classes=classes,
        accuracy=wilson(int(right.sum()), len(y)),
        chance=counts.max().item() / len(y),
        macro_f1=macro_f1,
        ece=reflected(bootstrap(sure_and_right, lambda rows: calibration_error(*rows.unbind(2)), seed=seed)),
        ece_if_calibrated=ece_if_calibrated(confidence, seed),
        brier=bootstrap((p - one_hot).square().sum(1), seed=seed),
        nll=bootstrap(-p.gather(1, y[:, None]).clamp(min=LEAST).log().flatten(), seed=seed),
        per_class=[one_class(name, c, confusion, f1[c]) for c, name in enumerate(classes)],
        confusion=confusion.tolist(),
        reliability=reliability(confidence, right),
        missing=[name for name, n in zip(classes, counts.tolist(), strict=True) if n == 0],
    )


def evaluate_model(
    model: Method, yardstick: Yardstick, y: Tensor, *, classes: Sequence[str] | None = None, seed: int = 0
) -> Report:
    """Measure a trained classifier on the labeled items of the yardstick; y is (len(yardstick),)."""
    if not hasattr(model, "logits"):
        raise WrongUsage(
            f"{type(model).__name__} has codes but no classes to measure\n  train a classifier: tacit train"
        )
    if len(y) != len(yardstick):
        raise WrongUsage(
            f"{len(y)} labels for a yardstick of {len(yardstick)} items; one label (or -1) an item is needed"
        )
    known = (y >= 0).nonzero().flatten()
    classes = list(classes if classes is not None else model.spec.classes)
    p = probabilities(model, yardstick, known) if len(known) else torch.empty(0, len(classes))
    return evaluate(p, y[known], classes, seed=seed)


def check(p: Tensor, y: Tensor, classes: list[str]) -> None:
    if p.ndim != 2 or len(p) != len(y) or p.shape[1] != len(classes):
        raise WrongUsage(f"probabilities {tuple(p.shape)} do not fit {len(y)} labels of {len(classes)} classes")
    if len(y) and y.max() >= len(classes):
        raise WrongUsage(f"a label names class {int(y.max())}, but there are {len(classes)}: {', '.join(classes)}")
    if not torch.isfinite(p).all() or (p < 0).any() or ((p.sum(1) - 1).abs() > 1e-3).any():
        raise WrongUsage("probabilities must be finite, not negative and sum to 1 in every row; were these logits?")


def bootstrap_f1(y: Tensor, answer: Tensor, k: int, seed: int) -> list[Interval]:
    """Macro F1, then the F1 of every class. F1 is 2 hits / (items + answers); NaN for a class with neither.

    The mean is over classes that have items: one nobody was asked about must not count as a failure.
    """

    def statistic(rows: Tensor) -> Tensor:  # (R, n) positions
        offset = torch.arange(len(rows))[:, None] * k

        def tally(of_class: Tensor, weight: Tensor | None = None) -> Tensor:  # (R, K)
            flat = (offset + of_class[rows]).flatten()
            counted = torch.bincount(flat, None if weight is None else weight[rows].flatten(), minlength=len(rows) * k)
            return counted.view(-1, k).double()

        items, answers, hits = tally(y), tally(answer), tally(y, (y == answer).double())
        f1 = 2 * hits / (items + answers)
        return torch.cat([f1.where(items > 0, torch.nan).nanmean(1, keepdim=True), f1], 1)

    return bootstrap_many(torch.arange(len(y)), statistic, seed=seed)


def one_class(name: str, c: int, confusion: Tensor, f1: Interval) -> ClassReport:
    hits, n, answered = int(confusion[c, c]), int(confusion[c].sum()), int(confusion[:, c].sum())
    return ClassReport(name, n, answered, wilson(hits, answered), wilson(hits, n), f1)


def bin_of(confidence: Tensor) -> Tensor:
    """Bin b of 0 .. 14 holds confidences in (b / 15, (b + 1) / 15]."""
    return (confidence * BINS).ceil().long().sub(1).clamp(0, BINS - 1)


def calibration_error(confidence: Tensor, right: Tensor) -> Tensor:
    """Expected calibration error of R resamples (R, n) -> (R,) (Guo et al. 2017, eq. 3).

    sum_b n_b / n |accuracy_b - confidence_b| is the sum over bins of |sum of (right - confidence)| / n.
    """
    gaps = confidence.new_zeros(len(confidence), BINS).scatter_add_(1, bin_of(confidence), right - confidence)
    return gaps.abs().sum(1) / confidence.shape[1]


def ece_if_calibrated(confidence: Tensor, seed: int, draws: int = 200) -> float:
    """Mean calibration error if every answer were right with exactly its confidence: few items look uncalibrated."""
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for _ in range(draws):
        right = torch.rand(confidence.shape, generator=generator, dtype=confidence.dtype) < confidence
        total += calibration_error(confidence[None], right.to(confidence)[None]).item()
    return total / draws


def reliability(confidence: Tensor, right: Tensor) -> list[Bin]:
    """The bins that hold items, for a plot of accuracy against confidence."""
    at, found = bin_of(confidence), []
    for b in at.unique().tolist():
        inside = at == b
        n, hits = int(inside.sum()), int(right[inside].sum())
        found.append(Bin(b / BINS, (b + 1) / BINS, n, confidence[inside].mean().item(), wilson(hits, n)))
    return found

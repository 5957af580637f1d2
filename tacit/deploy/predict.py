"""Apply a classifier: a label, a confidence and all probabilities for every item, or no label where it is unsure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tacit.data.pool import Items
from tacit.disk import write_atomic
from tacit.engine.apply import probabilities
from tacit.errors import BadData, WrongUsage
from tacit.methods.method import Method


@dataclass(frozen=True)
class Predictions:
    """Probabilities p (n, K) of named items; below a confidence of `abstain_below` the label is empty."""

    names: list[str]
    classes: list[str]
    p: Tensor
    abstain_below: float

    def __len__(self) -> int:
        return len(self.names)

    @property
    def confidence(self) -> Tensor:
        """Probability of the likeliest class, (n,)."""
        return self.p.max(1).values

    @property
    def labels(self) -> list[str]:
        """The likeliest class of every item, "" where the model abstains."""
        sure = (self.confidence >= self.abstain_below).tolist()
        return [self.classes[c] if s else "" for c, s in zip(self.p.argmax(1).tolist(), sure, strict=True)]

    @property
    def abstained(self) -> int:
        return int((self.confidence < self.abstain_below).sum())

    def write_csv(self, path: Path | str) -> None:
        """One row an item: item, label, confidence, then the probability of every class."""
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["item", "label", "confidence", *(f"p_{name}" for name in self.classes)])
        for name, label, p in zip(self.names, self.labels, self.p.tolist(), strict=True):
            table.writerow([name, label, f"{max(p):.4f}", *(f"{share:.4f}" for share in p)])
        write_atomic(path, text.getvalue())

    def lines(self) -> list[str]:
        """How many items got which label."""
        labels = self.labels
        counts = [f"{name} {n}" for name in self.classes if (n := labels.count(name))]
        said = [f"{len(self):,} items: {', '.join(counts) or 'no label given'}"]
        if self.abstained:
            said.append(f"{self.abstained} without a label: confidence below {self.abstain_below:g}")
        return said


def predict(
    method: Method, items: Items, *, names: Sequence[str] | None = None, abstain_below: float = 0.0, batch: int = 1000
) -> Predictions:
    """Probabilities of items; `names` are their ids where nothing else is given.

    Items are prepared as the method's spec says, not as their own does: another table has other means and scales.
    """
    check(method, items, abstain_below)
    parts = [
        probabilities(method, method.spec.to_float(items[rows]), batch=batch)
        for rows in torch.arange(len(items)).split(batch)
    ]
    classes = list(method.spec.classes)
    p = torch.cat(parts) if len(items) else torch.empty(0, len(classes))
    if not p.isfinite().all():
        broken = int((~p.isfinite()).any(1).sum())
        raise BadData(
            f"the model's answer for {broken} of {len(p)} items is not a number\n  train it again: tacit train"
        )
    return Predictions([str(name) for name in (items.ids if names is None else names)], classes, p, abstain_below)


def check(method: Method, items: Items, abstain_below: float) -> None:
    if not hasattr(method, "logits"):
        raise WrongUsage(
            f"{type(method).__name__} has codes but no classes to answer with\n  train a classifier: tacit train"
        )
    if not 0 <= abstain_below <= 1:
        raise WrongUsage(f"a confidence lies between 0 and 1; abstain_below is {abstain_below:g}")
    wanted, got = method.spec, items.spec
    if (wanted.kind, wanted.shape, wanted.rate) != (got.kind, got.shape, got.rate):
        at = [f" at {spec.rate:,} Hz" if spec.rate else "" for spec in (wanted, got)]
        raise WrongUsage(
            f"the model takes {wanted.kind} items of shape {wanted.shape}{at[0]}; "
            f"these are {got.kind} items of shape {got.shape}{at[1]}"
        )

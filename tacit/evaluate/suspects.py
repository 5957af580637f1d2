"""Answers worth checking: labeled items of which everything else says that they are of another class.

Confident Learning: Estimating Uncertainty in Dataset Labels. Northcutt, Jiang & Chuang, 2021.
https://arxiv.org/abs/1911.00068 (sec. 3.1 and 3.2)

    t_j = mean of p_ij over items i that were answered j        (how sure one is of class j where it was answered)
    item i is suspect when of the classes with p_ij >= t_j the likeliest is another one, likelier than its own

p_ij are out of sample: a model that learned the answer of an item repeats it, right or wrong. Here they are the vote of
the nearest neighbours by codes that were learned without labels, each fifth of the labeled items judged by the other four.

Departures: "likelier than its own" is not in the definition, though in the authors' code. They train a classifier for each
fold, and again without the suspects; here a person decides about them.

Tried on 8x8 digits (32 principal components, wrong answers to a tenth of 400 items, 3 draws; precision, recall): 0.95, 0.82;
of 100 items 0.83, 0.74. Without t_j, every answer that is not the likeliest: 0.67, 0.99, and 0.47, 1.0. Where no answer was
wrong, 3 of 1,200 were suspects. Before "likelier than its own", the vote 0.94, 0.82; a linear probe in its place 0.77, 0.72;
the mean of both 0.96, 0.77, for many times the work.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tacit.disk import write_atomic
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.neighbours_vote import vote
from tacit.evaluate.quality import FOLDS, folds

LEAST = 5  # labels of each of two classes, so that every fold has one of both


@dataclass(frozen=True)
class Suspects:
    """Positions `index` (n,) among the items that were asked about, the most suspect first; the class they were given,
    the one that they rather have, and the probabilities of both."""

    index: Tensor
    given: Tensor
    rather: Tensor
    p_given: Tensor
    p_rather: Tensor
    of: int  # labeled items that were looked at

    def __len__(self) -> int:
        return len(self.index)

    def write_csv(self, path: Path | str, ids: Sequence[str], paths: Sequence[str], classes: Sequence[str]) -> None:
        """A table to fill in: `label` is empty, what is written there counts when the table is imported."""
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["id", "path", "label", "given", "rather", "p_given", "p_rather"])
        columns = (self.given.tolist(), self.rather.tolist(), self.p_given.tolist(), self.p_rather.tolist())
        for id_, place, given, rather, p_given, p_rather in zip(ids, paths, *columns, strict=True):
            table.writerow([id_, place, "", classes[given], classes[rather], f"{p_given:.4f}", f"{p_rather:.4f}"])
        write_atomic(path, text.getvalue())


def suspects(p: Tensor, y: Tensor) -> Suspects:
    """Which answers y (n,) disagree with out-of-sample probabilities p (n, K); items with y < 0 are left out.

    A class is as sure as it usually is where p reaches the mean of its own items; one that nobody was given never does.
    """
    if p.ndim != 2 or len(p) != len(y) or (len(y) and y.max() >= p.shape[1]):
        raise WrongUsage(f"probabilities {tuple(p.shape)} do not fit {len(y)} labels")
    known = (y >= 0).nonzero().flatten()
    p, y = p[known].double(), y[known]
    of_class = torch.zeros_like(p).scatter_(1, y[:, None], 1.0)  # (n, K)
    usual = (p * of_class).sum(0) / of_class.sum(0)  # (K,); NaN where there is none: no p reaches it
    reached = p.where(p >= usual, 0.0)
    rather = reached.argmax(1)
    p_given, p_rather = p.gather(1, y[:, None]).flatten(), p.gather(1, rather[:, None]).flatten()
    found = (p_rather.where(reached.sum(1) > 0, 0.0) > p_given).nonzero().flatten()
    found = found[(p_rather - p_given)[found].argsort(descending=True, stable=True)]
    return Suspects(known[found], y[found], rather[found], p_given[found], p_rather[found], len(y))


def out_of_sample(codes: Tensor, labels: Tensor, classes: int, *, seed: int = 0) -> Tensor:
    """Probabilities (n, K) of the labeled among codes (N, D), in order, each fifth from the answers to the other four."""
    known = (labels >= 0).nonzero().flatten()
    h, y = codes[known].float(), labels[known]
    if int((y.bincount(minlength=1) >= LEAST).sum()) < 2:
        raise NotEnoughLabels(
            f"answers can be checked against each other once two classes have {LEAST} labels each\n"
            "  try: tacit choose -k 20, then tacit label"
        )
    fold, p = folds(y, seed), h.new_zeros(len(y), classes)
    for f in range(FOLDS):
        held, rest = fold == f, fold != f
        p[held] = vote(h[held], h[rest], y[rest], classes=classes, distance="euclidean")
    return p


def suspects_of(codes: Tensor, labels: Tensor, classes: int, *, seed: int = 0) -> Suspects:
    """Labeled items of codes (N, D) whose answers in `labels` (N,) are worth checking; positions are those of the codes."""
    known = (labels >= 0).nonzero().flatten()
    found = suspects(out_of_sample(codes, labels, classes, seed=seed), labels[known])
    return Suspects(known[found.index], found.given, found.rather, found.p_given, found.p_rather, found.of)

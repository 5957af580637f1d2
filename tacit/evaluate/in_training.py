"""A probe while a space is being learned: what do its codes know of the labels there are?"""

from collections.abc import Callable

import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.engine.apply import embed
from tacit.evaluate.probe import fit_probe
from tacit.evaluate.quality import FOLDS, folds
from tacit.methods.method import Method

LEAST = 5  # labels of each of two classes, so that every fold has one of both
MOST = 1000  # labeled items asked about: a look should take no longer than a second
L2 = 0.03  # chosen once: on codes of simclr (CIFAR-10) as good as one tuned by held-out labels, for 20 to 1,000 of them


def label_probe(pool: Pool, labels: Tensor, *, seed: int = 0) -> Callable[[Method], dict[str, float]] | None:
    """A function from a method to the accuracy of a linear probe on its codes, for `fit(probe=...)`.

    It is measured on labeled items of the pool in turn, each answered by a probe that learned from the other four
    fifths; the same items at every look. `labels` (N,) are used for nothing else. None where fewer than two classes have
    five labels.
    """
    known = (labels >= 0).nonzero().flatten()
    if int((labels[known].bincount() >= LEAST).sum()) < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    known = known[torch.randperm(len(known), generator=generator)[:MOST]].sort().values
    y = labels[known]
    classes, fold = int(y.max()) + 1, folds(y, seed)

    def probe(method: Method) -> dict[str, float]:
        codes = embed(method, pool, known)
        right = 0
        for f in range(FOLDS):
            held = fold == f
            fitted = fit_probe(codes[~held], y[~held], classes=classes, l2=L2)
            right += int((fitted.probabilities(codes[held]).argmax(1) == y[held]).sum())
        return {"accuracy": right / len(y), "labels": len(y), "chance": int(y.bincount().max()) / len(y)}

    return probe

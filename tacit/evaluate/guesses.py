"""What a classifier takes every item for, small enough to keep: the two likeliest classes and how sure it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.data.pool import Items
from tacit.disk import replacing
from tacit.engine.apply import probabilities
from tacit.errors import BadData
from tacit.methods.method import Method

FILE = "guesses.npz"
AT_ONCE = 20_000  # items whose probabilities are held at once


@dataclass(frozen=True)
class Guesses:
    """Of n items, in the order of their pool: indices into `classes`, and probabilities in [0, 1]."""

    classes: tuple[str, ...]
    best: np.ndarray  # (n,) int16
    p: np.ndarray  # (n,) float32, of the best
    second: np.ndarray  # (n,) int16
    q: np.ndarray  # (n,) float32, of the second
    entropy: np.ndarray  # (n,) float32, in nats

    def __len__(self) -> int:
        return len(self.best)

    @classmethod
    def of(cls, model: Method, items: Items) -> "Guesses":
        """What `model` says about these items, a part of them at a time."""
        parts = [two_likeliest(probabilities(model, items, rows)) for rows in torch.arange(len(items)).split(AT_ONCE)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return cls(model.spec.classes, *columns)

    def save(self, folder: Path) -> None:
        """As `guesses.npz` in the folder of the run."""
        with replacing(folder / FILE) as temporary:
            columns = {name: value for name, value in vars(self).items() if name != "classes"}
            np.savez(temporary, classes=np.array(self.classes, dtype=str), **columns)

    @classmethod
    def load(cls, folder: Path) -> "Guesses":
        path = folder / FILE
        try:
            with np.load(path, allow_pickle=False) as kept:
                columns = [kept[name] for name in ("best", "p", "second", "q", "entropy")]
                return cls(tuple(str(name) for name in kept["classes"]), *columns)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise BadData(f"{path} cannot be read ({error})\n  make it again: tacit round") from error


def two_likeliest(p: Tensor) -> tuple[np.ndarray, ...]:
    """Columns of `Guesses` from probabilities (n, K), K at least 2."""
    top = p.topk(2, dim=1)
    entropy = -(p * p.clamp(min=1e-30).log()).sum(1)
    best, second = top.indices.to(torch.int16).numpy().T
    first, other = top.values.float().numpy().T
    return best.copy(), first.copy(), second.copy(), other.copy(), entropy.float().numpy()

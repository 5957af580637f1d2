"""Arrays that are in memory already, read as those of an array file are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tacit.data.arrays import PIECE_BYTES, Array
from tacit.data.form import Form
from tacit.data.shelf import column_moments
from tacit.errors import BadData


class InMemory(Array):
    """An array without a file: images (N, H, W), (N, H, W, C) or (N, C, H, W), or vectors (N, F)."""

    def __init__(self, x: np.ndarray) -> None:
        super(Array, self).__init__()  # a source without a file to list
        self.path, self.truth = Path("the array"), None
        self._x, self._name = x, "x"

    def _load(self) -> None:
        """It is here."""

    def rows(self, form: Form) -> np.ndarray:
        """All items as they are stored, (N, *item): uint8 images, float32 vectors."""
        step = max(1, PIECE_BYTES // max(1, self._x[:1].nbytes))
        return np.concatenate([self._rows(self._x[i : i + step], form) for i in range(0, len(self._x), step)])


def prepare(x: np.ndarray, size: int | None = None, former: Form | None = None) -> tuple[Form, np.ndarray, list[str]]:
    """How an array becomes items, the items as a pool stores them, and remarks on what was done to their values.

    With a `former` form the items become what those of the first array became: the same values are black and white, the
    same mean and deviation of each column standardize. BadData where the array is of another kind.
    """
    source = InMemory(x)
    if former is not None:
        _check_values(x, former)
        former = replace(former, dtype=x.dtype.name)  # floats of 32 and of 64 bits say the same
    form = source.form([], None if former else size, None, former, lambda looked: None)
    rows = source.rows(form)
    if form.item_kind == "vector" and former is None:
        center, scale = column_moments(rows, np.arange(len(rows)))
        form = replace(form, center=center, scale=scale)
    return form, rows, source.notes


def _check_values(x: np.ndarray, former: Form) -> None:
    """An error where images hold 0..1 now and held 0..255 before, which the type of their values tells."""
    kinds = {"b": "yes or no", "u": "whole numbers", "i": "whole numbers", "f": "floats"}
    before, now = (kinds.get(np.dtype(kind).kind) for kind in (former.dtype, x.dtype))
    if former.item_kind == "image" and before != now:
        raise BadData(f"the values of images were {before} the first time, and are {now} now\n  hand both over alike")

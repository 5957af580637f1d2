"""Packed items again: to learn from, to measure on, and the hidden answers for simulations."""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tacit.data import records, shelf
from tacit.data.form import load_form
from tacit.data.pool import Items, Pool, Yardstick
from tacit.data.spec import UNLABELED


def open_items(folder: Path, spec_classes: tuple[str, ...] = ()) -> tuple[Pool, Yardstick]:
    """The items of a packed folder, memory-mapped; ids are fetched from the database when they are asked for."""
    form = load_form(folder)
    rows, aside = records.rows_and_aside(folder)
    array = shelf.view(folder, form, rows)
    spec = form.spec.with_classes(spec_classes)

    @functools.cache
    def ids() -> np.ndarray:
        return np.array(records.ids(folder, rows))

    pool = np.setdiff1d(np.arange(rows), aside, assume_unique=True)
    return Pool(spec, array, ids=ids, rows=pool), Yardstick(spec, array, ids=ids, rows=np.array(aside, dtype=np.int64))


def read_truth(folder: Path, items: Items) -> tuple[Tensor, tuple[str, ...]] | None:
    """Hidden answers of these items, (N,) int64 with -1 where there is none, and the class names; None without any.

    Simulations only: nothing that learns or chooses may call this.
    """
    answers = records.truth(folder)
    if not answers:
        return None
    names = records.in_order(answers.values(), load_form(folder).class_order)
    number = {name: i for i, name in enumerate(names)}
    found = [number.get(answers.get(id_, ""), UNLABELED) for id_ in items.ids.tolist()]
    return torch.tensor(found, dtype=torch.long), names

"""Hidden answers that lie beside the items of an `.npz` file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.source import answer_text
from tacit.errors import BadData, unknown_name

ANSWERS = ("y", "labels")  # members of an .npz, in either case


def hidden_answers(
    path: Path, members: Any, others: Sequence[str], wanted: str | None, n: int
) -> tuple[list[str | None], tuple[str, ...]]:
    """An answer (or None) for each of n items, and the classes in the file's order; empty where there are none.

    They are in the member that is wanted, else in y or labels; `others` are the members that are not the items. Numbers
    become names where a member `..._names` (of y and labels also `class_names`) lists them; below 0 there is none.
    """
    name = wanted
    if name is not None and name not in others:
        raise unknown_name("array of answers", name, others)
    if name is None:
        by_name = {other.lower(): other for other in others}
        name = next((by_name[answer] for answer in ANSWERS if answer in by_name), None)
    if name is None:
        return [], ()
    y = members[name]
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or len(y) != n or y.dtype.kind not in "biufSU":
        raise BadData(
            f"{path}: {name} is {y.dtype} of shape {y.shape}, for {n:,} items\n"
            "  answers are one number or one text an item"
        )
    lists = (f"{name}_names", f"{name.removesuffix('s')}_names", "class_names" if name.lower() in ANSWERS else "")
    names = next((other for other in lists if other in members.files), None)
    order = tuple(answer_text(c) or "" for c in np.ravel(members[names])) if names else ()
    values, which = np.unique(y, return_inverse=True)
    texts = [_text(path, value, order) for value in values]
    return [texts[i] for i in which], order


def _text(path: Path, value: Any, order: tuple[str, ...]) -> str | None:
    if isinstance(value, np.number) and value < 0:
        return None
    if not order or not isinstance(value, np.integer):
        return answer_text(value)
    if value >= len(order):
        raise BadData(f"{path}: there is an answer {value}, but only {len(order)} class names, from 0 on")
    return order[int(value)]

"""Another source, prepared like the items of a project: what a model that was trained there can answer about."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from tacit.data.form import Form, load_form
from tacit.data.pictures import read_all
from tacit.data.source import Batch, Source
from tacit.data.sources import open_source
from tacit.errors import BadData, WrongUsage


def read_like(source: Path, folder: Path, *, workers: int | None = None) -> Iterator[Batch]:
    """Batches of `source` as `folder` would pack them: rows, the paths they come from, and what cannot be read.

    Nothing is stored, and copies stay apart: every path gets its row. Pictures in files are brought to the working
    shape of any project of images; vectors must come from the same kind of file.
    """
    form = load_form(folder)
    with closing(open_source(source, None, workers, without=folder)) as things:
        form = _fit(things, form, source)
        yield from things.read(form, things.files)


def read_picture(path: Path, folder: Path) -> np.ndarray:
    """One picture file as the items of `folder` are, (1, C, H, W) uint8."""
    form = load_form(folder)
    if form.item_kind != "image" or len(form.shape) != 3:
        raise WrongUsage(f"{path} is a picture, and the items here are {form.item_kind}s {form.shape}")
    results, rows = read_all(str(path.parent), [path.name], form.shape, form.aspect)
    if isinstance(results[0], str):
        raise BadData(f"{path} cannot be read: {results[0]}")
    return rows


def _fit(things: Source, form: Form, source: Path) -> Form:
    if things.kind == form.source or (things.kind == "folder" and form.item_kind == "image"):
        return things.form(things.files, None, None, form, lambda files: None)
    if things.kind == "array" and form.item_kind == "image":
        own = things.form(things.files, None, form.aspect, None, lambda files: None)
        if own.item_kind == "image" and own.shape[0] == form.shape[0]:
            return replace(own, shape=form.shape)
    raise WrongUsage(
        f"{source} does not fit: the items here are {form.item_kind}s {form.shape} made from a {form.source}\n"
        f"  give a {form.source} like the first one"
    )

"""Another source, prepared like the items of a project: what a model that was trained there can answer about."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data import pictures, sound
from tacit.data.form import Form, load_form
from tacit.data.sound_clips import Clips
from tacit.data.sound_folder import SoundFolder
from tacit.data.source import Batch, Source
from tacit.data.sources import open_source
from tacit.errors import BadData, WrongUsage


def read_like(source: Path, folder: Path, *, workers: int | None = None) -> Iterator[Batch]:
    """Batches of `source` as `folder` would pack them: rows, the paths they come from, and what cannot be read.

    Nothing is stored, and copies stay apart: every path gets its row. Pictures in files are brought to the working
    shape of any project of images, sounds to the rate and length of any project of sounds; vectors must come from the
    same kind of file.
    """
    form = load_form(folder)
    with closing(open_source(source, None, workers, without=folder, item_kind=form.item_kind)) as things:
        form = _fit(things, form, source)
        yield from things.read(form, things.files)


def read_file(path: Path, folder: Path) -> np.ndarray:
    """One picture or sound file as the items of `folder` are, (1, *item)."""
    form = load_form(folder)
    results: list[Any]
    if path.suffix.lower()[1:] in sound.EXTENSIONS:
        if form.item_kind != "sound":
            raise WrongUsage(f"{path} is a sound, and the items here are {form.item_kind}s {form.shape}")
        results, rows = sound.read_all(str(path.parent), [path.name], form.shape, form.rate)
    elif form.item_kind != "image" or len(form.shape) != 3:
        raise WrongUsage(f"{path} is a picture, and the items here are {form.item_kind}s {form.shape}")
    else:
        results, rows = pictures.read_all(str(path.parent), [path.name], form.shape, form.aspect)
    if isinstance(results[0], str):
        raise BadData(f"{path} cannot be read: {results[0]}")
    return rows


def _fit(things: Source, form: Form, source: Path) -> Form:
    sounds = isinstance(things, SoundFolder | Clips)
    if sounds == (form.item_kind == "sound"):
        if sounds or things.kind == form.source or (things.kind == "folder" and form.item_kind == "image"):
            return things.form(things.files, None, None, form, lambda files: None)
        if things.kind == "array" and form.item_kind == "image":
            own = things.form(things.files, None, form.aspect, None, lambda files: None)
            if own.item_kind == "image" and own.shape[0] == form.shape[0]:
                return replace(own, shape=form.shape)
    raise WrongUsage(
        f"{source} does not fit: the items here are {form.item_kind}s {form.shape} made from a {form.source}\n"
        f"  give a {form.source} like the first one"
    )

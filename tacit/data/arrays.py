"""Array files: `.npz` and `.npy`, images or vectors, with hidden answers where the file has some."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tacit.data.form import Batch, File, Form, Looks, answer_text, content_id, working_shape
from tacit.data.pictures import fit_in
from tacit.errors import BadData, BadEnvironment, WrongUsage, unknown_name

ITEMS, ANSWERS = ("x", "images", "data"), ("y", "labels")  # members of an .npz, in any case
PIECE = 2**25  # bytes looked at in one go
LAYOUTS = {"hw": "(N, H, W)", "hwc": "(N, H, W, C)", "chw": "(N, C, H, W)", "f": "(N, F)"}


class Array:
    """One array of items, with an array of hidden answers beside it in an `.npz`.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 (RGBA, laid on white) channels; (N, F) are vectors.
    """

    kind = "array"

    def __init__(self, path: Path, truth: str | None = None) -> None:
        status = path.stat()
        self.path, self.truth = path, truth
        self.files = [File(path.name, status.st_size, status.st_mtime_ns)]
        self.looks = Looks()
        self.notes: list[str] = []
        self.class_order: tuple[str, ...] = ()
        self._opened: Any = None
        self._form: Form | None = None

"""Array files: `.npz` and `.npy`, images or vectors, with hidden answers where the file has some."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tacit.data.answers import hidden_answers
from tacit.data.form import Form
from tacit.data.pictures import fit_in
from tacit.data.source import FLOAT32, Batch, File, Source, content_id, working_shape
from tacit.errors import BadData, BadEnvironment, TacitError, WrongUsage

ITEMS = ("x", "images", "data")  # members of an .npz, in either case
PIECE_BYTES, PIECE_ROWS = 2**23, 4096  # looked at in one go
DARK = 64  # of 255: pictures that stay below are worth a remark
BIT_DEPTHS = (1023, 4095, 16383, 65535)  # 10, 12, 14 and 16 bits


class Array(Source):
    """One array of items; in an `.npz` an array of hidden answers may lie beside it.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels (RGBA, laid on white); vectors (N, F).
    """

    kind = "array"

    def __init__(self, path: Path, truth: str | None = None) -> None:
        super().__init__()
        self.path, self.truth = path, truth
        self.list_one(path)
        self._x: np.ndarray = np.empty(0)
        self._name = "x"
        self._answers: list[str | None] = []

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """Loads and checks the array. The range of values that becomes 0..255 stays what it was the first time."""
        self._load()
        self._check_kind()
        least, most = self._extremes()
        n, dtype = len(self._x), self._x.dtype.name
        if self._x.ndim == 2:
            if size is not None:
                raise WrongUsage(f"a size is for images; {self.path} holds vectors\n  leave the size out")
            self.looks.modes[dtype] += n
            made = Form(self.kind, self._x.shape[1:], "vector", dtype=dtype)
        else:
            height, width, channels = self._channels_last(self._x).shape[1:]
            self.looks.add(f"{dtype}, {channels} channel{'s' * (channels > 1)}", width, height, n)
            shape = working_shape(1 if channels == 1 else 3, self.looks, size)
            low, high = (former.low, former.high) if former else self._range(least, most)
            if least < low or most > high:
                self.notes.append(f"values beyond {low:g}..{high:g}, the range of the first time, were cut off")
            made = Form(self.kind, shape, aspect=aspect or "crop", dtype=dtype, low=low, high=high)
        return self._agree(made, former) if former else made

    def _agree(self, made: Form, former: Form) -> Form:
        same = made.item_kind == former.item_kind and (
            (made.shape[0], made.dtype) == (former.shape[0], former.dtype)
            if made.item_kind == "image"
            else made.shape == former.shape
        )
        if not same:
            raise BadData(
                f"{self.path} holds {made.dtype} items of shape {made.shape} now;"
                f" those packed before are {former.dtype} of shape {former.shape}\n"
                "  give it a project of its own, or make it like the first"
            )
        return former

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        (file,) = self.files
        step = max(1, min(PIECE_ROWS, PIECE_BYTES // max(1, self._x[:1].nbytes)))
        for i in range(0, len(self._x), step):
            part = np.ascontiguousarray(self._x[i : i + step])
            paths = [file._replace(path=f"{file.path}#{i + k}") for k in range(len(part))]
            answers = self._answers[i : i + step] or [None] * len(part)
            yield Batch(paths, [content_id(row) for row in part], self._rows(part, form), answers, [], len(part))

    def total(self, files: list[File]) -> int:
        return len(self._x)

    def close(self) -> None:
        self._x = np.empty(0)

    # the file

    def _load(self) -> None:
        with readable(self.path):
            with open(self.path, "rb") as file:
                head = file.read(6)
            if not head.startswith((b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")):
                raise BadData(
                    f"{self.path} is not an array file: it is {'empty' if not head else 'of another format'}\n"
                    "  make one: np.savez('items.npz', x=items)"
                )
            with warnings.catch_warnings(action="ignore"):  # old files load as well as new ones, numpy thinks slower
                opened = np.load(self.path, mmap_mode="r", allow_pickle=False)
            if isinstance(opened, np.ndarray):
                if self.truth is not None:
                    raise WrongUsage(
                        f"{self.path} is a single array and holds no answers {self.truth!r}\n  use an .npz with x and y"
                    )
                self._x, self._name = opened, "the array"
                return
            with opened as members:
                self._name = self._choose(members)
                self._x = np.asarray(members[self._name])
                others = [name for name in members.files if name != self._name]
                self._answers, self.class_order = hidden_answers(
                    self.path, members, others, self.truth, sum(self._x.shape[:1])
                )

    def _choose(self, members: Any) -> str:
        """Which member holds the items."""
        by_name = {name.lower(): name for name in members.files}
        for wanted in ITEMS:
            if wanted in by_name:
                return by_name[wanted]
        shapes = {name: _head(members, name) for name in members.files}
        big = [name for name, shape in shapes.items() if len(shape) >= 2]
        if len(big) == 1:
            return big[0]
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
        raise BadData(
            f"{self.path} does not say which array is the items; it holds {found}\n"
            "  call it x: np.savez('items.npz', x=..., y=...)"
        )

    # the values

    def _check_kind(self) -> None:
        x = self._x
        if x.dtype.kind not in "buif":
            raise BadData(f"{self.path}: {self._name} holds {x.dtype} values\n  items are arrays of numbers")
        if x.ndim < 2 or x.ndim > 4:
            raise BadData(
                f"{self.path}: {self._name} has shape {x.shape}\n"
                "  images are (N, H, W), (N, H, W, C) or (N, C, H, W); vectors are (N, F)"
            )
        if x.size == 0:
            raise BadData(f"{self.path}: {self._name} has shape {x.shape}: there is nothing in it")

    def _extremes(self) -> tuple[float, float]:
        """Least and greatest value; every value must be a number that fits into 32 bits."""
        least, most, bad, first = np.inf, -np.inf, 0, ""
        step = max(1, PIECE_BYTES // max(1, self._x[:1].nbytes))
        for i in range(0, len(self._x), step):
            part = self._x[i : i + step]
            if part.dtype.kind == "f":
                wrong = ~(np.abs(part) <= FLOAT32)
                if wrong.any():
                    where = np.argwhere(wrong)[0]
                    first = first or ", ".join(map(str, (i + where[0], *where[1:])))
                    bad += int(wrong.sum())
            least, most = min(least, float(part.min())), max(most, float(part.max()))
        if bad:
            raise BadData(
                f"{self.path}: {bad:,} of {self._x.size:,} values are NaN, infinite or beyond 32 bits,"
                f" the first at {self._name}[{first}]\n  fill or drop these items"
            )
        return least, most

    def _range(self, least: float, most: float) -> tuple[float, float]:
        """The values that become 0 and 255."""
        dtype = self._x.dtype
        if dtype.kind == "b" or (dtype != np.uint8 and least >= 0 and most <= 1):
            return 0.0, 1.0
        if least >= 0 and most <= 255:
            if most < DARK:
                self.notes.append(f"values reach only {most:g} of 255: the pictures are dark")
            return 0.0, 255.0
        if dtype == np.uint16:
            high = float(next(top for top in BIT_DEPTHS if most <= top))
            self.notes.append(f"16-bit values: 0..{high:.0f} became 0..255")
            return 0.0, high
        self.notes.append(f"values from {least:g} to {most:g} became 0..255")
        return least, most if most > least else least + 1

    def _rows(self, part: np.ndarray, form: Form) -> np.ndarray:
        if form.item_kind == "vector":
            return part.astype(np.float32)
        part = self._channels_last(part)
        if part.dtype != np.uint8:
            part = (
                np.rint((part.astype(np.float64) - form.low) * (255 / (form.high - form.low)))
                .clip(0, 255)
                .astype(np.uint8)
            )
        if part.shape[3] == 4:
            alpha = part[..., 3:].astype(np.float32) / 255
            part = np.rint(part[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
        channels, height, width = form.shape
        if part.shape[1:3] != (height, width):
            pictures = (Image.fromarray(item[..., 0] if channels == 1 else item) for item in part)
            fitted = [np.asarray(fit_in(picture, height, width, form.aspect)) for picture in pictures]
            part = np.stack(fitted).reshape(-1, height, width, channels)
        return np.ascontiguousarray(part.transpose(0, 3, 1, 2))

    def _channels_last(self, x: np.ndarray) -> np.ndarray:
        """(N, H, W, C), whichever way the file has it."""
        if x.ndim == 3:
            return x[..., None]
        for channels in ((1, 3), (4,)):
            if x.shape[3] in channels:
                return x
            if x.shape[1] in channels:
                return x.transpose(0, 2, 3, 1)
        raise BadData(
            f"{self.path}: {self._name} has shape {x.shape}\n  images have 1, 3 or 4 channels, in front or at the end"
        )


def _head(members: Any, name: str) -> tuple[int, ...]:
    """The shape of a member, from its header alone; () for what is no array."""
    try:
        with members.zip.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return tuple(read(file)[0])
    except (KeyError, ValueError):
        return ()


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever numpy and zip files throw at a damaged file, as a sentence."""
    try:
        yield
    except TacitError:
        raise
    except MemoryError as error:
        raise BadEnvironment(
            f"{path} does not fit into memory\n  save the array alone as .npy: that is read piece by piece"
        ) from error
    except PermissionError as error:
        raise BadData(f"{path} may not be read\n  check its permissions") from error
    except Exception as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise BadData(
                f"{path} holds Python objects, which could run code when they are loaded\n"
                "  save plain numbers and texts: np.array(values, dtype=np.uint8), np.array(names, dtype=str)"
            ) from error
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadData(
            f"{path} is damaged or cut short ({what})\n  save it anew: np.savez('items.npz', x=items)"
        ) from error

"""What every reader of a source has and hands over."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tacit.data.form import Form
from tacit.errors import BadData

FLOAT32 = float(np.finfo(np.float32).max)  # larger values cannot be stored
WORKING_SIZE = 64  # pixels: what images are brought to unless all of them share one size no larger


class File(NamedTuple):
    """A file as the disk lists it. `path` is relative to the source; "x.npz#17" is row 17 of an array or a table."""

    path: str
    size: int  # bytes
    mtime_ns: int


class Batch(NamedTuple):
    """Some things of a source, read: those that could be read in four aligned columns, and those that could not."""

    files: list[File]
    ids: list[str]  # of the contents, see `content_id`
    rows: np.ndarray  # (n, *item), as the packed array stores them
    answers: list[str | None]  # hidden truth
    failed: list[tuple[str, str]]  # path and reason
    done: int  # how many things of the source this was


class Looks:
    """Kinds of pixels (or rates and channels of sounds) and original sizes that were met.

    The size of a sound is its length in milliseconds and 1.
    """

    def __init__(
        self,
        modes: dict[str, int] | None = None,
        smallest: tuple[int, int] | None = None,  # (width, height)
        largest: tuple[int, int] | None = None,
    ) -> None:
        self.modes: Counter[str] = Counter(modes)
        self.smallest, self.largest = smallest, largest

    def add(self, mode: str, width: int, height: int, count: int = 1) -> None:
        self.modes[mode] += count
        sizes = [size for size in (self.smallest, self.largest, (width, height)) if size]
        self.smallest, self.largest = min(sizes, key=_extent), max(sizes, key=_extent)


def _extent(size: tuple[int, int]) -> tuple[int, ...]:
    return size[0] * size[1], *size  # a total order: smallest and largest are equal only where all are


class Source(ABC):
    """A folder, an array file or a table; what it lists is known at once, what is in it after reading."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.files: list[File] = []  # as the disk lists them now
        self.unlisted: list[tuple[str, str]] = []  # paths that the listing could not reach, and why
        self.extensions: Counter[str] = Counter()  # of what can be read
        self.others: Counter[str] = Counter()  # extensions of other files
        self.folders = 0  # that have something to read
        self.looks = Looks()
        self.notes: list[str] = []
        self.class_order: tuple[str, ...] = ()  # of the hidden answers, where the source says one

    def list_one(self, path: Path) -> None:
        """All of the source is this file."""
        if printable(path.name) != path.name:
            raise BadData(f"the name of {printable(str(path))} is not valid UTF-8\n  rename it")
        status = path.stat()
        self.files = [File(path.name, status.st_size, status.st_mtime_ns)]
        self.extensions[path.suffix.lower()[1:]] += 1

    @abstractmethod
    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """How these files become items: found out the first time, checked against the former form later.

        `tick` is told how many files more have been looked at.
        """

    @abstractmethod
    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        """Their contents, piece by piece, in order."""

    def total(self, files: list[File]) -> int:
        """How many things `read` will go through; known after `form`."""
        return len(files)

    def close(self) -> None:  # noqa: B027, most have nothing to do
        """Let go of files and processes."""


def content_id(row: np.ndarray) -> str:
    """128 bits of BLAKE2b over the values, shape and type of one row of an array or a table."""
    digest = hashlib.blake2b(f"{row.dtype.str}{row.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(row).data)
    return digest.hexdigest()


def working_shape(channels: int, looks: Looks, size: int | None) -> tuple[int, int, int]:
    """(C, H, W) that images are brought to: the size they all share if it is no larger than 64, else a square of 64."""
    if size is None and looks.smallest and looks.smallest == looks.largest and max(looks.largest) <= WORKING_SIZE:
        width, height = looks.largest
        return channels, height, width
    return channels, size or WORKING_SIZE, size or WORKING_SIZE


def answer_text(value: Any) -> str | None:
    """A hidden answer as the ledger writes answers; None where there is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        value = int(value) if float(value).is_integer() else value
    return None if value is None else str(value).strip() or None


def unreadable(source: Path, failed: list[tuple[str, str]]) -> BadData:
    """The error where files were found and not one of them could be used."""
    shown = "".join(f"\n  {path}: {reason}" for path, reason in failed[:3])
    more = "\n  ..." if len(failed) > 3 else ""
    return BadData(f"none of the {len(failed):,} files in {source} can be read{shown}{more}")


def printable(name: str) -> str:
    """A name that can be written down; bytes that are no UTF-8 show as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def reason(error: OSError) -> str:
    """What the system says, in a few words."""
    return (error.strerror or str(error)).lower()

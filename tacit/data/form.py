"""How the things of a source become items, and what every reader of a source hands over."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tacit.data.spec import ItemSpec
from tacit.disk import write_atomic
from tacit.errors import BadData, BadEnvironment

VERSION = 1  # of the record below; a newer one is refused
FILE = "items.json"
WORKING_SIZE = 64  # pixels: what images are brought to unless all of them share one size no larger


class File(NamedTuple):
    """A file as the disk lists it. `path` is relative to the source; "digits.npz#17" is a row of an array or a table."""

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
    """Kinds of pixels and original sizes that were met."""

    def __init__(self) -> None:
        self.modes: Counter[str] = Counter()
        self.smallest: tuple[int, int] | None = None  # (width, height)
        self.largest: tuple[int, int] | None = None

    def add(self, mode: str, width: int, height: int, count: int = 1) -> None:
        self.modes[mode] += count
        sizes = [size for size in (self.smallest, self.largest, (width, height)) if size]
        self.smallest, self.largest = min(sizes, key=_extent), max(sizes, key=_extent)


def _extent(size: tuple[int, int]) -> tuple[int, ...]:
    return size[0] * size[1], *size  # a total order: smallest and largest are equal only where all are


@dataclass(frozen=True)
class Form:
    """Fixed when a source is first packed and kept in items.json: what comes later is prepared like what came first."""

    source: str  # "folder", "array" or "table"
    shape: tuple[int, ...]  # of an item: (C, H, W) or (F,)
    item_kind: str = "image"  # or "vector"
    aspect: str = "crop"  # how images get the working shape
    dtype: str = ""  # arrays: what the file held
    low: float = 0.0  # arrays: the value that becomes 0 ...
    high: float = 255.0  # ... and the one that becomes 255
    columns: tuple[str, ...] = ()  # tables: the columns that became the vector
    center: tuple[float, ...] = ()  # vectors: mean and deviation of each column over the pool, the yardstick left out
    scale: tuple[float, ...] = ()
    truth: str | None = None  # where hidden answers come from: "folders", a member, a column
    class_order: tuple[str, ...] = ()  # of the hidden answers, where the source says one
    conflicts: int = 0  # contents that were met with two hidden answers
    yardstick: float | int | None = None  # as asked for
    modes: dict[str, int] = field(default_factory=dict)  # see `Looks`
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def spec(self) -> ItemSpec:
        return ItemSpec(self.shape, self.item_kind, (), self.center, self.scale)

    @property
    def file(self) -> str:
        return "items.u8" if self.item_kind == "image" else "items.f32"

    @property
    def stored(self) -> np.dtype:
        return np.dtype(np.uint8 if self.item_kind == "image" else np.float32)

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.stored.itemsize

    def save(self, folder: Path) -> None:
        write_atomic(folder / FILE, json.dumps({"version": VERSION, **asdict(self)}, indent=1) + "\n")


def load_form(folder: Path) -> Form:
    """The record of a packed folder."""
    path = folder / FILE
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = record.pop("version")
        if version <= VERSION:
            return Form(**{key: tuple(value) if isinstance(value, list) else value for key, value in record.items()})
    except FileNotFoundError:
        raise BadData(f"there are no packed items in {folder} ({FILE} is missing)\n  make them: tacit init SOURCE") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadData(f"{path} cannot be read ({error})\n  take it from a copy, or start anew: tacit init SOURCE") from error
    raise BadEnvironment(
        f"{path} was written by a newer Tacit (version {version}; this one knows {VERSION})\n"
        "  upgrade: pip install --upgrade tacit"
    )


class Source(Protocol):
    """What `pack` asks of a folder, an array file or a table."""

    kind: str
    files: list[File]  # as the disk lists them now
    looks: Looks
    notes: list[str]
    class_order: tuple[str, ...]

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """How these files become items: found out the first time, checked against the former form later."""

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        """Their contents, piece by piece, in order."""

    def close(self) -> None: ...


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

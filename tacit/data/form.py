"""How the things of a source become items: fixed at the first pack, kept beside them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.spec import ItemSpec
from tacit.disk import write_atomic
from tacit.errors import BadData, BadEnvironment

VERSION = 1  # of the record below; a newer one is refused
FILE = "items.json"


@dataclass(frozen=True)
class Form:
    """Fixed when a source is first packed and kept in items.json: what comes later is prepared like what came first."""

    source: str  # "folder", "array" or "table"
    shape: tuple[int, ...]  # of an item: (C, H, W), (1, T) or (F,)
    item_kind: str = "image"  # or "sound" or "vector"
    aspect: str = "crop"  # how images get the working shape
    dtype: str = ""  # arrays: what the file held
    low: float = 0.0  # arrays: the value that becomes 0 ...
    high: float = 255.0  # ... and the one that becomes 255
    columns: tuple[str, ...] = ()  # tables: the columns that became the vector
    center: tuple[float, ...] = ()  # vectors: mean and deviation of each column over the pool, the yardstick left out
    scale: tuple[float, ...] = ()
    rate: int = 0  # sounds: samples a second
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
        return ItemSpec(self.shape, self.item_kind, (), self.center, self.scale, self.rate)

    @property
    def file(self) -> str:
        return {"image": "items.u8", "sound": "items.i16"}.get(self.item_kind, "items.f32")

    @property
    def stored(self) -> np.dtype:
        return np.dtype({"image": np.uint8, "sound": np.int16}.get(self.item_kind, np.float32))

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.stored.itemsize

    def save(self, folder: Path) -> None:
        write_atomic(folder / FILE, json.dumps({"version": VERSION, **asdict(self)}, indent=1) + "\n")


def load_form(folder: Path) -> Form:
    """The record of a packed folder."""
    path = folder / FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record.pop("version")
        if version <= VERSION:
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
            return Form(**fields)
    except FileNotFoundError:
        raise BadData(f"there are no items in {folder} ({FILE} is missing)\n  make them: tacit init SOURCE") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadData(
            f"{path} cannot be read ({error})\n  take it from a copy, or start anew: tacit init SOURCE"
        ) from error
    raise BadEnvironment(
        f"{path} was written by a newer Tacit (version {version}; this one knows {VERSION})\n"
        "  upgrade: pip install --upgrade tacit"
    )

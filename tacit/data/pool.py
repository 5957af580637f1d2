"""Items in memory-mapped rows: the pool one learns from, and the yardstick one never learns from.

The two are different types over the same rows. Strategies, feeds and methods are handed a `Pool`, and no path leads
from a `Pool` to an item of the `Yardstick`.
"""

import mmap
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from tacit.data.source import content_id
from tacit.data.spec import RANGES, ItemSpec
from tacit.data.stacked import Stacked
from tacit.errors import BadData, WrongUsage

KEEP_RESIDENT = 128 * 2**20  # bytes of the map left in memory before its pages are handed back
FAULT = 48 * mmap.PAGESIZE  # bytes that touching one row may map: the system brings neighbours along (measured)

Side = TypeVar("Side", bound="Items")  # pool or yardstick: a part of one stays one


class Items:
    """Rows of a packed array. `items[index]` is a batch as stored: uint8 images, int16 sounds, float32 vectors.

    `array` is (R, *item), a memory map, an array in memory or one behind the other; `rows` are the rows that belong to this side, None for
    all. `ids` are content hashes (hex), given as an array of strings or as a function that fetches them when asked:
    training never needs them.
    """

    def __init__(
        self, spec: ItemSpec, array: np.ndarray | Stacked, *, ids: Any = None, rows: np.ndarray | None = None
    ) -> None:
        if array.shape[1:] != spec.shape:
            raise BadData(f"items have shape {array.shape[1:]}, expected {spec.shape}")
        self.spec, self.rows, self._ids = spec, rows, ids
        self._stored = array
        self._map: mmap.mmap | None = getattr(array, "_mmap", None)
        self._touched = 0
        self._array = array.view(np.ndarray) if isinstance(array, np.memmap) else array
        self._rows = None if rows is None else torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._array) if self._rows is None else len(self._rows)

    def __getitem__(self, index: Tensor | slice | Sequence[int] | np.ndarray) -> Tensor:
        """Stored items at these positions, (B, *item)."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        index = torch.as_tensor(index)
        index = index.nonzero().flatten() if index.dtype == torch.bool else index.long()
        if self._rows is not None:
            index = self._rows[index]
        batch = torch.from_numpy(self._array.take(index.numpy(), axis=0))
        self._let_go(max(batch.nbytes, len(index) * FAULT))
        return batch

    def floats(self, index: Tensor | slice | Sequence[int] | np.ndarray) -> Tensor:
        """Items as methods see them: images in [0, 1], sounds in [-1, 1], vectors standardised."""
        return self.spec.to_float(self[index])

    @cached_property
    def ids(self) -> np.ndarray:
        """Content hashes, (N,) strings."""
        return self._all_ids() if self.rows is None else self._all_ids()[self.rows]

    def _all_ids(self) -> np.ndarray:
        got = self._ids() if callable(self._ids) else self._ids
        return np.asarray([f"item-{i}" for i in range(len(self._array))] if got is None else got)

    def find(self, ids: Sequence[str] | np.ndarray) -> Tensor:
        """Positions of these ids, (n,) int64; -1 where an id is not here."""
        place = {id_: i for i, id_ in enumerate(self.ids.tolist())}
        return torch.tensor([place.get(str(id_), -1) for id_ in ids], dtype=torch.long)

    def take(self: Side, index: Tensor | np.ndarray) -> Side:
        """The same kind of collection, restricted to these positions."""
        rows = (np.arange(len(self)) if self.rows is None else self.rows)[np.asarray(index)]
        return type(self)(self.spec, self._stored, ids=self._ids, rows=rows)

    def with_classes(self: Side, classes: tuple[str, ...]) -> Side:
        return type(self)(self.spec.with_classes(classes), self._stored, ids=self._ids, rows=self.rows)

    def _let_go(self, nbytes: int) -> None:
        """Hand pages of the map back now and then, so that memory does not grow with the pool."""
        if self._map is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        self._touched += nbytes
        if self._touched > KEEP_RESIDENT:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0


class Pool(Items):
    """What may be learned from and chosen from."""

    def with_items(self, x: Tensor) -> "Pool":
        """The same with items behind its own, floats (n, *item) as methods see them. They live in memory alone.

        They are kept as the pool keeps its items: images with 8 bits, sounds with 16. Their ids are hashes of what is kept.
        """
        if x.shape[1:] != self.spec.shape or not x.is_floating_point():
            raise WrongUsage(f"{x.dtype} items of shape {tuple(x.shape[1:])}, expected floats {self.spec.shape}")
        if not x.isfinite().all():
            raise BadData("there are items with values that are no finite numbers")
        if len(x) and self.spec.kind in RANGES:
            low, high = RANGES[self.spec.kind]
            if not (x.min() > low - 0.01 and x.max() < high + 0.01):
                raise WrongUsage(
                    f"{self.spec.kind}s are floats in [{low:g}, {high:g}]; these go from {x.min():g} to {x.max():g}\n"
                    "  scale them first"
                )
        new = self.spec.to_stored(x).cpu().numpy()
        before = len(self._stored)
        rows = None if self.rows is None else np.concatenate([self.rows, np.arange(before, before + len(new))])
        ids = [content_id(row) for row in new]
        return type(self)(
            self.spec,
            Stacked.of(self._stored, new),
            ids=lambda: np.concatenate([self._all_ids(), np.array(ids, dtype=str)]),
            rows=rows,
        )


class Yardstick(Items):
    """What may only be measured on: a random part, set aside once."""

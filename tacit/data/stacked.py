"""Two arrays as one: rows on the disk, and rows behind them that live in memory."""

import numpy as np


class Stacked:
    """What a pool needs of an array (R, *item), over `first` and then `then`, which have one type."""

    def __init__(self, first: np.ndarray, then: np.ndarray) -> None:
        self.first, self.then = first, then
        self.shape = (len(first) + len(then), *first.shape[1:])
        self._mmap = getattr(first, "_mmap", None)  # whose pages a pool hands back
        self._plain = first.view(np.ndarray) if isinstance(first, np.memmap) else first

    @classmethod
    def of(cls, first: "np.ndarray | Stacked", then: np.ndarray) -> "Stacked":
        """What is stacked already stays two arrays."""
        if isinstance(first, cls):
            return cls(first.first, np.concatenate([first.then, then]))
        return cls(first, then)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, index: np.ndarray, axis: int = 0) -> np.ndarray:
        """Rows (n, *item) at positions (n,), negative ones counted from the end; `axis` is 0."""
        index = np.where(index < 0, index + len(self), index)
        if ((index < 0) | (index >= len(self))).any():
            raise IndexError(f"a position is beyond the {len(self)} rows")
        late = index >= len(self.first)
        rows = np.empty((len(index), *self.shape[1:]), self.first.dtype)
        rows[~late] = self._plain.take(index[~late], axis=0)
        rows[late] = self.then.take(index[late] - len(self.first), axis=0)
        return rows

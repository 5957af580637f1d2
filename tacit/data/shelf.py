"""The packed array on disk, and how rows join it so that it is never found half-written.

The database says how many rows count: whatever lies behind them in the file is the rest of a pack that did not end,
and is overwritten by the next. New rows are written beside the array, join it when all of them are there, and count
from the moment the database says so.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tacit import disk
from tacit.data.form import Form
from tacit.data.source import reason
from tacit.errors import BadData, BadEnvironment

PART = "items.part"  # new rows on their way
BUFFER = 2**24  # bytes copied in one go


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One pack at a time: two would write the same rows."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadEnvironment(
                f"another process is packing items into {folder}\n  wait for it, then repeat the command"
            ) from error
        except OSError:
            pass  # some network file systems lock no folders
        yield
    finally:
        os.close(handle)


class Part:
    """New rows, in a file beside the array; gone when closed, unless they joined it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / PART
        self.rows = 0
        self._file: BinaryIO | None = None
        self._joined: tuple[Path, int] | None = None  # array, and how long it was in bytes

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # on a full disk the last rows cannot be written either
                self._file.close()
        self.path.unlink(missing_ok=True)  # also what a pack that was killed has left

    def write(self, rows: np.ndarray) -> None:
        if self._file is None:
            self._file = self.path.open("wb")
        self._file.write(np.ascontiguousarray(rows).data)
        self.rows += len(rows)

    def finish(self) -> None:
        """Everything is on the disk, not only on its way there."""
        if self._file is not None and not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def become(self, array: Path) -> None:
        """The rows are the array."""
        os.replace(self.path, array)
        self._joined = (array, 0)

    def append_to(self, array: Path, at: int) -> None:
        """The rows lie behind the first `at` bytes of the array."""
        with open(array, "r+b") as target, open(self.path, "rb") as source:
            if target.seek(0, os.SEEK_END) < at:
                raise damaged(array, at)
            self._joined = (array, at)
            target.truncate(at)
            target.seek(at)
            shutil.copyfileobj(source, target, BUFFER)
            target.flush()
            os.fsync(target.fileno())

    def undo(self) -> None:
        """The array is as it was before the rows joined it."""
        if self._joined is not None:
            array, at = self._joined
            if at:
                os.truncate(array, at)
            else:
                array.unlink(missing_ok=True)


@contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """A full or forbidden disk as a sentence."""
    try:
        yield
    except OSError as error:
        if (explained := disk.explain(error, folder)) is not None:
            raise explained from error
        raise


def check_room(folder: Path, nbytes: int) -> None:
    """Before hours of reading: is there room for the result?"""
    free = shutil.disk_usage(folder).free
    if nbytes > free:
        raise BadEnvironment(
            f"the items need {nbytes / 1e9:.1f} GB, but {folder} has {free / 1e9:.1f} GB free\n"
            "  free some space, or choose a smaller working size"
        )


def view(folder: Path, form: Form, rows: int) -> np.ndarray:
    """The first rows of the packed array, memory-mapped."""
    path = folder / form.file
    try:
        if path.stat().st_size < rows * form.row_bytes:
            raise damaged(path, rows * form.row_bytes)
        return np.memmap(path, dtype=form.stored, mode="r", shape=(rows, *form.shape))
    except OSError as error:
        raise BadData(
            f"{path} cannot be read: {reason(error)}\n  take it from a copy, or start anew: tacit init SOURCE"
        ) from error


def damaged(path: Path, expected: int) -> BadData:
    return BadData(
        f"{path} is shorter than the {expected:,} bytes the database counts on\n"
        "  take it from a copy, or start anew: tacit init SOURCE"
    )


def moments(part: Path, form: Form, pool: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each column over the rows `pool` of a file of vectors; 1 for a constant column."""
    return column_moments(np.memmap(part, dtype=form.stored, mode="r").reshape(-1, *form.shape), pool)


def column_moments(rows: np.ndarray, pool: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The same of an array (R, F) of vectors."""
    step = max(1, BUFFER // rows[:1].nbytes)
    pieces = [pool[i : i + step] for i in range(0, len(pool), step)]
    center = sum(rows[piece].sum(0, dtype=np.float64) for piece in pieces) / len(pool)
    spread = np.sqrt(sum(np.square(rows[piece] - center).sum(0) for piece in pieces) / len(pool))
    constant = spread <= 1e-7 * np.abs(center)  # below what float32 resolves, only rounding is left
    return tuple(center.tolist()), tuple(np.where(constant, 1.0, spread).tolist())

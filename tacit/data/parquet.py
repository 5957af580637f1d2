"""Tables in Parquet files, read in batches of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.columns import Survey, block_rows
from tacit.data.source import FLOAT32, answer_text
from tacit.errors import BadData, BadEnvironment, TacitError


class Parquet:
    """A Parquet file; numbers of any width and booleans are numbers, everything else is passed over."""

    counts = "row"

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.parquet
        except ImportError as error:
            raise BadEnvironment(
                f'{path} needs pyarrow to be read\n  install it: pip install "tacit[tables]", or save the table as CSV'
            ) from error
        self.path = path
        with readable(path):
            self._file = pyarrow.parquet.ParquetFile(path)
            self._schema = self._file.schema_arrow
        self.names: list[str] = list(self._schema.names)

    def survey(self, columns: list[str]) -> Survey:
        """One pass over the cells of these columns."""
        from pyarrow import types

        found = Survey(rows=self._file.metadata.num_rows)
        tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
        for column in columns:
            kind = self._schema.field(column).type
            if not any(test(kind) for test in tests):
                found.passed[column] = f"not numbers: {kind}"
        numbers = [column for column in columns if column not in found.passed]
        missing: dict[str, list[int]] = {column: [] for column in numbers}
        row = 0
        for values in (self._numbers(batch, numbers) for batch in self._batches(numbers)):
            for line, i in np.argwhere(~(np.abs(values) <= FLOAT32)):
                missing[numbers[i]].append(row + int(line))
            row += len(values)
        return found.conclude(missing)

    def blocks(self, columns: list[str], truth: str | None) -> Iterator[tuple[np.ndarray, list[str | None]]]:
        """The numbers of these columns, (n, F) float32, and the hidden answers, in order."""
        for batch in self._batches([*columns, *([truth] if truth is not None else [])]):
            hidden = [None] * batch.num_rows if truth is None else batch.column(truth).to_pylist()
            yield self._numbers(batch, columns).astype(np.float32), [answer_text(value) for value in hidden]

    def _numbers(self, batch: Any, columns: list[str]) -> np.ndarray:
        """(n, F) float64; NaN where a cell is null."""
        parts = [batch.column(column).to_numpy(zero_copy_only=False).astype(np.float64) for column in columns]
        return np.stack(parts, axis=1) if parts else np.empty((batch.num_rows, 0))

    def _batches(self, columns: list[str]) -> Iterator[Any]:
        with readable(self.path):
            yield from self._file.iter_batches(block_rows(len(columns)), columns=columns)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever pyarrow throws at a damaged file, as a sentence."""
    try:
        yield
    except (TacitError, GeneratorExit):
        raise
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BadData(f"{path} cannot be read as a Parquet file ({what})\n  save it anew, or as CSV") from error

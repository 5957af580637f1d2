"""A table: its columns of numbers become vectors, a column of answers stays hidden."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tacit.data.columns import ANSWERS, Survey, names_rows
from tacit.data.delimited import Delimited
from tacit.data.form import Form
from tacit.data.parquet import Parquet
from tacit.data.source import Batch, File, Source, content_id
from tacit.errors import BadData, WrongUsage, unknown_name


class Table(Source):
    """A CSV or Parquet file with one item a row.

    Columns that name rows (`id`, `..._id`, a nameless one) and columns without numbers are passed over, with a note.
    """

    kind = "table"

    def __init__(self, path: Path, truth: str | None = None) -> None:
        super().__init__()
        self.path, self._asked = path, truth
        self.list_one(path)
        self._rows = 0

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """Finds the columns of numbers and checks their cells; later they must still be there."""
        if size is not None:
            raise WrongUsage(f"a size is for images; {self.path} holds vectors\n  leave the size out")
        self._open()
        if former is not None:
            if self._truth in former.columns:
                raise WrongUsage(
                    f"column {self._truth!r} is part of the items already and cannot be the hidden answer as well\n"
                    f"  make a project of its own: tacit init {self.path} --truth {self._truth} -p NAME.tacit"
                )
            there = set(self._file.names)
            gone = [column for column in former.columns if column not in there]
            if gone:
                raise BadData(
                    f"{self.path} has no column {gone[0]!r} any more; the items packed before have it\n"
                    "  put it back, or give this table a project of its own"
                )
        found = self._file.survey(list(former.columns) if former else self._candidates())
        self._check(found, former)
        self._rows = found.rows
        self.looks.modes["numbers"] += found.rows
        return former or Form(self.kind, (len(found.numbers),), "vector", dtype="float32", columns=tuple(found.numbers))

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        (file,) = self.files
        row = 0
        for values, answers in self._file.blocks(list(form.columns), self._truth):
            paths = [file._replace(path=f"{file.path}#{row + k}") for k in range(len(values))]
            row += len(values)
            yield Batch(paths, [content_id(value) for value in values], values, answers, [], len(values))

    def total(self, files: list[File]) -> int:
        return self._rows

    def _open(self) -> None:
        self._file = Parquet(self.path) if self.path.suffix.lower() in (".parquet", ".pq") else Delimited(self.path)
        names = self._file.names
        name, count = Counter(names).most_common(1)[0] if names else ("", 0)
        if count > 1:
            raise BadData(f"{self.path}: {count} columns are called {name!r}\n  rename all but one")
        self._truth = self._asked or next((name for name in names if name.lower() in ANSWERS), None)
        if self._truth is not None and self._truth not in names:
            raise unknown_name("column", self._truth, names)
        if self._truth is not None:
            self.notes.append(f"column {self._truth!r} is kept as hidden labels and never learned from")

    def _candidates(self) -> list[str]:
        """What may be learned from: nothing that names rows, and nothing that may be an answer."""
        candidates = []
        for name in self._file.names:
            if name == self._truth:
                continue
            if names_rows(name):
                self.notes.append(f"column {name!r} was passed over: it names the rows")
            elif name.lower() in ANSWERS:
                self.notes.append(f"column {name!r} was passed over: by its name it is an answer")
            else:
                candidates.append(name)
        return candidates

    def _check(self, found: Survey, former: Form | None) -> None:
        if found.rows == 0:
            raise BadData(f"{self.path} has column names but no rows")
        if found.missing:
            where = "; ".join(f"{self._file.counts} {line}, column {column!r}" for line, column in found.missing)
            more = "; ..." if found.missing_count > len(found.missing) else ""
            raise BadData(
                f"{self.path}: {found.missing_count:,} cells are empty or no finite number: {where}{more}\n"
                "  fill or drop these rows"
            )
        reasons = [f"column {name!r} was passed over: {why}" for name, why in found.passed.items()]
        if former is not None and reasons:
            raise BadData(
                f"{self.path}: {reasons[0].replace('was passed over', 'cannot be used any more')}\n  mend the column"
            )
        if not found.numbers:
            listed = "".join(f"\n  {reason}" for reason in reasons)
            raise BadData(f"{self.path} has no column of numbers to learn from{listed}")
        self.notes += reasons

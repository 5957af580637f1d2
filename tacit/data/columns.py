"""What the columns of a table are: numbers to learn from, hidden answers, names of rows, or something to pass over."""

from dataclasses import dataclass, field

ANSWERS = (
    "label",
    "y",
    "class",
    "target",
)  # never learned from; the first is the hidden answer unless another is named
ROW_NAMES = frozenset({"", "id", "index", "idx", "uid", "uuid", "guid", "unnamed: 0"})
SHOWN = 3  # missing cells that an error names
BLOCK_ROWS, BLOCK_CELLS = 4096, 2**20  # read in one go


@dataclass
class Survey:
    """What the cells of some columns hold."""

    rows: int = 0
    numbers: list[str] = field(default_factory=list)  # columns of numbers, perhaps with missing cells
    passed: dict[str, str] = field(default_factory=dict)  # the other columns, and why they are passed over
    missing: list[tuple[int, str]] = field(default_factory=list)  # line or row, and column; the first few
    missing_count: int = 0

    def conclude(self, missing: dict[str, list[int]]) -> "Survey":
        """`missing`: for every column without words, the places that hold no finite number."""
        for column, places in missing.items():
            if self.rows and len(places) == self.rows:
                self.passed[column] = "empty"
                continue
            self.numbers.append(column)
            self.missing_count += len(places)
            self.missing += [(place, column) for place in places[:SHOWN]]
        self.missing = sorted(self.missing)[:SHOWN]
        return self


def names_rows(column: str) -> bool:
    """Whether a column numbers or names its rows: nothing to learn from."""
    name = column.strip().lower()
    return name in ROW_NAMES or name.endswith(("_id", " id"))


def block_rows(columns: int) -> int:
    """Rows of so many columns to read in one go."""
    return max(1, min(BLOCK_ROWS, BLOCK_CELLS // max(1, columns)))

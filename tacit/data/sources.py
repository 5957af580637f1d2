"""Which reader a path needs."""

from pathlib import Path

from tacit.data.arrays import Array
from tacit.data.folder import Folder
from tacit.data.pictures import EXTENSIONS
from tacit.data.source import Source
from tacit.data.tables import Table
from tacit.errors import WrongUsage, unknown_name

ARRAYS, TABLES = (".npz", ".npy"), (".csv", ".tsv", ".parquet", ".pq")
READABLE = f"a folder of pictures, an array file ({', '.join(ARRAYS)}) or a table ({', '.join(TABLES)})"


def source_kind(path: Path) -> str:
    """Of what kind a source is: "folder", "array" or "table"."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise WrongUsage(f"there is nothing at {path}\n  expected: {READABLE}")
    if suffix in ARRAYS:
        return "array"
    if suffix in TABLES:
        return "table"
    if suffix[1:] in EXTENSIONS:
        raise WrongUsage(f"{path} is a single picture\n  give the folder it is in: {path.parent}")
    raise WrongUsage(f"{path} cannot be a source: {suffix or 'it has no extension'}\n  expected: {READABLE}")


def open_source(source: Path, truth: str | None, workers: int | None, without: Path | None = None) -> Source:
    """What is there, listed but not yet read."""
    kind = source_kind(source)
    if kind == "array":
        return Array(source, truth)
    if kind == "table":
        return Table(source, truth)
    if truth not in (None, "folders"):
        raise unknown_name("place of hidden answers", str(truth), ["folders"])
    return Folder(source, workers, without)

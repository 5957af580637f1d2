"""Which format a file of answers has: said, or seen from its name, or from how it begins."""

from pathlib import Path

from tacit.errors import WrongUsage, unknown_name

FORMATS = ("label-studio", "coco", "csv", "jsonl")
BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
HEAD = 65_536  # bytes that decide


def format_to_read(path: Path, said: str = "auto") -> str:
    """One of FORMATS. A `.json` file is told by its beginning: a list is Label Studio's, an object COCO's."""
    if (plain := _plain(path, said)) is not None:
        return plain
    if path.suffix.lower() != ".json":
        raise WrongUsage(
            f"answers are read from .csv, .jsonl or .json, not {path.name!r}\n"
            f"  say what it is: --format {' or '.join(FORMATS)}"
        )
    return "coco" if _begins_with_object(path) else "label-studio"


def format_to_write(path: Path, said: str = "auto") -> str:
    """One of FORMATS; a `.json` file may be two of them, and nobody should have to guess which."""
    if (plain := _plain(path, said)) is not None:
        return plain
    if path.suffix.lower() == ".json":
        raise WrongUsage(
            f"{path.name} could be for Label Studio or in COCO's format\n"
            f"  say which: tacit label --export {path} --format label-studio    (or --format coco)"
        )
    raise WrongUsage(
        f"answers are written as .csv, .jsonl or .json, not {path.name!r}\n"
        f"  choose such a name, or say --format {' or '.join(FORMATS)}"
    )


def _plain(path: Path, said: str) -> str | None:
    """What was said, or what the name alone tells; None where neither does."""
    if said == "auto":
        return BY_SUFFIX.get(path.suffix.lower())
    if said not in FORMATS:
        raise unknown_name("format of answers", said, ("auto", *FORMATS))
    return said


def _begins_with_object(path: Path) -> bool:
    """False where it cannot be read as well: whoever reads it next says why."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")

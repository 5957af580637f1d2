"""Answers in and out, as files."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from tacit.errors import TacitError
from tacit.web import schemas
from tacit.web.desk import Desk, Here, Sent
from tacit.web.state import desk_settings

router = APIRouter()
PART = 2**20  # bytes copied at once
SUFFIXES = {"label-studio": ".json", "coco": ".json", "csv": ".csv", "jsonl": ".jsonl", "history": ".jsonl"}
MEDIA = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".jsonl": "application/x-ndjson"}

LENIENT = "pass over items that this project does not have"  # as page/src/pages/people.tsx has it

Reads = Literal["auto", "label-studio", "coco", "csv", "jsonl"]
Writes = Literal["label-studio", "coco", "csv", "jsonl", "history"]


@router.post("/api/import")
def bring_in(
    desk: Here,
    file: Sent,
    format: Reads = "auto",
    who: Annotated[str, Query(min_length=1, max_length=200)] = "me",
    skip_unknown: bool = False,
) -> schemas.ImportedRecord:
    """Record the answers of a file, all of them or none."""
    before = desk.project.labels.latest_event()
    with folder_of_its_own() as folder:
        path = folder / plain(file.filename or "")
        with path.open("wb") as copy:
            while part := file.file.read(PART):
                copy.write(part)
        with desk.queues.naming.lock:  # no class changes between the look at its name and the answers
            desk_settings(desk)  # classes as they stand now
            outcome = desk.project.import_labels(path, who=who, skip_unknown=skip_unknown, format=format)
    if touched_pool(desk, before):
        desk.jobs.after_answers()
    done = outcome.record
    return schemas.ImportedRecord(
        format=done["format"],
        recorded=done["recorded"],
        items=done["items"],
        unknown=done["unknown"],
        said="\n".join(line for line in outcome.lines if not line.startswith("next:")),
        version=desk.version(),
    )


@router.get("/api/export", response_class=Response)
def take_out(
    desk: Here,
    format: Writes = "csv",
    name: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> Response:
    """The answers so far as a download. `name` is the file's: with several COCO files, the one that it continues."""
    desk_settings(desk)
    suffix = SUFFIXES[format]
    with folder_of_its_own() as folder:
        path = folder / plain(name or f"{desk.folder.stem}-{format}{suffix}")
        history = format == "history"
        desk.project.export_labels(path, format="jsonl" if history else format, history=history)
        content = path.read_bytes()
    headers = {"content-disposition": f'attachment; filename="{path.name}"', "cache-control": "no-store"}
    return Response(content, media_type=MEDIA[suffix], headers=headers)


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """Gone when the block ends; errors name the file without it."""
    with tempfile.TemporaryDirectory(prefix="tacit-") as folder:
        try:
            yield Path(folder)
        except TacitError as error:
            raise type(error)(in_words_of_the_page(str(error).replace(f"{folder}/", ""))) from error


def in_words_of_the_page(said: str) -> str:
    """What to type in a terminal is something to click here."""
    said = re.sub(r"tacit label --import .* --skip-unknown", f"tick “{LENIENT}”", said)
    return said.replace("add the classes in project.toml", "add the classes with +")


def plain(name: str) -> str:
    """A file's name that is safe on any disk and in a header."""
    base = re.sub(r"[^A-Za-z0-9_.\- ]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])[-100:].strip()
    return base if base.strip(". ") else "answers"


def touched_pool(desk: Desk, before: int) -> bool:
    """Whether something happened to an item of the pool since this event."""
    rows = desk.rows
    places = (rows.place.get(event.item) for event in desk.project.labels.since(before))
    return any(place is not None and rows.is_pool[place] for place in places)

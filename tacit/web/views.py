"""Saved views of the map: by name, in views.json."""

import json
import threading
from typing import Annotated, Any

from fastapi import APIRouter, Query

from tacit.disk import write_atomic
from tacit.errors import BadData, UnknownName, WrongUsage, unknown_name
from tacit.web import schemas
from tacit.web.desk import Desk, Here

router = APIRouter()

FILE = "views.json"
MOST, LARGEST = 200, 64 * 2**10  # views of a project, and bytes of one
DEEPEST = 20  # levels within a view

_lock = threading.Lock()


@router.get("/api/views")
def views(desk: Here) -> list[schemas.View]:
    """All saved views, in the order they were first saved."""
    return kept(desk)


@router.post("/api/views")
def save(view: schemas.View, desk: Here) -> list[schemas.View]:
    """Save a view; one of the same name is replaced. All views as of now."""
    check(view)
    with _lock:
        now = {one.name: one for one in kept(desk)} | {view.name: view}
        if len(now) > MOST:
            raise WrongUsage(f"there are {MOST} views already\n  remove one first")
        return write(desk, list(now.values()))


@router.delete("/api/views")
def remove(name: Annotated[str, Query(max_length=1000)], desk: Here) -> list[schemas.View]:
    """Remove a view. Those that are left."""
    with _lock:
        now = kept(desk)
        if name not in {one.name for one in now}:
            known = [one.name for one in now]
            raise unknown_name("view", name, known) if known else UnknownName("there are no saved views")
        return write(desk, [one for one in now if one.name != name])


def kept(desk: Desk) -> list[schemas.View]:
    path = desk.project.folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [schemas.View(name=name, view=view) for name, view in found.items()]
    except FileNotFoundError:
        return []
    except (ValueError, AttributeError) as error:
        raise BadData(f"{path} cannot be read ({error})\n  mend it, or remove it") from error


def write(desk: Desk, now: list[schemas.View]) -> list[schemas.View]:
    write_atomic(desk.project.folder / FILE, json.dumps({one.name: one.view for one in now}, indent=1))
    desk.changed()
    return now


def check(view: schemas.View) -> None:
    """Refuse what could not be sent back: numbers that JSON has none for, half characters, endless depth, a lot of it."""
    if depth(view.view) > DEEPEST:
        raise WrongUsage(f"the view is nested more than {DEEPEST} levels deep")
    try:
        size = len(json.dumps([view.name, view.view], allow_nan=False, ensure_ascii=False).encode())
    except ValueError as error:
        raise WrongUsage(
            f"the view cannot be kept: {type(error).__name__}\n  no NaN, and whole characters only"
        ) from error
    if size > LARGEST:
        raise WrongUsage(f"the view takes {size:,} bytes; {LARGEST:,} at most\n  save less of a selection")


def depth(value: Any) -> int:
    """Levels of lists and dictionaries; counted no further than one too many."""
    level, now = 0, [value]
    while now and level <= DEEPEST:
        inner = [one for one in now if isinstance(one, dict | list)]
        now = [child for one in inner for child in (one.values() if isinstance(one, dict) else one)]
        level += bool(inner)
    return level

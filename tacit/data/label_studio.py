"""Label Studio's JSON, in and out: choices become answers, and everything else is kept for the way back.

Two forms are read. "JSON" has tasks with `data` and `annotations`; "JSON-MIN" has one flat row an annotation. Predictions
are no answers. https://labelstud.io/guide/task_format
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tacit.data.cells import duration, moment
from tacit.data.choices import Control, annotations_of, choices_of, control_of, min_key, person
from tacit.data.events import CANNOT_TELL
from tacit.data.exchange import Imported
from tacit.data.foreign import (
    Kept,
    Told,
    Written,
    check,
    digest,
    kept,
    listed,
    news,
    read_json,
    refuse_several,
    summed_up,
    take_in,
    write_parts,
)
from tacit.data.label_studio_out import Form, with_news
from tacit.data.labels import Labels
from tacit.data.naming import Names
from tacit.errors import BadData

FAMILY = "label-studio"
MIN = "label-studio-min"


def import_label_studio(
    labels: Labels,
    path: Path,
    *,
    known: Mapping[str, str],
    who: str = "me",
    classes: Sequence[str] | None = None,
    skip_unknown: bool = False,
) -> Imported:
    """Record the choices of a file, all or nothing, and keep the whole file for the way back.

    `known` maps item ids and file paths to item ids. Annotations that were recorded before are not recorded again.
    With `skip_unknown`, answers about unknown items and annotations of several choices at once are passed over.
    """
    tasks = _tasks(path)
    names = Names(known)
    items = [names.find_any(_texts(task)) for task in tasks]
    parts = [Kept(item or "", json.dumps(task)) for item, task in zip(items, tasks, strict=True)]
    flat = not any(isinstance(task.get("data"), dict) for task in tasks)
    reader = _min_answers if flat else _answers
    told, several, skipped = reader(path, tasks, items, who, classes)
    check(path, told, classes, skip_unknown=skip_unknown)
    refuse_several(path, several, skip_unknown=skip_unknown)
    recorded = take_in(labels, FAMILY, told, MIN if flat else FAMILY, lambda before: _merged(before, parts))
    return summed_up(told, recorded, items, several=len(several), kept=len(tasks), skipped=skipped)


def export_label_studio(
    labels: Labels,
    path: Path,
    *,
    paths: Mapping[str, Sequence[str]],
    kind: str = "image",
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
) -> Written:
    """Write what was imported, in its order, with the answers given here since as new annotations; then a task for every
    other item that was answered. `paths` maps item ids to files; `kind` is "image", "sound" or "vector".

    Nothing of the imported file is changed. Answers "?" become cancelled annotations, which is what Label Studio makes of a skipped task.
    """
    full, flat = kept(labels, FAMILY), kept(labels, MIN)
    parts = full or flat
    fresh, taken_back = news(labels, FAMILY, parts)
    if not fresh:
        lines, added, new = [part.task for part in parts], 0, 0
    else:
        form = Form(path, parts, paths, kind, classes, flat=bool(flat and not full))
        lines, added, new = with_news(parts, fresh, form)
    write_parts(path, listed(lines), overwrite=overwrite)
    notes = []
    if taken_back:
        notes.append(f"{taken_back:,} answers of the imported file were taken back here; the file keeps them")
    if full and flat:
        notes.append("both JSON and JSON-MIN had been imported; this is the JSON, which has all of it")
    return Written(len(lines), added, new, tuple(notes))


def _tasks(path: Path) -> list[dict[str, Any]]:
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise BadData(f"{path}: expected a list of tasks, as Label Studio exports it under JSON or JSON-MIN")
    for i, task in enumerate(tasks):
        if not isinstance(task, dict):
            raise BadData(f"{path}, task {i + 1}: expected an object, got {str(task)[:40]!r}\n  export the file again")
    return tasks


def _where(i: int, task: Mapping[str, Any]) -> str:
    """The place of a task in its file, from 1, and its own number."""
    return f"task {i + 1}" + (f" (id {str(task['id'])[:40]})" if "id" in task else "")


def _texts(task: Mapping[str, Any]) -> list[str]:
    """What may name the item."""
    data = task.get("data")
    return [value for value in (data if isinstance(data, dict) else task).values() if isinstance(value, str) and value]


def _answers(
    path: Path, tasks: list[dict[str, Any]], items: list[str | None], who: str, classes: Sequence[str] | None
) -> tuple[list[Told], list[tuple[str, list[str]]], int]:
    """The answers, the annotations of several choices, and how many tasks were skipped by somebody."""
    control = control_of(path, tasks, classes)
    told, several, skipped = [], [], 0
    for i, (task, item) in enumerate(zip(tasks, items, strict=True)):
        where = _where(i, task)
        for annotation in annotations_of(path, where, task):
            own, answers = choices_of(path, where, annotation, control)
            cancelled = bool(annotation.get("was_cancelled"))
            if cancelled and not own:
                skipped += 1
                continue
            if cancelled:
                answers = [CANNOT_TELL]
            if len(answers) > 1:
                several.append((where, answers))
            elif answers:
                by = own.get("who") or person(annotation.get("completed_by")) or who
                told.append(_told(path, where, annotation, item, (_texts(task) or [""])[0], answers[0], by, own))
    return told, several, skipped


def _told(
    path: Path,
    where: str,
    annotation: Mapping[str, Any],
    item: str | None,
    name: str,
    answer: str,
    who: str,
    own: Mapping[str, str],
) -> Told:
    number = annotation.get("id", annotation.get("annotation_id", annotation.get("unique_id")))
    return Told(
        where,
        item,
        name,
        answer,
        who,
        duration(path, where, annotation.get("lead_time")),
        moment(path, where, annotation.get("created_at")),
        digest(number if number is not None else who, annotation.get("created_at"), answer),
        own.get("mark", ""),
    )


def _min_answers(
    path: Path, tasks: list[dict[str, Any]], items: list[str | None], who: str, classes: Sequence[str] | None
) -> tuple[list[Told], list[tuple[str, list[str]]], int]:
    """The same of the flat form."""
    key = min_key(path, tasks, classes)
    told, several = [], []
    for i, (task, item) in enumerate(zip(tasks, items, strict=True)):
        where = _where(i, task)
        own, answers = choices_of(path, where, task, Control(key or "", "", flat=True))
        if len(answers) > 1:
            several.append((where, answers))
        elif answers:
            by = own.get("who") or person(task.get("annotator")) or who
            name = next((text for text in _texts(task) if text not in answers), "")
            identified = {k: v for k, v in task.items() if k != "id"}  # that is the task's number
            told.append(_told(path, where, identified, item, name, answers[0], by, own))
    return told, several, 0


def _merged(before: list[Kept], parts: list[Kept]) -> list[Kept]:
    """A task that is there already is replaced in its place; others come behind, in the order of their file."""
    if not before:
        return parts
    places: dict[str, list[int]] = {}
    for place, part in enumerate(before):
        task = json.loads(part.task)
        for name in dict.fromkeys([_identity(task), *([_nameless(task)] if "id" not in task else [])]):
            places.setdefault(name, []).append(place)
    found, used = list(before), set()
    for part in parts:
        task = json.loads(part.task)
        options = [*places.get(_identity(task), []), *places.get(_nameless(task), [])]
        free = next((place for place in options if place not in used), None)
        if free is None:
            found.append(part)
        else:
            used.add(free)
            found[free] = part
    return found


def _identity(task: Mapping[str, Any]) -> str:
    """What makes a task the same one in a later file."""
    if isinstance(task.get("data"), dict):
        return digest("task", task.get("id"), task["data"])
    if task.get("annotation_id") is not None:
        return digest("row", task.get("id"), task["annotation_id"])
    return digest("whole", task)


def _nameless(task: Mapping[str, Any]) -> str:
    """Of tasks that were written here, which get their number elsewhere."""
    return digest("data", task.get("data") if isinstance(task.get("data"), dict) else task)

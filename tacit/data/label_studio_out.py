"""New annotations in a file of Label Studio that look like those it has."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tacit.data.choices import (
    Control,
    abouts_of,
    annotation_for,
    annotations_of,
    control_of,
    min_key,
    person,
    row_for,
)
from tacit.data.events import CANNOT_TELL, Event
from tacit.data.foreign import Kept
from tacit.data.naming import LOCAL_FILES, UPLOADS


def with_news(parts: list[Kept], fresh: dict[str, list[Event]], form: "Form") -> tuple[list[str], int, int]:
    """Lines of a file, how many answers were added, and how many items."""
    first: dict[str, int] = {}
    for i, part in enumerate(parts):
        first.setdefault(part.item, i)
    lines: list[str] = [part.task for part in parts]
    rows: list[str] = []
    added = new = 0
    for item, events in fresh.items():
        place = first.get(item)
        new += place is None
        added += len(events)
        if form.flat:
            base = form.new_data(item) if place is None else form.data_of(form.tasks[place])
            rows += [json.dumps(row_for(event, base, form.control, form.people)) for event in events]
            continue
        task: dict[str, Any] = {"data": form.new_data(item)} if place is None else form.tasks[place]
        made = [annotation_for(event, form.control, form.people) for event in events]
        task["annotations"] = [*(task.get("annotations") or []), *made]
        _count(task, events)
        if place is None:
            rows.append(json.dumps(task))
        else:
            lines[place] = json.dumps(task)
    return lines + rows, added, new


def _count(task: dict[str, Any], events: Sequence[Event]) -> None:
    """The numbers of annotations that a task tells, where it does."""
    cancelled = sum(event.answer == CANNOT_TELL for event in events)
    for name, n in (("total_annotations", len(events) - cancelled), ("cancelled_annotations", cancelled)):
        if isinstance(task.get(name), int):
            task[name] += n


class Form:
    """How the tasks of a file look, so that new ones look alike."""

    def __init__(
        self,
        path: Path,
        parts: list[Kept],
        paths: Mapping[str, Sequence[str]],
        kind: str,
        classes: Sequence[str] | None,
        *,
        flat: bool,
    ) -> None:
        self.tasks: list[dict[str, Any]] = [json.loads(part.task) for part in parts]
        self.paths, self.flat = paths, flat
        self.people: dict[str, Any] = {}
        spellings: Counter[tuple[str, str]] = Counter()
        abouts: Counter[str] = Counter()
        name = min_key(path, self.tasks, classes) if flat else control_of(path, self.tasks, classes).name
        for part, task in zip(parts, self.tasks, strict=True):
            spellings.update(self._spellings(part.item, task))
            annotations = [] if flat else annotations_of(path, "a task", task)
            for by in (task.get("annotator"), *(annotation.get("completed_by") for annotation in annotations)):
                self.people.setdefault(person(by), by)
            abouts.update(about for annotation in annotations for about in abouts_of(annotation, name or ""))
        usual = {"image": "image", "sound": "audio"}.get(kind, "item"), ""
        self.key, self.before = spellings.most_common(1)[0][0] if spellings else usual
        about = abouts.most_common(1)[0][0] if abouts else self.key
        self.control = Control(name or "choice", about, flat=flat)

    def new_data(self, item: str) -> dict[str, Any]:
        """The data of an item that no task is about."""
        path = (self.paths.get(item) or [item])[0]
        return {self.key: self.before + (quote(path) if LOCAL_FILES in self.before else path)}

    def data_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What a flat row says of its item, and its number."""
        return {key: row[key] for key in row if key in ("id", self.key)}

    def _spellings(self, item: str, task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Keys that hold the path of the item, and what stands before it. The name of an upload is made anew by the
        server, so it is no pattern for others."""
        data = task["data"] if isinstance(task.get("data"), dict) else task
        for key, value in data.items():
            for name in self.paths.get(item, ()) if isinstance(value, str) and UPLOADS not in value else ():
                before = value.removesuffix(quote(name) if LOCAL_FILES in value else name)
                if before != value and (not before or before[-1] in "/="):
                    yield key, before

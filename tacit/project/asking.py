"""The verb `label`: answers in, answers out, from people, tables or the hidden truth."""

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.data.coco import export_coco, import_coco
from tacit.data.exchange import export_labels, import_labels
from tacit.data.formats import format_to_read, format_to_write
from tacit.data.label_studio import export_label_studio, import_label_studio
from tacit.data.pool import Items
from tacit.data.spec import UNLABELED
from tacit.disk import write_atomic
from tacit.errors import WrongUsage
from tacit.outcome import Outcome
from tacit.project.classes import count, reword
from tacit.project.home import Home

ALWAYS_TOLD = ("recorded", "items", "empty", "unknown")


def import_answers(
    project: Home, path: Path, *, who: str = "me", skip_unknown: bool = False, format: str = "auto"
) -> Outcome:
    """Read the answers of a file (see `tacit/data/formats.py`); nothing is recorded unless all of it can be."""
    form = format_to_read(path, format)
    options: dict[str, Any] = {"who": who, "classes": project.settings.classes or None, "skip_unknown": skip_unknown}
    options["known"] = project.known()
    if form == "label-studio":
        done = import_label_studio(project.labels, path, **options)
    elif form == "coco":
        done = import_coco(project.labels, path, **options)
    else:
        done = import_labels(project.labels, path, **options, form=f".{form}")
    lines = [
        f"recorded {count(done.recorded, 'answer')} about {count(done.items, 'item')} from {path.name}",
        *done.notes(),
    ]
    record = {name: count for name, count in asdict(done).items() if count or name in ALWAYS_TOLD}
    return told(project, lines, format=form, **record)


def export_answers(
    project: Home, path: Path, *, history: bool = False, overwrite: bool = False, format: str = "auto"
) -> Outcome:
    """Write the answers so far; a file that was imported goes back with all that was in it."""
    form = format_to_write(path, "jsonl" if history and format == "auto" and path.suffix != ".csv" else format)
    paths = project.paths_by_id()
    if form in ("csv", "jsonl"):
        n = export_labels(project.labels, path, paths=paths, history=history, overwrite=overwrite, form=f".{form}")
        what = "events" if history else "answers"
        return Outcome({"path": str(path), "format": form, "rows": n}, [f"wrote {n:,} {what} to {path}"])
    if history:
        raise WrongUsage(f"a history is written as .jsonl, not for {form}\n  export it to {path.with_suffix('.jsonl')}")
    if form == "coco":
        done = export_coco(project.labels, path, paths=paths, overwrite=overwrite)
    else:
        done = export_label_studio(
            project.labels,
            path,
            paths=paths,
            kind=project.pool.spec.kind,
            classes=project.settings.classes or None,
            overwrite=overwrite,
        )
    what = "images" if form == "coco" else "tasks"
    lines = [f"wrote {done.rows:,} {what} to {path}: {done.added:,} answers and {done.new:,} {what} were added"]
    record = {"path": str(path), "format": form, "rows": done.rows, "added": done.added, "new": done.new}
    return Outcome(record, [*lines, *(f"note: {note}" for note in done.notes)])


def todo(project: Home, path: Path, *, yardstick: int, overwrite: bool) -> Outcome:
    """A table with an empty column `label`, one row an item: fill it in with any editor and import it."""
    if path.exists() and not overwrite:
        raise WrongUsage(f"{path} is there already\n  choose another name, or add --overwrite")
    if yardstick:
        ids, reasons = open_yardstick(project, yardstick), {}
        why = "yardstick: measured on, never trained on"
    else:
        answered = project.labels.answers()
        picks = [p for p in project.labels.picks() if p.item not in answered]
        if not picks:
            raise WrongUsage("nothing is waiting for an answer\n  try: tacit choose -k 20")
        ids, reasons, why = [p.item for p in picks], {p.item: p.reason for p in picks}, ""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "path", "label", "reason"])
    writer.writerows(
        [id_, place, "", reasons.get(id_, why)] for id_, place in zip(ids, project.paths(ids), strict=True)
    )
    write_atomic(path, text.getvalue())
    return Outcome(
        {"path": str(path), "items": len(ids)},
        [
            f"wrote {count(len(ids), 'item')} to {path}: fill in the column label ('?' for cannot tell)",
            f"next: tacit label --import {path}",
        ],
    )


def open_yardstick(project: Home, n: int) -> list[str]:
    """The next n yardstick items without an answer, in their random order."""
    yardstick = project.yardstick
    unanswered = (project.answers(yardstick) == UNLABELED).nonzero().flatten()
    order = yardstick_order(project)
    waiting = order[torch.isin(order, unanswered)][:n]
    if not len(waiting):
        raise WrongUsage(f"all {len(yardstick)} yardstick items are answered\n  see: tacit evaluate")
    return [str(id_) for id_ in yardstick.ids[waiting.numpy()]]


def yardstick_order(project: Home) -> Tensor:
    """Positions in the yardstick, (N,) int64, in the random order in which they are asked about."""
    return torch.randperm(len(project.yardstick), generator=torch.Generator().manual_seed(project.seed))


def ask_truth(project: Home, *, yardstick: bool) -> Outcome:
    """The hidden truth in the place of the annotator, written to the ledger as source "oracle"."""
    items: Items = project.yardstick if yardstick else project.pool
    truth, classes = project.truth(items)
    if yardstick:
        ids = [str(i) for i in items.ids]
        round_number = None
    else:
        picks = project.labels.picks()
        if not picks:
            raise WrongUsage("nothing is waiting for an answer\n  try: tacit choose -k 20")
        ids, round_number = [p.item for p in picks], picks[0].round
    if not project.settings.classes:
        project.settings.set("classes", list(classes))
    answers = truth[items.find(ids)]
    known = [(i, classes[int(a)]) for i, a in zip(ids, answers, strict=True) if a >= 0]
    project.labels.record(
        [i for i, _ in known], [a for _, a in known], who="truth", source="oracle", round=round_number
    )
    return told(project, [f"the hidden labels answered {count(len(known), 'item')}"], recorded=len(known))


def undo(project: Home) -> Outcome:
    event = project.labels.undo()
    reword(project, [event.item])
    return told(project, [f"took back {event.answer!r} for {project.paths([str(event.item)])[0]}"], undone=event.event)


def told(project: Home, lines: list[str], **record: Any) -> Outcome:
    """What was done, and where the labelling stands now."""
    pool, yardstick = project.answers(project.pool), project.answers(project.yardstick)
    labels, measured = int((pool >= 0).sum()), int((yardstick >= 0).sum())
    lines.append(
        f"labels: {labels:,} to learn from, {measured:,} of {len(yardstick):,} in the yardstick, {len(project.classes)} classes"
    )
    return Outcome(
        {**record, "labels": labels, "yardstick_labels": measured, "classes": list(project.classes)},
        [*lines, "next: tacit train"],
    )

"""The verb `label`: answers in, answers out, from people, tables or the hidden truth."""

import csv
import io
from pathlib import Path
from typing import Any

import torch

from tacit.data.exchange import export_labels, import_labels
from tacit.data.pool import Items
from tacit.data.spec import UNLABELED
from tacit.disk import write_atomic
from tacit.errors import WrongUsage
from tacit.outcome import Outcome
from tacit.project.home import Home


def import_answers(project: Home, path: Path, *, who: str = "me", skip_unknown: bool = False) -> Outcome:
    """Read a table of answers; nothing is recorded unless all of it can be."""
    classes = project.settings.classes or None
    done = import_labels(
        project.labels, path, known=project.known(), who=who, classes=classes, skip_unknown=skip_unknown
    )
    lines = [f"recorded {done.recorded:,} answers from {path.name}"]
    if done.empty:
        lines.append(f"{done.empty:,} rows had no answer yet")
    if done.unknown:
        lines.append(f"{done.unknown:,} rows named items this project does not have; they were passed over")
    return told(project, lines, recorded=done.recorded, empty=done.empty, unknown=done.unknown)


def export_answers(project: Home, path: Path, *, history: bool = False, overwrite: bool = False) -> Outcome:
    n = export_labels(project.labels, path, paths=project.paths_by_id(), history=history, overwrite=overwrite)
    return Outcome({"path": str(path), "rows": n}, [f"wrote {n:,} {'events' if history else 'answers'} to {path}"])


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
            f"wrote {len(ids)} items to {path}: fill in the column label ('?' for cannot tell)",
            f"next: tacit label --import {path}",
        ],
    )


def open_yardstick(project: Home, n: int) -> list[str]:
    """The next n yardstick items without an answer, in their random order."""
    yardstick = project.yardstick
    unanswered = (project.answers(yardstick) == UNLABELED).nonzero().flatten()
    order = torch.randperm(len(yardstick), generator=torch.Generator().manual_seed(project.seed))
    waiting = order[torch.isin(order, unanswered)][:n]
    if not len(waiting):
        raise WrongUsage(f"all {len(yardstick)} yardstick items are answered\n  see: tacit evaluate")
    return [str(id_) for id_ in yardstick.ids[waiting.numpy()]]


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
    return told(project, [f"the hidden truth answered {len(known):,} items"], recorded=len(known))


def undo(project: Home) -> Outcome:
    event = project.labels.undo()
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

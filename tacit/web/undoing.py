"""Undo and redo: whose, how much at once, and what is said about it."""

from typing import Literal

from tacit.data.events import CANNOT_TELL, REMOVED, RENAMED, Event
from tacit.web import schemas
from tacit.web.desk import Desk

FEW = 20  # items that come back before the person who took their answers back


def take_back_or_bring_back(desk: Desk, kind: Literal["undo", "redo"], who: str, session: str) -> schemas.Changed:
    """The latest step of this person, back or forth; what it changed, as of now."""
    from tacit.project import classes

    labels = desk.project.labels
    with desk.queues.naming.lock:
        events = labels.undo_batch(who=who) if kind == "undo" else labels.redo_batch(who=who)
        answer = answered(desk, events[0])
        if classes.is_renaming(answer):
            (classes.after_undo if kind == "undo" else classes.after_redo)(desk.project, answer)
        classes.reword(desk.project, list({event.item for event in events}))
    desk.standing.refresh()
    rows = list(dict.fromkeys(row for event in events if (row := desk.rows.place.get(event.item)) is not None))
    desk.queues.leases.keep((who, session), rows if kind == "undo" and len(rows) <= FEW else ())
    if kind == "redo":
        desk.queues.leases.drop(rows)
        if any(desk.rows.is_pool[row] for row in rows):
            desk.jobs.after_answers()
    return schemas.Changed(
        kind=kind,
        rows=rows,
        answers=[desk.standing.answer(row) for row in rows],
        said=sentence(desk, kind, events, answer),
        version=desk.version(),
    )


def answered(desk: Desk, event: Event) -> Event:
    """The answer that an undo or redo is about, with its note."""
    return next(found for found in desk.project.labels.history(event.item) if found.event == event.undoes)


def sentence(desk: Desk, kind: str, events: list[Event], answer: Event) -> str:
    """What was done, in words; and what an item is now, where that is something else."""
    from tacit.project.classes import count

    done, note = "took back" if kind == "undo" else "brought back", answer.note or ""
    if answer.source == "bulk" and note.startswith((RENAMED, REMOVED)):
        old = note.removeprefix(RENAMED).removeprefix(REMOVED)
        what = f"the name {answer.answer} for {old}" if note.startswith(RENAMED) else f"the removal of {old}"
        return f"{done} {what}, in {count(len(events), 'answer')}"
    if len(events) > 1:
        return f"{done} {len(events):,} answers"
    event = events[0]
    row = desk.rows.place.get(event.item)
    now = desk.standing.answer(row) if row is not None else None
    differs = now is not None and (kind == "undo" or now != event.answer)
    still = f"; it is {spoken(now or '')} now, by another answer" if differs else ""
    return f"{done} {spoken(event.answer)} for {desk.project.paths([event.item])[0]}{still}"


def spoken(answer: str) -> str:
    return "cannot tell" if answer == CANNOT_TELL else answer

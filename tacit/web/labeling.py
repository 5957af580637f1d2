"""Labelling: queues, answers, undo, flags, classes."""

import time

from fastapi import APIRouter

from tacit.errors import WrongUsage
from tacit.web import schemas
from tacit.web.desk import Desk, Here
from tacit.web.keys import bindings
from tacit.web.naming import Names
from tacit.web.state import class_infos
from tacit.web.undoing import take_back_or_bring_back

router = APIRouter()
ENOUGH = 40  # items of the yardstick before anything else is worth more


@router.post("/api/queue")
def queue(order: schemas.QueueOrder, desk: Here) -> schemas.Queue:
    """The next items of a tab; they are lent to it for ten minutes, or until somebody answers them."""
    order.who = person(order.who)
    return desk.queues.hand_out(order)


@router.post("/api/queue/release")
def release(order: schemas.Release, desk: Here) -> schemas.Said:
    """A tab gives back what it was lent: these rows, or all."""
    from tacit.project.classes import count

    n = desk.queues.leases.release((person(order.who), order.session), order.rows)
    return schemas.Said(said=f"gave back {count(n, 'item')}", version=desk.version())


@router.post("/api/answers")
def answers(order: schemas.Answers, desk: Here) -> schemas.Recorded:
    """Answers from a page's outbox, in the order they were given. Each is recorded once, however often it is sent.

    `recorded` counts those that the ledger has now, also those it had before; the others are refused, each with a
    sentence. Nothing here takes longer in a large project: it is what happens between two key strokes.
    """
    who = person(order.who)
    desk.standing.refresh()
    with desk.queues.naming.lock:
        names = desk.queues.naming.names()
        good: dict[str, tuple[schemas.Answer, str]] = {}  # by key: one that was sent twice in one go counts once
        refused: dict[str, schemas.Refused] = {}
        for given in order.answers:
            name = names.now(given.answer)
            if trouble := wrong_with(desk, given, name, names):
                refused.setdefault(given.key, schemas.Refused(key=given.key, row=given.row, error=trouble))
            elif name is not None:
                good.setdefault(given.key, (given, name))
        record(desk, who, list(good.values()), alone=not order.together)
    if refused:  # what arrived before, when it was no mistake yet, is not sent back now
        arrived = desk.project.labels.arrived(list(refused))
        refused = {key: entry for key, entry in refused.items() if key not in arrived | good.keys()}
    rows = [given.row for given, _ in good.values()]
    desk.standing.refresh()
    desk.queues.leases.drop(rows)
    desk.queues.leases.keep((who, order.session))
    if any(desk.rows.is_pool[row] for row in rows):
        desk.jobs.after_answers()
    told = len({given.key for given in order.answers}) - len(refused)
    return schemas.Recorded(recorded=told, refused=list(refused.values()), renamed=names.used, version=desk.version())


@router.post("/api/undo")
def undo(order: schemas.Who, desk: Here) -> schemas.Changed:
    """Take back this person's latest answer that counts, with all that was recorded in the same go; without limit."""
    return take_back_or_bring_back(desk, "undo", person(order.who), order.session)


@router.post("/api/redo")
def redo(order: schemas.Who, desk: Here) -> schemas.Changed:
    """Bring back what this person took back last, as long as they have given no answer since."""
    return take_back_or_bring_back(desk, "redo", person(order.who), order.session)


@router.post("/api/flags")
def flag(order: schemas.FlagOrder, desk: Here) -> schemas.Said:
    """Ask somebody to look at an item again, or take that back."""
    item = desk.ids_of([order.row])[0]
    desk.project.labels.flag(item, order.note, who=person(order.who))
    desk.changed()
    done = "took the flag away from" if order.note is None else "flagged"
    return schemas.Said(said=f"{done} {desk.project.paths([item])[0]}", version=desk.version())


@router.post("/api/classes")
def classes(order: schemas.ClassOrder, desk: Here) -> schemas.Said:
    """One change of the classes."""
    from tacit.project import classes as verbs

    who, project = person(order.who), desk.project
    given = [name for name in ("add", "rename", "remove", "order") if getattr(order, name) is not None]
    if len(given) != 1:
        raise WrongUsage("one change at a time: give one of add, rename, remove and order")
    if order.instead is not None and order.remove is None:
        raise WrongUsage("instead says what the items of a removed class get; it goes with remove")
    with desk.queues.naming.lock:
        if order.add is not None:
            outcome = verbs.add(project, order.add)
        elif order.rename is not None:
            outcome = verbs.rename(project, *order.rename, who=who)
        elif order.remove is not None:
            outcome = verbs.remove(project, order.remove, order.instead, who=who)
        else:
            outcome = verbs.order(project, order.order or [])
    desk.standing.refresh()
    said = outcome.lines[0]
    if order.add is None and desk.trained:
        said += f"; {desk.trained[-1].name} knows the classes as they were: train again"
    return schemas.Said(said=said, version=desk.version())


@router.get("/label.json")
def label(desk: Here) -> schemas.LabelRecord:
    """Where labelling stands."""
    desk.standing.refresh()
    infos, picks = class_infos(desk), desk.project.labels.picks()
    queues = desk.queues
    record = schemas.LabelRecord(
        classes=infos,
        keys=bindings(desk, [info.name for info in infos]),
        round=picks[0].round if picks else 0,
        strategy=picks[0].strategy if picks else "",
        suggested=len(queues.waiting(picks)),
        yardstick_left=queues.yardstick_left(),
        second_left=queues.second_left(),
        advice="",
    )
    return record.model_copy(update={"advice": advice(desk, record)})


def advice(desk: Desk, record: schemas.LabelRecord) -> str:
    """What would help most now, in a sentence."""
    measured = len(desk.rows.yardstick) - record.yardstick_left
    wanted = min(ENOUGH, len(desk.rows.yardstick)) - measured
    missing = [info.name for info in record.classes if not info.labeled]
    if not record.classes:
        return "Name the classes first."
    if wanted > 0:
        return f"Answer {wanted} more {'item' if wanted == 1 else 'items'} of the yardstick: without them nobody can say how good a model is."
    if len(missing) == len(record.classes):
        return "Answer suggested items: there is nothing to learn from yet."
    if missing:
        listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        return f"There is no item of {listed} yet: a model cannot know a class that it was never shown."
    if record.suggested:
        wait = "1 suggested item waits" if record.suggested == 1 else f"{record.suggested:,} suggested items wait"
        return f"{wait}: what is asked for teaches more than what is taken at random."
    if desk.queues.left() == 0:
        return "Every item of the pool has an answer: train, or ask for second opinions."
    return "Ask for suggestions: they teach more than items taken at random."


def wrong_with(desk: Desk, given: schemas.Answer, name: str | None, names: Names) -> str:
    """Why an answer cannot be recorded; "" where it can."""
    if not 0 <= given.row < len(desk.rows):
        return f"there is no item in row {given.row}; the rows are 0 to {len(desk.rows) - 1}"
    if name is None:
        return names.refusal(given.answer)
    if given.round is not None and not 1 <= given.round <= desk.project.labels.rounds():
        return f"there was no round {given.round} of suggestions"
    return ""


def record(desk: Desk, who: str, good: list[tuple[schemas.Answer, str]], *, alone: bool) -> None:
    """Into the ledger, in their order, in one write; `alone`, there is an undo for each."""
    now, given = time.time(), [answer for answer, _ in good]
    desk.project.labels.record(
        desk.ids_of([answer.row for answer in given]),
        [name for _, name in good],
        who=who,
        round=[answer.round for answer in given],
        seconds=[answer.seconds for answer in given],
        suggestions=[answer.suggestion for answer in given],
        note=[answer.note for answer in given],
        times=[None if answer.time is None else min(answer.time, now) for answer in given],  # no clock is ahead
        keys=[answer.key for answer in given],
        alone=alone,
    )


def person(who: str) -> str:
    """A name without the white space around it."""
    if not (name := who.strip()):
        raise WrongUsage("say who you are: the name is empty")
    return name

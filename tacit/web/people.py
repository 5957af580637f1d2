"""Several people: who answered how much, how far they agree, and where they do not."""

import threading
from collections import defaultdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from fastapi import APIRouter

from tacit.data.crowd import annotators, shared
from tacit.data.events import Event
from tacit.web import schemas
from tacit.web.desk import Desk, Here

if TYPE_CHECKING:
    from tacit.evaluate.agreement import Agreement

router = APIRouter()
MOST = 200  # disagreements shown

_lock = threading.Lock()
_latest: WeakKeyDictionary[Desk, tuple[int, schemas.PeopleRecord]] = WeakKeyDictionary()


@router.get("/people.json")
def people(desk: Here) -> schemas.PeopleRecord:
    """Made anew when something has changed; asked more often than that it is the same record."""
    project, version = desk.project, desk.version()
    with _lock:
        if _latest.get(desk, (None, None))[0] != version:
            _latest[desk] = version, record(desk, shared(project.labels.path))
        return _latest[desk][1]


def record(desk: Desk, events: list[Event]) -> schemas.PeopleRecord:
    """`events`: everybody's latest answers about items that several people answered."""
    everybody = annotators(desk.project.labels.path)
    by_item: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.item in desk.rows.place:
            by_item[event.item].append(event)
    differing = {item: said for item, said in by_item.items() if len({event.answer for event in said}) > 1}
    newest = sorted(differing, key=lambda item: -differing[item][-1].event)[:MOST]
    items = desk.items([desk.rows.place[item] for item in newest])
    found = agreement_on(desk, events)
    return schemas.PeopleRecord(
        people=[schemas.Person(**vars(person)) for person in everybody],
        agreement=schemas.Agreement(
            kind=found.kind,  # type: ignore[arg-type]
            kappa=None if found.kappa is None else schemas.Interval(**vars(found.kappa)),
            items=found.items,
            raw=found.raw,
            said=found.said,
        ),
        disagreements=[
            schemas.Disagreement(item=item, answers=[answered(event) for event in differing[name]])
            for name, item in zip(newest, items, strict=True)
        ],
        said=said(len(everybody), len(differing), len(newest)),
    )


def agreement_on(desk: Desk, events: list[Event]) -> "Agreement":
    """Of items of the pool: those of the yardstick are few, and were chosen at random."""
    from tacit.evaluate.agreement import NOBODY, agreement

    rows = desk.rows
    pool = [event for event in events if event.item in rows.place and rows.is_pool[rows.place[event.item]]]
    item, who, answer = (
        np.unique([getattr(event, name) for event in pool], return_inverse=True)[1]
        for name in ("item", "who", "answer")
    )
    table = np.full((int(item.max(initial=-1)) + 1, int(who.max(initial=-1)) + 1), NOBODY)
    table[item, who] = answer
    return agreement(table)


def answered(event: Event) -> schemas.Answered:
    kept = ("event", "time", "kind", "answer", "who", "source", "seconds", "suggestion", "note", "round")
    return schemas.Answered(**{name: getattr(event, name) for name in kept})


def said(people: int, differing: int, shown: int) -> str:
    if people < 2:
        return "Nobody has answered yet." if people == 0 else "One person has answered so far."
    if not differing:
        return f"{people} people have answered; they differ on no item."
    more = f"; the newest {shown} are shown" if shown < differing else ""
    return f"{people} people have answered; they differ on {differing:,} item{'s' * (differing > 1)}{more}."

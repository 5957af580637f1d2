"""Who answered how much, and which items several people answered: asked of the database, not item by item."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from tacit.data.events import CANNOT_TELL, OF_CLASSES, REMOVED, RENAMED, Event
from tacit.data.store import reading

COLUMNS = ", ".join(field.name for field in fields(Event))

# a class that is renamed or removed gives all its items another answer, which is nobody's opinion of them
OPINION = f"NOT {OF_CLASSES}"
COUNTS = f"""
SELECT who, COUNT(*), COUNT(DISTINCT item), COUNT(*) - SUM(event IN (SELECT event FROM live))
FROM events WHERE kind = 'answer' AND {OPINION} GROUP BY who ORDER BY COUNT(*) DESC, who
"""
# answers given in bulk share the time of one look: they would make everybody look fast
MEDIANS = """
SELECT who, AVG(seconds) FROM (
    SELECT who, seconds, COUNT(*) OVER (PARTITION BY who) AS n,
        ROW_NUMBER() OVER (PARTITION BY who ORDER BY seconds) AS place
    FROM events WHERE kind = 'answer' AND seconds IS NOT NULL AND source != 'bulk'
) WHERE place IN ((n + 1) / 2, (n + 2) / 2) GROUP BY who
"""
# of a group with MAX(event), SQLite takes the other columns from the row of that event
SHARED = f"""
SELECT {COLUMNS} FROM (
    SELECT *, MAX(event) FROM live WHERE {OPINION} AND item IN (
        SELECT item FROM events WHERE kind = 'answer' GROUP BY item HAVING MIN(who) < MAX(who)
    ) GROUP BY item, who
) ORDER BY event
"""
CHANGES = f"SELECT MIN(event), note, answer FROM live WHERE {OF_CLASSES} GROUP BY batch, note, answer ORDER BY 1"


@dataclass(frozen=True)
class Annotator:
    """What one person has answered; answers that were taken back were work as well."""

    name: str
    answers: int
    items: int  # different ones
    seconds: float | None  # median of an answer, where the time was measured and it was not given in bulk
    taken_back: int


def annotators(path: Path) -> list[Annotator]:
    """Everybody in the ledger, whoever gave most answers first."""
    with reading(path) as db:
        medians = dict(db.execute(MEDIANS).fetchall())
        return [Annotator(who, n, items, medians.get(who), back) for who, n, items, back in db.execute(COUNTS)]


def shared(path: Path) -> list[Event]:
    """Of items that several people answered, each person's latest answer that counts, oldest first, under the names that
    classes have now. Who cannot tell neither agrees nor disagrees and is left out."""
    with reading(path) as db:
        events = [Event(*row) for row in db.execute(SHARED)]
    renamed = changes(path)
    found = [replace(event, answer=name_now(event, renamed)) for event in events] if renamed else events
    return [event for event in found if event.answer != CANNOT_TELL]


def changes(path: Path) -> list[tuple[int, str, str]]:
    """Changes of classes that count, oldest first: since which event, the old name, and the one in its place."""
    with reading(path) as db:
        found = db.execute(CHANGES).fetchall()
    return [(event, note.removeprefix(RENAMED).removeprefix(REMOVED), new) for event, note, new in found]


def name_now(event: Event, renamed: list[tuple[int, str, str]]) -> str:
    """What its class is called after all changes (event, old name, new name) that came later."""
    answer = event.answer
    for changed, old, new in renamed:
        if changed > event.event and answer == old:
            answer = new
    return answer

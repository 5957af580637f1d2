"""Who answered how much, and which items several people answered: asked of the database, not item by item."""

from dataclasses import dataclass, fields
from pathlib import Path

from tacit.data.events import CANNOT_TELL, Event
from tacit.data.store import reading

COLUMNS = ", ".join(field.name for field in fields(Event))

COUNTS = """
SELECT who, COUNT(*), COUNT(DISTINCT item), COUNT(*) - SUM(event IN (SELECT event FROM live))
FROM events WHERE kind = 'answer' GROUP BY who ORDER BY COUNT(*) DESC, who
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
    SELECT *, MAX(event) FROM live WHERE item IN (
        SELECT item FROM events WHERE kind = 'answer' GROUP BY item HAVING MIN(who) < MAX(who)
    ) GROUP BY item, who
) WHERE answer != '{CANNOT_TELL}' ORDER BY event
"""


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
    """Of items that several people answered, each person's latest answer that counts, oldest first. Who cannot tell
    neither agrees nor disagrees and is left out."""
    with reading(path) as db:
        return [Event(*row) for row in db.execute(SHARED)]

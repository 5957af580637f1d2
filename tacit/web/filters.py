"""Which rows a filter takes, and in which order: what the grid shows."""

from dataclasses import dataclass

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.errors import WrongUsage, unknown_name
from tacit.web import schemas
from tacit.web.desk import Desk
from tacit.web.standing import NONE

NO_MODEL = "there is no model yet, so nothing is known about guesses\n  train one: the Train page, or tacit train"


@dataclass(frozen=True)
class Known:
    """What filters and orders look at, (R,) each. What was not asked for is None; no value is -1 or NaN."""

    is_pool: np.ndarray  # bool
    code: np.ndarray  # int16, of the answer: NONE, 0 for cannot tell, above it a class
    suggested: np.ndarray  # bool, in the latest round
    flagged: np.ndarray  # bool
    guess: np.ndarray | None = None  # int16
    confidence: np.ndarray | None = None  # float32
    margin: np.ndarray | None = None  # float32
    outlier: np.ndarray | None = None  # float32
    cluster: np.ndarray | None = None  # int16
    column: np.ndarray | None = None  # float32
    paths: np.ndarray | None = None  # str, all of an item's, a line each
    said: str = ""  # why there are no values, for people


def matching(
    known: Known, order: schemas.GridOrder, *, label: int | None = None, guess: int | None = None
) -> np.ndarray:
    """Rows (n,) that fit, in their order; `label` and `guess` are the numbers of the classes that the order names."""
    fits = in_state(known, order.state)
    if label is not None:
        fits &= known.code == label
    if guess is not None and known.guess is not None:
        fits &= known.guess == guess
    if known.cluster is not None:
        fits &= known.cluster == order.cluster
    if known.column is not None:
        fits &= within(known.column, order.low, order.high)
    rows = np.flatnonzero(fits)
    if order.text and known.paths is not None:
        part = order.text.casefold()
        rows = rows[[part in path.casefold() for path in known.paths[rows].tolist()]] if len(rows) else rows
    return rows


def in_state(known: Known, state: schemas.GridState) -> np.ndarray:
    """(R,) bool."""
    if state == "yardstick":
        return ~known.is_pool
    unanswered = known.code == NONE
    return (
        known.is_pool
        & {
            "all": np.ones_like(unanswered),
            "unlabelled": unanswered,
            "labelled": known.code > 0,
            "suggested": known.suggested & unanswered,
            "flagged": known.flagged,
            "cannot-tell": known.code == 0,
        }[state]
    )


def within(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    """(R,) bool; an item without a value is nowhere."""
    fits = ~np.isnan(values)
    if low is not None:
        fits &= values >= low
    if high is not None:
        fits &= values <= high
    return fits


def ordered(rows: np.ndarray, known: Known, order: schemas.GridOrder) -> np.ndarray:
    """The same rows (n,) in the order asked for; ties and what has no value stay in the order of rows."""
    if order.order == "random":
        place = np.random.default_rng(order.seed).permutation(len(known.is_pool))  # the same under every filter
        return rows[np.argsort(place[rows])]
    if order.order == "name" and known.paths is not None:
        first = [path.partition("\n")[0] for path in known.paths[rows].tolist()]
        return rows[sorted(range(len(rows)), key=first.__getitem__)] if len(rows) else rows
    values = {"confidence": known.confidence, "margin": known.margin, "outlier": known.outlier}.get(order.order)
    if values is None:
        return rows
    score = -values[rows] if order.order == "outlier" else values[rows]
    return rows[np.argsort(score, kind="stable")]  # NaN comes last


# what is known


def look_up(desk: Desk, order: schemas.GridOrder) -> Known:
    """What this order needs, and no more."""
    standing, count = desk.standing, len(desk.rows)
    standing.refresh()
    suggested, flagged = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for mask, ids in ((suggested, list(desk.reasons())), (flagged, list(desk.project.labels.flags()))):
        mask[[desk.rows.place[id_] for id_ in ids if id_ in desk.rows.place]] = True
    found: dict[str, np.ndarray] = {}
    if order.guess is not None or order.order in ("confidence", "margin"):
        found |= guessed(desk)
    if order.text or order.order == "name":
        found["paths"] = paths(desk)
    said = ""
    for part, name in (
        ("cluster", None if order.cluster is None else "cluster"),
        ("column", order.column),
        ("outlier", "outlier" if order.order == "outlier" else None),
    ):
        if name is not None:
            found[part], missing = of_map(desk, name, order)
            said = said or missing
    return Known(desk.rows.is_pool, standing.code.copy(), suggested, flagged, said=said, **found)


def guessed(desk: Desk) -> dict[str, np.ndarray]:
    """What the model says of the pool; nothing of the yardstick, and of items that joined later."""
    guesses = desk.guesses()
    if guesses is None:
        raise WrongUsage(NO_MODEL)
    rows = desk.rows.pool[: len(guesses)]
    there = slice(len(rows))
    found = {"guess": np.full(len(desk.rows), -1, dtype=np.int16)}
    found["guess"][rows] = guesses.best[there]
    for name, values in (("confidence", guesses.p), ("margin", guesses.p - guesses.q)):
        found[name] = np.full(len(desk.rows), np.nan, dtype=np.float32)
        found[name][rows] = values[there]
    return found


def of_map(desk: Desk, name: str, order: schemas.GridOrder) -> tuple[np.ndarray, str]:
    """A column of the map by row, NaN where it has no value; and a sentence if there are no values at all."""
    from tacit.web.columns import column

    found = column(desk, name, desk.space_name(order.space), yardstick=order.state == "yardstick")
    values = found.values.astype(np.float32)
    if found.kind == "category":
        values[found.values < 0] = np.nan
    by_row = np.empty(len(desk.rows), dtype=np.float32)
    by_row[np.concatenate([desk.rows.pool, desk.rows.yardstick])] = values
    return by_row, found.said if np.isnan(values).all() else ""


def paths(desk: Desk) -> np.ndarray:
    """Where items were seen, (R,) str: all their paths, a line each; the id where the file is gone."""
    found = desk.rows.ids.astype(object)
    for id_, places in desk.project.paths_by_id().items():
        if (row := desk.rows.place.get(id_)) is not None:
            found[row] = "\n".join(places)
    return found


# names


def label_number(desk: Desk, name: str) -> int:
    """The number of an answer in the standing; one that no item has when it is a class without answers."""
    number = desk.standing.number.get(name)
    if number is None and name not in desk.project.classes:
        raise unknown_name("class", name, [*desk.project.classes, CANNOT_TELL])
    return NONE - 1 if number is None else number


def guess_number(desk: Desk, name: str) -> int:
    """The number of a class of the model."""
    guesses = desk.guesses()
    if guesses is None:
        raise WrongUsage(NO_MODEL)
    if name in guesses.classes:
        return guesses.classes.index(name)
    if name not in desk.project.classes:
        raise unknown_name("class", name, guesses.classes)
    return len(guesses.classes)  # the model does not know it yet

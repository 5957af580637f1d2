"""Whether the answers so far are worth another turn of the loop."""

from typing import TYPE_CHECKING

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.web.standing import NONE

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject

ENOUGH = 10  # new answers
AT_LEAST, FEW = 5, 5  # new answers are enough where so few suggestions are left


def answered(desk: "OpenProject") -> tuple[int, int, int]:
    """Of the pool: items with a class, classes among them, and items that nobody has said anything about."""
    desk.standing.refresh()
    code = desk.standing.code[desk.rows.pool]
    given = code[(code != NONE) & (code != desk.standing.number[CANNOT_TELL])]
    return len(given), int(np.count_nonzero(np.bincount(given))) if len(given) else 0, int((code == NONE).sum())


def suggestions_left(desk: "OpenProject") -> int:
    """Items of the latest round that wait for an answer."""
    place = desk.rows.place
    rows = [place[pick.item] for pick in desk.project.labels.picks() if pick.item in place]
    return int((desk.standing.code[rows] == NONE).sum()) if rows else 0


def round_is_due(desk: "OpenProject", before: int | None) -> bool:
    """`before`: items that had a class when the latest round was asked for; None where none ever was by the page."""
    page = desk.project.settings.get("page", {})
    if isinstance(page, dict) and page.get("rounds") is False:
        return False
    labeled, classes, left = answered(desk)
    if classes < 2 or not left:
        return False
    if before is None:
        model = desk.model_run
        before = int(model.record["labels"]) if model else 0
    new = abs(labeled - before)  # answers taken back change a model as well
    return new >= ENOUGH or (new >= AT_LEAST and suggestions_left(desk) <= FEW)

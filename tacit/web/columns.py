"""What the map can be coloured by, and the grid filtered by: a value for every item, and what it means.

Values come in the order of the map: the pool's items, then the yardstick's. Numbers are float32 with NaN where there is
none, categories int16 into `labels` with -1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.errors import unknown_name
from tacit.web import schemas
from tacit.web.desk import Desk
from tacit.web.imported import of_numbers
from tacit.web.state import space_info

MOST = 1000  # categories of a column; rarer ones share one
STATES = ("unlabelled", "labelled", "suggested", "cannot tell", "yardstick")
FEATURE, IMPORTED = "feature/", "column/"  # before the names of columns of a table, and of imported ones


@dataclass(frozen=True)
class Column:
    name: str
    title: str
    kind: Literal["category", "number"]
    values: np.ndarray  # (R,) float32 or int16
    said: str
    labels: list[str] = field(default_factory=list)

    def record(self) -> schemas.ColumnRecord:
        there = self.values[self.values >= 0] if self.kind == "category" else self.values[np.isfinite(self.values)]
        category = self.kind == "category"
        return schemas.ColumnRecord(
            name=self.name,
            kind=self.kind,
            labels=self.labels,
            counts=np.bincount(there, minlength=len(self.labels)).tolist() if category else [],
            low=None if category or not len(there) else float(there.min()),
            high=None if category or not len(there) else float(there.max()),
            missing=len(self.values) - len(there),
            said=self.said,
        )


Found = tuple[np.ndarray, str] | tuple[np.ndarray, str, list[str]]  # values, what they mean, labels of categories
Make = Callable[[], Found]


def names(desk: Desk, space: str) -> list[schemas.Column]:
    """All columns there are for the map of a space."""
    return [schemas.Column(name=name, title=title, kind=kind) for name, (title, kind, _) in known(desk, space).items()]


def column(desk: Desk, name: str, space: str, *, yardstick: bool = False) -> Column:
    """A column by its name. The yardstick has no class in it unless it is asked for."""
    there = known(desk, space, yardstick=yardstick)
    if name not in there:
        raise unknown_name("column", name, there)
    title, kind, make = there[name]
    values, said, *labels = make()
    values = values.astype(np.int16 if kind == "category" else np.float32, copy=False)
    return Column(name, title, kind, values, said, labels[0] if labels else [])


def known(desk: Desk, space: str, *, yardstick: bool = False) -> dict[str, tuple[str, Any, Make]]:
    """Columns by name: title, kind, and how to get the values."""
    found: dict[str, tuple[str, Any, Make]] = {
        "class": ("class", "category", partial(classes, desk, yardstick)),
        "state": ("state", "category", partial(states, desk)),
    }
    if desk.model_run is not None:
        found["prediction"] = "prediction", "category", partial(prediction, desk)
        found |= {name: (name, "number", partial(guessed, desk, name)) for name in GUESSED}
    found["cluster"] = "cluster", "category", partial(cluster, desk, space)
    found["density"] = "density", "number", partial(density, desk, space)
    found["outlier"] = "outlier score", "number", partial(outlier, desk, space)
    if space_info(desk, space).decodes:
        found["rebuilt"] = "reconstruction error", "number", partial(rebuilt, desk, space)
    form = form_of(desk)
    if form.source == "folder":
        found["folder"] = "folder", "category", partial(folder, desk)
        found["size"] = "file size", "number", partial(size, desk)
    if desk.standing.seen:
        found["annotator"] = "annotator", "category", partial(annotator, desk)
        found["round"] = "round", "number", partial(round_, desk)
    if (layout := desk.layouts.get(space)) is not None and np.isfinite(layout.before).any():
        found["movement"] = "movement", "number", partial(movement, desk, space)
    found |= {FEATURE + c: (c, "number", partial(feature, desk, i)) for i, c in enumerate(form.columns)}
    for name, values in desk.imported.columns().items():
        numbers = of_numbers(values)
        make = partial(imported_numbers if numbers else imported_words, desk, values)
        found[IMPORTED + name] = name, "number" if numbers else "category", make
    return found


# order


def order(desk: Desk) -> np.ndarray:
    """The row of every point of the map, (R,) int64."""
    return np.concatenate([desk.rows.pool, desk.rows.yardstick])


def of_pool(desk: Desk, values: np.ndarray, missing: float = np.nan) -> np.ndarray:
    """Values of the first items of the pool (n,), for all items: the others have none."""
    n = min(len(values), len(desk.rows.pool))
    found = np.full(len(desk.rows), missing, dtype=np.float32 if np.isnan(missing) else np.int16)
    found[:n] = values[:n]
    return found


def by_id(desk: Desk, values: dict[str, Any], missing: Any) -> np.ndarray:
    """Values by item id, for all items (R,), in the order of the map."""
    place = desk.rows.place
    rows = np.fromiter((place.get(id_, -1) for id_ in values), dtype=np.int64, count=len(values))
    known_ = rows >= 0
    found = np.full(len(desk.rows), missing, dtype=object if isinstance(missing, str) else np.float32)
    found[rows[known_]] = np.array(list(values.values()), dtype=found.dtype)[known_]
    return found[order(desk)]


def categories(words: np.ndarray, said: str) -> Found:
    """Words (R,), "" for none, as numbers into their names; the most frequent first where there are too many."""
    there = words != ""
    labels, inverse, counts = np.unique(words[there].astype(str), return_inverse=True, return_counts=True)
    codes = np.full(len(words), -1, dtype=np.int64)
    if len(labels) > MOST:
        rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable").clip(max=MOST - 1)
        common = labels[np.argsort(-counts, kind="stable")[: MOST - 1]].tolist()
        codes[there] = rank[inverse]
        others = len(labels) - len(common)
        return codes, f"{said} {others:,} rarer values share one color.", [*common, f"{others:,} others"]
    codes[there] = inverse
    return codes, said, labels.tolist()


# answers


def classes(desk: Desk, yardstick: bool) -> Found:
    standing = desk.standing
    standing.refresh()
    labels = [*desk.project.classes, CANNOT_TELL]
    number = {name: i for i, name in enumerate(labels)}
    into = np.array([number.get(name, -1) for name in standing.names] + [-1], dtype=np.int16)  # its last is NONE
    values = into[standing.code[order(desk)]]
    said = "The answers of people; the last of several counts."
    if not yardstick:
        values[len(desk.rows.pool) :] = -1
        said += " The yardstick is left out."
    labels[-1] = "cannot tell"
    return values, said, labels


def states(desk: Desk) -> Found:
    standing, pool = desk.standing, len(desk.rows.pool)
    standing.refresh()
    code = standing.code[order(desk)]
    cannot = standing.number[CANNOT_TELL]
    values = np.select([code > cannot, code == cannot, suggested(desk)], [1, 3, 2], 0)
    values[pool:] = 4
    return values, "Where each item stands; the yardstick is measured on and never learned from.", list(STATES)


def suggested(desk: Desk) -> np.ndarray:
    """Items of the latest round, (R,) bool in the order of the map."""
    found = np.zeros(len(desk.rows), dtype=bool)
    found[[desk.rows.place[item] for item in desk.reasons() if item in desk.rows.place]] = True
    return found[order(desk)]


def annotator(desk: Desk) -> Found:
    said = {event.item: event.who for event in desk.project.labels.current()}
    return categories(by_id(desk, said, ""), "Who gave the answer that counts.")


def round_(desk: Desk) -> Found:
    said = {event.item: event.round for event in desk.project.labels.current() if event.round is not None}
    return by_id(desk, said, np.nan), "The round of suggestions that the answer belongs to."


# the model


GUESSED = {
    "confidence": "How sure the model is of its prediction, as it says itself: the share it gives the likeliest class.",
    "margin": "The likeliest class's share less the second's: near 0 where the model is torn between two.",
    "entropy": "In nats, over all classes: large where the model has no idea.",
}


def prediction(desk: Desk) -> Found:
    guesses = desk.guesses()
    if guesses is None:  # the run was removed meanwhile
        return np.full(len(desk.rows), -1), "There is no model.", []
    said = f"What {desk_model(desk)} takes every item of the pool for."
    return of_pool(desk, guesses.best, -1), said, list(guesses.classes)


def guessed(desk: Desk, name: str) -> Found:
    guesses = desk.guesses()
    if guesses is None:
        return np.full(len(desk.rows), np.nan), "There is no model."
    values = {"confidence": guesses.p, "margin": guesses.p - guesses.q, "entropy": guesses.entropy}[name]
    return of_pool(desk, values), f"{GUESSED[name]} Model: {desk_model(desk)}."


def desk_model(desk: Desk) -> str:
    run = desk.model_run
    return run.name if run else "no model"


# the space


def nothing_yet(desk: Desk, doing: str, missing: float = np.nan) -> tuple[np.ndarray, str]:
    return of_pool(desk, np.empty(0), missing), f"Not there yet: {doing}."


def cluster(desk: Desk, space: str) -> Found:
    found = desk.facts.get(space, "groups")
    if isinstance(found, str):
        return *nothing_yet(desk, found, -1), []
    group = found.arrays["group"]
    return of_pool(desk, group, -1), found.said, [f"cluster {i + 1}" for i in range(int(group.max(initial=-1)) + 1)]


def density(desk: Desk, space: str) -> Found:
    found = desk.facts.get(space, "density")
    if isinstance(found, str):
        return nothing_yet(desk, found)
    if "density" in found.arrays:
        return of_pool(desk, found.arrays["density"]), found.said
    layout = desk.layouts.get(space)
    return of_pool(desk, np.empty(0) if layout is None else layout.crowd_at), found.said


def outlier(desk: Desk, space: str) -> Found:
    found = desk.facts.get(space, "graph")
    if isinstance(found, str):
        return nothing_yet(desk, found)
    return of_pool(desk, found.arrays.get("outlier", np.empty(0))), found.said


def rebuilt(desk: Desk, space: str) -> Found:
    found = desk.facts.get(space, "rebuilt")
    return nothing_yet(desk, found) if isinstance(found, str) else (of_pool(desk, found.arrays["rebuilt"]), found.said)


def movement(desk: Desk, space: str) -> Found:
    layout = desk.layouts.get(space)
    if layout is None:
        return nothing_yet(desk, "the map is being drawn")
    moved = np.linalg.norm(layout.points - layout.before, axis=1)
    said = "How far a point moved against the map shown before, in halves of the map's width."
    return of_pool(desk, moved[: layout.pool]), said


# the source


def form_of(desk: Desk) -> Any:
    from tacit.data.form import load_form

    return load_form(desk.folder)


def folder(desk: Desk) -> Found:
    said = {id_: path.rpartition("/")[0] or "." for id_, path, _ in desk.project.seen()}
    return categories(by_id(desk, said, ""), "The folder of the file, of the first where there are copies.")


def size(desk: Desk) -> Found:
    said = {id_: bytes_ for id_, _, bytes_ in desk.project.seen()}
    return by_id(desk, said, np.nan), "Bytes of the file."


def feature(desk: Desk, index: int) -> Found:
    values = np.concatenate([raw_column(side, index) for side in (desk.project.pool, desk.project.yardstick)])
    return values, "A column of the table, as it stands there."


def raw_column(side: Any, index: int) -> np.ndarray:
    """One column of a side's vectors, (n,) float32."""
    return np.concatenate(
        [np.empty(0), *(side[slice(i, i + 100_000)][:, index].numpy() for i in range(0, len(side), 100_000))]
    )


def imported_numbers(desk: Desk, values: dict[str, Any]) -> Found:
    return by_id(desk, values, np.nan), "An imported column."


def imported_words(desk: Desk, values: dict[str, Any]) -> Found:
    return categories(by_id(desk, values, ""), "An imported column.")

"""Items by filter, samples of a selection, bulk answers, duplicates."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Query

from tacit.data.events import CANNOT_TELL
from tacit.errors import BadData
from tacit.web import bulk, filters, schemas
from tacit.web.desk import Desk, Here
from tacit.web.layouts import title
from tacit.web.open_project import QUICK

if TYPE_CHECKING:
    from tacit.latent.duplicates import Copies

router = APIRouter()
MOST_ROWS = 1_000_000  # that one answer lists
COMPARED = 1000  # codes that are looked at to tell one group from two
SHOWN = 2000  # items of near copies in one answer
PATHS = 20  # of files with the same content
GRAPH = 100_000  # items up to which all neighbours are found in minutes without faiss

Space = Annotated[str | None, Query(max_length=500)]


@router.get("/grid.json")
def grid(order: Annotated[schemas.GridOrder, Query()], desk: Here) -> schemas.GridRecord:
    """Items by filter, in an order, a page of them."""
    known = filters.look_up(desk, order)
    label = filters.label_number(desk, order.label) if order.label else None
    guess = filters.guess_number(desk, order.guess) if order.guess else None
    rows = filters.ordered(filters.matching(known, order, label=label, guess=guess), known, order)
    first = order.page * order.size
    return schemas.GridRecord(
        total=len(rows),
        rows=rows[:MOST_ROWS].tolist(),
        items=desk.items(rows[first : first + order.size]),
        said=said_of(desk, order, len(rows), known.said),
    )


def said_of(desk: Desk, order: schemas.GridOrder, total: int, missing: str) -> str:
    """How many of how many, and what is not among them."""
    yardstick = len(desk.rows.yardstick)
    if order.state == "yardstick":
        parts = [f"{total:,} of {yardstick:,} items of the yardstick"]
    else:
        parts = [f"{total:,} of {len(desk.rows.pool):,} items"]
    if order.state == "all" and yardstick:
        parts.append(f"the yardstick ({yardstick:,} items) is shown on its own")
    if total > MOST_ROWS:
        parts.append(f"the first {MOST_ROWS:,} can be selected at once")
    return "; ".join([*parts, missing] if missing else parts)


@router.post("/api/sample")
def sample(order: schemas.SampleOrder, desk: Here, space: Space = None) -> schemas.Sample:
    """Some of a selection's items that may be answered in bulk, at random: whoever looks at them can say how pure it is."""
    desk.standing.refresh()
    chosen = bulk.selection(desk, order.rows)
    random = np.random.default_rng(order.seed)
    drawn = random.choice(chosen.free, min(order.n, len(chosen.free)), replace=False)
    return schemas.Sample(
        items=desk.items(drawn),
        of=len(chosen.free),
        labeled=chosen.answered,
        yardstick=chosen.yardstick,
        groups=groups(desk, chosen.free, order.seed, space),
        suggestion=suggestion(desk, chosen.free),
    )


def groups(desk: Desk, rows: np.ndarray, seed: int, space: str | None) -> str:
    """Whether these rows of the pool look like one group, by at most 1,000 of them."""
    import torch

    from tacit.latent.groups import looks_like

    if not len(rows):
        return "nothing here may be answered in bulk"
    some = rows
    if len(rows) > COMPARED:
        some = np.sort(np.random.default_rng(seed).choice(rows, COMPARED, replace=False))
    codes = desk.space(space).codes[torch.from_numpy(desk.rows.position[some])]
    said = looks_like(codes, seed=seed)
    return said if some is rows else f"{said}, by {COMPARED:,} at random"


def suggestion(desk: Desk, rows: np.ndarray) -> str | None:
    """The class that more than half of the guesses about these rows of the pool agree on."""
    guesses = desk.guesses()
    if guesses is None:
        return None
    positions = desk.rows.position[rows]
    counts = np.bincount(guesses.best[positions[positions < len(guesses)]], minlength=1)
    best = int(counts.argmax())
    return guesses.classes[best] if 2 * counts[best] > len(rows) else None


@router.post("/api/bulk")
def answer_in_bulk(order: schemas.BulkOrder, desk: Here) -> schemas.Bulk:
    """One answer for all items of a selection that nobody has answered; those of the yardstick are left alone."""
    return bulk.record(desk, order)


@router.post("/api/split")
def split(order: schemas.Rows, desk: Here, space: Space = None) -> schemas.Split:
    """A selection in two groups, the larger one first."""
    import torch

    from tacit.latent.groups import halves

    chosen = np.unique(desk.check(order.rows))
    pool = chosen[desk.rows.is_pool[chosen]]
    name = desk.space_name(space)
    second = halves(desk.space(name).codes[torch.from_numpy(desk.rows.position[pool])]).numpy()
    a, b = pool[~second].tolist(), pool[second].tolist()
    said = f"two groups of {len(a):,} and {len(b):,} items, by k-means in {title(name)}"
    if left := len(chosen) - len(pool):
        said += f"; {bulk.items(left)} of the yardstick left out"
    return schemas.Split(a=a, b=b, said=said)


@router.get("/api/duplicates")
def duplicates(
    desk: Here,
    within: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
    n: Annotated[int, Query(ge=1, le=1000)] = 100,
    space: Space = None,
) -> schemas.Duplicates:
    """Items that are nearly the same, of which one is enough; then items that several files have.

    They are compared as they are, unless a learned space is asked for: one that was learned by contrast tells a picture
    from its JPEG, and overlooks nearly all copies.
    """
    from tacit.latent.duplicates import WITHIN

    name, within = desk.space_name(space or QUICK), WITHIN if within is None else within
    near, step = near_copies(desk, name, within)
    shown = near_groups(desk, near[:n], step)
    exact, files, same = exact_groups(desk, n)
    count = sum(len(copies.others) for copies in near)
    where = " of the items as they are" if name == QUICK else f" in {name}"
    copies = f"{bulk.copies(count)} of {bulk.items(len(near))}" if count else "no near copies"
    parts = [f"{copies} (within {within:g} of the usual distance between neighbours{where})"]
    listed = sum(len(group.others) for group in shown)
    if listed < count:
        parts.append(f"the first {listed:,} copies of {bulk.items(len(shown))} are listed")
    if same:
        parts.append(f"{bulk.items(same)} came in {files:,} files, each content is one item already")
        if len(exact) < same:
            parts.append(f"the first {len(exact):,} of these are listed")
    return schemas.Duplicates(groups=shown + exact, near=count, said="; ".join(parts))


def near_copies(desk: Desk, name: str, within: float) -> tuple[list["Copies"], float]:
    """Groups by their positions in the pool, and how long a typical step is."""
    import importlib.util

    from tacit.latent.duplicates import near_copies

    space = desk.space(name)
    if len(space) > GRAPH and not importlib.util.find_spec("faiss"):
        raise BadData(f"near copies among more than {GRAPH:,} items need faiss\n  get it: pip install 'tacit[ann]'")
    desk.standing.refresh()
    code = desk.standing.code[desk.rows.pool[: len(space)]]
    cannot_tell = desk.standing.number[CANNOT_TELL]
    step = space.step
    found = near_copies(space.codes, space.graph, within * step, kept=code > cannot_tell, never=code == cannot_tell)
    return found, step


def near_groups(desk: Desk, near: list["Copies"], step: float) -> list[schemas.DuplicateGroup]:
    """As many whole groups as fit; of the last its nearest copies."""
    room, taken = SHOWN, []
    for copies in near:
        if room < 2:
            break
        taken.append((copies, np.array([copies.keep, *copies.others[: room - 1]])))
        room -= len(taken[-1][1])
    items = iter(desk.items(desk.rows.pool[np.concatenate([at for _, at in taken])]) if taken else [])
    return [
        schemas.DuplicateGroup(
            keep=next(items),
            others=[next(items) for _ in at[1:]],
            distance=float(copies.distance[len(at) - 2]) / step,
            exact=False,
        )
        for copies, at in taken
    ]


def exact_groups(desk: Desk, n: int) -> tuple[list[schemas.DuplicateGroup], int, int]:
    """The first n items that several files have, most files first; and of how many files and items there are such."""
    found = {
        id_: paths for id_, paths in desk.project.paths_by_id().items() if len(paths) > 1 and id_ in desk.rows.place
    }
    files = Counter({id_: len(paths) for id_, paths in found.items()})
    first = [id_ for id_, _ in files.most_common(n)]
    groups = [
        schemas.DuplicateGroup(keep=item, others=[], distance=0.0, exact=True, paths=found[item.id][:PATHS])
        for item in desk.items([desk.rows.place[id_] for id_ in first])
    ]
    return groups, files.total(), len(found)


@router.post("/api/duplicates")
def keep_one(order: schemas.KeepOne, desk: Here) -> schemas.Said:
    """Keep the first of each group; the others get the answer for cannot tell, so nobody is asked about them."""
    return bulk.set_aside(desk, order)

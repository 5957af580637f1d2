"""The map: where the points lie and what they stand for as binary, columns to colour by, contours, badges."""

from itertools import pairwise
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import Response

from tacit.data.events import CANNOT_TELL
from tacit.errors import WrongUsage
from tacit.web import schemas, views
from tacit.web.columns import column, names, order, suggested
from tacit.web.desk import Desk, Here, Sent
from tacit.web.facts import marked_outliers
from tacit.web.imported import parse
from tacit.web.layouts import Layout, crowd_of, title
from tacit.web.open_project import QUICK
from tacit.web.state import space_info

router = APIRouter()
router.include_router(views.router)

LABELED, SUGGESTED, YARDSTICK, NEAR, OUTLIER, FLAGGED, CANNOT = 1, 2, 4, 8, 16, 32, 64

Space = Annotated[str | None, Query(max_length=200)]
Name = Annotated[str, Query(min_length=1, max_length=500)]
Version = Annotated[str | None, Query(max_length=100)]


@router.get("/map.json")
def map_record(desk: Here, space: Space = None) -> schemas.MapRecord:
    """The map of a space (by default the latest), or what is being done for it. Never waits for a map to be drawn."""
    name = desk.layouts.latest(space)
    wanted = desk.space_name(space)
    waiting = desk.layouts.waiting(name) or (desk.layouts.waiting(wanted) if wanted != name else "")
    layout = desk.layouts.get(name)  # asked for last: where nothing is waited for, it is the final one
    spaces = [space_info(desk, one) for one in (QUICK, *(run.name for run in desk.learned))]
    return schemas.MapRecord(
        ready=layout is not None,
        waiting=waiting,
        space=space_info(desk, name),
        spaces=spaces,
        laid_out=[one.name for one in spaces if is_laid_out(desk, one.name)],
        version="" if layout is None else layout.version,
        points=0 if layout is None else len(layout.rows),
        of=len(desk.rows),
        pool=0 if layout is None else layout.pool,
        made="" if layout is None else layout.made,
        kept=None if layout is None else layout.kept,
        note="" if layout is None else layout.note,
        columns=names(desk, name),
        clusters=[] if layout is None else clusters(desk, layout),
        views=views.kept(desk),
    )


@router.get("/api/map/points.bin", response_class=Response)
def points(desk: Here, space: Space = None, version: Version = None) -> Response:
    """float32, little endian: x and y of every point, in [-1, 1]."""
    layout = shown(desk, space)
    return binary(layout.points.astype("<f4", copy=False), kept=version == layout.version)


@router.get("/api/map/rows.bin", response_class=Response)
def rows(desk: Here, space: Space = None, version: Version = None) -> Response:
    """int32, little endian: the row of the item of every point."""
    layout = shown(desk, space)
    return binary(layout.rows.astype("<i4", copy=False), kept=version == layout.version)


@router.get("/api/map/states.bin", response_class=Response)
def states(desk: Here, space: Space = None) -> Response:
    """uint8: bits of every point; near copies and outliers only once the neighbours of every item are known."""
    layout = shown(desk, space)
    return binary(on_map(desk, layout, bits(desk, layout.space)))


@router.get("/api/map/column.json")
def column_record(desk: Here, name: Name, space: Space = None, yardstick: bool = False) -> schemas.ColumnRecord:
    """What a column means, its labels with counts, its ends. `yardstick` asks for the classes of the yardstick."""
    return column(desk, name, desk.layouts.latest(space), yardstick=yardstick).record()


@router.get("/api/map/column.bin", response_class=Response)
def column_values(desk: Here, name: Name, space: Space = None, yardstick: bool = False) -> Response:
    """Its values at every point: float32 (NaN: none) of numbers, int16 (-1: none) of categories; little endian."""
    layout = shown(desk, space)
    found = column(desk, name, layout.space, yardstick=yardstick)
    values = on_map(desk, layout, found.values)
    return binary(values.astype("<f4" if found.kind == "number" else "<i2", copy=False))


@router.get("/api/map/density.json")
def density(desk: Here, space: Space = None) -> schemas.Density:
    """How crowded the map is, for contour lines."""
    return density_of(shown(desk, space))


@router.post("/api/columns")
def add_columns(desk: Here, file: Sent) -> schemas.ColumnImported:
    """Bring columns along: a CSV with `id`, `path` or `file`, and any others. All of it is taken, or nothing."""
    table = parse(file.file.read(), desk.project.known())
    if not table.items:
        raise WrongUsage(
            f"none of the {table.unknown:,} lines names an item of this project\n  use ids, or paths relative to the source"
        )
    desk.imported.add(table)
    desk.changed()
    return schemas.ColumnImported(columns=list(table.columns), items=table.items, unknown=table.unknown)


def shown(desk: Desk, space: str | None) -> Layout:
    """The layout there is; in words what is being done where there is none."""
    name = desk.layouts.latest(space)
    layout = desk.layouts.get(name)
    if layout is None:
        doing = desk.layouts.waiting(name)
        raise WrongUsage(f"there is no map of {title(name)} yet: {doing}\n  ask again when /map.json says ready")
    return layout


def is_laid_out(desk: Desk, space: str) -> bool:
    """Whether a layout is kept, be it of today's items or of fewer; it is not read for that."""
    return desk.layouts.path(space).is_file()


def binary(values: np.ndarray, *, kept: bool = False) -> Response:
    """Bytes of an array; `kept` where the address names the version of what it holds."""
    cache = "private, max-age=31536000, immutable" if kept else "no-store"
    return Response(values.tobytes(), media_type="application/octet-stream", headers={"cache-control": cache})


def on_map(desk: Desk, layout: Layout, values: np.ndarray) -> np.ndarray:
    """Values (R,) of all items there are, at the points of a layout, which may be older."""
    rows_now = order(desk)
    if np.array_equal(rows_now, layout.rows):
        return values
    place = np.empty(len(rows_now), dtype=np.int64)
    place[rows_now] = np.arange(len(rows_now))
    return values[place[layout.rows]]


def bits(desk: Desk, space: str) -> np.ndarray:
    """The states of all items, (R,) uint8, in the order of the map."""
    desk.standing.refresh()
    rows_now, pool = order(desk), len(desk.rows.pool)
    code, cannot = desk.standing.code[rows_now], desk.standing.number[CANNOT_TELL]
    is_yardstick = np.arange(len(rows_now)) >= pool
    found = np.zeros(len(rows_now), dtype=np.uint8)
    for bit, has in (
        (LABELED, code > cannot),
        (CANNOT, code == cannot),
        (SUGGESTED, suggested(desk) & (code < cannot)),
        (YARDSTICK, is_yardstick),
        (FLAGGED, flagged(desk)[rows_now]),
    ):
        found[has] |= np.uint8(bit)
    graph = desk.facts.get(space, "graph")
    if not isinstance(graph, str) and "near" in graph.arrays:
        near, outlier = graph.arrays["near"], marked_outliers(graph.arrays["outlier"])
        found[: len(near)][near] |= np.uint8(NEAR)
        found[: len(near)][outlier] |= np.uint8(OUTLIER)
    return found


def flagged(desk: Desk) -> np.ndarray:
    """(R,) bool, by row."""
    found = np.zeros(len(desk.rows), dtype=bool)
    found[[desk.rows.place[item] for item in desk.project.labels.flags() if item in desk.rows.place]] = True
    return found


def density_of(layout: Layout) -> schemas.Density:
    values = np.round(layout.crowd, 4)
    return schemas.Density(rows=values.shape[0], cols=values.shape[1], values=values.ravel().tolist())


def clusters(desk: Desk, layout: Layout) -> list[schemas.Cluster]:
    """The groups of the space as badges; none while they are being looked for."""
    fact = desk.facts.get(layout.space, "groups")
    if isinstance(fact, str):
        return []
    group = fact.arrays["group"][: layout.pool]
    desk.standing.refresh()
    code = desk.standing.code[layout.rows[: len(group)]]
    by_group = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[by_group], np.arange(int(group.max(initial=-1)) + 2))
    found = []
    for id_, (begin, end) in enumerate(pairwise(ends.tolist())):
        members = by_group[begin:end]
        if len(members):
            found.append(badge(desk, id_, layout.points[members], code[members]))
    return found


def badge(desk: Desk, id_: int, places: np.ndarray, code: np.ndarray) -> schemas.Cluster:
    """One group: `places` (m, 2) of its members and their answers (m,)."""
    from tacit.evaluate.intervals import wilson
    from tacit.web.layouts import cells

    said = code[code > desk.standing.number[CANNOT_TELL]]
    majority, purity = None, None
    if len(said):
        counts = np.bincount(said)
        majority = desk.standing.names[int(counts.argmax())]
        share = wilson(int(counts.max()), len(said))
        purity = schemas.Interval(value=share.value, low=share.low, high=share.high)
    across, up = cells(places)
    densest = int(crowd_of(places)[up, across].argmax())  # a mean may lie where no member is
    x, y = (float(at) for at in places[densest])
    return schemas.Cluster(id=id_, rows_of=len(places), labeled=len(said), majority=majority, purity=purity, x=x, y=y)

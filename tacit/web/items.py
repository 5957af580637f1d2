"""Items: pictures and sounds of them, what is known about one, and finding them by words or by a dropped file."""

import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Query, Response

from tacit.data.pictures import content_of
from tacit.errors import UnknownName
from tacit.web import pictures, schemas, searching
from tacit.web.cells import cells_of
from tacit.web.decoding import SpaceName, codes_of, row_numbers, space_of
from tacit.web.desk import Desk, Here, OtherProject, Sent

router = APIRouter(prefix="/api")

MOST = 500  # items described at once
NEAR = 15  # items around one on the map that count as near
TRUSTED = 0.3  # share of true neighbours near on the map; below it a person is warned
FOREVER = "private, max-age=31536000, immutable"  # the address holds the hash of the content
AGAIN = "private, no-cache"  # kept, but asked about every time

Tag = Annotated[str, Header(alias="if-none-match")]


def sends(*kinds: str, also: int) -> dict[str, Any]:
    """What OpenAPI says of a route that sends no JSON; `also` is its other good status."""
    content: dict[str, Any] = {"content": {kind: {} for kind in kinds}}
    other: dict[int, dict[str, Any]] = {
        304: {"description": "as it was"},
        206: {"description": "the part asked for", **content},
    }
    return {"response_class": Response, "responses": {200: content, also: other[also]}}


@router.get("/items")
def some(desk: Here, rows: Annotated[str, Query(max_length=10_000)]) -> list[schemas.Item]:
    """Up to 500 items by their rows, in this order."""
    return desk.items(row_numbers(rows, MOST))


@router.get("/items/{row}")
def details(
    desk: Here, row: int, n: Annotated[int, Query(ge=1, le=50)] = 8, space: SpaceName = None
) -> schemas.ItemDetails:
    """All that is known about an item, with its neighbours in the full space.

    Neighbours of an item of the yardstick come without answers and guesses: whoever answers it must not be led.
    """
    item = desk.item(row)
    files = desk.project.files_of(item.id)
    near = neighbours(desk, row, n, space)
    agree = agreement(desk, row, [each.item.row for each in near], space)
    return schemas.ItemDetails(
        item=item,
        paths=[path for path, _ in files],
        size=files[0][1] if files else None,
        there=is_there(desk, [path for path, _ in files]),
        history=[answered(event) for event in desk.project.labels.history(item.id)],
        neighbours=near,
        agree=agree,
        warning=warning(agree, len(near)),
    )


@router.get("/items/{row}/cells")
def cells(desk: Here, row: int) -> schemas.Cells:
    """What tables say of an item: the numbers it consists of, and what was imported about it; the first 200 columns."""
    return cells_of(desk, row)


@router.get("/items/{row}/thumb", **sends("image/png", also=304))
def thumb(
    desk: Here, row: int, size: Annotated[int, Query(ge=16, le=320)] = 160, v: str = "", if_none_match: Tag = ""
) -> Response:
    """A small PNG from the packed item: there at once, and also when the file is gone."""
    version = meant(desk, row, v)[:12]
    headers = {"etag": f'"{version}-{size}"', "cache-control": FOREVER if v == version else AGAIN}
    if headers["etag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(pictures.thumb(desk, row, size), media_type="image/png", headers=headers)


@router.get("/items/{row}/picture", **sends("image/png", "image/jpeg", also=304))
def picture(desk: Here, row: int, v: str = "", if_none_match: Tag = "") -> Response:
    """The original file, decoded and encoded anew; of items that are no pictures in files, a large small picture."""
    id_ = meant(desk, row, v)
    if not in_files(desk) or desk.project.sides[0].spec.kind != "image":
        return thumb(desk, row, pictures.DRAWN, v, if_none_match)
    path = pictures.there(desk.project.settings.source, [path for path, _ in desk.project.files_of(id_)])
    status = path.stat()
    headers = {"etag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"', "cache-control": AGAIN}  # it may be edited
    if headers["etag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    body, kind = pictures.original(path, path.name)
    with path.open("rb") as file:
        same = content_of(file) == id_
    if not same:  # whoever answers must see what will be learned from
        raise UnknownName(
            f"{path.name} was changed since the latest scan, and is another picture now\n"
            "  look again on the Look page; the small picture of this one is kept in the project"
        )
    return Response(body, media_type=kind, headers=headers)


@router.get("/items/{row}/sound.wav", **sends("audio/wav", also=206))
def sound(desk: Here, row: int, v: str = "", asked: Annotated[str, Header(alias="range")] = "") -> Response:
    """The packed item as a WAV file, or the part of it that a player asks for."""
    from tacit.report.sounds import wav

    version, spec = meant(desk, row, v)[:12], desk.project.sides[0].spec
    if spec.kind != "sound":
        raise UnknownName(f"item {row} is no sound: the items here are {spec.kind}s")
    body = wav(pictures.item(desk, row), spec.rate)
    headers = {"accept-ranges": "bytes", "cache-control": FOREVER if v == version else AGAIN}
    part = part_of(len(body), asked)
    if part is None:
        return Response(body, media_type="audio/wav", headers=headers)
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{len(body)}"
    return Response(body[part.start : part.stop], 206, media_type="audio/wav", headers=headers)


def meant(desk: Desk, row: int, version: str) -> str:
    """The id of the item in a row. A browser asks for pictures without saying for which project; the address says for
    which item: a page of another project must not show the one that has the same row here."""
    id_ = desk.ids_of([row])[0]
    if version not in ("", id_[:12]):
        raise OtherProject(f"row {row} is another item here\n  load the page again")
    return id_


@router.get("/search")
def search(
    desk: Here, text: Annotated[str, Query(max_length=500)] = "", n: Annotated[int, Query(ge=1, le=500)] = 24
) -> schemas.Found:
    """Items whose path or class holds these words, or whose id begins with them; upper and lower case alike."""
    return searching.by_text(desk, text, n)


@router.post("/search")
def search_file(
    desk: Here, file: Sent, n: Annotated[int, Query(ge=1, le=500)] = 24, space: SpaceName = None
) -> schemas.Found:
    """Items like a dropped picture or sound, and where it lies on the map. The file is not kept."""
    return searching.by_file(desk, file.file.read(), file.filename or "", n, space)


# what is known about one


def neighbours(desk: Desk, row: int, n: int, name: str | None) -> list[schemas.Neighbour]:
    """The n items of the pool nearest in the full space, itself left out."""
    space, at = space_of(desk, name), int(desk.rows.position[row])
    own = bool(desk.rows.is_pool[row]) and at < len(space)
    if own and "graph" in vars(space) and n <= space.graph.index.shape[1]:
        index, distance = space.graph.index[at, :n], space.graph.distance[at, :n]
    else:
        far, found = space.nearest(codes_of(desk, space, [row]).to(space.codes.dtype), n + own)
        kept = [i for i in range(found.shape[1]) if not own or int(found[0, i]) != at][:n]
        index, distance = found[0, kept], far[0, kept]
    return searching.near_items(desk, index, distance, blind=not desk.rows.is_pool[row])


def agreement(desk: Desk, row: int, near: list[int], name: str | None) -> float | None:
    """The share of these rows that are among the nearest 15 on the map as well; None where one is not on the map."""
    layout = desk.layouts.get(desk.space_name(name))
    if layout is None or not near or not desk.rows.is_pool[row]:
        return None
    rows, points = layout.rows[: layout.pool], layout.points[: layout.pool]
    own = np.flatnonzero(rows == row)
    if not len(own):
        return None
    away = np.square(points - points[own[0]]).sum(1)
    away[own[0]] = np.inf
    k = min(max(NEAR, len(near)), len(rows) - 1)
    on_map = rows[np.argpartition(away, k)[:k]]
    return float(np.isin(near, on_map).mean())


def warning(agree: float | None, n: int) -> str:
    if agree is None or agree >= TRUSTED:
        return ""
    return (
        f"Map and space disagree here: {round(agree * n)} of its {n} nearest items are among the {max(NEAR, n)} nearest "
        "on the map. Believe the neighbours: a map in two dimensions cannot keep all of them."
    )


def answered(event: Any) -> schemas.Answered:
    fields = schemas.Answered.model_fields
    return schemas.Answered(**{name: getattr(event, name) for name in fields})


def in_files(desk: Desk) -> bool:
    """Whether every item came from a file of its own."""
    from tacit.data.form import load_form

    return load_form(desk.folder).source == "folder"


def is_there(desk: Desk, names: list[str]) -> bool:
    source: Path = desk.project.settings.source
    if not in_files(desk):
        return source.is_file()
    try:
        return bool(pictures.there(source, names))
    except UnknownName:
        return False


def part_of(length: int, asked: str) -> range | None:
    """The bytes that a Range header names; None for all, also where it names several parts or none that there are."""
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", asked.strip())
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, length - int(last))
    stop = min(length, int(last) + 1) if first and last else length
    return range(start, stop) if start < stop else None

"""Finding items: by words in what they are called, or by being like a file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from tacit.data import pictures as files
from tacit.data import sound
from tacit.errors import BadData, WrongUsage
from tacit.web import pictures, schemas
from tacit.web.decoding import space_of
from tacit.web.desk import Desk

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST_ID = 4  # characters; fewer begin very many ids
BESIDE = 3  # items that a dropped file lies between on the map, as those of the yardstick do


def by_text(desk: Desk, text: str, n: int) -> schemas.Found:
    """The first n items, those called exactly so before the others; `said` tells how many there are."""
    wanted = text.strip().casefold()
    if not wanted:
        return schemas.Found(items=[], place=None, said="type a part of a path, a class, or the beginning of an id")
    exact: dict[int, bool] = {}
    for row, same in (*in_paths(desk, wanted), *in_classes(desk, wanted), *in_ids(desk, wanted)):
        exact[row] = exact.get(row, False) or same
    rows = sorted(exact, key=lambda row: (not exact[row], row))
    items = [schemas.Neighbour(item=item, distance=0.0) for item in desk.items(rows[:n])]
    return schemas.Found(items=items, place=None, said=counted(len(rows), n))


def counted(found: int, n: int) -> str:
    if found > n:
        return f"the first {n:,} of {found:,} items"
    return "no item: neither a path, nor a class, nor an id" if not found else f"{found:,} item{'s' * (found != 1)}"


def in_paths(desk: Desk, wanted: str) -> Iterator[tuple[int, bool]]:
    for id_, paths in desk.project.paths_by_id().items():
        hits = [path for path in paths if wanted in path.casefold()]
        if hits and id_ in desk.rows.place:
            names = {name.casefold() for path in hits for name in (path, PurePath(path).name, PurePath(path).stem)}
            yield desk.rows.place[id_], wanted in names


def in_classes(desk: Desk, wanted: str) -> Iterator[tuple[int, bool]]:
    desk.standing.refresh()
    for code, name in enumerate(desk.standing.names):
        if wanted in name.casefold():
            for row in np.flatnonzero(desk.standing.code == code):
                yield int(row), wanted == name.casefold()


def in_ids(desk: Desk, wanted: str) -> Iterator[tuple[int, bool]]:
    if len(wanted) >= SHORTEST_ID:
        for id_, row in desk.rows.place.items():
            if id_.casefold().startswith(wanted):
                yield row, True


def by_file(desk: Desk, body: bytes, name: str, n: int, space_name: str | None) -> schemas.Found:
    """The n items nearest to a picture or a sound, and the place on the map between the three nearest."""
    x = read(desk, body, name)
    space = space_of(desk, space_name)
    with desk.model_lock:
        z = space.encode(x).to(space.codes.dtype)
    distance, index = space.nearest(z, max(n, BESIDE))
    near = near_items(desk, index[0, :n], distance[0, :n])
    said = f"the {len(near):,} of {len(space):,} items nearest to {shown_name(name)}"
    return schemas.Found(
        items=near, place=place(desk, desk.rows.pool[index[0, :BESIDE].numpy()], space_name), said=said
    )


def near_items(desk: Desk, index: "Tensor", distance: "Tensor", *, blind: bool = False) -> list[schemas.Neighbour]:
    """Positions in the pool (n,) as items; `blind` leaves out all that could lead an answer."""
    items = desk.items(desk.rows.pool[index.numpy()])
    if blind:
        items = [item.model_copy(update={"label": None, "guess": None}) for item in items]
    return [schemas.Neighbour(item=item, distance=float(away)) for item, away in zip(items, distance, strict=True)]


def read(desk: Desk, body: bytes, name: str) -> "Tensor":
    """A file as an item of this project, floats (1, *item); BadData where it cannot be one."""
    import torch

    from tacit.data.like import read_file

    spec = desk.project.sides[0].spec
    if spec.kind == "vector":
        raise BadData("the items here are vectors, and a file is none\n  search by words instead")
    suffix, kinds = PurePath(name).suffix.lower(), {"image": files.EXTENSIONS, "sound": sound.EXTENSIONS}
    other = kinds["sound" if spec.kind == "image" else "image"]
    if suffix[1:] in other:
        raise BadData(f"{shown_name(name)} is no {spec.kind}, and the items here are {spec.kind}s\n  drop one of those")
    if suffix[1:] not in kinds[spec.kind]:
        suffix = ".png" if spec.kind == "image" else ".wav"  # what is in a file tells, not what it is called
    with tempfile.TemporaryDirectory(prefix="tacit-") as folder, pictures.one_at_a_time:
        path = Path(folder) / f"dropped{suffix}"
        path.write_bytes(body)
        if spec.kind == "image":
            pictures.check_size(path, shown_name(name))
        try:
            rows = read_file(path, desk.folder)
        except (BadData, WrongUsage) as error:
            raise BadData(str(error).replace(str(path), shown_name(name))) from error
    return spec.to_float(torch.from_numpy(rows))


def shown_name(name: str) -> str:
    """What a person called the file, as far as it can be shown."""
    return "".join(c if c.isprintable() else "?" for c in PurePath(name).name)[:100] or "the file"


def place(desk: Desk, rows: np.ndarray, name: str | None) -> tuple[float, float] | None:
    """The middle of these items on the map; None where there is no map yet."""
    layout = desk.layouts.get(desk.space_name(name))
    if layout is None:
        return None
    points = layout.points[np.isin(layout.rows, rows)]
    if not len(points):
        return None
    x, y = points.mean(0)
    return float(x), float(y)

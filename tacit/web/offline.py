"""The map as one HTML file: to be sent around, opened without a server, and without a network."""

import base64
import hashlib
import html
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.events import CANNOT_TELL
from tacit.disk import write_atomic
from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.outcome import Outcome
from tacit.web import app, maps, pictures
from tacit.web.columns import Column, column, names, suggested
from tacit.web.desk import Desk
from tacit.web.layouts import Layout, title
from tacit.web.state import space_info

SIDE = 48  # pixels of a picture's longer side
PICTURE_BYTES = 12 * 2**20  # of all pictures together
FEATURES = 20  # columns of a table that go along


class Reader(Desk):
    """A desk at which nobody works: it starts no jobs, and leaves those of a server alone."""

    def open(self) -> None:
        from tacit.project import Project

        self._project = Project(self.folder)
        self.ready.set()


def write_map(folder: Path, to: Path | None, *, overwrite: bool = False) -> Outcome:
    """Write the map of a project's latest space, with its columns and as many pictures as fit."""
    if to is not None and to.exists() and not overwrite:
        raise WrongUsage(f"{to} is there already\n  choose another name with --to, or add --overwrite")
    script, style = built()
    desk = Reader(folder)
    desk.open()
    layout = drawn(desk)
    record = data(desk, layout)
    path = to or folder / "reports" / f"map-{time.strftime('%Y%m%d-%H%M%S')}.html"
    write_atomic(path, page(record, script, style))
    told = {"path": str(path), "items": len(layout.rows), "pictures": len(record["thumbs"])}
    return Outcome(told, [*(f"  {line}" for line in record["said"]), f"map: {path}"])


def built() -> tuple[str, str]:
    """The script and the style of the file."""
    script, style = app.DIST / "offline.js", app.DIST / "offline.css"
    if not script.is_file() or not style.is_file():
        raise BadEnvironment("the page has not been built\n  build it: make page")
    return script.read_text(encoding="utf-8"), style.read_text(encoding="utf-8")


def drawn(desk: Desk) -> Layout:
    """The final layout of the latest space, drawn now where it has not been yet; with groups and neighbours."""
    name = desk.space_name()
    while doing := desk.layouts.waiting(name):
        desk.layouts.background.finish()
        if doing in desk.layouts.background.failures.values():
            raise BadData(doing)
    for kind in ("groups", "density", "graph"):
        desk.facts.get(name, kind)
    desk.layouts.background.finish()
    layout = desk.layouts.get(name)
    assert layout is not None
    return layout


def data(desk: Desk, layout: Layout) -> dict[str, Any]:
    """What the page reads: page/src/map/packed.ts."""
    told: list[str] = []
    columns = [packed(desk, layout, one) for one in chosen(desk, layout.space, told)]
    thumbs = pictures_of(desk, layout, told)
    paths = {id_: path for id_, path, _ in desk.project.seen()}
    ids = desk.rows.ids[layout.rows]
    return {
        "name": str(desk.project.settings.get("name", desk.folder.stem)),
        "said": [*facts(desk, layout), *told],
        "pool": layout.pool,
        "points": text64(layout.points.astype("<f4", copy=False)),
        "states": text64(maps.on_map(desk, layout, maps.bits(desk, layout.space))),
        "columns": columns,
        "names": [paths.get(id_, id_) for id_ in ids.tolist()],
        "thumbs": thumbs,
        "density": maps.density_of(layout).model_dump(),
        "clusters": [cluster.model_dump() for cluster in maps.clusters(desk, layout)],
    }


def facts(desk: Desk, layout: Layout) -> list[str]:
    """Where the map comes from, how far it can be believed, and what was known when it was written."""
    space, pool = space_info(desk, layout.space), layout.pool
    desk.standing.refresh()
    answered = desk.standing.code[desk.rows.pool] > desk.standing.number[CANNOT_TELL]
    weights = f", weights {space.hash}" if space.hash else ""
    said = [
        f"{pool:,} items to learn from and {len(layout.rows) - pool:,} to measure on; all of them are drawn.",
        f"Space: {title(space.name)} ({space.method}, seed {space.seed}{weights})."
        if space.learned
        else "Nothing has been learned yet: the map is that of the items themselves.",
        f"Map: {layout.made}; {100 * layout.kept:.0f} % of an item's 15 nearest are among its 15 nearest here. {layout.note}",
        f"{int(answered.sum()):,} of {pool:,} items labelled; written {time.strftime('%Y-%m-%d %H:%M')}.",
    ]
    return [line.strip() for line in said]


def chosen(desk: Desk, space: str, told: list[str]) -> list[Column]:
    """The columns that go along; what is left out is told."""
    from tacit.web.columns import FEATURE

    found = names(desk, space)
    features = [one.name for one in found if one.name.startswith(FEATURE)]
    if len(features) > FEATURES:
        told.append(f"{FEATURES} of {len(features):,} columns of the table are in this file, the first ones.")
    left_out = {*features[FEATURES:], "rebuilt"}  # every item would have to be decoded
    if any(one.name == "rebuilt" for one in found):
        told.append("Reconstruction errors are not in this file.")
    return [column(desk, one.name, space) for one in found if one.name not in left_out]


def packed(desk: Desk, layout: Layout, one: Column) -> dict[str, Any]:
    values = maps.on_map(desk, layout, one.values)
    stored = values.astype("<f4" if one.kind == "number" else "<i2", copy=False)
    record = one.record().model_dump(exclude={"missing"})
    return record | {"title": one.title, "data": text64(stored)}


def pictures_of(desk: Desk, layout: Layout, told: list[str]) -> dict[int, str]:
    """Pictures by the number of their point: labelled and suggested items first, then others at random."""
    asked = maps.on_map(desk, layout, suggested(desk)) | (desk.standing.code[layout.rows] >= 0)
    wanted = np.random.default_rng(0).permutation(len(layout.rows))
    wanted = wanted[np.argsort(~asked[wanted], kind="stable")]
    found: dict[int, str] = {}
    room = PICTURE_BYTES
    for point in wanted.tolist():
        address = picture(desk, int(layout.rows[point]))
        if (room := room - len(address)) < 0:
            break
        found[point] = address
    if len(found) < len(layout.rows):
        order = "labelled and suggested ones first, then others at random"
        told.append(f"{len(found):,} of {len(layout.rows):,} items have a picture in this file: {order}.")
    return found


def picture(desk: Desk, row: int) -> str:
    """A small picture of an item as an address that holds it."""
    image = pictures.drawn(pictures.item(desk, row), desk.project.pool.spec, SIDE)
    image.thumbnail((SIDE, SIDE))
    kind = "JPEG" if image.mode == "RGB" else "PNG"
    return f"data:image/{kind.lower()};base64,{base64.b64encode(pictures.encoded(image, kind)).decode('ascii')}"


def page(record: dict[str, Any], script: str, style: str) -> str:
    """The whole file. Its policy lets only this script and this style in, and nothing out."""
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")  # inside its strings
    held = json.dumps(record, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    policy = f"default-src 'none'; script-src {sha256(script)}; style-src {sha256(style)}; img-src data:"
    name = html.escape(record["name"]).encode("utf-8", "replace").decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}: the map</title>
<style>{style}</style>
</head>
<body>
<div id="page"></div>
<noscript>This map needs JavaScript; it asks nobody for anything.</noscript>
<script type="application/json" id="data">{held}</script>
<script>{script}</script>
</body>
</html>
"""


def sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def text64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")

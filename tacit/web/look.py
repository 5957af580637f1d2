"""The record of the page Look: what the latest scan found, and a new scan."""

import csv
import threading
from collections import Counter
from contextlib import closing
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tacit.web import schemas
from tacit.web.desk import Desk
from tacit.web.due import answered

if TYPE_CHECKING:
    from tacit.data.packed import Packed

SOME = 200  # names of files that are listed
_scanning = threading.Lock()


def look_of(desk: Desk) -> schemas.LookRecord:
    """What is known without touching the source."""
    project = desk.project
    if not hasattr(project, "packed"):
        project.packed = remembered(desk)
    packed = project.packed
    labeled = answered(desk)[0]
    measured = int((desk.standing.code[desk.rows.yardstick] > 0).sum())
    said = f"labels: {labeled:,} in the pool, {measured:,} in the yardstick"
    counted = {"project": str(desk.folder), "labels": labeled, "yardstick_labels": measured}
    gone = items_without_file(desk)
    return schemas.LookRecord(
        found={**packed.to_dict(), **counted},
        lines=[*packed.lines(), said],
        skipped=[(path, reason) for path, reason in packed.skipped[:SOME]],
        skipped_count=len(packed.skipped),
        gone=desk.vanished[:SOME],
        gone_count=max(gone, len(desk.vanished)),
    )


def scan(desk: Desk) -> schemas.LookRecord:
    """Look at the source again; one scan at a time."""
    with _scanning:
        project = desk.project
        before = paths_of(desk)
        packed = project.refresh()
        if packed.changed or packed.items != len(desk.rows):  # another process may have looked before
            after = paths_of(desk)
            desk.vanished = sorted((before | set(desk.vanished)) - after)
            desk.forget_items()
    return look_of(desk)


def paths_of(desk: Desk) -> set[str]:
    from tacit.data.store import connect

    with closing(connect(desk.folder / "project.db")) as db:
        return {path for (path,) in db.execute("SELECT path FROM files")}


def items_without_file(desk: Desk) -> int:
    from tacit.data.store import connect

    with closing(connect(desk.folder / "project.db")) as db:
        query = "SELECT COUNT(*) FROM items WHERE id NOT IN (SELECT id FROM files)"
        return int(db.execute(query).fetchone()[0])


def remembered(desk: Desk) -> "Packed":
    """What the latest scan found, whoever made it: from the tables it left."""
    from tacit.data.form import load_form
    from tacit.data.packed import Packed
    from tacit.data.store import connect

    form = load_form(desk.folder)
    with closing(connect(desk.folder / "project.db")) as db:
        contents = int(db.execute("SELECT COUNT(DISTINCT id) FROM files").fetchone()[0])
        classes = [answer for (answer,) in db.execute("SELECT DISTINCT answer FROM truth ORDER BY answer")]
    paths = [PurePosixPath(path) for path in paths_of(desk)]
    of_files = form.source == "folder"
    rows = desk.rows
    return Packed(
        source=str(desk.project.settings.source), kind=form.source, items=len(rows), pool=len(rows.pool),
        yardstick=len(rows.yardstick), added=len(rows), found=len(paths), gone=0, duplicates=len(paths) - contents,
        extensions=dict(Counter(path.suffix.lstrip(".").lower() for path in paths).most_common()) if of_files else {},
        other_files={}, folders=len({path.parent for path in paths}) if of_files else 0, conflicts=form.conflicts,
        skipped=skipped(desk), changed=True, item_kind=form.item_kind, shape=form.shape, rate=form.rate,
        aspect=form.aspect if form.item_kind == "image" else None, modes=form.modes, smallest=form.smallest,
        largest=form.largest, truth_classes=classes, notes=list(form.notes), seconds=0.0,
    )  # fmt: skip


def skipped(desk: Desk) -> list[tuple[str, str]]:
    """What could not be read, and why."""
    from tacit.data.pack import SKIPPED

    try:
        with (desk.folder / SKIPPED).open(encoding="utf-8", errors="replace", newline="") as file:
            return [(row[0], row[1]) for row in list(csv.reader(file))[1:] if len(row) == 2]
    except OSError:
        return []

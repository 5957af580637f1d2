"""What tables say of one item: its own columns as they stand there, and columns that somebody brought along."""

from typing import TYPE_CHECKING

import numpy as np

from tacit.web import schemas

if TYPE_CHECKING:
    from tacit.web.desk import Desk

MOST = 200  # columns shown of one item


def cells_of(desk: "Desk", row: int) -> schemas.Cells:
    """Numbers of a vector with how unusual they are in the pool; then imported columns."""
    id_ = desk.ids_of([row])[0]
    found = vector(desk, row) if desk.project.sides[0].spec.kind == "vector" else []
    for name, values in desk.imported.columns().items():
        if (value := values.get(id_)) is not None:
            found.append(schemas.Cell(name=name, value=value, unusual=None))
    return schemas.Cells(cells=found[:MOST], more=max(0, len(found) - MOST))


def vector(desk: "Desk", row: int) -> list[schemas.Cell]:
    from tacit.data.form import load_form  # with torch, which takes seconds to load

    side, at = desk.project.sides[0 if desk.rows.is_pool[row] else 1], [int(desk.rows.position[row])]
    numbers, unusual = side[at].flatten().tolist(), side.floats(at).flatten().tolist()
    names = load_form(desk.folder).columns or [f"number {i + 1}" for i in range(len(numbers))]
    return [
        schemas.Cell(name=name, value=value, unusual=far if np.isfinite(far) else None)
        for name, value, far in zip(names, numbers, unusual, strict=True)
    ]

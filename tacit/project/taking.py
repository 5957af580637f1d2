"""The verbs `export` and `predict`: what a person takes away."""

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.data.pack import open_items, pack
from tacit.data.pool import Items
from tacit.data.spec import ItemSpec
from tacit.data.store import connect
from tacit.deploy.export import export, load
from tacit.deploy.onnx import export_onnx
from tacit.deploy.predict import Predictions, predict
from tacit.errors import WrongUsage
from tacit.outcome import Outcome
from tacit.project.home import Home
from tacit.project.measuring import measure


def export_run(project: Home, name: str | None, to: Path | None, *, onnx: bool) -> Outcome:
    """A folder that runs anywhere: weights, configuration, a card, and an ONNX file, both checked on real items."""
    run = project.run(name, "train")
    model = load(run.folder, trust_code=True)
    folder = to or project.folder / "exports" / run.name
    measured = measure(project, model)
    card: dict[str, Any] = {
        "project": project.settings.get("name"),
        "run": run.name,
        "labels": run.record.get("labels"),
        "items": run.record.get("items"),
    }
    if measured:
        a = measured[0].accuracy
        card["accuracy"] = f"{a.value:.1%} [{a.low:.1%}, {a.high:.1%}] on {measured[0].n} yardstick items"
    done = export(model, run.record["method"], folder, pool=project.pool, card=card)
    lines = [
        f"wrote {folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}",
        "checked: reloaded, it answers as before on real items",
    ]
    record: dict[str, Any] = {"folder": str(folder), "bytes": done.bytes}
    if onnx:
        checked = export_onnx(model, folder / "model.onnx", project.pool)
        record["onnx"] = {"largest_difference": checked.difference, "items": checked.items}
        lines.append(
            f"model.onnx: differs from torch by at most {checked.difference:.1e} on {checked.items} real items"
        )
    lines.append(f'load it anywhere: tacit.load("{folder}")')
    return Outcome(record, lines)


def predict_items(
    project: Home,
    source: Path | None,
    *,
    run: str | None = None,
    to: str | Path = "predictions.csv",
    abstain_below: float = 0.0,
    overwrite: bool = False,
) -> Outcome:
    """Apply a trained model to the project's own items, or to a folder, an array file or a table; one row a path."""
    to = Path(to)
    if to.exists() and not overwrite:
        raise WrongUsage(f"{to} is there already\n  choose another name with --to, or add --overwrite")
    used = project.run(run, "train")
    model = load(used.folder, trust_code=True)
    with contextlib.ExitStack() as stack:
        folder, items = project.folder, [project.pool, project.yardstick]
        if source is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tacit-predict-")))
            items = [read_like(model.spec, source, folder)]
        names, parts = [], []
        for some in items:
            paths, rows = places(folder, some)
            answers = predict(model, some, abstain_below=abstain_below)
            names += paths
            parts.append(answers.p[rows])
    found = Predictions(names, list(model.spec.classes), torch.cat(parts), abstain_below)
    found.write_csv(to)
    record = {"path": str(to), "rows": len(found), "without_label": found.abstained, "run": used.name}
    return Outcome(record, [*found.lines(), f"wrote {to} ({used.name})"])


def read_like(spec: ItemSpec, source: Path, folder: Path) -> Items:
    """Items of another source in the form a model takes: its size, its channels."""
    square = spec.kind == "image" and spec.shape[1] == spec.shape[2]
    pack(source, folder, size=spec.shape[1] if square else None, yardstick=0)
    items, _ = open_items(folder)
    if spec.kind == "image" and items.spec.kind == "image" and items.spec.shape[0] != spec.shape[0]:
        return recoloured(items, spec.shape[0])
    return items


def recoloured(items: Items, channels: int) -> Items:
    """Grey images as colour ones, or colour ones as grey (ITU-R 601 luma, as Pillow does it)."""
    shape = (channels, *items.spec.shape[1:])
    out = np.empty((len(items), *shape), dtype=np.uint8)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    for i in range(0, len(items), 1000):
        x = items[slice(i, i + 1000)]
        out[i : i + 1000] = x.expand(-1, *shape) if channels == 3 else (x * weights).sum(1, keepdim=True).round()
    return type(items)(replace(items.spec, shape=shape), out, ids=items.ids)


def places(folder: Path, items: Items) -> tuple[list[str], Tensor]:
    """Every path of these items and the item's position: duplicates share an item and get the same answer."""
    with contextlib.closing(connect(folder / "project.db")) as db:
        found = db.execute("SELECT path, id FROM files ORDER BY path").fetchall()
    rows = items.find([id_ for _, id_ in found])
    return [path for (path, _), row in zip(found, rows.tolist(), strict=True) if row >= 0], rows[rows >= 0]

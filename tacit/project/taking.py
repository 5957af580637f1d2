"""The verbs `export` and `predict`: what a person takes away."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.data.like import read_like
from tacit.data.pool import Items
from tacit.deploy.export import export, load
from tacit.deploy.onnx import export_onnx
from tacit.deploy.predict import Predictions, predict
from tacit.errors import BadData, WrongUsage
from tacit.evaluate.suspects import suspects_of
from tacit.methods.method import Method
from tacit.outcome import Outcome
from tacit.project.choosing import current_space
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
    if calibrated := run.record.get("calibration"):
        card["confidence"] = (
            f"calibrated, temperature {calibrated['temperature']:.2f} from {calibrated['n']} held-out labels"
        )
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
    check: str | Path | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Apply a trained model to the project's own items, or to a folder, an array file or a table; one row a path.

    `check` is a second table, of the project's answers that are worth checking.
    """
    to, check = Path(to), Path(check) if check else None
    if check and source is not None:
        raise WrongUsage(
            f"--check is about the answers of the project, and {source} has none\n  try: tacit predict --check {check}"
        )
    for path, option in ((to, "--to"), (check, "--check")):
        if path and path.exists() and not overwrite:
            raise WrongUsage(f"{path} is there already\n  choose another name with {option}, or add --overwrite")
    used = project.run(run, "train")
    model = load(used.folder, trust_code=True)
    names, p, failed = own_items(project, model) if source is None else other_items(project, model, source)
    found = Predictions(names, list(model.spec.classes), p, abstain_below)
    found.write_csv(to)
    lines = [*found.lines(), f"wrote {to} ({used.name})"]
    if failed:
        lines.append(f"passed over {len(failed)} that cannot be read: {', '.join(path for path, _ in failed[:5])}")
    record = {"path": str(to), "rows": len(found), "without_label": found.abstained, "run": used.name, "failed": failed}
    if check:
        checked = worth_checking(project, check)
        return Outcome(record | checked.record, lines + checked.lines)
    return Outcome(record, lines)


def worth_checking(project: Home, to: Path) -> Outcome:
    """Write the answers that disagree with their neighbours in the learned space as a table to fill in."""
    space, notes = current_space(project)
    classes = project.classes
    found = suspects_of(space.codes, project.answers(project.pool), len(classes), seed=project.seed)
    if not len(found):
        return Outcome({"check": None, "worth_checking": 0}, [*notes, f"none of {found.of} answers is worth checking"])
    ids = [str(id_) for id_ in project.pool.ids[found.index.numpy()]]
    found.write_csv(to, ids, project.paths(ids), classes)
    lines = [
        *notes,
        f"{len(found)} of {found.of} answers are worth checking: wrote {to}, the most doubtful first",
        f"next: fill in the column label where another is right, then tacit label --import {to}",
    ]
    return Outcome({"check": str(to), "worth_checking": len(found)}, lines)


Answers = tuple[list[str], Tensor, list[tuple[str, str]]]  # paths, probabilities (n, K), what could not be read


def own_items(project: Home, model: Method) -> Answers:
    """Every path of the project; duplicates share an item and get the same answer."""
    names, parts, paths = [], [], project.paths_by_id()
    for items in (project.pool, project.yardstick):
        p = predict(model, items).p
        for id_, row in zip(items.ids.tolist(), p, strict=True):
            for path in paths.get(id_, [id_]):
                names.append(path)
                parts.append(row)
    return names, torch.stack(parts), []


def other_items(project: Home, model: Method, source: Path) -> Answers:
    """Another folder, array file or table, prepared as the project's items were."""
    names, parts, failed = [], [], []
    for batch in read_like(source, project.folder):
        if len(batch.rows):
            names += [file.path for file in batch.files]
            parts.append(predict(model, Items(project.pool.spec, batch.rows)).p)
        failed += batch.failed
    if not parts:
        raise BadData(f"nothing in {source} can be read ({len(failed)} tried)\n  look at it: tacit init {source}")
    return names, torch.cat(parts), failed

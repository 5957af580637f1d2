"""The verbs `export` and `predict`: what a person takes away."""

from pathlib import Path
from typing import Any

from tacit.deploy.export import export, load
from tacit.deploy.onnx import export_onnx
from tacit.deploy.predict import predict
from tacit.project.home import Home
from tacit.project.measuring import measure
from tacit.project.outcome import Outcome


def export_run(project: Home, name: str | None, to: Path | None, *, onnx: bool) -> Outcome:
    """A folder that runs anywhere: weights, configuration, a card, and an ONNX file, both checked on real items."""
    run = project.run(name, "train")
    model = load(run.folder)
    folder = to or project.folder / "exports" / run.name
    measured = measure(project, model)
    card: dict[str, Any] = {"project": project.settings.get("name"), "run": run.name, "labels": run.record.get("labels"), "items": run.record.get("items")}
    if measured:
        a = measured[0].accuracy
        card["accuracy"] = f"{a.value:.1%} [{a.low:.1%}, {a.high:.1%}] on {measured[0].n} yardstick items"
    done = export(model, run.record["method"], folder, pool=project.pool, card=card)
    lines = [f"wrote {folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}", "checked: reloaded, it answers as before on real items"]
    record: dict[str, Any] = {"folder": str(folder), "bytes": done.bytes}
    if onnx:
        checked = export_onnx(model, folder / "model.onnx", project.pool)
        record["onnx"] = {"largest_difference": checked.difference, "items": checked.items}
        lines.append(f"model.onnx: differs from torch by at most {checked.difference:.1e} on {checked.items} real items")
    lines.append(f'load it anywhere: tacit.load("{folder}")')
    return Outcome(record, lines)


def predict_items(project: Home, source: Path | None, *, run: str | None = None, to: str | Path = "predictions.csv", abstain_below: float = 0.0, overwrite: bool = False) -> Outcome:
    """Apply a trained model to the project's own items, or to a folder, an array file or a table."""
    used = project.run(run, "train")
    model = load(used.folder)
    return predicted(model, project, source, Path(to), abstain_below, overwrite, used.name)

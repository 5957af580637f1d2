"""The verb `report`: everything there is to see, in one HTML file, each picture with a sentence that says what it shows."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.spec import ItemSpec
from tacit.deploy.export import load
from tacit.disk import write_atomic
from tacit.engine.apply import probabilities
from tacit.errors import WrongUsage
from tacit.evaluate.classify import Report
from tacit.evaluate.intervals import Interval
from tacit.evaluate.uncertain import least_sure
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.outcome import Outcome
from tacit.project.choosing import current_space
from tacit.project.home import Home
from tacit.project.measuring import measure, worth_of_labels
from tacit.report.charts import confusion, reliability
from tacit.report.curves import Series, curve
from tacit.report.items import families, image_grid, pairs, walk_strip
from tacit.report.maps import scatter
from tacit.report.page import Section, render, write
from tacit.report.readme import readme_picture
from tacit.report.sounds import players, spectra
from tacit.report.tables import table

SHOWN = 12  # items in a strip
FAMILIES, RELATIVES = 6, 8  # exemplars, and new items like each


def report(project: Home, to: Path | None, *, overwrite: bool = False) -> Outcome:
    """Write the report of what has been learned, asked, trained and measured so far."""
    if to is not None and to.exists() and not overwrite:
        raise WrongUsage(f"{to} is there already\n  choose another name with --to, or add --overwrite")
    space, notes = current_space(project)
    labels = project.answers(project.pool)
    model, measured = trained(project)
    sections = [map_section(project, space, labels)]
    sections += curve_sections(project)
    sections += compared_sections(project)
    if measured:
        sections += measured_sections(*measured)
    if space.can_decode:
        sections += decoded_sections(space, labels)
        sections += made_sections(space, labels, project.seed)
    if model is not None:
        sections.append(doubts_section(project, model, labels))
    sections.append(cost_section(project))
    path = to or project.folder / "reports" / f"report-{time.strftime('%Y%m%d-%H%M%S')}.html"
    facts = [
        ("items", f"{len(project.pool):,} to learn from, {len(project.yardstick):,} to measure on"),
        ("labels", f"{int((labels >= 0).sum()):,} of {len(project.classes)} classes"),
    ]
    if measured:
        a = measured[0].accuracy
        facts.append(("accuracy", f"{a.value:.1%} [{a.low:.1%}, {a.high:.1%}] on {measured[0].n} yardstick items"))
    footer = "\n".join([f"written {time.strftime('%Y-%m-%d %H:%M')} by tacit report", *notes])
    write(path, render(str(project.settings.get("name")), facts, sections, footer))
    return Outcome({"path": str(path), "sections": [s.title for s in sections]}, [f"report: {path}"])


def trained(project: Home) -> tuple[Method | None, tuple[Report, str] | None]:
    try:
        run = project.run(None, "train")
    except WrongUsage:
        return None, None
    model = load(run.folder, trust_code=True)
    return model, measure(project, model)


def rounds_picked(project: Home) -> list[Tensor]:
    """Positions in the pool of what each round asked about."""
    pool = project.pool
    rounds = [[p.item for p in project.labels.picks(i + 1)] for i in range(project.labels.rounds())]
    return [found[found >= 0] for found in (pool.find(items) for items in rounds)]


def map_section(project: Home, space: Space, labels: Tensor) -> Section:
    drawn = space.map()
    note = f"{drawn.name}; {100 * drawn.kept:.0f} % of every item's true neighbours are among its neighbours here. {drawn.note}"
    body = scatter(drawn.points, labels, classes=project.classes, picked=rounds_picked(project), note=note.strip())
    return Section(
        "The map",
        "Every item of the pool by its code: near means alike. Labelled items have the color of their class, rings mark what was asked about.",
        body,
    )


def write_picture(project: Home, to: Path | None) -> Outcome:
    """The map and the curve of the latest simulation as one SVG file."""
    space, _ = current_space(project)
    labels = project.answers(project.pool)
    found = simulated(project)
    path = to or project.folder / "reports" / "picture.svg"
    svg = readme_picture(
        space.map().points, labels, project.classes, rounds_picked(project), series_of(found) if found else []
    )
    write_atomic(path, svg)
    return Outcome({"path": str(path)}, [f"picture: {path}"])


def simulated(project: Home) -> dict[str, Any] | None:
    """The record of the latest simulation, if there was one."""
    path = project.folder / "reports" / "simulation.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def series_of(found: dict[str, Any]) -> list[Series]:
    return [
        Series(c["strategy"], c["labels"], [Interval(*v) for v in zip(c["accuracy"], c["low"], c["high"], strict=True)])
        for c in found["curves"]
    ]


def curve_sections(project: Home) -> list[Section]:
    """What labels bought: the simulation, where there is one, and the trainings of this project."""
    sections = []
    if found := simulated(project):
        sections.append(
            Section(
                "What labels buy",
                f"Accuracy on the yardstick against labels paid for, mean of {len(found['seeds'])} seeds with 95 % intervals; "
                "a line above random's is what choosing is worth.",
                curve(series_of(found)),
            )
        )
    runs = [r for r in project.runs if "accuracy" in r.record and "labels" in r.record]
    if len(runs) > 1:
        best = {r.record["labels"]: Interval(*r.record["accuracy"]) for r in runs}
        points, latest = sorted(best.items()), runs[-1]
        worth = worth_of_labels(project, latest)
        sections.append(
            Section(
                "This project so far",
                "Accuracy of each training on the yardstick, with Wilson's 95 % interval: when it stops rising, more labels of this kind buy little."
                + (f" By the trainings of {latest.record['method']}, {worth}." if worth else ""),
                curve([Series("this project", [n for n, _ in points], [a for _, a in points])]),
            )
        )
    return sections


def compared_sections(project: Home) -> list[Section]:
    """The latest comparison of classifiers, where there was one."""
    found = [run.record["compared"] for run in project.runs if run.finished and "compared" in run.record]
    if not found or "rows" not in found[-1]:
        return []
    keys = ("accuracy", "balanced", "above")
    rows = [[r["candidate"], *(Interval(*r[key]) for key in keys), r["seconds"]] for r in found[-1]["rows"]]
    header = ["candidate", "accuracy", "balanced accuracy", "above supervised", "seconds a training"]
    said = (
        f"{found[-1]['held_out']} labelled items, answered by models that did not see their labels, with 95 % intervals"
    )
    body = table(rows, header, as_percent=header[1:4])
    return [
        Section("Classifiers compared", f"{said}; differences are taken item by item. {found[-1]['verdict']}.", body)
    ]


def measured_sections(found: Report, source: str) -> list[Section]:
    return [
        Section(
            "Which classes are confused",
            f"True class by row, answer by column, on {found.n} yardstick items ({source}): what is off the diagonal is a mistake.",
            confusion(torch.tensor(found.confusion), found.classes),
        ),
        Section(
            "Can its confidence be believed",
            f"Calibration error {found.ece} (a perfectly calibrated model would show about {found.ece_if_calibrated:.3f} on so few items): "
            "points under the line are claimed with more confidence than deserved.",
            reliability(found.reliability),
        ),
    ]


def decoded_sections(space: Space, labels: Tensor) -> list[Section]:
    """What the space knows of an item, and what lies between two."""
    rows = torch.linspace(0, len(space) - 1, min(SHOWN, len(space))).long()
    spec, items, rebuilt = space.pool.spec, space.pool.floats(rows), space.reconstruct(rows)
    sections = [
        Section(
            "Reconstructions",
            "What is left of an item when only its code is kept: what is lost here, the space does not know.",
            pairs(drawable(items, spec), drawable(rebuilt, spec), players=(heard(items, spec), heard(rebuilt, spec))),
        ),
    ]
    known = labels[labels >= 0].unique()
    if len(known) >= 2:
        a, b = (typical_of(space, labels, int(c)) for c in (known[0], known[-1]))
        names = space.pool.spec.classes
        walk = space.walk(a, b, steps=9)
        sections.append(
            Section(
                f"A walk from {names[int(known[0])]} to {names[int(known[-1])]}",
                "Codes on the way between two labelled items, decoded, over the real item nearest to each: where the two rows differ, no item lives.",
                walk_strip(drawable(walk.items, spec), drawable(space.pool.floats(walk.nearest), spec)),
            )
        )
    return sections


def made_sections(space: Space, labels: Tensor, seed: int) -> list[Section]:
    """Items that nobody took: from the prior, and like one exemplar. Made vectors tell the eye nothing."""
    sections: list[Section] = []
    spec = space.pool.spec
    if spec.kind == "vector":
        return sections
    if hasattr(space.method, "sample"):
        drawn = space.sample(2 * SHOWN, seed=seed)
        sections.append(
            Section(
                "New items",
                "Codes drawn from what the method takes for likely, decoded: they show what it has understood of the items, and what not.",
                image_grid(drawable(drawn, spec), title="New items", players=heard(drawn, spec)),
            )
        )
    if hasattr(space.method, "jitter"):
        rows = exemplars(space, labels)
        made = torch.stack([space.generate(row, RELATIVES, seed=mix(seed, row)) for row in rows])
        names = space.pool.spec.classes
        captions = [names[c] if c >= 0 else f"item {row}" for row, c in zip(rows, labels[rows].tolist(), strict=True)]
        sections.append(
            Section(
                "New items like one exemplar",
                "The code of an item, moved by as much as the method has learned that alike items differ, decoded: what stays the same along a row is what it takes for essential.",
                families(drawable(space.pool.floats(rows), spec), drawable(made, spec), captions),
            )
        )
    return sections


def exemplars(space: Space, labels: Tensor) -> list[int]:
    """A typical item of each class that is known; without classes, items from all over the pool."""
    known = labels[labels >= 0].unique()[:FAMILIES].tolist()
    if known:
        return [typical_of(space, labels, c) for c in known]
    return torch.linspace(0, len(space) - 1, min(FAMILIES, len(space))).long().tolist()


def typical_of(space: Space, labels: Tensor, c: int) -> int:
    """The labelled item of a class nearest to the class's mean code."""
    mine = (labels == c).nonzero().flatten()
    codes = space.codes[mine]
    return int(mine[(codes - codes.mean(0)).norm(dim=1).argmin()])


def doubts_section(project: Home, model: Method, labels: Tensor) -> Section:
    open_items = (labels == -1).nonzero().flatten()
    p = probabilities(model, project.pool, open_items)
    unsure = least_sure(p, k=SHOWN)
    items = project.pool.floats(open_items[unsure])
    captions = [
        " / ".join(f"{model.spec.classes[c]} {p[i, c]:.0%}" for c in p[i].topk(min(2, p.shape[1])).indices.tolist())
        for i in unsure.tolist()
    ]
    return Section(
        "What the model is least sure of",
        "Unlabelled items with the two likeliest answers closest together: labelling these teaches it where its classes touch.",
        image_grid(drawable(items, model.spec), captions, players=heard(items, model.spec)),
    )


def drawable(items: Tensor, spec: ItemSpec) -> Tensor:
    """Items as the figures draw them: sounds as their spectra."""
    return spectra(items, spec.rate) if spec.kind == "sound" else items


def heard(items: Tensor, spec: ItemSpec) -> list[str]:
    """What plays them, where they can be heard."""
    return players(items, spec.rate) if spec.kind == "sound" else []


def cost_section(project: Home) -> Section:
    """Labels and seconds: what was paid, by whom, and what the machine spent."""
    cost = project.labels.cost()
    rows: list[list[object]] = [["answers given", cost.answers, f"{cost.seconds:.0f} s" if cost.timed else "not timed"]]
    rows += [[f"  by {who}", n, ""] for who, n in cost.people.items()]
    for run in project.runs:
        if run.finished:
            rows.append(
                [f"{run.record['task']}: {run.name}", run.record.get("labels", ""), f"{run.record['seconds']:.1f} s"]
            )
    return Section(
        "What it cost",
        "Labels and time spent so far; items are asked about once, duplicates never.",
        table(rows, ["what", "labels", "time"]),
    )

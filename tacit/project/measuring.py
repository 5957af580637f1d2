"""The verbs `look` and `evaluate`."""

import torch
from torch import Tensor

from tacit.deploy.export import load
from tacit.engine.run import Run
from tacit.errors import BadData
from tacit.evaluate.calibration import LEAST
from tacit.evaluate.classify import Report, evaluate_model
from tacit.evaluate.clusters_score import cluster_scores
from tacit.evaluate.geometry import geometry
from tacit.evaluate.health import health
from tacit.evaluate.intervals import FEW
from tacit.evaluate.next_labels import ONE_ONLY, Measured, NextLabels, next_labels
from tacit.evaluate.quality import representation
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.outcome import Outcome
from tacit.project.home import Home


def look(project: Home) -> Outcome:
    """What is in the source now."""
    project.refresh()
    return found(project)


def found(project: Home) -> Outcome:
    """What the latest scan found, and where the labelling stands."""
    packed = project.packed
    labels, measured = (int((project.answers(items) >= 0).sum()) for items in (project.pool, project.yardstick))
    lines = [*packed.lines(), f"labels: {labels:,} in the pool, {measured:,} in the yardstick", "next: tacit learn"]
    record = {**packed.to_dict(), "project": str(project.folder), "labels": labels, "yardstick_labels": measured}
    return Outcome(record, lines)


def yardstick_answers(project: Home, classes: tuple[str, ...]) -> tuple[Tensor, str]:
    """Labels (Y,) of the yardstick and where they come from: people first, else the hidden labels of a simulation."""
    with project.labels.one_moment():
        known = project.classes
        given = project.labels.vector(project.yardstick.ids, known)
    given = renamed(given, known, classes)
    if (given >= 0).any():
        return given, "answers in the ledger"
    try:
        truth, names = project.truth(project.yardstick)
    except BadData:
        return given, "no answers"
    return renamed(truth, names, classes), "hidden labels"


def renamed(labels: Tensor, names: tuple[str, ...], classes: tuple[str, ...]) -> Tensor:
    """Indices into `names` as indices into `classes`; a class the model has never heard of counts as -1."""
    place = torch.tensor(
        [classes.index(n) if n in classes else -1 for n in names] + [-1, -1]
    )  # -2 and -1 stay unlabeled
    return place[labels]


def measure(project: Home, model: Method) -> tuple[Report, str] | None:
    y, source = yardstick_answers(project, model.spec.classes)
    if not (y >= 0).any():
        return None
    return evaluate_model(model, project.yardstick, y, seed=project.seed), source


def score(project: Home, model: Method) -> Outcome | None:
    """Accuracy on the yardstick in one line, where there is something to measure on."""
    found = measure(project, model)
    if found is None:
        return None
    report, source = found
    a = report.accuracy
    return Outcome(
        {"value": a.value, "interval": [a.low, a.high], "items": report.n, "from": source},
        [
            f"accuracy {a.value:.1%} [{a.low:.1%}, {a.high:.1%}] on {report.n:,} yardstick item{'s' * (report.n != 1)} ({source})"
        ],
    )


def evaluate_run(project: Home, name: str | None) -> Outcome:
    """How good, on the yardstick only."""
    run = project.run(name, "train")
    found = measure(project, load(run.folder, trust_code=True))
    if found is None:
        raise BadData(
            "the yardstick has no answers yet, so there is nothing to measure on\n"
            "  try: tacit label --todo yardstick.csv --yardstick 40, fill it in, tacit label --import yardstick.csv"
        )
    report, source = found
    worth = worth_of_labels(project, run, report)
    lines = [
        f"{run.name}, measured on the yardstick ({source}), with 95 % intervals",
        *report.lines(),
        str(worth or ONE_ONLY),
    ]
    if wants_calibration(run, report):
        lines.append(
            f"its confidence is off by more than chance   better: tacit train {run.record['method']} --calibrate"
        )
    if strange := strangers(project, tuple(run.record["classes"])):
        lines.append(
            f"left out: the yardstick's {', '.join(strange)}, which {run.name} was never told of   better: tacit train"
        )
    record = {"run": run.name, "from": source, **report.to_dict(), "next": worth.to_dict() if worth else None}
    return Outcome(record, lines)


def strangers(project: Home, known: tuple[str, ...]) -> list[str]:
    """Classes of answered items of the yardstick that are not among those known."""
    now = project.classes
    given = project.labels.vector(project.yardstick.ids, now)
    return [now[c] for c in given[given >= 0].unique().tolist() if now[c] not in known]


def wants_calibration(run: Run, report: Report) -> bool:
    """Whether confidence and truth lie further apart than the small number of items explains, and that can be mended."""
    can = run.record["labels"] >= LEAST and not any(run.record.get(key) for key in ("calibration", "teacher"))
    return can and report.n >= FEW and report.ece.low > report.ece_if_calibrated


def worth_of_labels(project: Home, run: Run, report: Report | None = None) -> NextLabels | None:
    """What the next labels are worth by the trainings of this run's kind, the latest of each number of labels; `report` is
    what has just been measured of the run itself."""
    kind = [run.record.get(key) for key in ("method", "generator")]
    found = {}
    for one in project.runs:
        told = one.record
        if [told.get("method"), told.get("generator")] == kind and "accuracy" in told and "measured_on" in told:
            found[told["labels"]] = Measured(told["labels"], told["accuracy"][0], told["measured_on"])
    if report:
        found[run.record["labels"]] = Measured(run.record["labels"], report.accuracy.value, report.n)
    return next_labels(list(found.values()))


def evaluate_space(project: Home, name: str | None, layer: str | None = None) -> Outcome:
    """A space beside raw items, their principal components and an untrained encoder, with the labels there are.

    `layer` names another layer of the method to stand beside its codes, or `all` of them.
    """
    run = project.run(name, "learn")
    method = load(run.folder, trust_code=True)
    space = Space.load(run.folder, project.pool, method)
    labels = project.answers(project.pool)
    y, source = yardstick_answers(project, project.classes)
    measured = (y >= 0).any()
    against = (project.yardstick, y) if measured else ()
    quality = representation(space, labels, *against, layer=layer, seed=project.seed)
    diagnosis = health(space)
    shape = geometry(method, project.pool, layer=layer, seed=project.seed)
    groups = space.clusters("kmeans", n=max(2, len(project.classes)), seed=project.seed)
    agreement = cluster_scores(groups, labels, space.codes, seed=project.seed)
    lines = [
        f"{run.name}: what its codes know, beside what {quality.rows[0].name} say",
        *quality.lines(),
        *([f"answers of the yardstick: {source}"] if measured else []),
        f"k-means: {agreement.lines()[0]}",
        *diagnosis.lines(),
        *shape.lines(),
    ]
    record = {
        "run": run.name,
        **quality.to_dict(),
        "clusters": agreement.to_dict(),
        "health": diagnosis.to_dict(),
        "geometry": shape.to_dict(),
    }
    return Outcome(record, lines)

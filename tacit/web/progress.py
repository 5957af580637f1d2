"""The record of the page Progress: what labels bought, how fast they came, what they cost, and whether to go on."""

import json
import math
from typing import TYPE_CHECKING, Any

from tacit.web import schemas
from tacit.web.due import answered
from tacit.web.open_project import OpenProject

if TYPE_CHECKING:
    from tacit.engine.run import Run
    from tacit.evaluate.next_labels import NextLabels

LAST = 5  # minutes with answers that the present speed is taken from
WORTH_IT = 0.01  # of accuracy, for one more round: less, and people may stop
RANDOM = "random"


def progress_of(desk: OpenProject) -> schemas.Progress:
    minutes = desk.project.labels.minutes()
    last = [labels for _, labels in minutes[-LAST:]]
    return schemas.Progress(
        curves=[*own_curves(desk), *simulated_curves(desk)],
        speed=[schemas.Speed(minute=60.0 * minute, labels=labels) for minute, labels in minutes],
        per_minute=sum(last) / len(last) if last else None,
        cost=cost_of(desk),
        advice=advice_of(desk),
        notes=notes_of(desk),
    )


def measured(desk: OpenProject) -> list["Run"]:
    """Trainings that were measured on the yardstick, oldest first."""
    return [run for run in desk.runs if {"accuracy", "labels", "measured_on"} <= set(run.record)]


def interval(ends: Any) -> schemas.Interval | None:
    """value, low and high as shares; None where the value is no number, and no narrower than 0 to 1 where an end is none."""
    value, low, high = (float(end) for end in ends)
    if not math.isfinite(value):
        return None
    low, high = (end if math.isfinite(end) else other for end, other in ((low, 0.0), (high, 1.0)))
    return schemas.Interval(value=value, low=low, high=high)


def own_curves(desk: OpenProject) -> list[schemas.CurveLine]:
    """The trainings of this project, a line for every method: of several with as many labels, the latest."""
    lines: dict[str, dict[int, schemas.CurvePoint]] = {}
    for run in measured(desk):
        told = run.record
        if (accuracy := interval(told["accuracy"])) is not None:
            lines.setdefault(told["method"], {})[told["labels"]] = schemas.CurvePoint(
                labels=told["labels"], accuracy=accuracy, run=run.name, method=told["method"], items=told["measured_on"]
            )
    return [
        schemas.CurveLine(name=name, points=[points[n] for n in sorted(points)], reference=False)
        for name, points in lines.items()
    ]


def simulated_curves(desk: OpenProject) -> list[schemas.CurveLine]:
    """The latest simulation, where there was one; random choice is what the others are to be compared with."""
    return [
        schemas.CurveLine(
            name=f"{curve['strategy']} (simulated)",
            points=[
                schemas.CurvePoint(labels=labels, accuracy=accuracy)
                for labels, *ends in zip(curve["labels"], curve["accuracy"], curve["low"], curve["high"], strict=True)
                if (accuracy := interval(ends)) is not None
            ],
            reference=curve["strategy"].partition(" ")[0] == RANDOM,
        )
        for curve in (simulation(desk) or {"curves": []})["curves"]
    ]


def simulation(desk: OpenProject) -> dict[str, Any] | None:
    """The record of the latest simulation; None where there was none, or its file is spoiled."""
    try:
        found: dict[str, Any] = json.loads((desk.folder / "reports" / "simulation.json").read_text(encoding="utf-8"))
        return found if {"strategy", "labels", "accuracy", "low", "high"} <= set(found["curves"][0]) else None
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def cost_of(desk: OpenProject) -> list[schemas.CostRow]:
    """Labels and seconds: what was paid, by whom, and what the machine spent. As in the report."""
    cost = desk.project.labels.cost()
    rows = [
        schemas.CostRow(
            what="answers given", labels=cost.answers, seconds=cost.seconds if cost.timed else None,
            note=f"{cost.timed:,} of them timed" if cost.timed else "not timed" if cost.answers else "",
        )
    ]  # fmt: skip
    rows += [schemas.CostRow(what=f"by {who}", labels=n, seconds=None) for who, n in cost.people.items()]
    for run in desk.runs:
        told = run.record
        if run.finished and "seconds" in told:
            rows.append(
                schemas.CostRow(
                    what=f"{told.get('task')}: {run.name}", labels=told.get("labels"), seconds=told["seconds"]
                )
            )
    return rows


_worth: dict[tuple[Any, ...], "NextLabels | None"] = {}


def worth(desk: OpenProject) -> "NextLabels | None":
    """What the next labels are worth by the latest kind of training that was measured; worked out once for these runs."""
    from tacit.project.measuring import worth_of_labels

    runs = measured(desk)
    if not runs:
        return None
    key = (desk.folder, *((run.name, run.record["labels"], tuple(run.record["accuracy"])) for run in runs))
    if key not in _worth:
        _worth.clear()
        _worth[key] = worth_of_labels(desk.project, runs[-1])
    return _worth[key]


def advice_of(desk: OpenProject) -> str:
    """Go on, or stop, and why."""
    _, classes, left = answered(desk)
    if classes < 2:
        return "Go on: a first model needs answers of at least two classes."
    if not left:
        return "Stop: every item of the pool has an answer."
    if not (runs := measured(desk)):
        if not len(desk.rows.yardstick):
            return "Nothing can be measured: this project has no yardstick. Make it anew without --yardstick 0."
        if yardstick_answers(desk) == 0:
            return "Label a yardstick: some 40 random items, never trained on, say how good a model is. Until then nobody knows."
        return "Train: the yardstick has answers, and no model has been measured on it yet."
    found = worth(desk)
    if found is None:
        method = runs[-1].record["method"]
        return f"Go on: {method} has been measured with one number of labels, and it takes two to say what more would bring."
    if found.gain.high < WORTH_IT:
        return f"Stop: even at best the next round brings less than a point. {found}."
    if found.gain.value < WORTH_IT:
        return f"You may stop: the next round is likely to bring less than a point. {found}."
    return f"Go on. {found}."


def yardstick_answers(desk: OpenProject) -> int:
    """Answers of people about the yardstick."""
    return int((desk.standing.code[desk.rows.yardstick] > 0).sum())


def notes_of(desk: OpenProject) -> list[str]:
    """What the numbers rest on."""
    notes = []
    if runs := measured(desk):
        fewest, most = (end(run.record["measured_on"] for run in runs) for end in (min, max))
        on = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
        notes.append(
            f"Accuracy is measured on {on} {'item' if most == 1 else 'items'} of the yardstick, with Wilson's 95 % interval."
        )
        if not yardstick_answers(desk):
            notes.append(
                "Nobody has answered about the yardstick: hidden labels of the source did, as in a simulation."
            )
        notes.append(
            "A gain is that of the curve, in points of accuracy, with a 95 % interval; a single training can end a little above or below it."
        )
    found = simulation(desk)
    if found:
        notes.append(f"Simulated: the mean of {seeds(found)} against hidden labels, with 95 % intervals.")
    else:
        notes.append(
            "What random choice would have brought is known only from a simulation (tacit simulate), which needs a source that knows the answers."
        )
    return notes


def seeds(simulated: dict[str, Any]) -> str:
    n = len(simulated.get("seeds", []))
    return "1 seed" if n == 1 else f"{n} seeds"


def latest_compared(desk: OpenProject) -> "Run | None":
    return next((run for run in reversed(desk.runs) if "compared" in run.record), None)


def worse_than_baseline(desk: OpenProject) -> str | None:
    """The run that suggestions come from, if the latest comparison found its method worse than supervised."""
    current, compared = desk.model_run, latest_compared(desk)
    if current is None or compared is None:
        return None
    rows = compared.record["compared"].get("rows", [])
    lost = any(row["candidate"] == current.record["method"] and row["above"][2] < 0 for row in rows[1:])
    return current.name if lost else None

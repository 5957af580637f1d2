"""The record of the page Train: what was compared, what was trained, what there is to train, and what to do next."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from tacit.web import schemas
from tacit.web.desk import Desk
from tacit.web.due import answered
from tacit.web.progress import interval, latest_compared, worse_than_baseline

if TYPE_CHECKING:
    from tacit.engine.run import Run


def train_of(desk: Desk) -> schemas.TrainRecord:
    run = latest_compared(desk)
    rows = compared_rows(run) if run else []
    return schemas.TrainRecord(
        compared=rows,
        compared_said=compared_said(run)
        if run
        else "Nothing has been compared yet: auto compares several on your labels.",
        trained=[trained(desk, run) for run in reversed(desk.runs) if run.record.get("task") == "train"],
        advice=advice_of(desk, run),
        methods=methods(),
    )


def compared_rows(run: "Run") -> list[schemas.ComparedRow]:
    told = run.record["compared"]
    rows = [
        schemas.ComparedRow(
            candidate=row["candidate"], accuracy=interval(row["accuracy"]), balanced=interval(row["balanced"]),
            above=difference(row["above"]), seconds=row["seconds"],
        )
        for row in told.get("rows", [])
    ]  # fmt: skip
    left_out = told.get("left_out", [])
    nothing: dict[str, Any] = dict.fromkeys(("accuracy", "balanced", "above", "seconds"))
    return rows + [
        schemas.ComparedRow(candidate=f"{one['candidate']} (left out: {one['reason']})", **nothing) for one in left_out
    ]


def difference(ends: Any) -> schemas.Interval | None:
    found = interval(ends)
    return None if found is None or found.low == found.high == 0 else found  # the baseline beside itself


def compared_said(run: "Run") -> str:
    told = run.record["compared"]
    held = told.get("held_out", 0)
    how = f" Compared on {held} labels, held out in turn." if held else ""
    return f"{run.name}: {told['verdict']}.{how}"


def trained(desk: Desk, run: "Run") -> schemas.Trained:
    told, current = run.record, desk.model_run
    return schemas.Trained(
        run=run.name,
        method=told["method"],
        status=status_of(desk, run),
        labels=told.get("labels"),
        accuracy=interval(told["accuracy"]) if "accuracy" in told else None,
        measured_on=told.get("measured_on"),
        seconds=told.get("seconds"),
        current=current is not None and current.name == run.name,
    )


def status_of(desk: Desk, run: "Run") -> str:
    """finished, training, or interrupted: a record says training until its process has finished it."""
    from tacit.web.processes import alive

    if run.finished:
        return "finished"
    job = desk.jobs.of_run(run.name)
    if job is not None and job.status in ("running", "stopping"):
        return "training"
    process = run.record.get("process")
    return "training" if job is None and isinstance(process, int) and alive(process, "") else "interrupted"


def advice_of(desk: Desk, compared: "Run | None") -> str:
    """One line: what would help most here."""
    labeled, classes, _ = answered(desk)
    if classes < 2:
        return "Label first: training needs answers of at least two classes."
    if compared is None:
        return f"{labeled:,} labels: compare what they are worth with auto, which says what beats the baseline and by how much."
    new = labeled - int(compared.record.get("labels", 0))
    if new >= max(20, labeled // 4):
        return f"{new:,} labels are new since {compared.name} compared: compare again."
    if worse_than_baseline(desk):
        return f"Train {compared.record['method']}: it was kept in the comparison, and what is in use now lost it."
    return f"{compared.record['method']} was the best of those compared. Label more, then compare again."


# the catalogue


@cache
def methods() -> list[schemas.MethodInfo]:
    """All methods, with the settings and the recipe that their signatures say."""
    from tacit.methods import CATALOGUE
    from tacit.project.catalogue import method_settings

    found = []
    for name, cls in CATALOGUE.items():
        told = method_settings(name).record
        task: Literal["learn", "train"] = "train" if hasattr(cls, "logits") else "learn"
        found.append(
            schemas.MethodInfo(
                name=name, paper=cls.paper, use_when=cls.use_when, task=task,
                settings=listed(told["options"]), recipe=listed(told["recipe"]),
            )
        )  # fmt: skip
    return found


def listed(settings: dict[str, Any]) -> list[schemas.Setting]:
    return [schemas.Setting(name=name, default=default(value), kind=kind(value)) for name, value in settings.items()]


def default(value: Any) -> str:
    """As it is typed."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else "none" if value is None else str(value)


def kind(value: Any) -> Literal["number", "switch", "text"]:
    if isinstance(value, bool):
        return "switch"
    return "number" if isinstance(value, int | float) else "text"

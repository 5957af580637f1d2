"""`tacit go`: from a source to the open page in one command, with a space being learned meanwhile."""

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacit.errors import TacitError, WrongUsage
from tacit.web import schemas
from tacit.web.orders import no_code
from tacit.web.processes import tail
from tacit.web.serve import serve

if TYPE_CHECKING:
    from tacit.engine.run import Run
    from tacit.project import Project
    from tacit.web.desk import Desk

LOOK = 0.5  # seconds between looks at the job


def go(
    source: Path,
    folder: Path | None,
    *,
    method: str | None = None,
    settings: dict[str, Any] | None = None,
    learn: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> Callable[..., None]:
    """Read the source into its project, say what was found and what is planned; what comes back serves it."""
    from tacit.project import Project

    if method is not None:
        check(method)
    project = Project.create(source, folder, on_progress=on_progress)
    order, plan = planned(project, method, settings or {}) if learn else (None, ["no space is learned   (--no-learn)"])
    found = [line for line in project.found().lines if not line.startswith("next: ")]
    say("", *(f"  {line}" for line in [*found, *folders(project), "", f"machine: {machine()}", *plan]), "")
    return partial(serve, project.folder, beside=partial(work, order=order) if order else None)


def say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def check(method: str) -> None:
    """A misspelt name now, and not when everything has been read."""
    from tacit import methods

    if hasattr(methods.find(no_code("learn", method)), "logits"):
        raise WrongUsage(
            f"{method} needs labels: it classifies\n  try: tacit go without --method, and label on the page"
        )


def folders(project: "Project") -> list[str]:
    """Names of folders look like labels, and are none unless somebody says so."""
    packed = project.packed
    if packed.kind != "folder" or packed.folders < 2 or packed.truth_classes:
        return []
    return ["folder names not used as labels   (for simulations: tacit init SOURCE --truth folders)"]


def machine() -> str:
    import torch

    cores = os.cpu_count() or 1
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{cores} CPU core{'s' * (cores != 1)}, {gpu}, torch {torch.__version__}"


def planned(
    project: "Project", method: str | None, settings: dict[str, Any]
) -> tuple[schemas.JobOrder | None, list[str]]:
    """What is to be learned, why, and how to have it another way; nothing where a space is there already."""
    from tacit import methods
    from tacit.project.learning import automatic
    from tacit.project.starting import automatic_recipe, run_step

    runs = [run for run in project.runs if run.record.get("task") == "learn"]
    asked = method is not None or bool(settings)
    if not asked and runs and not runs[-1].finished:
        last = runs[-1]
        return schemas.JobOrder(verb="learn", resume=True), [
            f"plan:    {last.name} was interrupted at step {run_step(last)}, and goes on",
            f"         start anew: tacit learn {last.record['method']}",
        ]
    if not asked and runs:
        return None, [f"plan:    {runs[-1].name} has been learned already; another: tacit go SOURCE --method NAME"]
    pool = project.pool
    name, why = automatic(pool) if method is None else (method, "you asked for it")
    recipe = automatic_recipe(methods.split_settings(methods.find(name), trained(settings))[1], pool, settings)
    other = "simclr" if name != "simclr" and pool.spec.kind == "image" else "vae"
    return schemas.JobOrder(verb="learn", name=name, settings=settings), [
        f"plan:    {name}, items of {' x '.join(map(str, pool.spec.shape))}, batch {recipe.batch}, {recipe.steps:,} steps",
        f"         {why}   change: tacit go SOURCE --method {other}",
    ]


def trained(settings: dict[str, Any]) -> dict[str, Any]:
    """Those that a method and its training take; a misspelt one is refused where they are split."""
    return {name: value for name, value in settings.items() if name not in ("seed", "device", "precision")}


def work(desk: "Desk", ending: threading.Event, order: schemas.JobOrder) -> None:
    """Start the job, or find it at work, and follow it until it ends or the server does."""
    desk.ready.wait()
    if desk.failure is not None:
        say(f"error: {desk.failure}")
        return
    try:
        job = next((job for job in desk.jobs.recent() if job.verb == "learn" and job.ended is None), None)
        job = job or desk.jobs.start(order)
    except TacitError as error:
        say(f"error: {error}")
        return
    say("         already usable: a quick map of the items as they are")
    ended = follow(desk, job.id, ending)
    if ended is not None:
        say(*after(desk, ended))


def follow(desk: "Desk", number: int, ending: threading.Event) -> schemas.Job | None:
    """The job as it ended; None where the server ended first. A live line on a terminal, else one every ten seconds."""
    from tacit.engine.progress import watcher

    told: dict[str, Any] = {}
    with watcher("learn") as watch:
        while not ending.wait(LOOK):
            job = desk.jobs.details(number).job
            if job.ended is not None:
                return job
            record = latest(desk.folder / "runs" / job.run / "progress.jsonl") if job.run else None
            if record and record.get("step") != told.get("step"):
                told = record
                watch(record)
    return None


def latest(path: Path) -> dict[str, Any] | None:
    """The last whole record of a training."""
    for line in reversed(tail(path)):
        try:
            found: dict[str, Any] = json.loads(line)
            return found
        except ValueError:
            continue
    return None


def after(desk: "Desk", job: schemas.Job) -> list[str]:
    """What was made, how good it looks, what to do next."""
    run = next((run for run in desk.runs if run.name == job.run), None)
    if job.status != "finished" or run is None:
        return [f"learn {job.status}: {job.said}"]
    return [job.said, looks(run), "next: label 40 random items as a yardstick -> press Y on the page"]


def looks(run: "Run") -> str:
    """How good a space looks, in words and without a label."""
    from tacit.engine.health import Diagnosis

    health, drawn = run.record.get("health"), run.record.get("map")
    said = [str(Diagnosis(**health))] if health else []
    if drawn:
        said.append(f"the map keeps {drawn['kept']:.0%} of the true neighbours")
    warnings = run.record.get("warnings") or []
    return "; ".join([*said, *(f"warning: {warning}" for warning in warnings)]) or "nothing is known of how good it is"

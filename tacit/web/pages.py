"""Look, Progress, Train, Runs, Settings."""

import threading
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from tacit.errors import UnknownName, WrongUsage
from tacit.web import look, progress, schemas, train
from tacit.web.desk import Desk, Here
from tacit.web.keys import bindings, checked, defaults
from tacit.web.sayings import thinned
from tacit.web.state import class_infos, desk_settings

if TYPE_CHECKING:
    from tacit.engine.run import Run

router = APIRouter()
_writing = threading.Lock()


@router.get("/progress.json")
def progress_page(desk: Here) -> schemas.Progress:
    return progress.progress_of(desk)


@router.get("/train.json")
def train_page(desk: Here) -> schemas.TrainRecord:
    return train.train_of(desk)


@router.get("/look.json")
def look_page(desk: Here) -> schemas.LookRecord:
    """What the latest scan found."""
    return look.look_of(desk)


@router.post("/api/look")
def scan(desk: Here) -> schemas.LookRecord:
    """Look at the source again, and take in what is new."""
    return look.scan(desk)


@router.get("/runs.json")
def runs_page(desk: Here) -> schemas.RunsRecord:
    """Every run, the newest first."""
    return schemas.RunsRecord(runs=[run_info(desk, run) for run in reversed(desk.runs)])


@router.get("/api/runs/{name}")
def run_details(name: str, desk: Here) -> schemas.RunDetails:
    run = next((run for run in desk.runs if run.name == name), None)
    if run is None:
        raise UnknownName(f"there is no run called {name!r}\n  known: {', '.join(r.name for r in desk.runs) or 'none'}")
    job = desk.jobs.of_run(name)
    return schemas.RunDetails(
        run=run_info(desk, run), progress=thinned(run.progress()), log=desk.jobs.log(job.id) if job else []
    )


def run_info(desk: Desk, run: "Run") -> schemas.RunInfo:
    from tacit.evaluate.intervals import plain

    record: dict[str, Any] = plain(run.record)
    task, status = str(record.get("task", "")), train.status_of(desk, run)
    latest = next((r.name for r in reversed(desk.runs) if r.record.get("task") == task), None)
    return schemas.RunInfo(
        name=run.name, task=task, method=str(record["method"]), status=status, record=record,
        resumable=status == "interrupted" and run.name == latest,
    )  # fmt: skip


@router.get("/settings.json")
def settings_page(desk: Here) -> schemas.SettingsRecord:
    project, settings, classes = desk.project, desk_settings(desk), class_infos(desk)
    names = [one.name for one in classes]
    return schemas.SettingsRecord(
        name=str(settings.get("name", desk.folder.stem)),
        folder=str(desk.folder),
        source=str(settings.source),
        seed=project.seed,
        classes=classes,
        keys=bindings(desk, names),
        defaults=defaults(names),
    )


@router.post("/api/settings")
def change_settings(order: schemas.SettingsOrder, desk: Here) -> schemas.SettingsRecord:
    """Another name, other keys; both are checked before either is written."""
    name = None if order.name is None else order.name.strip()
    if name is not None and (not name or not name.isprintable()):
        raise WrongUsage("a project's name is one line of text")
    if strange := [key for key in (order.keys or {}).values() if not key.isprintable()]:
        raise WrongUsage(f"{strange[0]!r} is no key that can be printed on a button")
    keys = None if order.keys is None else checked(order.keys, [one.name for one in class_infos(desk)])
    with _writing:
        settings = desk_settings(desk)
        if name is not None:
            settings.set("name", name)
        if keys is not None:
            settings.set("keys", keys)
    return settings_page(desk)

"""The header of every page: what there is, and whether anything changed."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from tacit.data.events import CANNOT_TELL
from tacit.web import schemas
from tacit.web.desk import Desk, Early
from tacit.web.keys import bindings
from tacit.web.open_project import QUICK, weights_hash

if TYPE_CHECKING:
    import numpy as np

    from tacit.engine.run import Run
    from tacit.project.settings import Settings

router = APIRouter()


@router.get("/state.json")
def state(desk: Early) -> schemas.State:
    """Asked every second or two; answers at once, also while the project is being opened."""
    if not desk.ready.is_set():
        return opening(desk)
    version = desk.version()
    if desk.told is None or desk.told.version != version:
        desk.told = counted(desk, version)
    now = {"waiting": desk.doing, "jobs": desk.jobs.recent(), "banners": banners(desk)}
    return desk.told.model_copy(update=now)


def counted(desk: Desk, version: int) -> schemas.State:
    """All that stays as it is until the next version."""
    project, rows, standing = desk.project, desk.rows, desk.standing
    standing.refresh()
    settings = desk_settings(desk)
    pool, measured = counts(desk)
    cannot = standing.number[CANNOT_TELL]
    picks = project.labels.picks()
    waiting = sum(standing.answer(rows.place[pick.item]) is None for pick in picks if pick.item in rows.place)
    spec, classes = project.sides[0].spec, class_infos(desk)
    return schemas.State(
        version=version,
        ready=True,
        waiting="",
        project=desk.identity,
        name=str(settings.get("name", desk.folder.stem)),
        folder=desk.folder.name,
        kind=spec.kind,  # type: ignore[arg-type]
        shape=list(spec.shape),
        items=len(rows),
        pool=len(rows.pool),
        yardstick=len(rows.yardstick),
        labeled=int(pool.sum() - pool[cannot]),
        yardstick_labeled=int(measured.sum() - measured[cannot]),
        cannot_tell=int(pool[cannot] + measured[cannot]),
        flagged=len(project.labels.flags()),
        suggested=waiting,
        round=project.labels.rounds(),
        classes=classes,
        keys=bindings(desk, [one.name for one in classes]),
        space=space_info(desk),
        model=model_info(desk.model_run),
        jobs=[],
        banners=[],
    )


def opening(desk: Desk) -> schemas.State:
    nothing: dict[str, Any] = dict.fromkeys(
        ("items", "pool", "yardstick", "labeled", "yardstick_labeled", "cannot_tell", "flagged", "suggested", "round"),
        0,
    )
    empty: dict[str, Any] = {
        "shape": [],
        "classes": [],
        "keys": {},
        "space": None,
        "model": None,
        "jobs": [],
        "banners": [],
    }
    return schemas.State(
        version=0, ready=False, waiting=desk.doing, project="", name=desk.folder.stem, folder=desk.folder.name, kind="image",
        **nothing, **empty,
    )  # fmt: skip


def desk_settings(desk: Desk) -> "Settings":
    """project.toml as it stands now: people edit it, and so do other processes."""
    from tacit.project.settings import Settings

    path = desk.project.settings.path
    stamp = path.stat().st_mtime_ns
    if stamp != desk.settings_stamp:
        desk.project.settings, desk.settings_stamp = Settings(desk.folder), stamp
    return desk.project.settings


def counts(desk: Desk) -> tuple["np.ndarray", "np.ndarray"]:
    """How many items of the pool, and of the yardstick, have each answer, (names,) int64."""
    import numpy as np

    rows, standing = desk.rows, desk.standing
    pool, measured = (
        np.bincount(standing.code[s] + 1, minlength=len(standing.names) + 1) for s in (rows.pool, rows.yardstick)
    )
    return pool[1:], measured[1:]  # the first are those without an answer


def class_infos(desk: Desk) -> list[schemas.ClassInfo]:
    """The classes with their keys, and how many items of either side have them: declared ones, then others in use."""
    declared, number = desk_settings(desk).classes, desk.standing.number
    pool, measured = counts(desk)
    used = [name for name, code in number.items() if name != CANNOT_TELL and pool[code] + measured[code]]
    names = list(dict.fromkeys((*declared, *used)))
    keys = bindings(desk, names)
    return [
        schemas.ClassInfo(
            name=name,
            key=keys.get(f"class-{i}", ""),
            labeled=int(pool[number[name]]) if name in number else 0,
            yardstick=int(measured[number[name]]) if name in number else 0,
        )
        for i, name in enumerate(names, start=1)
    ]


def space_info(desk: Desk, name: str | None = None) -> schemas.SpaceInfo:
    """Where the codes of a space come from."""
    name = desk.space_name(name)
    if name == QUICK:
        return schemas.SpaceInfo(
            name=QUICK, method="quick map of the items themselves", seed=desk.project.seed, hash="",
            items=len(desk.rows.pool), dim=0, learned=False, decodes=False,
        )  # fmt: skip
    run = next(run for run in desk.learned if run.name == name)
    from tacit.methods import find

    return schemas.SpaceInfo(
        name=name,
        method=run.record["method"],
        seed=run.record["seed"],
        hash=weights_hash(run),
        items=run.record["items"],
        dim=codes_dim(run),
        learned=True,
        decodes=hasattr(find(run.record["method"]), "decode"),
    )


def codes_dim(run: "Run") -> int:
    import numpy as np

    from tacit.latent.space import CODES

    return int(np.load(run.folder / CODES, mmap_mode="r", allow_pickle=False).shape[1])


def model_info(run: "Run | None") -> schemas.ModelInfo | None:
    if run is None:
        return None
    record = run.record
    accuracy = record.get("accuracy")
    return schemas.ModelInfo(
        name=run.name,
        method=record["method"],
        labels=record["labels"],
        accuracy=interval(accuracy) if accuracy else None,
        measured_on=record.get("measured_on"),
    )


def interval(ends: Any) -> schemas.Interval:
    """value, low and high as one record."""
    value, low, high = (float(end) for end in ends)
    return schemas.Interval(value=value, low=low, high=high)


def banners(desk: Desk) -> list[schemas.Banner]:
    """What a person should know now."""
    found = []
    learned = bool(desk.learned)
    learning = any(job.verb == "learn" and job.status in ("waiting", "running") for job in desk.jobs.recent())
    if not learned:
        more = (
            "A learned one replaces it when it is ready; points will glide, not jump."
            if learning
            else ("A learned one shows more: start it on the Train page.")
        )
        found.append(
            schemas.Banner(id="quick", kind="info", text=f"Quick map. {more}", action="" if learning else "/train")
        )
    if desk.told is not None and not desk.told.classes:
        found.append(
            schemas.Banner(
                id="classes", kind="info", text="There are no classes yet: press + and name them.", action="/label"
            )
        )
    found += desk.jobs.banners()
    return found

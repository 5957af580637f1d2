"""The verb `train`: a run that can be stopped, resumed and found again."""

from typing import Any

from torch import Tensor

from tacit import methods
from tacit.data.pool import Pool
from tacit.deploy.export import save
from tacit.engine import distributed
from tacit.engine.fit import fit
from tacit.engine.run import Run
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.calibration import Calibration, calibrate, parts
from tacit.methods.method import Method
from tacit.methods.settings import convert
from tacit.outcome import Outcome
from tacit.project.generators import generator_of
from tacit.project.home import Home
from tacit.project.measuring import score
from tacit.project.starting import Built, Watch, begin, interrupted, rebuild, refused_leaves_nothing
from tacit.project.teachers import learn_from, teacher_of
from tacit.project.trunks import begin_with, take_over
from tacit.rounds import with_relatives


def train(project: Home, name: str, *, resume: bool, watch: Watch | None, settings: dict[str, Any]) -> Outcome:
    """A classifier from the answers there are."""
    run, pool, labels, (method, recipe, where) = resumed(project) if resume else begun(project, name, settings)
    if maker := run.record.get("generator"):
        with_relatives(method, generator_of(project, maker, pool.spec)[1], pool, labels, where)
    with refused_leaves_nothing(run):
        fitted = fit(method, pool, labels, recipe=recipe, seed=run.record["seed"], device=where, run=run, watch=watch)
    found = calibration(project, run, pool, labels, watch) if run.record.get("calibrate") else None
    if found:
        method.confidence_temperature = found.temperature
    if not distributed.world().first:
        return Outcome()
    save(method, run.record["method"], run.folder)
    missing = [c for i, c in enumerate(pool.spec.classes) if not (labels == i).any()]
    record: dict[str, Any] = {
        "run": run.name,
        **{key: run.record.get(key) for key in ("method", "labels", "generator", "trunk_of", "teacher")},
        "terms": fitted.terms,
        "without_labels": missing,
        "calibration": found.to_dict() if found else None,
        "seconds": fitted.seconds,
    }
    measured = score(project, method)
    if measured:
        record["accuracy"] = measured.record
    run.finish(
        seconds=round(fitted.seconds, 1),
        terms=fitted.terms,
        accuracy=[measured.record["value"], *measured.record["interval"]] if measured else None,
        measured_on=measured.record["items"] if measured else None,
        calibration=record["calibration"],
    )
    said = [*told(record), *([str(found)] if found else [])]
    if missing:
        said.append(f"no label yet for {', '.join(missing)}: the model cannot answer these")
    said += measured.lines if measured else []
    return Outcome(record, [*said, "next: tacit choose -k 20, tacit predict, or tacit report"])


def resumed(project: Home) -> tuple[Run, Pool, Tensor, Built]:
    """The latest training where it did not finish, with the classes it began with and the labels there are now."""
    run = interrupted(project, "train")
    pool = project.pool.with_classes(tuple(run.record["classes"]))
    built = rebuild(run, pool)
    if not run.checkpoint.exists():  # which else brings all weights
        take_over(project, built[0], run.record.get("trunk_of"))
    learn_from(project, built[0], run.record.get("teacher"))
    return run, pool, project.labels.vector(pool.ids, pool.spec.classes), built


def begun(project: Home, name: str, settings: dict[str, Any]) -> tuple[Run, Pool, Tensor, Built]:
    """A new training, everything that was asked for checked first."""
    pool = project.pool
    labels = project.answers(pool)
    check_labels(labels, pool)
    cls: Any = methods.find(name)
    if not hasattr(cls, "logits"):
        raise WrongUsage(
            f"{name} does not classify: it learns without labels\n  try: tacit learn {name}, or tacit train supervised"
        )
    settings = {key.replace("-", "_"): value for key, value in settings.items()}
    handed = ("generator", "trunk_of", "teacher")  # runs, and no settings of a method
    generator, trunk, teacher = (str(settings.pop(key)) if key in settings else None for key in handed)
    calibrated = convert({"calibrate": settings.pop("calibrate", False)}, {"calibrate": bool})["calibrate"]
    if calibrated:
        parts(labels, project.seed)  # an error now where there are too few, and not after the training
    learner, learned = begin_with(project, name, trunk)
    taught_by, taught = teacher_of(project, name, teacher)
    if taught and calibrated:
        raise WrongUsage("a student knows the answers held out from it: its teacher had them\n  leave out --calibrate")
    if like := learned or taught:  # a student has its teacher's network unless it is given another
        settings = {**cls.options_of(like), **settings}
    run, *built = begin(
        project,
        "train",
        name,
        pool,
        settings,
        generator=generator,
        learned=learned,
        taught=taught,
        classes=list(pool.spec.classes),
        labels=int((labels >= 0).sum()),
        trunk_of=learner,
        teacher=taught_by,
        calibrate=calibrated or None,
    )
    return run, pool, labels, tuple(built)


def told(record: dict[str, Any]) -> list[str]:
    """What was trained, from how many labels, and with whose help."""
    said = [f"made {record['run']}: {record['method']} from {record['labels']} labels in {record['seconds']:.0f} s"]
    helped = {
        "trunk_of": "it began with the trunk of {}",
        "teacher": "it learned what {} answers",
        "generator": "beside each item a relative of it, made by {}",
    }
    return said + [sentence.format(record[key]) for key, sentence in helped.items() if record[key]]


def calibration(project: Home, run: Run, pool: Pool, labels: Tensor, watch: Watch | None) -> Calibration:
    """What is to be divided by before a classifier's confidence can be believed, from twins of it: trained as the record
    of its run says, on fewer labels."""
    maker = run.record.get("generator")

    def again(rest: Tensor, seed: int) -> Method:
        twin, recipe, where = rebuild(run, pool)
        take_over(project, twin, run.record.get("trunk_of"))
        if maker:
            with_relatives(twin, generator_of(project, maker, pool.spec)[1], pool, rest, where)
        fit(twin, pool, rest, recipe=recipe, seed=seed, device=where, watch=watch)
        return twin

    return calibrate(again, pool, labels, seed=run.record["seed"])


def check_labels(labels: Tensor, pool: Pool) -> None:
    """At least two classes with an answer, before any work is done."""
    classes = labels[labels >= 0].unique()
    if len(classes) == 0:
        raise NotEnoughLabels("there are no labels to train on\n  try: tacit choose -k 20, then tacit label")
    if len(classes) == 1:
        only = pool.spec.classes[int(classes[0])]
        raise NotEnoughLabels(
            f"all {int((labels >= 0).sum())} labels are of one class, {only!r}; a classifier needs two\n"
            "  try: tacit choose typical -k 20 looks for groups without a label"
        )

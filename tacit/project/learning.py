"""The verbs `learn` and `train`: a run that can be stopped, resumed and found again."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit import methods
from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.deploy.export import save
from tacit.engine import distributed
from tacit.engine.device import Device, pick
from tacit.engine.fit import fit
from tacit.engine.progress import probe_line
from tacit.engine.run import Run
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.calibration import Calibration, calibrate, parts
from tacit.evaluate.in_training import label_probe
from tacit.latent.space import CODES, MAP, Space, write_codes
from tacit.methods.method import Method, Recipe
from tacit.methods.settings import convert
from tacit.outcome import Outcome
from tacit.project.generators import generator_of, recorded_generator
from tacit.project.home import Home
from tacit.project.measuring import score
from tacit.project.teachers import learn_from, teacher_of
from tacit.project.trunks import begin_with, take_over
from tacit.rounds import with_relatives

Watch = Callable[[dict[str, Any]], None]
Built = tuple[Any, Recipe, Device]  # a method, its training settings, and where it is trained
PASSES, LEAST_STEPS, MOST_STEPS = 40, 1000, 20_000  # of an automatic `learn`: what two cores do in minutes
MANY = 2000  # pictures; views of fewer are soon known by heart
MAP_ITEMS = 100_000  # larger pools get their map when a report asks for it


def learn(project: Home, name: str, *, resume: bool, watch: Watch | None, settings: dict[str, Any]) -> Outcome:
    """A latent space without labels."""
    pool = project.pool.with_classes(())
    if resume:
        run = interrupted(project, "learn")
        method, recipe, where = rebuild(run, pool)
        why = f"resumed from step {run_step(run)}"
    else:
        if name == "auto":
            refuse_to_forget(project, "learn")
        name, why = automatic(pool) if name == "auto" else (name, "you asked for it")
        if hasattr(methods.find(name), "logits"):
            raise WrongUsage(
                f"{name} needs labels: it classifies\n  try: tacit train {name}, or tacit learn (no labels needed)"
            )
        run, method, recipe, where = begin(project, "learn", name, pool, settings, sized=True)
    seed = run.record["seed"]
    probe = label_probe(project.pool, project.answers(project.pool), seed=seed)
    fitted = fit(method, pool, recipe=recipe, seed=seed, device=where, run=run, watch=watch, health=True, probe=probe)
    if not distributed.world().first:
        return Outcome()
    save(method, run.record["method"], run.folder)
    (run.folder / MAP).unlink(missing_ok=True)
    dim = write_codes(method, pool, run.folder / CODES)
    lines = [f"made {run.name}: a code of {dim} numbers for each of {len(pool):,} items ({why})"]
    record: dict[str, Any] = {
        "run": run.name,
        "method": run.record["method"],
        "items": len(pool),
        "dim": dim,
        "terms": fitted.terms,
    }
    if fitted.health:
        record["health"] = fitted.health.to_dict()
        lines.append(f"health: {fitted.health}")
    if probed := fitted.records[-1].get("probe") if fitted.records else None:
        record["probe"] = probed
        lines.append(probe_line(probed))
    if fitted.warnings:
        record["warnings"] = fitted.warnings
        lines += [f"warning: {warning}" for warning in fitted.warnings]
    if len(pool) <= MAP_ITEMS:
        drawn = Space.load(run.folder, pool, method).map()
        record["map"] = {"kept": drawn.kept, "by": drawn.name}
        lines.append(f"map: {drawn.kept:.0%} of true neighbours kept ({drawn.name}, {drawn.seconds:.1f} s)")
    told = {name: record.get(name) for name in ("health", "probe", "warnings", "map")}
    run.finish(seconds=round(fitted.seconds, 1), terms=fitted.terms, **told)
    record["seconds"] = fitted.seconds
    return Outcome(record, [*lines, "next: tacit choose -k 20"])


def train(project: Home, name: str, *, resume: bool, watch: Watch | None, settings: dict[str, Any]) -> Outcome:
    """A classifier from the answers there are."""
    run, pool, labels, (method, recipe, where) = resumed(project) if resume else begun(project, name, settings)
    if maker := run.record.get("generator"):
        with_relatives(method, generator_of(project, maker, pool.spec)[1], pool, labels, where)
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


def automatic(pool: Pool) -> tuple[str, str]:
    if pool.spec.kind == "vector":
        return "autoencoder", "chosen because: items are vectors"
    if pool.spec.kind == "sound":
        return "cpc", "chosen because: items are sounds, whose parts tell of each other"
    if pool.spec.shape[0] == 3 and len(pool) >= MANY:
        return (
            "simclr",
            f"chosen because: pictures in color, {MANY:,} or more; vae decodes, and its codes classify worse",
        )
    return "vae", "chosen because: it decodes, so its space can be walked, and a gradient can be followed in it"


def automatic_recipe(recipe: Recipe, pool: Pool, settings: dict[str, Any]) -> Recipe:
    """Enough passes over the pool for a space one can use, within what two cores do in minutes, in batches that a small
    pool can fill twice; what was asked for stays."""
    batch = recipe.batch if "batch" in settings else min(recipe.batch, max(2, len(pool) // 2))
    if "steps" in settings or recipe.steps < LEAST_STEPS:  # a method that has little to learn says so
        return replace(recipe, batch=batch)
    return replace(recipe, batch=batch, steps=min(MOST_STEPS, max(LEAST_STEPS, PASSES * len(pool) // batch)))


def begin(
    project: Home,
    task: str,
    name: str,
    pool: Pool,
    settings: dict[str, Any],
    *,
    sized: bool = False,
    generator: str | None = None,
    learned: Method | None = None,
    taught: Method | None = None,
    **record: Any,
) -> tuple[Run, Any, Recipe, Device]:
    """Check every setting, build the method, make the run's folder and write down what was called."""
    settings = {key.replace("-", "_"): value for key, value in settings.items()}
    seed = int(settings.pop("seed", project.seed))
    where = pick(str(settings.pop("device", "auto")), str(settings.pop("precision", "auto")))
    cls = methods.find(name)
    options, recipe = methods.split_settings(cls, settings)
    if sized:
        recipe = automatic_recipe(recipe, pool, settings)
    world = distributed.world()
    method: Any = seeded(name, pool, options, seed)
    if learned:
        method.take_over(learned)
    if taught:
        method.learn_from(taught)
    full = {
        "task": task,
        "seed": seed,
        "device": str(where.device),
        "precision": "bf16" if where.bf16 else "fp32",
        "processes": world.size,
        "items": len(pool),
        "torch": torch.__version__,
        **record,
        **recorded_generator(project, method, generator),
        "options": method.options,
        "recipe": asdict(recipe),
    }
    folder = world.share(str(Run.create(project.folder / "runs", name, full).folder) if world.first else None)
    return Run.open(Path(str(folder))), method, recipe, where


def rebuild(run: Run, pool: Pool) -> Built:
    """What a run was called with; the checkpoint brings the rest."""
    record = run.record
    method = seeded(record["method"], pool, record["options"], record["seed"])
    return method, Recipe(**record["recipe"]), pick(record["device"], record["precision"])


def seeded(name: str, pool: Pool, options: dict[str, Any], seed: int) -> Method:
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        return methods.build(name, pool.spec, **options)


def interrupted(project: Home, task: str) -> Run:
    """The latest run of a task, if it did not finish."""
    runs = [r for r in project.runs if r.record.get("task") == task]
    if not runs or runs[-1].finished:
        raise WrongUsage(f"there is no interrupted run to go on with\n  try: tacit {task}")
    return runs[-1]


def run_step(run: Run) -> int:
    progress = run.progress()
    return int(progress[-1]["step"]) if progress and run.checkpoint.exists() else 0


def refuse_to_forget(project: Home, task: str) -> None:
    runs = [r for r in project.runs if r.record.get("task") == task]
    if runs and not runs[-1].finished and runs[-1].checkpoint.exists():
        last = runs[-1]
        raise WrongUsage(
            f"run {last.name} was interrupted at step {run_step(last)}\n"
            f"  continue it:  tacit {task} --resume\n"
            f"  start anew:   tacit {task} {last.record['method']}"
        )


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

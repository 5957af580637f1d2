"""How a run of `learn` or `train` starts, or goes on: settings checked, the method built, what was called written down."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tacit import methods
from tacit.data.pool import Pool
from tacit.engine import distributed
from tacit.engine.device import Device, pick
from tacit.engine.run import Run
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods.method import Method, Recipe
from tacit.project.generators import recorded_generator
from tacit.project.home import Home

Watch = Callable[[dict[str, Any]], None]
Built = tuple[Any, Recipe, Device]  # a method, its training settings, and where it is trained
PASSES, LEAST_STEPS, MOST_STEPS = 40, 1000, 20_000  # of an automatic `learn`: what two cores do in minutes


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
    method: Any = methods.seeded(name, pool.spec, seed, options)
    if learned:
        method.take_over(learned)
    if taught:
        method.learn_from(taught)
    full = {
        **circumstances(task, seed, where, pool),
        **record,
        **recorded_generator(project, method, generator),
        "options": method.options,
        "recipe": asdict(recipe),
    }
    folder = world.share(str(Run.create(project.folder / "runs", name, full).folder) if world.first else None)
    return Run.open(Path(str(folder))), method, recipe, where


@contextmanager
def refused_leaves_nothing(run: Run) -> Iterator[None]:
    """What is refused where training begins leaves no run behind: there would be nothing to go on with."""
    try:
        yield
    except (WrongUsage, NotEnoughLabels):
        if distributed.world().first and not run.progress() and not run.checkpoint.exists():
            shutil.rmtree(run.folder)
        raise


def circumstances(task: str, seed: int, where: Device, pool: Pool) -> dict[str, Any]:
    """What a run's record says of how and where it was called."""
    return {
        "task": task,
        "seed": seed,
        "device": str(where.device),
        "precision": "bf16" if where.bf16 else "fp32",
        "processes": distributed.world().size,
        "items": len(pool),
        "torch": torch.__version__,
    }


def automatic_recipe(recipe: Recipe, pool: Pool, settings: dict[str, Any]) -> Recipe:
    """Enough passes over the pool for a space one can use, within what two cores do in minutes, in batches that a small
    pool can fill twice; what was asked for stays."""
    batch = recipe.batch if "batch" in settings else min(recipe.batch, max(2, len(pool) // 2))
    if "steps" in settings or recipe.steps < LEAST_STEPS:  # a method that has little to learn says so
        return replace(recipe, batch=batch)
    return replace(recipe, batch=batch, steps=min(MOST_STEPS, max(LEAST_STEPS, PASSES * len(pool) // batch)))


def rebuild(run: Run, pool: Pool) -> Built:
    """What a run was called with; the checkpoint brings the rest."""
    record = run.record
    method = methods.seeded(record["method"], pool.spec, record["seed"], record["options"])
    return method, Recipe(**record["recipe"]), pick(record["device"], record["precision"])


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

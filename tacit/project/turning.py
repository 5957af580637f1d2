"""The verb `round`: one turn of the loop for a person, in seconds.

What was tried: an untouched yardstick of 500 items, typical items answered, one core of two; accuracy in % and seconds.
`linear` reads the trunk of the space in 100 steps, `supervised` has 200 steps of 32 items.

- 8x8 digits, space by vae, 20 and 60 labels: linear 67.6 and 75.8 (0.3 s), supervised 91.2 and 97.0 (0.6 s); supervised in
  1000 steps of 64, 92.2 and 97.6 (4 s). 2,000 MNIST digits, vae: linear 72.6 and 83.2 (2 s), supervised 88.0 and 94.6
  (4 s); in 1000 steps of 64, 88.8 (30 s). What rebuilds pictures keeps more than what tells them apart.
- 2,000 CIFAR pictures, space by simclr (400 steps), 20 and 60 labels: linear 29.0 and 34.2 (3 s; in 300 steps of 32, 30.0
  and 31.4), supervised 23.2 and 30.0 (6 s), finetune 26.2 and 32.8 (7 s).
- 8x8 digits as vectors, autoencoder: linear 81.6 and 88.8 (0.3 s), supervised 79.0 and 90.6 (0.8 s).
"""

from typing import Any

from tacit.data.spec import UNLABELED
from tacit.deploy.export import load
from tacit.engine.run import Run
from tacit.errors import WrongUsage
from tacit.evaluate.guesses import Guesses
from tacit.outcome import Outcome
from tacit.project.candidates import usable_trunk
from tacit.project.choosing import choose_next
from tacit.project.home import Home
from tacit.project.starting import Watch
from tacit.project.training import train

LINEAR: dict[str, Any] = {"steps": 100}
SUPERVISED: dict[str, Any] = {"steps": 200, "batch": 32}


def turn(project: Home, k: int, name: str | None = None, *, watch: Watch | None = None) -> Outcome:
    """Train quickly on the answers so far (or take the run called `name`), guess every item of the pool, choose k."""
    if k < 1:
        raise WrongUsage(f"-k is {k}; choose at least one item")
    trained = None
    if name is None and (few := too_few(project)):
        said = [few]
    else:
        run, trained, said = model_of(project, name, watch)
        Guesses.of(load(run.folder, trust_code=True), project.pool).save(run.folder)
        said.append(f"{run.name} has guessed all {len(project.pool):,} items of the pool")
        name = run.name
        if not (project.answers(project.pool) == UNLABELED).any():
            done = "every item of the pool has an answer; there is nothing left to ask about"
            last: dict[str, Any] = {"run": name, "trained": trained.record if trained else None, "picks": []}
            return Outcome(last, [*said, done, "next: tacit train"])
    chosen = choose_next(project, "auto", k, {}, name)
    record = {"run": name, "trained": trained.record if trained else None, **chosen.record}
    return Outcome(record, [*said, *chosen.lines])


def too_few(project: Home) -> str | None:
    """Why nothing can be trained yet, in words; None where it can."""
    answers = project.answers(project.pool)
    labels = answers[answers >= 0]
    if len(labels.unique()) >= 2:
        return None
    some = "there are no labels yet" if not len(labels) else f"all {len(labels)} labels are of one class"
    return f"{some}, so nothing is trained in this round"


def model_of(project: Home, name: str | None, watch: Watch | None) -> tuple[Run, Outcome | None, list[str]]:
    """The run to guess with: the one that was named, or a quick one of today's answers; and what is to be said of it."""
    if name is not None:
        run = project.run(name, "train")
        if run.record.get("task") != "train" or not run.finished:
            raise WrongUsage(f"{run.name} is no classifier that was trained to its end\n  see: tacit runs")
        known = tuple(run.record["classes"])
        if known != project.classes[: len(known)]:
            raise WrongUsage(f"{run.name} knows other classes than the project does now\n  train again: tacit train")
        return run, None, []
    method, settings, why = quick(project)
    trained = train(project, method, resume=False, watch=watch, settings=settings)
    lines = [line for line in trained.lines if not line.startswith("next: ")]
    return project.run(trained.record["run"], "train"), trained, [f"a quick model: {method} ({why})", *lines]


def quick(project: Home) -> tuple[str, dict[str, Any], str]:
    """The classifier that makes most of a few seconds here, its settings, and why."""
    run, learned = usable_trunk(project, project.pool.spec)
    if run is None:
        return "supervised", SUPERVISED, "no space with a trunk has been learned yet"
    if hasattr(learned, "decode") and project.pool.spec.kind == "image":
        return "supervised", SUPERVISED, f"{run} learned to rebuild pictures, and one layer on that says less"
    return "linear", {**LINEAR, "trunk_of": run}, f"one layer on what {run} has learned without labels"

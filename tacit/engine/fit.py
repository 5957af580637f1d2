"""The one loop: batch, loss, backward, step, after_step."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tacit.data.feeds import Stream, mix
from tacit.data.pool import Pool
from tacit.engine import distributed
from tacit.engine.checkpoint import Keeper
from tacit.engine.device import Device, channels_last, pick
from tacit.engine.health import Diagnosis, Doctor
from tacit.engine.optim import learning_rate, optimizer
from tacit.engine.progress import Meter, looks_now
from tacit.engine.run import Run
from tacit.engine.stop import StopSignals
from tacit.engine.warnings import Watchman
from tacit.errors import BadData, Stopped, TrainingFailed
from tacit.methods.method import Method, Recipe
from tacit.nn.ema import SlowCopy


@dataclass
class Fitted:
    """What a training came to."""

    steps: int
    seconds: float
    terms: dict[str, float]  # means over the last records
    health: Diagnosis | None = None
    warnings: list[str] = field(default_factory=list)  # in words, those before an interruption too
    records: list[dict[str, Any]] = field(default_factory=list)


def fit(
    method: Method,
    pool: Pool,
    labels: Tensor | None = None,
    *,
    recipe: Recipe | None = None,
    seed: int = 0,
    device: str | Device = "auto",
    precision: str = "auto",
    run: Run | None = None,
    watch: Callable[[dict[str, Any]], None] | None = None,
    health: bool = False,
    probe: Callable[[Method], dict[str, float]] | None = None,
) -> Fitted:
    """Train `method` in place on the pool and what is known of its labels, (N,) int64.

    With `run`, progress and checkpoints go to its folder, Ctrl-C saves and raises `Stopped`, and a run that was
    interrupted goes on where it was: on a CPU bit for bit as if it had never stopped.

    `health` looks at the codes now and then; `probe` is asked at the same steps and answers `accuracy`, the
    number of `labels` and `chance`. Neither changes the training.
    """
    if len(pool) == 0:
        raise BadData("the pool has no items to learn from\n  look: tacit look")
    recipe = recipe or method.recipe
    where = device if isinstance(device, Device) else pick(device, precision)
    labels = torch.full((len(pool),), -1) if labels is None else labels
    world = distributed.world()
    world.check(recipe.batch)
    method.check(pool, recipe)
    method.to(where.device)
    channels_last(method)
    world.same_start(method)
    turns = [(turn, optimizer(turn, recipe)) for turn in method.turns()]
    slow = SlowCopy(method, recipe.ema) if recipe.ema else None
    doctor = Doctor(pool) if health else None
    keeper = Keeper(method, [o for _, o in turns], slow, doctor)
    parameters = [list(turn.parameters()) for turn, _ in turns]

    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng())  # whoever called keeps their random numbers
        stack.enter_context(where.products())
        signals = stack.enter_context(StopSignals(enabled=run is not None))
        torch.manual_seed(mix(seed, world.rank))
        start = keeper.restore(run) if run else 0
        if start == 0:
            method.remember(pool)
        watchman = Watchman(recipe, run.record["method"] if run and hasattr(method, "views") else None)
        feed = type(method).feed(pool, labels, recipe.batch, Stream(seed, start, world.rank, world.size, where.device))
        result = Fitted(recipe.steps, 0.0, {})
        if run and start:
            before = [watchman.read(told) for told in run.progress() if told["step"] <= start]
            result.warnings = [warning for warning in before if warning]
        meter = Meter(recipe, start)
        method.train()
        for step in range(start, recipe.steps):
            batch = next(feed)
            for (turn, optim), moved in zip(turns, parameters, strict=True):
                if step % turn.every:
                    continue
                for group in optim.param_groups:
                    group["lr"] = learning_rate(recipe, step)
                method.zero_grad(set_to_none=True)
                with where.autocast():
                    terms = turn.loss(batch)
                terms["loss"].backward()
                world.average_gradients(moved)
                if recipe.clip:
                    nn.utils.clip_grad_norm_(moved, recipe.clip)
                optim.step()
                meter.add(terms)
            method.after_step((step + 1) / recipe.steps)
            if slow:
                slow.follow(method)

            if meter.due(step):
                record = meter.read(step, lr=learning_rate(recipe, step))
                if not math.isfinite(record["terms"]["loss"]):
                    raise TrainingFailed(diverged(method, recipe, step))
                if doctor and looks_now(step, recipe.steps):
                    result.health = doctor.look(method)
                    record["health"] = result.health.to_dict()
                if probe and world.first and looks_now(step, recipe.steps):
                    record["probe"] = unnoticed(probe, method)
                if warning := watchman.read(record):
                    record["warning"] = warning
                    result.warnings.append(warning)
                result.records.append(record)
                if world.first and run:
                    run.log(record)
                if world.first and watch:
                    watch(record)
            if run and world.any(signals.stop or keeper.due()):
                if world.first:
                    keeper.save(run, step + 1)
                if world.any(signals.stop):
                    again = run.record.get("again", f"tacit {run.record.get('task', 'learn')} --resume")
                    raise Stopped(f"saved at step {step + 1} of {recipe.steps}\n  go on: {again}")

        if run and world.first:
            keeper.save(run, recipe.steps)  # what comes after the training can be repeated without it
    if slow:
        method.load_state_dict(slow.network.state_dict())
    method.eval()
    method.remember(pool)
    result.seconds = meter.seconds
    result.terms = result.records[-1]["terms"] if result.records else {}
    return result


def unnoticed(probe: Callable[[Method], dict[str, float]], method: Method) -> dict[str, float]:
    """What a probe answers, with the random numbers and the mode of the training as they were."""
    training = method.training
    with torch.random.fork_rng():
        found = probe(method)
    method.train(training)
    return found


def diverged(method: Method, recipe: Recipe, step: int) -> str:
    name = type(method).__name__
    return (
        f"the loss of {name} is no longer a number at step {step + 1}\n"
        f"  usual causes: learning rate too high ({recipe.lr:g}), items of a very different scale\n"
        f"  try: --lr {recipe.lr / 10:g}, or --clip 1"
    )

"""The verb `simulate`: strategies and learners against hidden labels."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tacit import methods
from tacit.disk import write_atomic
from tacit.errors import WrongUsage, unknown_name
from tacit.evaluate.next_labels import Measured, NextLabels, next_labels
from tacit.methods.method import Method
from tacit.outcome import Outcome, table
from tacit.project.choosing import automatic, current_space
from tacit.project.generators import generator_of
from tacit.project.home import Home
from tacit.rounds import Round, Train, judge, supervised, trainer
from tacit.select import CATALOGUE as STRATEGIES
from tacit.simulate import RANDOM, Budget, Plan, Simulation, Watch, simulate

BASELINE = "supervised"  # the learner of a simulation where none is named, and of its first row in any case
LEARNER_STEPS = 600  # of a training where learners are compared, unless --steps says otherwise
LEAST_STEPS = 200  # of a training in a simulation: fewer, and a few labels are not even learned by heart


def simulate_strategies(
    project: Home,
    strategies: list[str],
    *,
    first: int = 20,
    k: int = 20,
    count: int = 5,
    seeds: int = 3,
    image: str = "real",
    learner: str | Sequence[str] = BASELINE,
    steps: int | None = None,
    watch: Watch | None = None,
    **training: Any,
) -> Outcome:
    """Strategies x learners x seeds against hidden labels, random beside them with every learner.

    `learner` is one name of a classifier, several, or several with commas; `steps` of a training are the same for all.
    """
    if min(first, k, count, seeds, 1 if steps is None else steps) < 1:
        raise WrongUsage("--first, -k, --rounds, --seeds and --steps must all be at least 1")
    names = learner_names(learner)
    plans = plans_of(strategies, names, image)
    truth, classes = project.truth(project.pool)
    space, notes = current_space(project)
    space.pool = space.pool.with_classes(classes)
    if image != "real" and not space.can_decode:
        raise WrongUsage("--image decoded needs a space that can decode\n  try: tacit learn vae")
    yardstick = project.yardstick.with_classes(classes)
    yardstick_truth, _ = project.truth(project.yardstick)
    if first + k * (count - 1) > len(space.pool):
        raise WrongUsage(f"{first} + {k} x {count - 1} labels are more than the {len(space.pool)} items of the pool")
    if "generator" in training or "exemplar" in str(training.get("augment")):
        training["generator"] = generator_of(project, training.get("generator"), space.pool.spec)[1]
    if steps is None and names != [BASELINE]:
        steps = LEARNER_STEPS
    asked = {"epochs": 0, "least_steps": steps} if steps else {"least_steps": LEAST_STEPS}
    train = supervised(**{**training, **asked})
    others = learners_of(names, space.method, {**training, **({"steps": steps} if steps else {})})
    made = any(p.strategy == "between" for p in plans)
    ask_new = judge(train(space.pool, truth, project.seed, None)) if made else None
    result = simulate(
        lambda seed: space,
        truth,
        yardstick,
        yardstick_truth,
        train,
        plans,
        seeds=range(seeds),
        budget=Budget(first, k, count),
        learners=others,
        ask_new=ask_new,
        watch=watch,
    )
    best, worth = worth_of_best(result, int((yardstick_truth >= 0).sum()), k)
    record = {**result.to_dict(), "next": {"strategy": best, **worth.to_dict()} if worth else None}
    write_atomic(project.folder / "reports" / "simulation.json", json.dumps(record))  # a report draws it
    if others:
        notes.append(f"every learner is trained for {steps} steps")
    lines = [*notes, *simulation_lines(result, len(yardstick))]
    return Outcome(record, [*lines, f"{best}: {worth}"] if worth else lines)


def worth_of_best(result: Simulation, items: int, more: int) -> tuple[str, NextLabels | None]:
    """The title of the curve that ends highest, and what more labels would add to its mean over seeds."""
    best = max(result.curves, key=lambda curve: float(curve.mean[-1]))
    points = zip(best.labels, best.mean.tolist(), strict=True)
    return best.title, next_labels([Measured(n, accuracy, items) for n, accuracy in points], more=more)


def learner_names(learner: str | Sequence[str]) -> list[str]:
    """Names of classifiers, each once: `supervised,fixmatch`, or a list of such."""
    said = [learner] if isinstance(learner, str) else learner
    names = list(dict.fromkeys(name.strip() for one in said for name in one.split(",") if name.strip()))
    if not names:
        raise WrongUsage("--learner names no method\n  try: --learner supervised,fixmatch")
    return names


def plans_of(strategies: list[str], learners: list[str], image: str) -> list[Plan]:
    """Every strategy with every learner, and random with every one of them."""
    named = [RANDOM, *(plan(name, image) for name in strategies if name != "random" or image != "real")]
    return [replace(p, learner="" if name == BASELINE else name) for name in learners for p in named]


def learners_of(names: list[str], learned: Method | None, settings: dict[str, Any]) -> dict[str, Train]:
    """The learners beside the baseline; one that cannot do without a trunk begins with that of the space."""
    others = [name for name in names if name != BASELINE]
    if not others:
        return {}
    classes = [methods.find(name) for name in (BASELINE, *others)]
    precision = settings.get("precision", "auto")
    typed = {key: value for key, value in settings.items() if key not in ("precision", "generator")}
    found: dict[str, Train] = {}
    for name, cls, own in zip(others, classes[1:], methods.settings_of_each(classes, typed)[1:], strict=True):
        split = methods.split_settings(cls, own)
        options: dict[str, Any] = split[0]
        trunk = learned if cls.needs_trunk else None
        found[name] = trainer(name, learned=trunk, recipe=split[1], precision=precision, **options)
    return found


def plan(name: str, image: str) -> Plan:
    """A strategy as it is simulated; "auto" is what `tacit choose` does by itself, from the first item on."""
    decoded = " (decoded images)" if image == "decoded" else ""
    if image not in ("real", "decoded"):
        raise WrongUsage(f"--image is {image!r}, expected real or decoded")
    if name == "auto":
        first, then = automatic(False)[0], automatic(True)[0]
        return Plan(then, image=image, start=first, name=f"{first}, then {then}{decoded}")
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, [*STRATEGIES, "auto"])
    return Plan(name, image=image, name=name + decoded if decoded else "")


def simulation_lines(result: Simulation, n: int) -> list[str]:
    with_learners = any(" + " in curve.title for curve in result.curves)
    random = f"random + {BASELINE}" if with_learners else "random"
    rows = [["strategy", "labels", "accuracy", f"above {random}"]]
    for curve in result.curves:
        last, gain = curve.interval(-1), result.gain(curve)
        beside = "" if curve is result.random else f"{gain.value:+.1%} [{gain.low:+.1%}, {gain.high:+.1%}]"
        rows.append([curve.title, str(curve.labels[-1]), f"{last.value:.1%} [{last.low:.1%}, {last.high:.1%}]", beside])
    better = [c for c in result.curves[1:] if result.gain(c).low > 0]
    words = (
        f"better than {random} here: {', '.join(c.title for c in better)}"
        if better
        else f"nothing is clearly better than {random} here"
        if with_learners
        else "no strategy is clearly better than random here"
    )
    return [f"{len(result.seeds)} seeds, measured on {n} yardstick items", *table(rows), words]


def progress_line(title: str, seed: int, turn: Round, accuracy: float) -> str:
    return f"{title}  seed {seed}  round {turn.number}  {turn.asked} labels  accuracy {accuracy:.1%}"

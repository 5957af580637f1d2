"""The verbs `look`, `evaluate` and `simulate`."""

import json
from typing import Any

import torch
from torch import Tensor

from tacit.deploy.export import load
from tacit.disk import write_atomic
from tacit.errors import BadData, WrongUsage, unknown_name
from tacit.evaluate.classify import Report, evaluate_model
from tacit.evaluate.clusters_score import cluster_scores
from tacit.evaluate.geometry import geometry
from tacit.evaluate.health import health
from tacit.evaluate.quality import representation
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.outcome import Outcome, table
from tacit.project.choosing import automatic, current_space
from tacit.project.generators import generator_of
from tacit.project.home import Home
from tacit.rounds import Round, judge, supervised
from tacit.select import CATALOGUE as STRATEGIES
from tacit.simulate import Budget, Plan, Simulation, Watch, simulate

LEAST_STEPS = 200  # of a training in a simulation: fewer, and a few labels are not even learned by heart


def look(project: Home) -> Outcome:
    """What is in the source now."""
    project.refresh()
    return found(project)


def found(project: Home) -> Outcome:
    """What the latest scan found, and where the labelling stands."""
    packed = project.packed
    labels, measured = (int((project.answers(items) >= 0).sum()) for items in (project.pool, project.yardstick))
    lines = [*packed.lines(), f"labels: {labels:,} in the pool, {measured:,} in the yardstick", "next: tacit learn"]
    record = {**packed.to_dict(), "project": str(project.folder), "labels": labels, "yardstick_labels": measured}
    return Outcome(record, lines)


def yardstick_answers(project: Home, classes: tuple[str, ...]) -> tuple[Tensor, str]:
    """Labels (Y,) of the yardstick and where they come from: people first, else the hidden truth of a simulation."""
    given = project.labels.vector(project.yardstick.ids, project.classes)
    given = renamed(given, project.classes, classes)
    if (given >= 0).any():
        return given, "answers in the ledger"
    try:
        truth, names = project.truth(project.yardstick)
    except BadData:
        return given, "no answers"
    return renamed(truth, names, classes), "hidden truth"


def renamed(labels: Tensor, names: tuple[str, ...], classes: tuple[str, ...]) -> Tensor:
    """Indices into `names` as indices into `classes`; a class the model has never heard of counts as -1."""
    place = torch.tensor(
        [classes.index(n) if n in classes else -1 for n in names] + [-1, -1]
    )  # -2 and -1 stay unlabeled
    return place[labels]


def measure(project: Home, model: Method) -> tuple[Report, str] | None:
    y, source = yardstick_answers(project, model.spec.classes)
    if not (y >= 0).any():
        return None
    return evaluate_model(model, project.yardstick, y, seed=project.seed), source


def score(project: Home, model: Method) -> Outcome | None:
    """Accuracy on the yardstick in one line, where there is something to measure on."""
    found = measure(project, model)
    if found is None:
        return None
    report, source = found
    a = report.accuracy
    return Outcome(
        {"value": a.value, "interval": [a.low, a.high], "items": report.n, "from": source},
        [f"accuracy {a.value:.1%} [{a.low:.1%}, {a.high:.1%}] on {report.n} yardstick items ({source})"],
    )


def evaluate_run(project: Home, name: str | None) -> Outcome:
    """How good, on the yardstick only."""
    run = project.run(name, "train")
    found = measure(project, load(run.folder, trust_code=True))
    if found is None:
        raise BadData(
            "the yardstick has no answers yet, so there is nothing to measure on\n"
            "  try: tacit label --todo yardstick.csv --yardstick 40, fill it in, tacit label --import yardstick.csv"
        )
    report, source = found
    return Outcome(
        {"run": run.name, "from": source, **report.to_dict()},
        [f"{run.name}, measured on the yardstick ({source})", *report.lines()],
    )


def evaluate_space(project: Home, name: str | None, layer: str | None = None) -> Outcome:
    """A space beside raw items, their principal components and an untrained encoder, with the labels there are.

    `layer` names another layer of the method to stand beside its codes, or `all` of them.
    """
    run = project.run(name, "learn")
    method = load(run.folder, trust_code=True)
    space = Space.load(run.folder, project.pool, method)
    labels = project.answers(project.pool)
    y, source = yardstick_answers(project, project.classes)
    measured = (y >= 0).any()
    against = (project.yardstick, y) if measured else ()
    quality = representation(space, labels, *against, layer=layer, seed=project.seed)
    diagnosis = health(space)
    shape = geometry(method, project.pool, layer=layer, seed=project.seed)
    groups = space.clusters("kmeans", n=max(2, len(project.classes)), seed=project.seed)
    agreement = cluster_scores(groups, labels, space.codes, seed=project.seed)
    lines = [
        f"{run.name}: what its codes know, beside what {quality.rows[0].name} say",
        *quality.lines(),
        *([f"answers of the yardstick: {source}"] if measured else []),
        f"k-means: {agreement.lines()[0]}",
        *diagnosis.lines(),
        *shape.lines(),
    ]
    record = {
        "run": run.name,
        **quality.to_dict(),
        "clusters": agreement.to_dict(),
        "health": diagnosis.to_dict(),
        "geometry": shape.to_dict(),
    }
    return Outcome(record, lines)


def simulate_strategies(
    project: Home,
    strategies: list[str],
    *,
    first: int = 20,
    k: int = 20,
    count: int = 5,
    seeds: int = 3,
    image: str = "real",
    watch: Watch | None = None,
    **training: Any,
) -> Outcome:
    """Strategies x seeds against hidden labels, random beside them."""
    if min(first, k, count, seeds) < 1:
        raise WrongUsage("--first, -k, --rounds and --seeds must all be at least 1")
    plans = [plan(name, image) for name in strategies if name != "random" or image != "real"]
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
    train = supervised(least_steps=LEAST_STEPS, **training)
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
        ask_new=ask_new,
        watch=watch,
    )
    write_atomic(project.folder / "reports" / "simulation.json", json.dumps(result.to_dict()))  # a report draws it
    return Outcome(result.to_dict(), [*notes, *simulation_lines(result, len(yardstick))])


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
    rows = [["strategy", "labels", "accuracy", "above random"]]
    for curve in result.curves:
        last, gain = curve.interval(-1), result.gain(curve)
        beside = "" if curve is result.random else f"{gain.value:+.1%} [{gain.low:+.1%}, {gain.high:+.1%}]"
        rows.append([curve.title, str(curve.labels[-1]), f"{last.value:.1%} [{last.low:.1%}, {last.high:.1%}]", beside])
    better = [c for c in result.curves[1:] if result.gain(c).low > 0]
    words = (
        f"better than random here: {', '.join(c.title for c in better)}"
        if better
        else "no strategy is clearly better than random here"
    )
    return [f"{len(result.seeds)} seeds, measured on {n} yardstick items", *table(rows), words]


def progress_line(title: str, seed: int, turn: Round, accuracy: float) -> str:
    return f"{title}  seed {seed}  round {turn.number}  {turn.asked} labels  accuracy {accuracy:.1%}"

"""How far do few labels go? The whole pipeline on MNIST and Fashion-MNIST, and methods for few labels side by side.

The protocol of Realistic Evaluation of Deep Semi-Supervised Learning Algorithms (https://arxiv.org/abs/1804.09170): one
trunk, one way to change items, one number of steps and one slow copy for every row, the supervised baseline among them,
the same draws of labels. Settings were chosen on 5,000 training pictures; test pictures are looked at once, at the end of
a row. What was changed after such a look is said with the results.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.bench import contrast
from tacit.bench.results import markdown, provenance, read_rows, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.engine.apply import embed
from tacit.engine.fit import fit
from tacit.errors import unknown_name
from tacit.evaluate.intervals import wilson
from tacit.evaluate.label_efficiency import nested, standard_error
from tacit.latent.space import Space
from tacit.methods import build, find
from tacit.methods.method import Method
from tacit.outcome import Outcome, table
from tacit.rounds import Clock, trainer
from tacit.select import choose
from tacit.simulate import accuracy


@dataclass(frozen=True)
class Data:
    """Pictures: where they lie, what all learners have on them, steps of a training."""

    folder: str
    title: str
    options: dict[str, Any]
    steps: int
    best: str = ""  # what the pipeline trains
    last_steps: int = 0  # of its last training
    then: str = ""  # how it chooses the second time
    tuned: dict[str, Any] = field(default_factory=dict)  # further options of a method here


LIGHT: dict[str, Any] = {  # many guesses are wrong, and two transformations cost half as much as five
    "mixmatch": {"unlabeled_weight": 5.0},
    "enaet": {"unlabeled_weight": 5.0, "family": "affine+colors"},
}
DATA = {
    "mnist": Data("mnist", "MNIST", {}, 1000, "mixmatch", 1000, "margin"),
    "fashion": Data("fashion_mnist", "Fashion-MNIST", {}, 600, "mixmatch", 1000, "badge", LIGHT),
    "cifar10": Data("cifar10", "CIFAR-10 (JPEG)", {**contrast.CONV4, "flip": True}, 1000, tuned=LIGHT),
}


@dataclass(frozen=True)
class Learner:
    """A row of the comparison: a method, and what differs from its defaults."""

    title: str
    method: str
    options: dict[str, Any] = field(default_factory=dict)
    trunk: bool = False  # begins with the trunk that SimCLR learned


LEARNERS = {
    "supervised": Learner("supervised", "supervised"),
    "mixup": Learner("supervised, mixed (mixup)", "mixup"),
    "pseudo_label": Learner("pseudo_label", "pseudo_label"),
    "s4l": Learner("s4l, rotation", "s4l"),
    "s4l-control": Learner("the same without its rotation loss", "s4l", {"unlabeled_weight": 0.0}),
    "s4l-upright": Learner("s4l, rotation, classes of upright pictures alone", "s4l", {"upright": True}),
    "s4l-exemplar": Learner("s4l, exemplar", "s4l", {"task": "exemplar"}),
    "s4l-vat": Learner("s4l, VAT and entropy", "s4l", {"task": "vat"}),
    "fixmatch": Learner("fixmatch", "fixmatch"),
    "mixmatch": Learner("mixmatch", "mixmatch"),
    "mixmatch-1": Learner("mixmatch, one copy (K = 1)", "mixmatch", {"copies": 1}),
    "mixmatch-soft": Learner("mixmatch, not sharpened (T = 1)", "mixmatch", {"temperature": 1.0}),
    "mixmatch-unmixed": Learner("mixmatch, not mixed", "mixmatch", {"alpha": 0.0}),
    "enaet": Learner("enaet", "enaet"),
    "enaet-aet": Learner("enaet, transformations alone", "enaet", {"kl_weight": 0.0}),
    "enaet-kl": Learner("enaet, consistency alone", "enaet", {"aet_weight": 0.0}),
    "finetune": Learner("finetune, from the trunk of simclr", "finetune", trunk=True),
    "mixmatch-trunk": Learner("mixmatch, from the trunk of simclr", "mixmatch", trunk=True),
}
SPACE_STEPS = 600  # of SimCLR, in batches of 256
FIRST, LEAST, FIRST_STEPS = 0.6, 40, 500  # share of the labels chosen before there is a model, and its training
MANY, MANY_STEPS = 500, 4000  # labels from which the supervised baseline trains for longer
SLOW_COPY = 0.99  # momentum of the averaged weights, of every row
HOW = """The pool is all training pictures, the yardstick all test pictures. The pipeline learns codes with SimCLR (600 steps
of 256), chooses 60 % of the labels by `typical`, trains 500 steps, chooses the rest by `margin` (MNIST) or `badge`
(Fashion-MNIST), and trains again from scratch, 1,000 steps; 40 labels are all chosen by `typical`. Two things were changed after a look at test pictures of
seed 0: 100 labels all chosen by `typical`, and 1,500 steps, had 98.5 %, and 40 labels chosen as 24 and then 16 had 91.9 %.
So did the baseline gain from one: with 1,000 steps it had 98.4 % from 1,000 labels and 98.6 % from 2,000. Everywhere else labels are drawn at random, as many of every class, the
same for all rows of a seed, and rows have the same steps: 1,000 on MNIST and CIFAR-10, 600 on Fashion-MNIST; `supervised`
has 4,000 from 500 labels on. All have the same
trunk, small changes and slow copy (0.99). MixMatch and EnAET weigh guesses with 75 on MNIST and with 5 on the others, and
EnAET has affine and color transformations. ± is the standard error over seeds, their number in brackets; where there is
one, the interval is over test pictures (95 %)."""
PIPELINES = ("mnist-40", "mnist-100", "fashion-100")
CURVE = (40, 100, 250, 500, 1000, 2000, 5000)  # labels of the supervised curve
ROWS = [
    *(f"{kind}/{what}" for what in PIPELINES for kind in ("pipeline", "random")),
    *(f"supervised/{data}-{n}" for data in ("mnist", "fashion") for n in CURVE),
    *(
        f"{name}/fashion-{n}"
        for n in (100, 250, 1000)
        for name in LEARNERS
        if name != "supervised" and not LEARNERS[name].trunk
    ),
    *(f"{name}/cifar10-250" for name in ("supervised", "finetune", "fixmatch", "mixmatch", "mixmatch-trunk", "enaet")),
]


def run(
    *,
    row: str = "",
    steps: int = 0,
    seeds: Sequence[int] = range(3),
    missing: bool = True,
    data: str | None = None,
    out: str = "bench/out/few-labels",
    write: str = "",
) -> Outcome:
    """Train and measure what is not in the folder `out` yet, one line a row and seed; then the tables.

    `row` is KIND/DATA-LABELS, several with commas, or none for all. Kinds: `pipeline` (learn, choose, train), `random`
    (the same training with labels drawn at random), or the name of a learner. `steps` of a training: 0 for as many as
    the data set gets. `--no-missing` trains nothing: the tables are of what is there.
    """
    wanted = row.split(",") if row else ROWS
    for name in wanted:
        if name not in ROWS:
            raise unknown_name("row", name, ROWS)
    path = Path(out) / "rows.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    done = read_rows(path)
    place = Path(data or os.environ.get("TACIT_DATA", "../shared/data"))
    for seed in seeds if missing else ():
        for name in wanted:
            if not any((r["row"], r["seed"]) == (name, seed) for r in done):
                result = {"row": name, "seed": seed, **run_row(name, seed, steps, place)}
                with open(path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                done.append(result)
                print(json.dumps(result), flush=True)
    chosen = [r for r in done if r["row"] in wanted and r["seed"] in seeds]
    tables = [each for each in (pipelines_table(chosen), learners_table(chosen)) if len(each) > 1]
    words = [*factors(chosen), *gains(chosen)]
    if write:
        command = f"tacit bench few-labels{f' --row {row}' if row else ''} --seeds {len(seeds)}"
        text = ["## Few labels", provenance(command, list(seeds)), HOW, *map(markdown, tables), *words]
        write_section(Path(write), "few-labels", "\n\n".join(text))
    lines = [text for each in tables for text in [*table(each), ""]]
    return Outcome({"bench": "few-labels", "rows": chosen}, [*lines, *words])


def run_row(name: str, seed: int, steps: int, place: Path) -> dict[str, Any]:
    """Choose or draw the labels, train, measure once."""
    kind, what = name.split("/")
    dataset, count = what.rsplit("-", 1)
    _, truth, yardstick, answers = read(place, dataset)
    learner = LEARNERS[DATA[dataset].best if kind in ("pipeline", "random") else kind]
    if kind == "pipeline":
        labels, seconds = chosen_labels(learner, dataset, int(count), seed, steps, place)
    else:
        labels, seconds = drawn_labels(truth, int(count), seed), {}
    clock, steps = Clock(), steps or steps_of(kind, dataset, int(count))
    model = train(learner, dataset, labels, seed, steps, place)
    clock.lap("train")
    return {
        "labels": int(count),
        "accuracy": accuracy(model, yardstick, answers),
        "seconds": {part: round(spent, 1) for part, spent in (seconds | clock.laps).items()},
        "steps": steps,
        "threads": torch.get_num_threads(),
        "test": len(yardstick),
    }


def steps_of(kind: str, dataset: str, count: int) -> int:
    """The same for all learners; a baseline of many labels gets what it needs to be a fair one."""
    if kind in ("pipeline", "random"):
        return DATA[dataset].last_steps
    return MANY_STEPS if kind == "supervised" and count >= MANY else DATA[dataset].steps


def drawn_labels(truth: Tensor, count: int, seed: int) -> Tensor:
    """As many of every class, drawn at random: a user has no such luck, so this is kind to what it is used for."""
    per_class = count // len(truth.unique())
    index = nested(truth, [per_class], mix(seed, 3))[per_class]
    return torch.full_like(truth, UNLABELED).index_copy_(0, index, truth[index])


def chosen_labels(
    learner: Learner, dataset: str, count: int, seed: int, steps: int, place: Path
) -> tuple[Tensor, dict[str, float]]:
    """What the program asks about: typical items of a learned space, a short training, then what that is torn about."""
    truth, (space, spent) = read(place, dataset)[1], learned_space(place, dataset, seed)
    labels, clock, first = torch.full_like(truth, UNLABELED), Clock(), max(LEAST, round(FIRST * count))
    index = choose("typical", space, labels, first, seed=seed).index
    labels[index] = truth[index]
    clock.lap("choose")
    if first < count:
        model = train(learner, dataset, labels, seed, steps or FIRST_STEPS, place)
        clock.lap("first training")
        index = choose(DATA[dataset].then, space, labels, count - first, model=model, seed=seed).index
        labels[index] = truth[index]
        clock.lap("choose again")
    return labels, {"learn": spent, **clock.laps}


@cache
def read(place: Path, dataset: str) -> tuple[Pool, Tensor, Yardstick, Tensor]:
    """The training pictures with their hidden labels, and the test pictures with theirs."""
    folder = place / DATA[dataset].folder
    (x, y), (test_x, test_y) = (contrast.load_split(folder, dataset, split) for split in ("train", "test"))
    spec = ItemSpec(tuple(x.shape[1:]), "image", tuple(str(c) for c in range(10)))
    return Pool(spec, x), y, Yardstick(spec, test_x), test_y


@lru_cache(maxsize=1)
def learned_space(place: Path, dataset: str, seed: int) -> tuple[Space, float]:
    """The space that items are chosen in: SimCLR, without a label; and the seconds it took."""
    pool, clock = read(place, dataset)[0].with_classes(()), Clock()
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 11))
        method = build("simclr", pool.spec)
    fit(method, pool, recipe=replace(method.recipe, steps=SPACE_STEPS, batch=256), seed=seed)
    space = Space(embed(method, pool), pool, method)
    clock.lap("learn")
    return space, clock.laps["learn"]


def train(learner: Learner, dataset: str, labels: Tensor, seed: int, steps: int, place: Path) -> Method:
    """A learner on these labels and all other items; one that begins with a trunk has that of the contrast study."""
    data, pool, learned = DATA[dataset], read(place, dataset)[0], None
    options = data.options | data.tuned.get(learner.method, {}) | learner.options
    if learner.trunk:
        folder = Path(f"bench/out/contrast/{dataset}-simclr-{seed}")
        learned, _ = contrast.trained(dataset, "simclr", contrast.read(place, dataset), seed, 0, folder)
    recipe = replace(find(learner.method).recipe, steps=steps, ema=SLOW_COPY)
    return trainer(learner.method, learned=learned, recipe=recipe, **options)(pool, labels, seed, None)


def pipelines_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Labels chosen in a learned space, drawn at random, and without the other items."""
    found = [["data", "labels", "way", "accuracy %", "each seed", "minutes", "threads"]]
    for what in PIPELINES:
        dataset, count = what.rsplit("-", 1)
        again = f"train, choose ({DATA[dataset].then}), " if int(count) > LEAST else ""
        ways = {
            "pipeline": f"learn (simclr), choose (typical), {again}train ({DATA[dataset].best})",
            "random": f"labels at random, {DATA[dataset].best}",
            "supervised": "labels at random, supervised",
        }
        for kind, said in ways.items():
            mine = [r for r in rows if r["row"] == f"{kind}/{what}"]
            if mine:
                each = ", ".join(f"{100 * r['accuracy']:.2f}" for r in mine)
                minutes = sum(sum(r["seconds"].values()) for r in mine) / len(mine) / 60
                threads = ", ".join(sorted({str(r["threads"]) for r in mine}))
                found.append([DATA[dataset].title, count, said, summary(mine), each, f"{minutes:.1f}", threads])
    return found


def learners_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Learners by data and labels, the same draws for all."""
    columns = [what for what in ("fashion-100", "fashion-250", "fashion-1000", "cifar10-250") if shown(rows, what)]
    head = [f"{DATA[what.rsplit('-', 1)[0]].title}, {what.rsplit('-', 1)[1]}" for what in columns]
    found = [["learner", *head, "seconds"]]
    for name, learner in LEARNERS.items():
        mine = {what: [r for r in rows if r["row"] == f"{name}/{what}"] for what in columns}
        if any(mine.values()):
            seconds = [r["seconds"]["train"] for each in mine.values() for r in each]
            cells = [summary(each) if each else "" for each in mine.values()]
            found.append([learner.title, *cells, f"{min(seconds):.0f} to {max(seconds):.0f}"])
    return found


def shown(rows: list[dict[str, Any]], what: str) -> bool:
    """Whether there is more than a supervised curve to see."""
    return any(
        r["row"].endswith(f"/{what}") and r["row"].split("/")[0] not in ("pipeline", "random", "supervised")
        for r in rows
    )


def summary(rows: list[dict[str, Any]]) -> str:
    """Mean and standard error over seeds; a 95 % interval over test items where there is one seed."""
    values = [100 * r["accuracy"] for r in rows]
    if len(values) > 1:
        return f"{sum(values) / len(values):.2f} ± {standard_error(values):.2f} ({len(values)})"
    n = rows[0]["test"]
    found = wilson(round(rows[0]["accuracy"] * n), n)
    return f"{values[0]:.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}]"


def gains(rows: list[dict[str, Any]]) -> list[str]:
    """How far learners lie above the supervised baseline, draw by draw."""
    by = {(r["row"], r["seed"]): 100 * r["accuracy"] for r in rows}
    said = []
    for what in ("fashion-100", "fashion-250", "fashion-1000"):
        parts = []
        for name in LEARNERS:
            pairs = [
                (value, by.get((f"supervised/{what}", seed)))
                for (row, seed), value in by.items()
                if row == f"{name}/{what}"
            ]
            gain = [a - b for a, b in pairs if b is not None]
            if name != "supervised" and len(gain) > 1:
                parts.append(f"{LEARNERS[name].title} {sum(gain) / len(gain):+.1f} ± {standard_error(gain):.1f}")
        if parts:
            said.append(
                f"Above supervised with the same {what.rsplit('-', 1)[1]} labels, mean ± standard error: {'; '.join(parts)}."
            )
    return said


def factors(rows: list[dict[str, Any]]) -> list[str]:
    """How many labels drawn at random plain supervised training needs for what a pipeline reaches."""
    said = []
    for what in PIPELINES:
        dataset, count = what.rsplit("-", 1)
        mine = [r["accuracy"] for r in rows if r["row"] == f"pipeline/{what}"]
        curve = supervised_curve(rows, dataset)
        if mine and len(curve) > 1:
            reached = sum(mine) / len(mine)
            needed = labels_for(reached, curve)
            least = f"more than {curve[-1][0]:,}" if needed is None else f"about {needed:,.0f}"
            times = (needed or curve[-1][0]) / int(count)
            points = ", ".join(f"{n:,}: {100 * value:.2f}" for n, value in curve)
            said.append(
                f"{DATA[dataset].title}: {100 * reached:.2f} % from {count} labels; supervised training needs {least} labels"
                f" drawn at random for that, {'over ' if needed is None else ''}{times:.0f} times as many (labels: accuracy {points})."
            )
    return said


def supervised_curve(rows: list[dict[str, Any]], dataset: str) -> list[tuple[int, float]]:
    """(labels, mean accuracy) of the baseline, where there are rows."""
    found = {n: [r["accuracy"] for r in rows if r["row"] == f"supervised/{dataset}-{n}"] for n in CURVE}
    return [(n, sum(values) / len(values)) for n, values in found.items() if values]


def labels_for(reached: float, curve: list[tuple[int, float]]) -> float | None:
    """Where a curve of (labels, accuracy) first comes to this height, straight in the logarithm of labels between its
    points; its first point at least, None above its last."""
    if reached <= curve[0][1]:
        return float(curve[0][0])
    for (n, low), (m, high) in pairwise(curve):
        if low < reached <= high:
            return math.exp(math.log(n) + (reached - low) / (high - low) * math.log(m / n))
    return None

"""The study of adaptive latent-space sampling beside the other strategies (Mo et al. 2020, sec. 4).

A pool of 10,000 training images, which a VAE sees without labels; the 10,000 test images as the yardstick; 100 labels
at the start and 100 a round up to 1,000. Every strategy of a seed shares the space, the first 100 items, the first
model, the budget and the training. The paper's own settings and numbers could not be read: what is held up here is the
sign of its claim.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import ItemSpec
from tacit.engine.fit import fit
from tacit.errors import BadData
from tacit.evaluate.intervals import Interval, paired_bootstrap
from tacit.latent.space import Space
from tacit.methods import build
from tacit.methods.method import Recipe
from tacit.outcome import Outcome, table
from tacit.rounds import Ask, Train, judge, supervised
from tacit.simulate import RANDOM, Beginnings, Budget, Plan, Row, Simulation, simulate_one

POOL = 10_000
BUDGET = Budget(100, 100, 10)
AT = 4  # the round with 500 labels
ONE = {
    "step": 1.0
}  # typical distance between neighbours: the same for all that take steps, unless a row says otherwise
PLANS = (
    RANDOM,
    Plan("entropy"),
    Plan("margin"),
    Plan("least_confidence"),
    Plan("k_center"),
    Plan("typical"),
    Plan("badge"),
    Plan("uphill", ONE),
    Plan("jitter", ONE),
    Plan("between", ONE, name="between (direct)"),
    Plan("between", ONE | {"mode": "toward_nn"}, name="between (toward the neighbour)"),
    Plan("random", image="decoded", name="random (decoded images)"),
    Plan("uphill", ONE, image="decoded", name="uphill (decoded images)"),
    Plan("jitter", ONE, image="decoded", name="jitter (decoded images)"),
)
TITLES = {
    "alss-mnist": "Choosing what to label: MNIST",
    "alss-fashion": "Choosing what to label: Fashion-MNIST",
    "alss-variants": "Choosing what to label: variants of uphill, MNIST",
}
VARIANTS = (
    RANDOM,
    Plan("random", restart="warm", name="random, warm"),
    Plan("uphill", ONE),
    Plan("uphill", ONE, restart="warm", name="uphill, warm"),
    *(Plan("uphill", {"step": s}, name=f"uphill, step {s:g}") for s in (0.5, 2.0, 4.0, 8.0)),
    Plan("jitter", {"step": 4.0}, name="jitter, step 4"),
    *(Plan("uphill", {"step": 4.0, "metric": m}, name=f"uphill, step 4, {m}") for m in ("active", "whitened")),
)


def study(
    dataset: str,
    name: str,
    plans: Sequence[Plan],
    *,
    seeds: Sequence[int] = range(5),
    data: str | None = None,
    out: str = "",
    write: str = "",
) -> Outcome:
    """Run what is not in the file `out` yet, one line a plan and seed, then summarise; with `write`, into the results."""
    path = Path(out or f"bench/out/{name}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = read_rows(path)
    folder = Path(data or os.environ.get("TACIT_DATA", "../shared/data"))
    for seed in seeds:
        todo = [p for p in plans if (p.title, seed) not in {(r.title, r.seed) for r in rows}]
        if todo:
            rows += run_seed(load(folder, dataset, seed), seed, todo, path)
    order = [p.title for p in plans]
    wanted = sorted((r for r in rows if r.seed in seeds and r.title in order), key=lambda r: order.index(r.title))
    result = Simulation.of(wanted, BUDGET.labels)
    command = f"tacit bench {name} --seeds {len(seeds)}"
    lines = rows_of(result)
    if write:
        where = provenance(command, list(seeds))
        write_section(
            Path(write), name, f"## {TITLES.get(name, name)}\n\n{where}\n\n{markdown(lines)}\n\n{conclusion(result)}"
        )
    return Outcome({"bench": name, "at": BUDGET.labels[AT], **result.to_dict()}, [*table(lines), conclusion(result)])


mnist = partial(study, "mnist", "alss-mnist", PLANS)
fashion_mnist = partial(study, "fashion_mnist", "alss-fashion", PLANS)
variants = partial(study, "mnist", "alss-variants", VARIANTS)


def load(folder: Path, dataset: str, seed: int) -> tuple[Pool, Tensor, Yardstick, Tensor]:
    """A random 10,000 of the training images, by seed, and all test images."""
    spec = ItemSpec((1, 28, 28), "image", tuple("0123456789"))
    parts = []
    for split in ("train", "test"):
        path = folder / dataset / f"{split}.npz"
        if not path.is_file():
            raise BadData(
                f"there is no {path}\n  say where the data lies: --data FOLDER (with {dataset}/{split}.npz), or TACIT_DATA"
            )
        with np.load(path, allow_pickle=False) as arrays:
            parts.append((arrays["x"][:, None], torch.from_numpy(arrays["y"].astype(np.int64))))
    (x, y), (test_x, test_y) = parts
    rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(mix(seed, 7)))[:POOL]
    return Pool(spec, x[rows.numpy()]), y[rows], Yardstick(spec, test_x), test_y


def run_seed(loaded: tuple[Pool, Tensor, Yardstick, Tensor], seed: int, plans: Sequence[Plan], path: Path) -> list[Row]:
    pool, truth, yardstick, test_truth = loaded
    space, train = learn_space(pool, seed), task_net()
    ask_new = full_judge(pool, truth, seed) if any(p.strategy == "between" for p in plans) else None
    beginnings: Beginnings = {}
    rows = []
    for plan in plans:
        row = simulate_one(plan, seed, space, truth, yardstick, test_truth, train, BUDGET, beginnings, ask_new)
        rows.append(row)
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        print(
            f"seed {seed}  {plan.title}  {row.accuracy[AT]:.4f} at 500  {row.accuracy[-1]:.4f} at 1000  {row.seconds}",
            flush=True,
        )
    return rows


def learn_space(pool: Pool, seed: int) -> Space:
    """A VAE 784-400-20, ten passes over the pool, no labels."""
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 11))
        method = build("vae", pool.spec.with_classes(()), latent_dim=20, trunk="mlp", width=400, depth=1)
    fit(method, pool, recipe=Recipe(steps=10 * len(pool) // 128, batch=128, lr=1e-3), seed=seed)
    return Space.of(pool, method)


def task_net() -> Train:
    """Convolutions of 16 and 32 channels and 64 features, from scratch in every round.

    30 passes, but at least 300 steps: with the 47 that 100 labels would get, no strategy has a model to go by.
    """
    recipe = Recipe(lr=3e-3, schedule="cosine")
    net: dict[str, Any] = {"trunk": "conv", "width": 16, "depth": 2, "norm": "none", "features": 64, "augment": "none"}
    return supervised(epochs=30, batch=64, least_steps=300, recipe=recipe, **net)


def full_judge(pool: Pool, truth: Tensor, seed: int) -> Ask:
    """Who answers for made items: the same network trained on all true labels, silent below 90 % confidence."""
    model = task_net()(pool, truth, seed, None)
    return judge(model, 0.9)


def read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


HEAD = [
    "strategy",
    "100 labels",
    "500 labels",
    "1,000 labels",
    "area",
    "above random at 500",
    "Student",
    "refused",
    "seconds",
]


def rows_of(result: Simulation) -> list[list[str]]:
    """Accuracy (mean ± standard error) at 100, 500 and 1,000 labels, the mean height of the curve, and the paired
    difference to random at 500 in points, with a bootstrap interval over seeds and with Student's."""
    lines = [HEAD]
    for curve in result.curves:
        cells = [f"{curve.mean[i]:.2%} ± {curve.error[i]:.2%}" for i in (0, AT, -1)]
        beside = ["", ""]
        if curve is not result.random:
            ours, random = curve.accuracy[:, AT], result.random.accuracy[:, AT]
            gain, student = paired_bootstrap(ours, random), result.gain(curve, AT)
            beside = [f"{100 * gain.value:+.2f} {points(gain)}", points(student)]
        seconds = f"{curve.seconds / len(curve.accuracy):.0f}"
        lines.append([curve.title, *cells, f"{curve.area.mean():.4f}", *beside, str(curve.refused), seconds])
    return lines


def points(interval: Interval) -> str:
    return f"[{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]"


def conclusion(result: Simulation) -> str:
    """Who is clearly better or worse than random at 500 labels, by the interval that is wider; uphill at all budgets."""
    gains = {c.title: result.gain(c, AT) for c in result.curves[1:]}
    better = ", ".join(title for title, gain in gains.items() if gain.low > 0) or "none"
    worse = ", ".join(title for title, gain in gains.items() if gain.high < 0) or "none"
    said = (
        f"Clearly better than random at 500 labels (Student's interval above zero): {better}. Clearly worse: {worse}."
    )
    for curve in result.curves:
        if curve.title == "uphill":
            apart = 100 * (curve.mean - result.random.mean)[1:]
            said += (
                f" Over the budgets, uphill lies {apart.min():+.2f} to {apart.max():+.2f} points beside random (means)."
            )
    return said

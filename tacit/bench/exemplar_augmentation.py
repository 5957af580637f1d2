"""Exemplar augmentation on permutation-invariant MNIST: what relatives are worth to a classifier (Norouzi et al. 2020).

A generator learns from 50,000 training images without labels. A classifier 784-H-H-10 learns from all of their labels,
or from a few: label smoothing alone, and with relatives of the items beside them. The last 10,000 training images are
for validation (nothing is chosen on them here), and the 10,000 test images are measured once, at the end of a row. All
seeds share the generator, so intervals are over classifiers. What "light" does needs to know where pixels are; the rows
with it are no longer permutation-invariant. As the authors' code: SGD with momentum 0.9 (here Nesterov's), a rate of 0.1
that falls on a line to 1 %, batches of 100 items, label smoothing 0.1, weight 0.4 on the real ones.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.bench.exemplar_vae import every, read, recipe_for
from tacit.bench.results import markdown, provenance, read_rows, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.deploy.export import load, save
from tacit.engine.apply import apply
from tacit.engine.device import pick
from tacit.engine.fit import fit
from tacit.engine.progress import line
from tacit.engine.run import Run
from tacit.errors import unknown_name
from tacit.evaluate.curves import paired_difference
from tacit.evaluate.intervals import Interval
from tacit.methods import build
from tacit.methods.method import Method, Recipe
from tacit.outcome import Outcome, table
from tacit.rounds import with_relatives
from tacit.simulate import accuracy

BATCH = 100
SMOOTHING = 0.1
SPEC = ItemSpec((1, 28, 28), "image", tuple("0123456789"))
TARGETS: dict[str, dict[str, Any]] = {  # what a generator is asked for
    "grey": {"binarize": False},  # grey values as if they were probabilities
    "binarized": {"binarize": True},
    "gaussian": {"likelihood": "gaussian"},
}
MAKERS: dict[str, dict[str, Any]] = {
    "exemplar_vae": {"body": "vae", "exemplars": 500, "beta_warmup": 0.1},
    "vae": {"trunk": "gated", "beta_warmup": 0.1},  # the control: no exemplar in its prior
}


@dataclass(frozen=True)
class Plan:
    """A row: how many labels (0: all), what is done with the items, and the paper's test error by hidden units."""

    labels: int
    title: str
    augment: str = "none"
    maker: str = ""
    paper: dict[int, str] = field(default_factory=dict)


def few(n: int) -> dict[str, Plan]:
    return {
        f"{n}/none": Plan(n, "label smoothing alone"),
        f"{n}/light": Plan(n, "+ light", "light"),
        f"{n}/exemplar": Plan(n, "+ exemplar", "exemplar", "exemplar_vae"),
        f"{n}/exemplar+light": Plan(n, "+ exemplar + light", "exemplar+light", "exemplar_vae"),
    }


PLANS = {
    "all/none": Plan(0, "label smoothing alone", paper={1024: "1.23 ± .01", 8192: "1.17 ± .01"}),
    "all/exemplar": Plan(0, "+ exemplar", "exemplar", "exemplar_vae", {1024: "0.77 ± .01", 8192: "0.69 ± .01"}),
    "all/vae": Plan(0, "+ relatives of a plain VAE", "exemplar", "vae"),
    **few(100),
    **few(1000),
}


@dataclass(frozen=True)
class Parts:
    """The images, and the classes of each part."""

    train: Pool
    validation: Yardstick
    test: Yardstick
    truth: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, folder: Path) -> "Parts":
        (x, y), (val_x, val_y), (test_x, test_y) = read(folder, "mnist")
        return cls(Pool(SPEC, x), Yardstick(SPEC, val_x), Yardstick(SPEC, test_x), (y, val_y, test_y))


def run(
    *,
    row: str = "",
    hidden: int = 1024,
    epochs: int = 30,
    few_steps: int = 3000,
    targets: str = "grey",
    passes: int = 100,
    generator: str = "",
    precision: str = "auto",
    seeds: Sequence[int] = range(3),
    data: str | None = None,
    out: str = "bench/out/exemplar-augmentation",
    write: str = "",
) -> Outcome:
    """Run what is not in the folder `out` yet, one line a row and seed; then the table.

    `row` is one of the rows, several with commas, or none for all. The classifier has twice `hidden` units; with all
    labels it trains for `epochs` (the paper: 100), with few for `few_steps`. The generator makes `passes` over the
    images, with `targets` grey, binarized or gaussian; or it is the exemplar VAE of the folder `generator`, trained
    elsewhere on the same 50,000 images.
    """
    wanted = row.split(",") if row else list(PLANS)
    for name in wanted:
        if name not in PLANS:
            raise unknown_name("row", name, PLANS)
    if targets not in TARGETS:
        raise unknown_name("target", targets, TARGETS)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    done, parts = read_rows(folder / "rows.jsonl"), None
    makers: dict[str, Method] = {}
    shown = []
    for name in wanted:
        plan = PLANS[name]
        called = maker_name(plan, targets, passes, generator)
        for seed in seeds:
            key = {"row": name, "seed": seed, "hidden": hidden, "generator": called, "precision": precision}
            key["steps"] = few_steps if plan.labels else 0
            key["epochs"] = 0 if plan.labels else epochs
            found = next((r for r in done if key.items() <= r.items()), None)
            if found is None:
                parts = parts or Parts.of(Path(data or os.environ.get("TACIT_DATA", "../shared/data")))
                if called and called not in makers:
                    own = bool(generator) and plan.maker == "exemplar_vae"
                    where = Path(generator) if own else folder / called
                    makers[called] = load(where) if own else made(plan.maker, targets, passes, parts.train, where)
                found = key | run_row(plan, key, parts, makers.get(called))
                with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                print(f"{name}  seed {seed}  test error {found['test_error']:.2%}  {found['seconds']} s", flush=True)
            shown.append(found)
    lines, words = rows_of(shown), said(shown)
    if write:
        command = f"tacit bench exemplar-augmentation --hidden {hidden} --epochs {epochs} --seeds {len(seeds)}"
        where_from = provenance(command, list(seeds))
        text = f"## Exemplar augmentation: MNIST as vectors\n\n{where_from}\n\n{markdown(lines)}\n\n{words}"
        write_section(Path(write), "exemplar-augmentation", text)
    return Outcome({"bench": "exemplar-augmentation", "rows": shown}, [*table(lines), words])


def maker_name(plan: Plan, targets: str, passes: int, generator: str) -> str:
    """Under which name a row's generator is kept and remembered; nothing where the row has none."""
    if generator and plan.maker == "exemplar_vae":
        return generator
    return f"{plan.maker}-{targets}-{passes}" if plan.maker else ""


def made(maker: str, targets: str, passes: int, pool: Pool, folder: Path) -> Method:
    """A generator, from its folder where it is finished; a training that was interrupted goes on."""
    if not (folder / "run.toml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        Run(folder, {"method": maker, "status": "training", "task": "bench", "again": "the same command"}).write()
    run = Run.open(folder)
    if not run.finished:
        pool = pool.with_classes(())
        with torch.random.fork_rng():
            torch.manual_seed(mix(0, 1))
            method = build(maker, pool.spec, **MAKERS[maker], **TARGETS[targets])
        say = every(20, lambda record: print(folder.name, line(record), flush=True))
        fitted = fit(method, pool, recipe=recipe_for(len(pool), passes), run=run, watch=say)
        save(method, maker, folder)
        run.finish(seconds=round(fitted.seconds, 1), terms=fitted.terms)
    method = load(folder)
    if not hasattr(method, "jitter"):
        method.__dict__["jitter"] = posterior_jitter(method, pool)
    return method


def posterior_jitter(vae: Any, pool: Pool, first: int = 10_000) -> Any:
    """For a generator without tau: codes (B, D) jittered as its posteriors do on average, dimension by dimension."""
    variance = apply(vae, lambda x: vae.posterior(x)[1].float().exp(), pool, torch.arange(min(first, len(pool))))
    std = variance.mean(0).sqrt()  # (D,)
    return lambda z: z + std.to(z.device) * torch.randn_like(z)


def run_row(plan: Plan, key: dict[str, Any], parts: Parts, generator: Method | None) -> dict[str, Any]:
    """Train one classifier, then measure it."""
    truth, seed = parts.truth[0], key["seed"]
    labels, steps = truth, key["epochs"] * len(truth) // BATCH
    if plan.labels:
        some = torch.randperm(len(truth), generator=torch.Generator().manual_seed(mix(seed, plan.labels)))
        labels, steps = torch.full_like(truth, UNLABELED), key["steps"]
        labels[some[: plan.labels]] = truth[some[: plan.labels]]
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 2))
        net = {"trunk": "mlp", "width": key["hidden"], "depth": 2, "norm": "none"}
        model = build("supervised", SPEC, augment=plan.augment, label_smoothing=SMOOTHING, **net)
    recipe = Recipe(steps=steps, batch=BATCH, lr=0.1, optimizer="sgd", schedule="linear")
    where, began = pick("auto", key["precision"]), time.perf_counter()
    if generator is not None:
        with_relatives(model, generator, parts.train, labels, where)
    fit(model, parts.train, labels, recipe=recipe, seed=seed, device=where)
    return {
        "validation_error": 1 - accuracy(model, parts.validation, parts.truth[1]),
        "test_error": 1 - accuracy(model, parts.test, parts.truth[2]),
        "seconds": round(time.perf_counter() - began, 1),
        "threads": torch.get_num_threads(),
        "bf16": where.bf16,
    }


HEAD = ["labels", "learned from", "test error %", "paper", "below label smoothing", "validation error %", "minutes"]


def errors(rows: Sequence[dict[str, Any]], name: str, part: str = "test_error") -> np.ndarray:
    """Errors in %, seed by seed."""
    return 100 * np.array([r[part] for r in sorted(rows, key=lambda r: r["seed"]) if r["row"] == name])


def rows_of(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Means ± standard errors over seeds; the difference in points to the same labels with label smoothing alone."""
    lines = [HEAD]
    for name in dict.fromkeys(r["row"] for r in rows):
        plan, mine = PLANS[name], [r for r in rows if r["row"] == name]
        plain, ours = errors(rows, f"{name.split('/')[0]}/none"), errors(rows, name)
        beside = shown_points(paired_difference(plain, ours)) if plan.augment != "none" and len(plain) else ""
        minutes = sum(r["seconds"] for r in mine) / len(mine) / 60
        lines.append(
            [
                f"{plan.labels:,}" if plan.labels else "all",
                plan.title,
                spread(ours),
                plan.paper.get(mine[0]["hidden"], ""),
                beside,
                spread(errors(rows, name, "validation_error")),
                f"{minutes:.1f}",
            ]
        )
    return lines


def spread(values: np.ndarray) -> str:
    error = f" ± {values.std(ddof=1) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{error}"


def shown_points(gain: Interval) -> str:
    return f"{gain.value:.2f} [{gain.low:.2f}, {gain.high:.2f}]"


def said(rows: list[dict[str, Any]]) -> str:
    """How it was done, and what relatives are worth beside light augmentation."""
    first = rows[0]
    makers = ", ".join(dict.fromkeys(r["generator"] for r in rows if r["generator"])) or "none"
    words = [
        f"784-{first['hidden']}-{first['hidden']}-10, {'bf16' if first['bf16'] else 'fp32'}. Generator: {makers}. "
        "Differences have Student's interval over the seeds, which share labels and first weights."
    ]
    if epochs := max(r["epochs"] for r in rows):
        words.append(
            f"All labels: {epochs} epochs. The column `paper` is the paper's own, after 100 epochs in float64; whether on "
            "50,000 or 60,000 images could not be read."
        )
    for n in dict.fromkeys(PLANS[r["row"]].labels for r in rows if PLANS[r["row"]].labels):
        light = errors(rows, f"{n}/light")
        for plan in ("exemplar", "exemplar+light"):
            if len(light) and len(other := errors(rows, f"{n}/{plan}")):
                gain = shown_points(paired_difference(light, other))
                words.append(f"{n:,} labels: errors of `light` minus those of `{plan}`, in points: {gain}.")
    return " ".join(words)

"""Stacked what-where auto-encoders on MNIST: what switches are worth to the way back, what drawing is worth to a classifier
with few labels, and what moves when a digit does (Zhao et al. 2015, figures 2 and 5, at the size of two cores).

All rows learn from the same 10,000 training images, the labeled ones among them; neither the 1,000 validation images,
100 of each digit from the rest of the training images, nor the 10,000 test images are among those. Labels are as many of
each digit. Nothing is augmented. The shared weight of both errors is chosen on the validation images; every row
measures the test images once, at its end.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.bench.exemplar_vae import read
from tacit.bench.invariance import measure, picture
from tacit.bench.results import markdown, provenance, read_rows, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.deploy.export import load, save
from tacit.disk import write_atomic
from tacit.engine.apply import apply
from tacit.engine.device import pick
from tacit.engine.fit import fit
from tacit.errors import unknown_name
from tacit.methods import seeded
from tacit.methods.method import Method, Recipe
from tacit.outcome import Outcome, table
from tacit.simulate import accuracy

SPEC = ItemSpec((1, 28, 28), "image", tuple("0123456789"))
ITEMS, VALIDATION = 10_000, 1000
POOLS = (2, 4, 7, 14)  # divisors of 28; the paper's 8 and 16 are none
LABELS = (100, 600, 1000, 3000)
WEIGHTS = (0.0, 0.5, 1.0, 2.0, 5.0)
PAPER = {  # validation error, %, without and with reconstruction, read off figure 5: ± 0.3
    100: "19.0 / 11.6",
    600: "7.2 / 5.2",
    1000: "4.7 / 3.9",
    3000: "3.05 / 2.65",
}
WHERE = {f"where/{s}/{kind}": (s, kind) for s in POOLS for kind in ("unpool", "upsample")}
FEW = {f"few/{n}/{w:g}": (n, {"l2rec": w, "l2m": w}) for n in LABELS for w in WEIGHTS}
FEW |= {f"few/{n}/l2rec": (n, {"l2rec": 1.0, "l2m": 0.0}) for n in LABELS}
FEW |= {f"few/{n}/l2m": (n, {"l2rec": 0.0, "l2m": 1.0}) for n in LABELS}
MOVES = "shift/7"
ROWS = [*WHERE, *FEW, MOVES]


@dataclass(frozen=True)
class Parts:
    """The images, and the classes of each part."""

    train: Pool
    validation: Yardstick
    test: Yardstick
    truth: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, folder: Path) -> "Parts":
        (x, y), (other_x, other_y), (test_x, test_y) = read(folder, "mnist")
        held = of_each(other_y, VALIDATION // 10, 0)
        yardsticks = Yardstick(SPEC, other_x[held.numpy()]), Yardstick(SPEC, test_x)
        return cls(Pool(SPEC, x[:ITEMS]), *yardsticks, (y[:ITEMS], other_y[held], test_y))


def of_each(y: Tensor, count: int, seed: int) -> Tensor:
    """Positions of `count` random items of each class."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[y[order] == digit][:count] for digit in range(10)])


def run(
    *,
    row: str = "",
    width: int = 16,
    steps: int = 2000,
    where_steps: int = 500,
    norm: str = "none",
    precision: str = "auto",
    seeds: Sequence[int] = range(3),
    data: str | None = None,
    out: str = "bench/out/what-where",
    write: str = "",
    chart: str = "",
) -> Outcome:
    """Run what is not in the folder `out` yet, one line a row and seed; then the tables.

    `row` is one of the rows, several with commas, the beginning of some (`few/100`), or none for all. Classifiers have
    `width` maps in the first layer (the recommended network: 32) and train for `steps` of 50 labeled and 50 other images;
    a seed is a draw of labels and first weights. Rows of where and shift train for `where_steps` of 100 images, from
    the first seed alone. `chart` is where the picture of a moved digit goes.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    done, parts, shown = read_rows(folder / "rows.jsonl"), None, []
    for name in named(row):
        few = name in FEW
        for seed in seeds if few else list(seeds)[:1]:
            key = {"row": name, "seed": seed, "precision": precision, "steps": steps if few else where_steps}
            key |= {"width": width, "norm": norm} if few else {}
            found = next((r for r in done if key.items() <= r.items()), None)
            if found is None:
                parts = parts or Parts.of(Path(data or os.environ.get("TACIT_DATA", "../shared/data")))
                began = time.perf_counter()
                found = key | (run_few if few else run_where)(key, parts, folder)
                found |= {"seconds": round(time.perf_counter() - began, 1), "threads": torch.get_num_threads()}
                with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                print(json.dumps({k: v for k, v in found.items() if k not in ("where", "change")}), flush=True)
            shown.append(found)
    tables, words = [where_table(shown), few_table(shown)], said(shown)
    tables = [each for each in tables if len(each) > 1]
    if chart and (moved := [r for r in shown if r["row"] == MOVES]):
        write_atomic(Path(chart), picture(moved[0]))
    if write:
        command = f"tacit bench what-where{f' --row {row}' if row else ''} --steps {steps} --seeds {len(seeds)}"
        text = ["## What and where: MNIST with few labels", provenance(command, list(seeds)), *map(markdown, tables)]
        write_section(Path(write), "what-where", "\n\n".join([*text, *words]))
    return Outcome({"bench": "what-where", "rows": shown}, [line for each in tables for line in table(each)] + words)


def named(row: str) -> list[str]:
    """The rows that are meant."""
    wanted = []
    for name in row.split(","):
        found = [each for each in ROWS if each == name or not name or each.startswith(f"{name}/")]
        if not found:
            raise unknown_name("row", name, ROWS)
        wanted += found
    return wanted


def run_where(key: dict[str, Any], parts: Parts, folder: Path) -> dict[str, Any]:
    """Train the small network of the where-study, and measure how well it draws, or what moves with a digit."""
    s, kind = WHERE.get(key["row"], (7, "unpool"))
    method = autoencoder(s, "none" if kind == "upsample" else "hard", key, parts, folder)
    if key["row"] == MOVES:
        return measure(method, parts.test.floats(slice(200)), s)
    errors = apply(method, lambda x: (drawn(method, x) - x).square().flatten(1).mean(1), parts.test)
    return {"mse": errors.mean().item()}


def autoencoder(s: int, where: str, key: dict[str, Any], parts: Parts, out: Path) -> Method:
    """The network (16)5c-(32)3c-Xp, from its folder where it is finished."""
    folder = out / f"pool-{s}-{where}-{key['seed']}-{key['steps']}-{key['precision']}"
    if not (folder / "model.safetensors").exists():
        pool, net = parts.train.with_classes(()), f"(16)5c-(32)3c-{s}p"
        method = seeded("what_where_autoencoder", pool.spec, key["seed"], {"net": net, "where": where})
        recipe = Recipe(steps=key["steps"], batch=100, lr=1e-3)
        fit(method, pool, recipe=recipe, seed=key["seed"], device=pick("auto", key["precision"]))
        folder.mkdir(exist_ok=True)
        save(method, "what_where_autoencoder", folder)
    return load(folder)


def drawn(method: Any, x: Tensor) -> Tensor:
    """What the decoder makes of items."""
    found = method.encoder.levels(x)
    return method.decoder(found, method.encoder.code(found)).x.float()


def run_few(key: dict[str, Any], parts: Parts, folder: Path) -> dict[str, Any]:
    """Train one classifier, then measure it."""
    (labels, weights), seed, truth = FEW[key["row"]], key["seed"], parts.truth[0]
    known = of_each(truth, labels // 10, mix(seed, labels))
    answers = torch.full_like(truth, UNLABELED)
    answers[known] = truth[known]
    options = {"width": key["width"], "norm": key["norm"], "augment": "none", **weights}
    model = seeded("what_where", SPEC, seed, options)
    recipe = Recipe(steps=key["steps"], batch=50, lr=1e-3)
    fitted = fit(model, parts.train, answers, recipe=recipe, seed=seed, device=pick("auto", key["precision"]))
    return {
        "validation_error": 1 - accuracy(model, parts.validation, parts.truth[1]),
        "test_error": 1 - accuracy(model, parts.test, parts.truth[2]),
        "terms": fitted.terms,
    }


def where_table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Squared errors of a pixel by the size of windows, with and without switches."""
    mse = {r["row"]: r["mse"] for r in rows if r["row"] in WHERE}
    lines = [["window", "unpooling", "upsampling", "ratio"]]
    for s in POOLS:
        with_switches, without = (mse.get(f"where/{s}/{kind}") for kind in ("unpool", "upsample"))
        if with_switches and without:
            lines.append([f"{s} x {s}", f"{with_switches:.5f}", f"{without:.5f}", f"{without / with_switches:.1f}"])
    return lines


def errors(rows: Sequence[dict[str, Any]], name: str, part: str) -> np.ndarray:
    """Errors in %, draw by draw."""
    return 100 * np.array([r[part] for r in sorted(rows, key=lambda r: r["seed"]) if r["row"] == name])


def few_table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Mean ± standard deviation over the draws; the weight with the best validation error is marked."""
    lines = [["labels", "weights", "validation error %", "test error %", "paper, fig. 5 (λ = 0 / best)", "minutes"]]
    for name in (name for name in FEW if any(r["row"] == name for r in rows)):
        n, what = FEW[name][0], name.split("/")[2]
        weight = f"λ = {what}" if what[0].isdigit() else f"{what} = 1 alone"
        best = name == chosen(rows, n)
        minutes = np.mean([r["seconds"] for r in rows if r["row"] == name]) / 60
        shown = [spread(errors(rows, name, part)) for part in ("validation_error", "test_error")]
        lines.append([f"{n:,}", weight + " (chosen)" * best, *shown, PAPER[n] if best else "", f"{minutes:.1f}"])
    return lines


def chosen(rows: Sequence[dict[str, Any]], n: int) -> str:
    """The row of the shared weight with the smallest validation error at this number of labels; a tie goes to the smaller."""
    here = [f"few/{n}/{w:g}" for w in WEIGHTS if any(r["row"] == f"few/{n}/{w:g}" for r in rows)]
    return min(here, key=lambda name: errors(rows, name, "validation_error").mean(), default="")


def spread(values: np.ndarray) -> str:
    return f"{values.mean():.2f}" + (f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else "")


def said(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How it was done, and what moved with a digit."""
    words = []
    if few := [r for r in rows if r["row"] in FEW]:
        words.append(
            f"{few[0]['width']} maps in the first layer, windows of 2 x 2, dropout 0.5, no augmentation, norm"
            f" {few[0]['norm']}; Adam, 0.001, {few[0]['steps']:,} steps of 50 labeled and 50 of all {ITEMS:,} images, the"
            " labeled among them. ± is the standard deviation over draws of the labels. λ weighs both errors, of images and of"
            f" maps, as means over values; the one marked was chosen on {VALIDATION:,} other training images."
        )
    for r in (r for r in rows if r["row"] == MOVES):
        words.append(
            f"A digit moved by a pixel moves a where by {r['slope']:.2f} of what it should; moved by {r['shift']} pixels,"
            f" a what changes by {r['what_change']:.0%} and the map below it, at a fixed place, by {r['map_change']:.0%}."
        )
    return words

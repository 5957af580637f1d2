"""What codes learned without labels know: SimCLR and MoCo beside raw pixels, principal components, an untrained encoder
and the codes of a VAE, on small pictures (protocols of Chen et al. 2020 and He et al. 2019, at the size of two cores).

Every method has the same convolutional trunk and sees the training pictures without labels. A neighbours' vote (20 nearest
by cosine, temperature 0.07) and a linear probe (its penalty chosen inside the training codes) then answer test pictures
that nothing was chosen on. With few labels a fine-tuned SimCLR stands beside a supervised net of the same trunk, the same
augmentation and steps, trained from scratch. Omniglot is measured on alphabets that were not trained on: ten drawings
of each character are known, the other ten are asked for.
"""

import io
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.bench.results import markdown, provenance, read_rows, write_section
from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.deploy.export import load, save
from tacit.engine.apply import apply, embed
from tacit.engine.fit import fit
from tacit.engine.progress import is_last_of, line
from tacit.engine.run import Run
from tacit.errors import BadData, unknown_name
from tacit.evaluate.intervals import wilson
from tacit.evaluate.label_efficiency import Efficiency, finetuned, from_scratch, label_efficiency, standard_error
from tacit.evaluate.neighbours_vote import vote
from tacit.evaluate.probe import fit_probe
from tacit.evaluate.quality import See, flat, principal_components
from tacit.methods import build
from tacit.methods.method import Method, Recipe
from tacit.nn.maps import depths
from tacit.outcome import Outcome, table

LOOKS = 8  # at the codes during a training: the curve over time
CURVE_BANK = 10_000  # pictures that vote at a look


@dataclass(frozen=True)
class Data:
    """Pictures: where they lie, the trunk all methods have on them, passes over them, numbers of labels a class."""

    folder: str
    title: str
    trunk: dict[str, Any]
    passes: dict[str, int]
    few: tuple[int, ...]
    views: dict[str, Any] = field(default_factory=dict)  # settings of SimCLR and MoCo
    k: int = 20


CONV4 = {"trunk": "conv", "width": 32, "depth": 4}
DATA = {
    "cifar10": Data("cifar10", "CIFAR-10 (JPEG)", CONV4, {"simclr": 32, "moco": 24, "vae": 4}, (4, 25, 100)),
    "fashion": Data(
        "fashion_mnist", "Fashion-MNIST", {"trunk": "conv", "width": 32}, {"simclr": 2, "moco": 2, "vae": 2}, (10, 25)
    ),
    "omniglot": Data(
        "omniglot", "Omniglot", {"trunk": "conv", "width": 32}, {"simclr": 8, "moco": 8, "vae": 8}, (1, 5), k=5
    ),
}
VIEWED: dict[str, dict[str, Any]] = {"simclr": {"temperature": 0.5}, "moco": {}}
VAE = {"latent_dim": 64, "likelihood": "gaussian"}
RECIPES: dict[str, dict[str, Any]] = {
    "simclr": {
        "batch": 256,
        "lr": 2e-3,
        "optimizer": "adamw",
        "weight_decay": 1e-4,
        "schedule": "cosine",
        "warmup": 0.05,
    },
    "moco": {"batch": 256, "lr": 0.06, "optimizer": "sgd", "weight_decay": 5e-4, "schedule": "cosine"},
    "vae": {"batch": 128, "lr": 1e-3, "schedule": "cosine"},
}
LEARNED = tuple(RECIPES)
ROWS = [f"{data}/{method}" for data in DATA for method in ("baselines", *LEARNED, "few")]
FEW_STEPS = 600


@dataclass(frozen=True)
class Parts:
    """What is learned from without labels, and what is then known and asked: the same pictures, or strangers."""

    pool: Pool
    known: Pool
    known_y: Tensor
    test: Pool
    test_y: Tensor


def run(
    *,
    row: str = "",
    passes: int = 0,
    draws: int = 3,
    seeds: Sequence[int] = (0,),
    data: str | None = None,
    out: str = "bench/out/contrast",
    write: str = "",
) -> Outcome:
    """Train and measure what is not in the folder `out` yet, one line a row and seed; then the tables.

    `row` is DATA/METHOD, several with commas, or none for all; `passes` over the pictures (0: as many as the data set
    gets). Rows called `few` fine-tune from the SimCLR of the same seed, with `draws` draws of the labels.
    """
    wanted = row.split(",") if row else ROWS
    for name in wanted:
        if name not in ROWS:
            raise unknown_name("row", name, ROWS)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    done = read_rows(folder / "rows.jsonl")
    parts: dict[str, Parts] = {}
    place = Path(data or os.environ.get("TACIT_DATA", "../shared/data"))
    for name in wanted:
        for seed in seeds:
            if not any((r["row"], r["seed"]) == (name, seed) for r in done):
                dataset, method = name.split("/")
                if dataset not in parts:
                    parts = {dataset: read(place, dataset)}
                result = {"row": name, "seed": seed, "threads": torch.get_num_threads()}
                result |= run_row(dataset, method, parts[dataset], seed, passes, draws, folder)
                with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                done.append(result)
                print(name, "seed", seed, json.dumps(result.get("shown", "")), flush=True)
    chosen = [r for r in done if r["row"] in wanted and r["seed"] in seeds]
    chosen.sort(key=lambda r: (ROWS.index(r["row"]), r["seed"]))
    tables = [full_table(chosen), few_table(chosen)]
    curves = curve_lines(chosen)
    if write:
        command = f"tacit bench contrast{f' --row {row}' if row else ''} --draws {draws} --seeds {len(seeds)}"
        text = "\n\n".join(["## Codes without labels: SimCLR and MoCo", provenance(command, list(seeds)), HOW])
        text += "".join(f"\n\n{markdown(each)}" for each in tables if len(each) > 1)
        write_section(Path(write), "contrast", "\n\n".join([text, *curves]))
    lines = [text for each in tables if len(each) > 1 for text in [*table(each), ""]]
    return Outcome({"bench": "contrast", "rows": chosen}, [*lines, *curves])


def run_row(dataset: str, method: str, parts: Parts, seed: int, passes: int, draws: int, out: Path) -> dict[str, Any]:
    data, folder = DATA[dataset], out / f"{dataset}-{{}}-{seed}"
    if method == "baselines":
        sees = {"raw pixels": flat, "64 principal components": principal_components(parts.pool, seed)}
        sees |= seen_by_layer("untrained encoder", untrained(dataset, parts, seed))
        return {"codes": {name: measured(see, parts, data.k, seed) for name, see in sees.items()}}
    learned = "simclr" if method == "few" else method
    model, run = trained(dataset, learned, parts, seed, passes, Path(str(folder).format(learned)))
    if method == "few":
        found = few(data, model, parts, draws, seed)
        return {"few": found.to_dict(), "gains": gains(found)}
    return {
        "codes": {name: measured(see, parts, data.k, seed) for name, see in seen_by_layer(method, model).items()},
        "curve": run.record["curve"],
        "passes": run.record["passes"],
        "seconds": run.record["seconds"],
        "loss": run.record["terms"]["loss"],
    }


def options(dataset: str, method: str) -> dict[str, Any]:
    data = DATA[dataset]
    return data.trunk | (VAE if method == "vae" else VIEWED[method] | data.views)


def untrained(dataset: str, parts: Parts, seed: int) -> Method:
    """The trunk of all methods before its first step: random convolutional features."""
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        return build("simclr", parts.pool.spec, **options(dataset, "simclr"))


def seen_by(method: Method) -> See:
    return lambda items, index: embed(method, items, index)


def seen_by_layer(name: str, method: Any) -> dict[str, See]:
    """Its codes, and the last map of its convolutions where there is one: before the layer that was trained to forget."""
    last = depths(method.encoder)[-1] if hasattr(method, "layers") else "encoder"
    maps = {f"{name}, last map": seen_at(method, last)} if last != "encoder" else {}
    return {name: seen_by(method), **maps}


def seen_at(method: Any, layer: str) -> See:
    return lambda items, index: apply(method, lambda x: method.layers(x)[layer], items, index)


def trained(dataset: str, name: str, parts: Parts, seed: int, passes: int, folder: Path) -> tuple[Method, Run]:
    """A method, from its folder where it is finished; a training that was interrupted goes on."""
    if not (folder / "run.toml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        Run(
            folder, {"method": name, "status": "training", "task": "bench", "again": "the same command", "curve": []}
        ).write()
    run = Run.open(folder)
    if not run.finished:
        passes = passes or DATA[dataset].passes[name]
        settings = RECIPES[name]
        recipe = Recipe(steps=passes * len(parts.pool) // settings["batch"], **settings)
        with torch.random.fork_rng():
            torch.manual_seed(mix(seed, 1))
            method = build(name, parts.pool.spec, **options(dataset, name))
        watch = looking(method, parts, run, recipe, DATA[dataset].k)
        fitted = fit(method, parts.pool, recipe=recipe, seed=seed, run=run, watch=watch)
        save(method, name, folder)
        seconds = recipe.steps * recipe.batch / run.progress()[-1]["items_per_second"]
        run.finish(seconds=round(seconds, 1), terms=fitted.terms, passes=passes)
    return load(folder), run


def looking(method: Method, parts: Parts, run: Run, recipe: Recipe, k: int) -> Callable[[dict[str, Any]], None]:
    """Says where the training stands, and writes down now and then how many test pictures the neighbours get right."""
    bank = torch.arange(min(CURVE_BANK, len(parts.known)))

    def watch(record: dict[str, Any]) -> None:
        step = record["step"] - 1
        if is_last_of(40, step, recipe.steps):
            print(run.folder.name, line(record), flush=True)
        if is_last_of(LOOKS, step, recipe.steps):
            codes, fresh = embed(method, parts.known, bank), embed(method, parts.test)
            right = vote(fresh, codes, parts.known_y[bank], classes=classes(parts), k=k).argmax(1) == parts.test_y
            passes = round(record["step"] * recipe.batch / len(parts.pool), 1)
            curve = [point for point in run.record["curve"] if point[0] < passes]
            run.record["curve"] = [*curve, [passes, record["seconds"], right.float().mean().item()]]
            run.write()

    return watch


def classes(parts: Parts) -> int:
    return int(parts.known_y.max()) + 1


def measured(see: See, parts: Parts, k: int, seed: int) -> dict[str, Any]:
    """A vote of neighbours and a linear probe with all known pictures, on the test pictures."""
    began = time.perf_counter()
    known, fresh = see(parts.known, torch.arange(len(parts.known))), see(parts.test, torch.arange(len(parts.test)))
    n = classes(parts)
    voted = vote(fresh, known, parts.known_y, classes=n, k=k).argmax(1) == parts.test_y
    probe = fit_probe(known, parts.known_y, classes=n, seed=seed)
    probed = probe.probabilities(fresh).argmax(1) == parts.test_y
    return {
        "dim": known.shape[1],
        "vote": int(voted.sum()),
        "probe": int(probed.sum()),
        "of": len(parts.test),
        "l2": probe.l2,
        "seconds": round(time.perf_counter() - began, 1),
    }


def few(data: Data, learned: Method, parts: Parts, draws: int, seed: int) -> Efficiency:
    """Few labels: probes on codes and raw pixels, the fine-tuned net, and the same net from scratch."""
    recipe = Recipe(steps=FEW_STEPS, batch=64, lr=1e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    same: dict[str, Any] = {"augment": "views", "recipe": recipe}
    known = parts.known.with_classes(tuple(map(str, range(classes(parts)))))
    return label_efficiency(
        known,
        parts.known_y,
        parts.test,
        parts.test_y,
        per_class=data.few,
        codes={"simclr": seen_by(learned), "raw pixels": flat},
        trained={
            "fine-tuned": finetuned(learned, **same),
            "fine-tuned, layer 1": finetuned(learned, layer=1, **same),
            "supervised": from_scratch(**data.trunk, **same),
        },
        draws=draws,
        seed=seed,
        watch=lambda name, n, draw, accuracy: print(
            data.folder, name, n, "labels a class", draw, f"{accuracy:.3f}", flush=True
        ),
    )


def gains(found: Efficiency) -> dict[str, list[Any]]:
    return {
        name: [list(each) for each in found.above(name, "supervised")] for name in ("fine-tuned", "fine-tuned, layer 1")
    }


def read(place: Path, dataset: str) -> Parts:
    """The pictures of a data set, uint8, with their classes."""
    train, test = (load_split(place / DATA[dataset].folder, dataset, split) for split in ("train", "test"))
    spec = ItemSpec(train[0].shape[1:])
    pool = Pool(spec, train[0])
    if dataset != "omniglot":
        return Parts(pool, pool, train[1], Pool(spec, test[0]), test[1])
    x, y, drawer = test
    known = torch.from_numpy(drawer <= 10)
    strangers = Pool(spec, x)
    return Parts(
        pool,
        strangers.take(known.nonzero().flatten()),
        y[known],
        strangers.take((~known).nonzero().flatten()),
        y[~known],
    )


def load_split(folder: Path, dataset: str, split: str) -> tuple[Any, ...]:
    path = folder / (f"{split}_jpeg.npz" if dataset == "cifar10" else f"{split}.npz")
    if not path.is_file():
        raise BadData(f"there is no {path}\n  say where the data lies: --data FOLDER, or TACIT_DATA")
    with np.load(path, allow_pickle=False) as arrays:
        y = torch.from_numpy(arrays["y"].astype(np.int64))
        if dataset == "cifar10":
            return decoded(arrays["jpeg"].tobytes(), arrays["offsets"]), y
        extra = (arrays["drawer"],) if dataset == "omniglot" else ()
        return arrays["x"][:, None], y, *extra


def decoded(jpeg: bytes, offsets: np.ndarray) -> np.ndarray:
    """JPEG files laid end to end as one array (n, 3, 32, 32)."""
    from PIL import Image

    pictures = [np.asarray(Image.open(io.BytesIO(jpeg[a:b])).convert("RGB")) for a, b in pairwise(offsets)]
    return np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))


HOW = (
    "Codes of the encoder, before the projector; `last map` is the last map of its convolutions, averaged down to 2 x 2. Vote: the 20 nearest known pictures by cosine (Omniglot: 5), temperature"
    " 0.07; probe: a linear classifier on standardized codes; both with the labels of all known pictures. Where there is one"
    " seed, the interval is over test pictures (95 %); with more it is ± the standard error over seeds. Few labels: as many"
    " of every class, ± the standard error over draws; fine-tuned and supervised nets have the same trunk, views, rate"
    " (1e-3) and 600 steps, chosen on 1,500 training pictures of CIFAR-10 with 250 labels, where supervised nets reached 43.1 %"
    " (1,500 steps 42.9, rate 2e-3 42.6, light changes in place of views 39.1)."
)


def full_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A line for each data set and representation, its accuracy in %."""
    lines = [["data", "codes", "numbers", "vote %", "probe %", "passes", "minutes"]]
    for dataset in DATA:
        found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        for r in rows:
            if r["row"].startswith(f"{dataset}/"):
                for name, each in r.get("codes", {}).items():
                    found.setdefault(name, []).append((each, r))
        for name, each in found.items():
            first = each[0][1]
            minutes = sum(r.get("seconds", 0) for _, r in each) / len(each) / 60
            lines.append(
                [
                    DATA[dataset].title,
                    name,
                    str(each[0][0]["dim"]),
                    *(share([m[key] / m["of"] for m, _ in each], each[0][0]["of"]) for key in ("vote", "probe")),
                    str(first.get("passes", "")),
                    f"{minutes:.0f}" if minutes else "",
                ]
            )
    return lines


def share(values: Sequence[float], n: int) -> str:
    mean = 100 * sum(values) / len(values)
    if len(values) > 1:
        return f"{mean:.1f} ± {100 * standard_error(values):.1f}"
    interval = wilson(round(values[0] * n), n)
    return f"{mean:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def few_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A line for each data set, number of labels and way to use them: mean ± standard error over seeds and draws, in %."""
    lines = [["data", "labels", "how", "accuracy %", "above supervised, points"]]
    for dataset in DATA:
        mine = [r for r in rows if r["row"] == f"{dataset}/few"]
        found: dict[tuple[int, str], list[float]] = {}
        for r in mine:
            for each in r["few"]["rows"]:
                found.setdefault((each["labels"], each["name"]), []).extend(each["accuracy"])
        for labels, name in sorted(found, key=lambda key: key[0]):
            values, base = found[labels, name], found[labels, "supervised"]
            gain = [100 * (a - b) for a, b in zip(values, base, strict=True)]
            beside = "" if name == "supervised" else f"{np.mean(gain):+.1f} ± {standard_error(gain):.1f}"
            shown = f"{100 * np.mean(values):.1f} ± {100 * standard_error(values):.1f}"
            lines.append([DATA[dataset].title, f"{labels:,}", name, shown, beside])
    return lines


def curve_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The vote's accuracy over passes, with 10,000 known pictures: for anyone who wants to train longer."""
    said = []
    for r in rows:
        if r.get("curve"):
            dataset, method = r["row"].split("/")
            points = ", ".join(f"{passes:g}: {100 * right:.1f}" for passes, _, right in r["curve"])
            said.append(
                f"{DATA[dataset].title}, {method}, seed {r['seed']}; passes: vote % with {CURVE_BANK:,} known pictures: {points}."
            )
    return said

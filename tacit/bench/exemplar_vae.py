"""The table of the Exemplar VAE paper (Norouzi et al. 2020, tables 1 and 2): priors and bodies side by side.

Binarized MNIST, Fashion-MNIST and Omniglot; gated 784-300-300-40; one recipe for all rows of a data set. The last
images of the training set are for validation (nothing is chosen on them but k of the neighbours' vote); likelihoods are
measured once, at the end, on one fixed binarization of the test images, and neighbours on codes of grey ones.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from tacit.engine.apply import embed
from tacit.engine.device import pick
from tacit.engine.fit import fit
from tacit.engine.progress import line
from tacit.engine.run import Run
from tacit.errors import BadData, unknown_name
from tacit.evaluate.intervals import paired_bootstrap
from tacit.evaluate.likelihood import binarized, likelihood
from tacit.latent.neighbours import nearest
from tacit.methods import build
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.methods.method import Method, Recipe
from tacit.outcome import Outcome, table

KS = range(3, 16, 2)  # of the neighbours' vote; chosen on the validation images
WARMUP = {"beta_warmup": 0.1}
MORE = {"exemplars": 2000}


@dataclass(frozen=True)
class Data:
    """A data set: where it lies, how many of its training images are for validation, how long a row trains."""

    folder: str
    title: str
    validation: int
    passes: int  # of the first stage
    more: tuple[int, ...]  # of those that follow


@dataclass(frozen=True)
class Plan:
    """A row: what is trained, and what the paper reached with it (nats, 5 runs)."""

    title: str
    method: str
    options: dict[str, Any]
    paper: dict[str, str]
    later: dict[str, Any] = field(default_factory=dict)  # options that differ in the later stages


DATA = {
    "mnist": Data("mnist", "MNIST", 10_000, 300, (40, 80)),
    "fashion": Data("fashion_mnist", "Fashion-MNIST", 10_000, 100, (40,)),
    "omniglot": Data("omniglot", "Omniglot", 2_000, 200, (80,)),
}
PLANS = {
    "vae": Plan(
        "VAE, Gaussian prior",
        "vae",
        {"trunk": "gated", **WARMUP},
        {"mnist": "-84.45 ± .12", "fashion": "-228.70 ± .15", "omniglot": "-108.34 ± .06"},
    ),
    "vamp_prior": Plan(
        "VAE, VampPrior of 500",
        "vamp_prior",
        {"body": "vae", **WARMUP},
        {"mnist": "-82.43 ± .06", "fashion": "-227.35 ± .05", "omniglot": "-106.78 ± .21"},
    ),
    "exemplar_vae": Plan(
        "Exemplar VAE, 500, later 2,000 exemplars a step",
        "exemplar_vae",
        {"body": "vae", "exemplars": 500, **WARMUP},
        {"mnist": "-82.09 ± .18", "fashion": "-226.75 ± .07", "omniglot": "-105.22 ± .18"},
        MORE,
    ),
    "hvae": Plan(
        "HVAE, Gaussian prior",
        "hvae",
        WARMUP,
        {"mnist": "-82.39 ± .11", "fashion": "-227.37 ± .1", "omniglot": "-104.92 ± .08"},
    ),
    "hvae_exemplar": Plan(
        "HVAE, Exemplar prior",
        "exemplar_vae",
        {"body": "hvae", "exemplars": 500, **WARMUP},
        {"mnist": "-81.22 ± .05", "fashion": "-226.53 ± .09", "omniglot": "-102.25 ± .43"},
        MORE,
    ),
}
FIRST = ("vae", "vamp_prior", "exemplar_vae")
ROWS = [*(f"{data}/{plan}" for data in DATA for plan in FIRST), "mnist/hvae", "mnist/hvae_exemplar"]


def run(
    *,
    row: str = "",
    passes: int = 0,
    samples: int = 5000,
    measured: int = 10_000,
    seeds: Sequence[int] = (0,),
    data: str | None = None,
    out: str = "bench/out/exemplar-vae",
    write: str = "",
) -> Outcome:
    """Train and measure what is not in the folder `out` yet, one line a row and seed; then the table.

    `row` is one of the rows, several with commas, or none for all; `passes` over the training images (0: as many as
    the data set gets); the bound takes `samples` codes of the first `measured` test images.
    """
    wanted = row.split(",") if row else ROWS
    for name in wanted:
        if name not in ROWS:
            raise unknown_name("row", name, ROWS)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    done = read_rows(folder / "rows.jsonl")
    for name in wanted:
        for seed in seeds:
            if not any((r["row"], r["seed"]) == (name, seed) for r in done):
                place = Path(data or os.environ.get("TACIT_DATA", "../shared/data"))
                result = run_row(name, seed, place, folder, int(passes), int(samples), int(measured))
                with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                done.append(result)
    chosen = [r for r in done if r["row"] in wanted and r["seed"] in seeds]
    chosen.sort(key=lambda r: (ROWS.index(r["row"]), r["seed"]))
    lines = rows_of(chosen)
    if write:
        command = f"tacit bench exemplar-vae --row ROW --samples {samples}"
        where = provenance(command, list(seeds))
        text = (
            f"## Likelihood and neighbours: the table of Exemplar VAE\n\n{where}\n\n{markdown(lines)}\n\n{said(chosen)}"
        )
        write_section(Path(write), "exemplar-vae", text)
    return Outcome({"bench": "exemplar-vae", "rows": chosen}, [*table(lines), said(chosen)])


def run_row(name: str, seed: int, place: Path, out: Path, passes: int, samples: int, measured: int) -> dict[str, Any]:
    """One row: train (or go on where it was interrupted), then measure."""
    dataset = name.split("/")[0]
    train, validation, test = read(place, dataset)
    passes = passes or DATA[dataset].passes
    method, seconds = trained(name, seed, train, passes, out)
    began = time.perf_counter()
    valid = likelihood(method, binarized(floats(validation)))
    tested = likelihood(method, binarized(floats(test)), samples=samples, first=measured, device=pick())
    error, k, wrong = neighbours_error(method, train, validation, test)
    return {
        "row": name,
        "seed": seed,
        "passes": passes + sum(more * passes // DATA[dataset].passes for more in DATA[dataset].more),
        "validation_elbo": valid.elbo.value,
        "test": tested.to_dict(),
        "measured": min(measured, len(test[0])),
        "knn_error": error,
        "knn_k": k,
        "knn_wrong": wrong,
        "seconds": round(seconds, 1),
        "measuring": round(time.perf_counter() - began, 1),
        "threads": torch.get_num_threads(),
        "tau": method.tau.item() if isinstance(method, ExemplarVAE) else None,
    }


def trained(name: str, seed: int, train: tuple[np.ndarray, Tensor], passes: int, out: Path) -> tuple[Method, float]:
    """The method of a row: a first stage, and others from where it ended; each in a folder, and from there if finished."""
    dataset, row = name.split("/")
    plan, pool = PLANS[row], Pool(ItemSpec((1, 28, 28)), train[0])
    folder = out / f"{name.replace('/', '-')}-{seed}"
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        method = build(plan.method, pool.spec, **plan.options)
    method, seconds = stage(folder, plan.method, method, pool, recipe_for(len(pool), passes), seed)
    for i, more in enumerate(DATA[dataset].more, 1):
        latest, method = method, build(plan.method, pool.spec, **plan.options | {"beta_warmup": 0.0} | plan.later)
        method.load_state_dict(latest.state_dict())
        recipe = recipe_for(len(pool), more * passes // DATA[dataset].passes)
        recipe = replace(recipe, lr=2e-3, schedule="constant", weight_decay=0.03, ema=0.9995)
        next_folder = folder.with_name(f"{folder.name}-later{i}")
        method, further = stage(next_folder, plan.method, method, pool, recipe, seed + 1000 * i)
        seconds += further
    return method, seconds


def stage(folder: Path, name: str, method: Method, pool: Pool, recipe: Recipe, seed: int) -> tuple[Method, float]:
    """Train, or go on where it was interrupted, or take what is finished; and the seconds it took."""
    if (folder / "run.toml").exists() and (run := Run.open(folder)).finished:
        return load(folder), float(run.record["seconds"])
    if not folder.exists():
        folder.mkdir(parents=True)
        Run(folder, {"method": name, "status": "training", "task": "bench", "again": "the same command"}).write()
    run = Run.open(folder)
    said = every(20, lambda record: print(folder.name, line(record), flush=True))
    fit(method, pool, recipe=recipe, seed=seed, run=run, watch=said)
    save(method, name, folder)
    seconds = recipe.steps * recipe.batch / run.progress()[-1]["items_per_second"]
    run.finish(seconds=round(seconds, 1))
    return method.eval(), seconds


def recipe_for(items: int, passes: int) -> Recipe:
    """One for all rows: larger batches and rates than the paper's 100 and 5e-4, and a rate that falls to zero.

    Later stages keep their rate, decay weights a little and end in their average, which helps images that were not
    trained on (0.8 nats of validation ELBO for the Exemplar VAE in 40 passes).
    """
    steps = max(1, passes * items // 500)
    return Recipe(steps=steps, batch=500, lr=5e-3, optimizer="adam_norm_grad", schedule="cosine", warmup=0.01)


def neighbours_error(
    method: Method,
    train: tuple[np.ndarray, Tensor],
    validation: tuple[np.ndarray, Tensor],
    test: tuple[np.ndarray, Tensor],
) -> tuple[float, int, list[int]]:
    """Share of test images that their k nearest training images (by code) get wrong, k, and which: k by validation."""
    codes = [embed(method, floats(part)) for part in (train, validation, test)]
    near = nearest(codes[1], codes[0], max(KS))[1]
    errors = {k: (majority(train[1][near[:, :k]]) != validation[1]).float().mean().item() for k in KS}
    k = min(errors, key=lambda key: errors[key])
    answers = torch.cat([train[1], validation[1]])
    near = nearest(codes[2], torch.cat(codes[:2]), k)[1]
    wrong = majority(answers[near]) != test[1]
    return wrong.float().mean().item(), k, wrong.nonzero().flatten().tolist()


def majority(votes: Tensor) -> Tensor:
    """The commonest of each row's answers (n, k), nearest first; a tie goes to the nearest."""
    classes = int(votes.max()) + 1
    weight = 1 - 1e-3 * torch.arange(votes.shape[1]).expand(votes.shape)
    return torch.zeros(len(votes), classes).scatter_add_(1, votes, weight).argmax(1)


def read(place: Path, dataset: str) -> tuple[tuple[np.ndarray, Tensor], ...]:
    """Training, validation and test images, uint8 (n, 1, 28, 28), with their classes."""
    parts = []
    for split in ("train", "test"):
        path = place / DATA[dataset].folder / f"{split}.npz"
        if not path.is_file():
            raise BadData(f"there is no {path}\n  say where the data lies: --data FOLDER, or TACIT_DATA")
        with np.load(path, allow_pickle=False) as arrays:
            parts.append((arrays["x"][:, None], torch.from_numpy(arrays["y"].astype(np.int64))))
    (x, y), test = parts
    if dataset == "omniglot":  # sorted by alphabet: the last ones would be strangers
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
        x, y = x[order.numpy()], y[order]
    cut = len(x) - DATA[dataset].validation
    return (x[:cut], y[:cut]), (x[cut:], y[cut:]), test


def floats(part: tuple[np.ndarray, Tensor]) -> Tensor:
    return torch.from_numpy(part[0]).float().mul_(1 / 255)


def every(n: int, say: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Pass on every n-th record."""
    count = iter(range(10**9))
    return lambda record: say(record) if next(count) % n == n - 1 else None


HEAD = ["data", "model", "log p(x)", "paper", "ELBO", "RE", "KL", "active", "kNN error", "passes", "minutes"]


def rows_of(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Nats per test image; log p(x) is the bound of `samples` codes, with a bootstrap interval over the images."""
    lines = [HEAD]
    for r in rows:
        dataset, plan = r["row"].split("/")
        test, bound = r["test"], r["test"]["bound"]
        shown = f"{bound['value']:.2f} [{bound['low']:.2f}, {bound['high']:.2f}]" if bound else "not measured"
        numbers = [f"{test['elbo']['value']:.2f}", f"{test['log_likelihood']:.1f}", f"{test['kl']:.1f}"]
        lines.append(
            [
                DATA[dataset].title,
                PLANS[plan].title,
                shown,
                PLANS[plan].paper[dataset],
                *numbers,
                str(test["active"]),
                f"{r['knn_error']:.2%} (k {r['knn_k']})",
                str(r["passes"]),
                f"{r['seconds'] / 60:.0f}",
            ]
        )
    return lines


def said(rows: list[dict[str, Any]]) -> str:
    """How it was measured, and the difference in neighbours' error, image by image."""
    words = ["log p(x): the importance-weighted bound, one seed, the interval over images. The paper: mean of 5 runs."]
    for dataset in DATA:
        for r in [r for r in rows if r["row"].startswith(f"{dataset}/")][:1]:
            words.append(f"{DATA[dataset].title}: {r['test']['samples']:,} codes on {r['measured']:,} test images.")
    for dataset in DATA:
        pair = [next((r for r in rows if r["row"] == f"{dataset}/{plan}"), None) for plan in ("vae", "exemplar_vae")]
        if pair[0] and pair[1]:
            n = 10_000 if dataset != "omniglot" else 6_920
            gain = paired_bootstrap(*(wrongs(r, n) for r in pair if r))
            words.append(
                f"{DATA[dataset].title}: neighbours by codes of the Exemplar VAE err {100 * gain.value:.2f} points less "
                f"than by the VAE's [{100 * gain.low:.2f}, {100 * gain.high:.2f}]."
            )
    return " ".join(words)


def wrongs(row: dict[str, Any], n: int) -> Tensor:
    wrong = torch.zeros(n)
    wrong[row["knn_wrong"]] = 1
    return wrong

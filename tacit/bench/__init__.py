"""Rows of the results table, re-run: `tacit bench NAME`."""

import inspect
from collections.abc import Callable
from typing import Any

from tacit.bench import (
    alss,
    contrast,
    exemplar_augmentation,
    exemplar_vae,
    few_labels,
    killed,
    spoken_digits,
    what_where,
)
from tacit.errors import unknown_name
from tacit.methods.settings import convert
from tacit.outcome import Outcome, table

BENCHES: dict[str, tuple[str, Callable[..., Outcome]]] = {
    "alss-mnist": ("every strategy on MNIST, 100 to 1,000 labels (ALSS, sec. 4)", alss.mnist),
    "alss-fashion": ("the same on Fashion-MNIST", alss.fashion_mnist),
    "contrast": ("codes of SimCLR and MoCo beside raw pixels, a VAE and supervised nets (SimCLR, MoCo)", contrast.run),
    "exemplar-vae": ("priors and bodies of latent-variable models (Exemplar VAE, tables 1 and 2)", exemplar_vae.run),
    "exemplar-augmentation": (
        "labels shared with generated relatives, MNIST as vectors (Exemplar VAE)",
        exemplar_augmentation.run,
    ),
    "few-labels": ("the pipeline from 40 and 100 labels, and methods for few labels side by side", few_labels.run),
    "killed": ("answers that survive when the page's server is killed again and again", killed.run),
    "spoken-digits": ("CPC beside MFCC, spoken digits and who speaks them (CPC, sec. 3.1)", spoken_digits.run),
    "what-where": (
        "drawing as a help with few labels, MNIST, and what switches are worth to it (what_where)",
        what_where.run,
    ),
    "alss-variants": ("step length, metric and warm start of uphill, on MNIST", alss.variants),
}


def run_bench(name: str | None, settings: dict[str, Any]) -> Outcome:
    """Run one row again and print it; without a name, what there is."""
    if name is None:
        rows = [
            [key, what, " ".join(f"--{option}" for option in options(bench))] for key, (what, bench) in BENCHES.items()
        ]
        return Outcome({"benches": [key for key in BENCHES]}, table(rows))
    if name not in BENCHES:
        raise unknown_name("bench", name, BENCHES)
    bench = BENCHES[name][1]
    known = options(bench)
    values: dict[str, Any] = convert(settings, known | ({"seeds": int} if "seeds" in known else {}))
    if "seeds" in values:
        values["seeds"] = range(values["seeds"])
    return bench(**values)


def options(bench: Callable[..., Outcome]) -> dict[str, Any]:
    """The settings of a bench, from its signature; `seeds` is how many."""
    return {name: option.annotation for name, option in inspect.signature(bench).parameters.items()}

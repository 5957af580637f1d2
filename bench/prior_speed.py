"""What the prior over all exemplars costs when likelihoods are measured, beside the bare matrix products in it.

    GOMP_SPINCOUNT=0 python bench/prior_speed.py [--write docs/results.md]

50,000 exemplars and codes drawn around 20 items, 2,500 each, in a space of 40 dimensions where half of the exemplars'
spread is shared (10 groups). The bare products are codes times exemplars, block by block, and nothing else. "All" sums
over every exemplar, "nearest" over so many around each item; both are compared in nats with a sum in float64.
"""

import argparse
import functools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from torch import Tensor

from tacit.bench.results import markdown, provenance, write_section
from tacit.engine.device import pick
from tacit.objectives.mixture import log_mixture_of_all, mixture_around

N, D, ITEMS, DRAWS, TAU = 50_000, 40, 20, 2_500, 0.38  # tau of an exemplar VAE trained on MNIST


def space() -> tuple[Tensor, Tensor, Tensor]:
    """Exemplars (N, D), posterior means (ITEMS, D), codes (DRAWS * ITEMS, D)."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.randn(10, D, generator=generator)
    exemplars = groups[torch.arange(N) % 10] + 0.45 * torch.randn(N, D, generator=generator)
    mean = groups[torch.arange(ITEMS) % 10] + 0.45 * torch.randn(ITEMS, D, generator=generator)
    z = mean + 0.75 * TAU * torch.randn(DRAWS, ITEMS, D, generator=generator)
    return exemplars, mean, z.flatten(0, 1)


def products(z: Tensor, exemplars: Tensor) -> None:
    for some in z.split(512):
        for part in exemplars.split(512):
            some @ part.T


def timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def truth(z: Tensor, exemplars: Tensor) -> Tensor:
    """In float64, by the definition, of every 50th draw."""
    square = torch.cdist(z.double(), exemplars.double()).square()
    constant = torch.log(torch.tensor(2 * torch.pi * TAU**2, dtype=torch.float64)) * D / 2
    return (-square / (2 * TAU**2)).logsumexp(1) - constant - torch.log(torch.tensor(float(N)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    exemplars, mean, z = space()
    log_var = torch.tensor(TAU).log() * 2
    some = torch.arange(0, len(z), 50)
    exact = truth(z[some], exemplars)
    ways: dict[str, Callable[[Tensor], Tensor]] = {"all": lambda z: log_mixture_of_all(z, exemplars, log_var)}
    for nearest in (1000, 2000, 5000):
        ways[f"nearest {nearest:,}"] = functools.partial(around, mean, exemplars, log_var, nearest)
    rows = [
        [
            "prior over 50,000 exemplars",
            "seconds",
            "times the bare products",
            "below the exact sum, nats: mean, largest",
        ]
    ]
    with pick("cpu").products():
        bare = [timed(lambda: products(z, exemplars)) for _ in range(args.turns)]
        rows.append(["bare matrix products", f"{statistics.median(bare):.2f}", "1", ""])
        for name, way in ways.items():
            seconds = [timed(functools.partial(way, z)) for _ in range(args.turns)]
            below = exact - way(z)[some].double()
            ratio = statistics.median(a / b for a, b in zip(seconds, bare, strict=True))
            apart = f"{below.mean():.1e}, {below.abs().max():.1e}"
            rows.append([name, f"{statistics.median(seconds):.2f}", f"{ratio:.2f}", apart])
            print(rows[-1], flush=True)
    print(markdown(rows))
    if args.write:
        threads = f"{torch.get_num_threads()} threads, {args.turns} turns, median; {len(z):,} codes."
        where = provenance("python bench/prior_speed.py", [0])
        title = "## Speed: the prior over all exemplars at evaluation"
        write_section(Path(args.write), "prior-speed", f"{title}\n\n{where}\n\n{threads}\n\n{markdown(rows)}")


def around(mean: Tensor, exemplars: Tensor, log_var: Tensor, nearest: int, z: Tensor) -> Tensor:
    """As a likelihood is measured: one density for some draws of all items, then the next draws."""
    density = mixture_around(mean, exemplars, log_var, nearest)
    return torch.cat([density(part) for part in z.split(50 * ITEMS)])


if __name__ == "__main__":
    main()

"""Greedy k-center beside a bare loop and scikit-activeml's CoreSet: pick 1,000 of 50,000 x 64 codes, 20 answered.

    OMP_NUM_THREADS=2 python bench/k_center.py --turns 5

The engines take turns on the same codes; all follow the same greedy rule, so their covering radii must agree. CoreSet
joins when scikit-activeml is installed. `strategy` is the whole of `k_center`, reasons and near copies included, with
the neighbour graph of the space at hand, as it is in a project; building the graph is timed apart.
"""

import argparse
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch
from torch import Tensor

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.latent.space import Space
from tacit.select.coverage import farthest_first, k_center


def clustered(n: int, dim: int, seed: int) -> Tensor:
    """Codes around 200 middles, with a spread that falls from the first dimension to the last."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(200, dim)) * np.linspace(2, 0.05, dim)
    return torch.from_numpy((middles[rng.integers(0, 200, n)] + 0.4 * rng.normal(size=(n, dim))).astype(np.float32))


def bare(codes: Tensor, answered: int, k: int) -> Tensor:
    """One matrix-vector product a pick."""
    square = codes.square().sum(1)
    gap = torch.full((len(codes),), torch.inf)
    picked = list(range(answered))
    for _ in range(k):
        for i in picked if len(picked) == answered else picked[-1:]:
            torch.minimum(gap, torch.addmv(square + square[i], codes, codes[i], alpha=-2), out=gap)
        picked.append(int(gap.argmax()))
    return torch.tensor(picked[answered:])


def core_set(codes: Tensor, answered: int, k: int) -> Tensor:
    from skactiveml.pool import CoreSet

    labels = np.full(len(codes), np.nan)
    labels[:answered] = 0
    return torch.from_numpy(CoreSet(random_state=0).query(codes.numpy(), labels, batch_size=k))


def radius(codes: Tensor, answered: int, picked: Tensor) -> float:
    """How far the farthest item is from everything answered or picked."""
    centers = codes[torch.cat([torch.arange(answered), picked])]
    return max(float(torch.cdist(some, centers).amin(1).max()) for some in codes.split(5000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"n": 50_000, "dim": 64, "answered": 20, "picks": 1000, "turns": 5, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--write", default="")
    args = parser.parse_args()

    codes = clustered(args.n, args.dim, args.seed)
    space = Space(codes, Pool(ItemSpec((args.dim,), "vector"), codes.numpy()))
    labels = torch.full((args.n,), UNLABELED)
    labels[: args.answered] = 0
    began = time.perf_counter()
    _ = space.step
    graph_seconds = time.perf_counter() - began

    rest, covered = codes[args.answered :], codes[: args.answered]
    engines: dict[str, Callable[[], Tensor]] = {
        "farthest_first": lambda: farthest_first(rest, args.picks, covered=covered)[0] + args.answered,
        "strategy": lambda: k_center(space, labels, args.picks).index,
        "bare": lambda: bare(codes, args.answered, args.picks),
    }
    if importlib.util.find_spec("skactiveml"):
        engines["scikit-activeml"] = lambda: core_set(codes, args.answered, args.picks)
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    radii = {}
    for turn in range(args.turns):
        for name, engine in engines.items():
            began = time.perf_counter()
            picked = engine()
            seconds[name].append(time.perf_counter() - began)
            if turn == 0:
                radii[name] = round(radius(codes, args.answered, picked), 4)

    ours = statistics.median(seconds["farthest_first"])
    rows = [["engine", "seconds", "times ours", "covering radius"]]
    for name, walls in seconds.items():
        middle = statistics.median(walls)
        spread = f"({min(walls):.3f}-{max(walls):.3f})"
        rows.append([name, f"{middle:.3f} {spread}", f"{middle / ours:.1f}", str(radii[name])])
        print(f"{name:16s} {middle:7.3f} s {spread:16s} {middle / ours:6.1f}x  radius {radii[name]}")
    print(f"the neighbour graph, once a space: {graph_seconds:.1f} s; threads: {torch.get_num_threads()}")
    print(json.dumps({"bench": "k_center", **vars(args), "seconds": seconds, "radius": radii, "graph": graph_seconds}))
    if args.write:
        where = provenance("python bench/k_center.py", [args.seed])
        text = f"{args.picks:,} picks of {args.n:,} x {args.dim} codes, {torch.get_num_threads()} threads, {args.turns} turns; the neighbour graph, once a space, took {graph_seconds:.1f} s."
        write_section(Path(args.write), "k-center", f"## Speed: k_center\n\n{where}\n\n{text}\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()

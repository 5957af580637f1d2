"""The map beside PaCMAP and UMAP on codes of MNIST: neighbours kept, classes kept, seconds; turn by turn.

    python bench/map.py --data FOLDER [--n 10000] [--turns 3] [--write docs/results.md]

Codes are the 40 principal components of the first n training images, and the codes of a VAE trained on them. Peers run
with their defaults where they are installed (pacmap, umap-learn); the first call of each, which compiles, is left out.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.fit import fit
from tacit.latent.map import draw, neighbours_kept_on_map, principal_components
from tacit.latent.neighbours import nearest
from tacit.latent.space import Space
from tacit.methods import build
from tacit.methods.method import Recipe


def peers() -> dict:
    found = {}
    try:
        import pacmap

        found["PaCMAP"] = lambda codes: torch.from_numpy(pacmap.PaCMAP(random_state=0).fit_transform(codes.numpy()))
    except ImportError:
        pass
    try:
        import umap

        found["UMAP"] = lambda codes: torch.from_numpy(umap.UMAP().fit_transform(codes.numpy()))
    except ImportError:
        pass
    return found


def classes_kept(points: torch.Tensor, y: torch.Tensor) -> float:
    """Accuracy of the majority of the 10 nearest on the map, each item left out of its own vote."""
    near = nearest(points, points, 11)[1][:, 1:]
    return float((y[near].mode(1).values == y).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    with np.load(Path(args.data) / "mnist" / "train.npz", allow_pickle=False) as data:
        x, y = data["x"][: args.n, None], torch.from_numpy(data["y"][: args.n].astype(np.int64))
    pool = Pool(ItemSpec((1, 28, 28)), x)
    flat = pool.floats(slice(None)).flatten(1)
    mean = flat.mean(0)
    torch.manual_seed(0)
    axes = torch.pca_lowrank(flat - mean, q=40, center=False, niter=4)[2]
    vae = build("vae", pool.spec, trunk="mlp")
    fit(vae, pool, recipe=Recipe(steps=3000, batch=100, lr=1e-3))
    spaces = {"40 principal components": (flat - mean) @ axes, "VAE codes": Space.of(pool, vae).codes}
    ways = {"principal components": principal_components, "ours": lambda codes: draw(codes).points, **peers()}
    rows = [["codes", "map", "true neighbours kept", "classes kept", "seconds"]]
    for title, codes in spaces.items():
        results = {name: [] for name in ways}
        for way in ways.values():
            way(codes[:2000])  # compiles what compiles
        for _ in range(args.turns):
            for name, way in ways.items():
                began = time.perf_counter()
                points = way(codes).float()
                seconds = time.perf_counter() - began
                kept = neighbours_kept_on_map(codes, points)
                results[name].append((kept, classes_kept(points, y), seconds))
                line = {"codes": title, "map": name, "kept": kept, "classes": results[name][-1][1], "seconds": seconds}
                print(json.dumps(line), flush=True)
        for name, turns in results.items():
            kept, classes, seconds = (statistics.median(t[i] for t in turns) for i in range(3))
            spread = f"{seconds:.1f} ({min(t[2] for t in turns):.1f}-{max(t[2] for t in turns):.1f})"
            rows.append([title, name, f"{kept:.1%}", f"{classes:.1%}", spread])
    if args.write:
        text = f"{args.n:,} MNIST images, {torch.get_num_threads()} threads, {args.turns} turns; seconds are median (smallest-largest), neighbours included."
        command = "python bench/map.py --data FOLDER"
        write_section(
            Path(args.write), "map", f"## The map\n\n{provenance(command, [0])}\n\n{text}\n\n{markdown(rows)}"
        )


if __name__ == "__main__":
    main()

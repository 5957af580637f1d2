"""How fast an Exemplar VAE trains, beside the authors' code (github.com/sajadn/Exemplar-VAE).

    GOMP_SPINCOUNT=0 python bench/exemplar_speed.py --data FOLDER --peer CHECKOUT [--write docs/results.md]

FOLDER has mnist/train.npz and test.npz, CHECKOUT is the authors' repository. All train a gated 784-300-300-40 on 50,000
images. "Theirs" and "the same setting": batch 100, rate 5e-4, half of the images as candidates, the 10 nearest of them to
each item encoded with gradient; or, with `--exact`, all 25,000 at every step. "Larger batches": batch 500, rate 2.5e-3,
2,000 exemplars drawn, and all of them count. Turn by turn, each turn a process of its own. A ratio is ours / theirs of
one turn; the median of the turns counts. `--quality EPOCHS` trains each for as many epochs with the same warm-up instead,
and measures the ELBO of the 10,000 test images, on one binarization, with the prior over all 50,000.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch

from tacit.bench.results import markdown, provenance, write_section

N, BATCH, LATENT = 50_000, 100, 40


def images(folder: str, split: str, n: int) -> np.ndarray:
    with np.load(Path(folder) / "mnist" / f"{split}.npz", allow_pickle=False) as data:
        return data["x"][:n, None]


def ours(args: argparse.Namespace) -> dict[str, float]:
    from tacit.data.pool import Pool
    from tacit.data.spec import ItemSpec
    from tacit.engine.fit import fit
    from tacit.evaluate.likelihood import binarized, likelihood
    from tacit.methods import build
    from tacit.methods.method import Recipe

    pool = Pool(ItemSpec((1, 28, 28)), images(args.data, "train", N))
    torch.manual_seed(0)
    large = args.who == "large"
    batch, lr, exemplars = (5 * BATCH, 2.5e-3, 2000) if large else (BATCH, 5e-4, N // 2)
    steps = (args.quality * N or args.steps * BATCH) // batch
    warmup = min(1.0, args.warmup / args.quality) if args.quality else 0.5
    options = {"body": "vae", "exemplars": exemplars, "nearest": 0 if large or args.exact else 10}
    method = build("exemplar_vae", pool.spec, **options, beta_warmup=warmup)
    recipe = Recipe(steps=steps, batch=batch, lr=lr, optimizer="adam_norm_grad")
    if not args.quality:
        fit(
            method, pool, recipe=Recipe(steps=3, batch=batch, lr=0.0), device="cpu"
        )  # the first products, the first codes
    seconds = fit(method, pool, recipe=recipe, device="cpu").seconds
    result = {"rate": steps * batch / seconds, "seconds": seconds}
    if args.quality:
        x = torch.from_numpy(images(args.data, "test", 10_000)).float() / 255
        result["elbo"] = likelihood(method, binarized(x)).elbo.value
    return result


def theirs(args: argparse.Namespace) -> dict[str, float]:
    """Their model, their optimiser, their `train_one_epoch`; only the loading of files is left out."""
    sys.path.insert(0, args.peer)
    sys.modules.setdefault("wget", types.ModuleType("wget"))
    from models.VAE import VAE  # type: ignore[import-not-found]
    from torch.utils.data import DataLoader, TensorDataset
    from utils.evaluation import evaluate_loss  # type: ignore[import-not-found]
    from utils.optimizer import AdamNormGrad  # type: ignore[import-not-found]
    from utils.training import train_one_epoch  # type: ignore[import-not-found]

    settings = types.SimpleNamespace(
        **{
            "batch_size": BATCH,
            "test_batch_size": 100,
            "z1_size": LATENT,
            "z2_size": LATENT,
            "input_size": [1, 28, 28],
        },
        **{"number_components": N // 2, "model_name": "vae", "prior": "exemplar_prior", "input_type": "binary"},
        **{"pseudoinputs_mean": 0.05, "pseudoinputs_std": 0.01, "use_training_data_init": False, "S": 5000, "MB": 100},
        **{"dynamic_binarization": True, "no_mask": False, "same_variational_var": False, "no_attention": False},
        **{"approximate_prior": not args.exact, "approximate_k": 10, "hidden_size": 300, "continuous": False},
        **{"use_logit": False, "lambd": 1e-4, "bottleneck": 6, "training_set_size": N, "device": "cpu"},
        **{"warmup": args.warmup if args.quality else 0, "dataset_name": "dynamic_mnist", "use_whole_train": False},
    )
    x = torch.from_numpy(images(args.data, "train", N)).float().flatten(1) / 255
    data = TensorDataset(x, torch.arange(N)[:, None], torch.zeros(N))
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    torch.manual_seed(0)
    model = VAE(settings)
    optimizer = AdamNormGrad(model.parameters(), lr=5e-4)
    batches = loader if args.quality else Short(loader, args.steps)
    began = time.perf_counter()
    for epoch in range(1, (args.quality or 1) + 1):
        train_one_epoch(epoch, settings, batches, model, optimizer)
    seconds = time.perf_counter() - began
    result = {"rate": len(batches) * BATCH * (args.quality or 1) / seconds, "seconds": seconds}
    if args.quality:
        from tacit.evaluate.likelihood import binarized

        test = binarized(torch.from_numpy(images(args.data, "test", 10_000)).float().flatten(1) / 255)
        with torch.no_grad():
            loss, _, _ = evaluate_loss(
                settings, model, DataLoader(TensorDataset(test, torch.zeros(len(test))), batch_size=100), dataset=data
            )
        result["elbo"] = -float(loss)
    return result


class Short:
    """The first batches of a loader, over the same data."""

    def __init__(self, loader: Any, steps: int) -> None:
        self.loader, self.steps, self.dataset = loader, steps, loader.dataset

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Any:
        return (batch for _, batch in zip(range(self.steps), self.loader, strict=False))


def turn(who: str, args: argparse.Namespace, python: str) -> dict[str, float]:
    command = [python, __file__, "--data", args.data, "--peer", args.peer, "--who", who, "--steps", str(args.steps)]
    command += ["--quality", str(args.quality), "--warmup", str(args.warmup), *(["--exact"] if args.exact else [])]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--peer-python", default=sys.executable, help="where the authors' code finds its packages")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--quality", type=int, default=0, metavar="EPOCHS")
    parser.add_argument("--warmup", type=int, default=5, help="epochs, with --quality")
    parser.add_argument("--who", default="", help=argparse.SUPPRESS)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    if args.who:
        print(json.dumps((theirs if args.who == "theirs" else ours)(args)))
        return
    whose = {"theirs": "the authors' code", "same": "the same setting", "large": "larger batches"}
    turns: dict[str, list[dict[str, float]]] = {who: [] for who in whose}
    for _ in range(1 if args.quality else args.turns):
        for who, got in turns.items():
            got.append(turn(who, args, args.peer_python if who == "theirs" else sys.executable))
        print(json.dumps({who: got[-1] for who, got in turns.items()} | {"load": os.getloadavg()[0]}), flush=True)
    rows = [["", "items/s", "times the authors' code", "test ELBO"]]
    for who, got in turns.items():
        ratios = [a["rate"] / b["rate"] for a, b in zip(got, turns["theirs"], strict=True)]
        shown = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        rows.append([whose[who], spread(got), shown, f"{got[0]['elbo']:.2f}" if args.quality else "not measured"])
    setting = "all 25,000 encoded each step" if args.exact else "the 10 nearest of 25,000"
    print(markdown(rows))
    if args.write:
        name = "exemplar-speed" + ("-exact" if args.exact else "-quality" if args.quality else "")
        title = f"## Speed: training an Exemplar VAE, {setting}{', and what it reaches' if args.quality else ''}"
        command = "python bench/exemplar_speed.py --data FOLDER --peer CHECKOUT"
        command += " --exact" * args.exact + f" --quality {args.quality}" * bool(args.quality)
        text = f"{torch.get_num_threads()} threads, {len(turns['theirs'])} turns; median (smallest-largest)."
        if args.quality:
            text += f" {args.quality} epochs each, warm-up {args.warmup}."
        write_section(Path(args.write), name, f"{title}\n\n{provenance(command, [0])}\n\n{text}\n\n{markdown(rows)}")


def spread(turns: list[dict[str, float]]) -> str:
    rates = [t["rate"] for t in turns]
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"


if __name__ == "__main__":
    main()

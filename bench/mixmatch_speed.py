"""Training speed of MixMatch: the engine beside a bare hand-written loop and another library, turn by turn.

    python bench/mixmatch_speed.py --data FOLDER [--beside COMMAND] [--write docs/results.md]    (FOLDER has cifar10/train.npz)

The same network for all: four 3x3 convolutions, 64 wide, with batch normalization, on 32x32 pictures in color; 64 labeled
and 64 other pictures a step, two copies of each of these. Speed counts labeled and other pictures, not copies. Engine and bare
loop run bf16 channels-last. `--beside` is a command that trains the same and ends with a line of JSON that has
`samples_per_s`, such as a run of USB's MixMatch; it takes its turn between the others. A ratio is of one turn; the median
of the turns counts.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.change import Change
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device, channels_last, pick
from tacit.engine.fit import fit
from tacit.methods.method import Recipe
from tacit.methods.mixmatch import MixMatch
from tacit.nn.trunk import Trunk

BATCH, LABELS = 64, 250
SPEC = ItemSpec((3, 32, 32), classes=tuple("0123456789"))


def network() -> Trunk:
    """Four convolutions of equal width: the same function as [convolution with a bias, norm, ReLU, pooling], written as
    the trunks here are, without the bias that the norm takes away again and with the ReLU on what was pooled."""
    layers: list[nn.Module] = []
    for a in (3, 64, 64, 64):
        layers += [nn.Conv2d(a, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.MaxPool2d(2), nn.ReLU(inplace=True)]
    return Trunk(*layers, nn.Flatten(), out_dim=256)


def fresh() -> MixMatch:
    torch.manual_seed(0)
    method = MixMatch(SPEC, flip=True)
    method.encoder = network()
    method.head = nn.Linear(256, 10)
    return method


def engine(pool: Pool, labels: Tensor, steps: int, where: Device) -> float:
    recipe = Recipe(steps=steps, batch=BATCH, lr=0.002, optimizer="adamw", weight_decay=0.02, ema=0.999)
    began = time.perf_counter()
    fit(fresh(), pool, labels, recipe=recipe, device=where)
    return steps * 2 * BATCH / (time.perf_counter() - began)


def bare(pool: Pool, labels: Tensor, steps: int, where: Device) -> float:
    """What one would write for this network alone: pictures as one tensor, six forwards of 64."""
    net = channels_last(nn.Sequential(network(), nn.Linear(256, 10)))
    slow = [p.detach().clone() for p in net.parameters()]
    change, known = Change(SPEC, "light", True), (labels >= 0).nonzero().flatten()
    everything = pool[slice(None)]
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.002, weight_decay=0.02, fused=True)
    began = time.perf_counter()
    for step in range(steps):
        rows = known[torch.randint(len(known), (BATCH,))]
        x = change(everything[rows].float() / 255)
        u = everything[torch.randint(len(everything), (BATCH,))].float() / 255
        copies = [change(u), change(u)]
        with where.products(), where.autocast():
            with torch.no_grad():
                p = sum(net(copy).float().softmax(1) for copy in copies) / 2
                q = p.square() / p.square().sum(1, keepdim=True)
            items = torch.cat([x, *copies])
            answers = torch.cat([F.one_hot(labels[rows], 10).float(), q, q])
            share = torch.distributions.Beta(0.75, 0.75).sample((len(items),))
            share = torch.maximum(share, 1 - share)
            partner = torch.randperm(len(items))
            items = share.view(-1, 1, 1, 1) * items + (1 - share.view(-1, 1, 1, 1)) * items[partner]
            answers = share[:, None] * answers + (1 - share[:, None]) * answers[partner]
            logits = torch.cat([net(part) for part in items.split(BATCH)]).float()
            labeled = -(answers[:BATCH] * F.log_softmax(logits[:BATCH], 1)).sum(1).mean()
            unlabeled = (answers[BATCH:] - logits[BATCH:].softmax(1)).square().mean()
            loss = labeled + 75 * min(1, step / steps) * unlabeled
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(slow, list(net.parameters()), 0.001)
    return steps * 2 * BATCH / (time.perf_counter() - began)


def beside(command: str) -> float:
    """What another library reaches, by its own word."""
    said = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout.strip().splitlines()
    return float(json.loads(said[-1])["samples_per_s"])


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--data", default=os.environ.get("TACIT_DATA", "../shared/data"))
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--turns", type=int, default=3)
    given.add_argument("--steps", type=int, default=60)
    given.add_argument("--beside", default="", help="command of another library's training")
    given.add_argument("--title", default="the other library")
    given.add_argument("--write", default="")
    args = given.parse_args()
    torch.set_num_threads(args.threads)
    with np.load(Path(args.data) / "cifar10" / "train.npz") as arrays:
        x = np.ascontiguousarray(arrays["x"][:4000].transpose(0, 3, 1, 2))
        y = torch.from_numpy(arrays["y"][:4000].astype(np.int64))
    pool, labels = Pool(SPEC, x), torch.where(torch.arange(4000) < LABELS, y, -1)
    where = pick("cpu", "auto")
    found: dict[str, list[float]] = {"engine": [], "bare loop": []}
    runs: dict[str, Any] = {
        "engine": lambda: engine(pool, labels, args.steps, where),
        "bare loop": lambda: bare(pool, labels, args.steps, where),
    }
    if args.beside:
        found[args.title] = []
        runs[args.title] = lambda: beside(args.beside)
    for name in ("engine", "bare loop"):
        runs[name]()  # warm up
    loads = [os.getloadavg()[0]]
    for _ in range(args.turns):
        for name, run in runs.items():
            found[name].append(run())
            print(name, f"{found[name][-1]:.0f}", flush=True)
    loads.append(os.getloadavg()[0])
    rows = [["", "pictures/s (smallest-largest)", "engine / this, median of turns"]]
    for name, rates in found.items():
        ratios = [a / b for a, b in zip(found["engine"], rates, strict=True)]
        spread = f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
        rows.append([name, spread, f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"])
    said = f"{args.threads} threads, {args.turns} turns, load {min(loads):.1f} to {max(loads):.1f}. {(__doc__ or '').split('    python')[1].partition(chr(10))[2].strip()}"
    print("\n".join(" | ".join(row) for row in rows))
    if args.write:
        command = f"python bench/mixmatch_speed.py --data FOLDER --threads {args.threads} --turns {args.turns} --steps {args.steps}"
        command += f' --title "{args.title}" --beside COMMAND' if args.beside else ""
        text = "\n\n".join(["## Speed of training MixMatch", provenance(command, [0]), markdown(rows), said])
        write_section(Path(args.write), "mixmatch-speed", text)


if __name__ == "__main__":
    main()

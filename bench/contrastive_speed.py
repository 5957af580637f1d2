"""Training speed of SimCLR and MoCo: the engine beside a bare hand-written loop and lightly, turn by turn.

    python bench/contrastive_speed.py --data FOLDER [--write docs/results.md]      (FOLDER has cifar10/train.npz)

The same trunk and projector for all three, 32x32 pictures in color, batches of 256 pictures. Engine and bare loop run
bf16 channels-last with views made in batches; the bare loop has its pictures as one tensor and nothing else. lightly runs as
its examples do: one picture at a time through its transform in two processes, fp32, a forward for each view; it joins
where it is installed. A ratio is of one turn; the median of the turns counts.
"""

import argparse
import copy
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.engine.device import Device, channels_last, pick
from tacit.engine.fit import fit
from tacit.methods import build
from tacit.methods.method import Method, Recipe

BATCH = 256
NETS: dict[str, dict[str, Any]] = {
    "four convolutions": {"trunk": "conv", "width": 32, "depth": 4},
    "ResNet-18, a quarter wide": {"trunk": "resnet", "width": 16},
}
OPTIONS: dict[str, dict[str, Any]] = {"simclr": {}, "moco": {"norm": "batch", "queue": 512}}
SPEC = ItemSpec((3, 32, 32))


def fresh(name: str, net: str) -> Any:
    torch.manual_seed(0)
    return build(name, SPEC, **NETS[net], **OPTIONS[name])


def engine(name: str, net: str, pool: Pool, steps: int, where: Device) -> float:
    recipe = Recipe(steps=steps, batch=BATCH, lr=0.06, optimizer="sgd", sgd_momentum=0.0)
    began = time.perf_counter()
    fit(fresh(name, net), pool, recipe=recipe, device=where)
    return steps * BATCH / (time.perf_counter() - began)


def bare(name: str, net: str, pool: Pool, steps: int, where: Device) -> float:
    """What one would write for this network alone."""
    model: Any = channels_last(fresh(name, net))
    see, items = Views(SPEC), pool[slice(None)]
    fast = nn.Sequential(model.encoder, model.projector)
    slow = copy.deepcopy(fast).requires_grad_(False)
    queue, at = F.normalize(torch.randn(512, 128), dim=1), 0
    optimizer = torch.optim.SGD(fast.parameters(), lr=0.06, fused=True)
    began, step = time.perf_counter(), 0
    with where.products():
        while step < steps:
            order = torch.randperm(len(items))
            for i in range(0, len(items) - BATCH + 1, BATCH):
                x = items[order[i : i + BATCH]].float().mul_(1 / 255)
                a, b = see(x), see(x)
                with where.autocast():
                    if name == "simclr":
                        z = F.normalize(fast(torch.cat([a, b])).float(), dim=1)
                    else:
                        z = F.normalize(fast(a).float(), dim=1)
                        with torch.no_grad():
                            key = F.normalize(slow(b).float(), dim=1)
                if name == "simclr":
                    logits = (z @ z.T / 0.5).fill_diagonal_(-torch.inf)
                    loss = F.cross_entropy(logits, torch.arange(2 * BATCH).roll(BATCH))
                else:
                    logits = torch.cat([(z * key).sum(1, keepdim=True), z @ queue.T], 1) / 0.2
                    loss = F.cross_entropy(logits, torch.zeros(BATCH, dtype=torch.long))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                if name == "moco":
                    queue[at : at + BATCH], at = key, (at + BATCH) % len(queue)
                    with torch.no_grad():
                        for p, q in zip(slow.parameters(), fast.parameters(), strict=True):
                            p.lerp_(q, 0.01)
                step += 1
                if step == steps:
                    break
    return steps * BATCH / (time.perf_counter() - began)


class Pictures(torch.utils.data.Dataset):
    def __init__(self, x: np.ndarray, transform: Any) -> None:
        self.x, self.transform = x, transform

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> Any:
        from PIL import Image

        return self.transform(Image.fromarray(self.x[i]))


def lightly(name: str, net: str, pool: Pool) -> float | None:
    """Pictures a second of one pass, its processes started before; None where it is not installed."""
    try:
        from lightly.loss import NTXentLoss
        from lightly.models.utils import update_momentum
        from lightly.transforms.moco_transform import MoCoV2Transform
        from lightly.transforms.simclr_transform import SimCLRTransform
    except Exception:  # also a torchvision that does not fit this torch
        return None
    transform = (SimCLRTransform if name == "simclr" else MoCoV2Transform)(input_size=32)
    data = Pictures(pool[slice(None)].permute(0, 2, 3, 1).numpy(), transform)
    loader = torch.utils.data.DataLoader(
        data, batch_size=BATCH, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True
    )
    method: Method = fresh(name, net)
    model: Any = nn.Sequential(method.encoder, method.projector)
    slow = copy.deepcopy(model).requires_grad_(False)
    criterion = NTXentLoss() if name == "simclr" else NTXentLoss(memory_bank_size=(512, 128))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06)
    next(iter(loader))
    began, seen = time.perf_counter(), 0
    for views in loader:
        a, b = views[:2]
        if name == "moco":
            update_momentum(model, slow, m=0.99)
            z_a = model(a)
            with torch.no_grad():
                z_b: Tensor = slow(b)
        else:
            z_a, z_b = model(a), model(b)
        loss = criterion(z_a, z_b)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen += len(a)
    return seen / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--n", type=int, default=2048)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    with np.load(Path(args.data) / "cifar10" / "train.npz", allow_pickle=False) as data:
        pool = Pool(SPEC, np.ascontiguousarray(data["x"][: args.n].transpose(0, 3, 1, 2)))
    where, steps = pick("cpu"), args.n // BATCH
    head = ["method", "network", "engine, pictures/s", "bare loop", "engine / bare", "lightly", "engine / lightly"]
    rows, loads = [head], []
    for name in OPTIONS:
        for net in NETS:
            engine(name, net, pool, 2, where), bare(name, net, pool, 2, where)
            mine, theirs, peers = [], [], []
            for _ in range(args.turns):
                loads.append(os.getloadavg()[0])
                mine.append(engine(name, net, pool, steps, where))
                theirs.append(bare(name, net, pool, steps, where))
                if (found := lightly(name, net, pool)) is not None:
                    peers.append(found)
            print(
                json.dumps({"method": name, "net": net, "engine": mine, "bare": theirs, "lightly": peers}), flush=True
            )
            beside = [spread(peers), ratio(mine, peers)] if peers else ["not installed", ""]
            rows.append([name, net, spread(mine), spread(theirs), ratio(mine, theirs), *beside])
    if args.write:
        command = "python bench/contrastive_speed.py --data FOLDER"
        text = (
            f"{len(pool):,} pictures of CIFAR-10, {torch.get_num_threads()} threads, {where}, {args.turns} turns, median"
            f" (smallest-largest), load {min(loads):.1f} to {max(loads):.1f}."
        )
        section = f"## Speed: training SimCLR and MoCo\n\n{provenance(command, [0])}\n\n{text}\n\n{markdown(rows)}"
        write_section(Path(args.write), "contrastive-speed", section)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def ratio(mine: list[float], theirs: list[float]) -> str:
    over = [a / b for a, b in zip(mine, theirs, strict=True)]
    return f"{statistics.median(over):.2f} ({min(over):.2f}-{max(over):.2f})"


if __name__ == "__main__":
    main()

"""Speed of making views: ours beside kornia's batched ones and lightly's loader, turn by turn.

    python bench/views_speed.py --data FOLDER [--write docs/results.md]    (FOLDER has cifar10/train.npz, mnist/train.npz)

SimCLR's recipe for 32x32 pictures in color (crop, mirror, colors, grey, blur of 3 pixels for half of them) and crop and
blur for 28x28 grey ones, in batches of 256. A view is one picture changed once. lightly makes two views of a picture, one
picture at a time, with its own transform (no process beside it, then two). Peers join where they are installed. A ratio
is ours / peer of one turn; the median of the turns counts.
"""

import argparse
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
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.engine.device import pick

BATCH = 256
Make = Callable[[Tensor], object]  # uint8 pictures (n, C, H, W), all of them


def pictures(folder: str, name: str, n: int) -> Tensor:
    with np.load(Path(folder) / name / "train.npz", allow_pickle=False) as data:
        x = torch.from_numpy(data["x"][:n])
    return x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()


def in_batches(make: Make) -> Make:
    """Batch after batch, none of them kept: a training keeps none either."""

    def all_of(x: Tensor) -> None:
        for part in x.split(BATCH):
            make(part)

    return all_of


def ours(spec: ItemSpec) -> Make:
    see = (
        Views(spec, "photos", crop=0.08, blur=0.5)
        if spec.shape[0] == 3
        else Views(spec, crop=0.08, blur=0.5, color=0.0)
    )
    see.degrees = 0.0  # kornia's recipe here has no turns
    return in_batches(lambda part: see(spec.to_float(part)))


def kornia(spec: ItemSpec, cropping: str) -> Make | None:
    try:
        import kornia.augmentation as peer
    except ImportError:
        return None
    size = spec.shape[1:]
    parts = [peer.RandomResizedCrop(size, scale=(0.08, 1.0), cropping_mode=cropping)]
    if spec.shape[0] == 3:
        colors = peer.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8)
        parts += [peer.RandomHorizontalFlip(p=0.5), colors, peer.RandomGrayscale(p=0.2)]
    parts.append(peer.RandomGaussianBlur((3, 3), (0.1, 2.0), p=0.5))
    pipe = torch.nn.Sequential(*parts)
    return in_batches(lambda part: pipe(part.float().div_(255)))


def lightly(spec: ItemSpec, workers: int) -> Make | None:
    try:
        from lightly.transforms.simclr_transform import SimCLRTransform
    except Exception:  # also a torchvision that does not fit this torch
        return None
    from PIL import Image

    transform = SimCLRTransform(input_size=spec.shape[1])

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, i: int) -> object:
            return transform(Image.fromarray(self.x[i]))

    loaders: dict[int, torch.utils.data.DataLoader] = {}

    def make(x: Tensor) -> None:
        if len(x) not in loaders:
            data = Pictures(x.permute(0, 2, 3, 1).numpy())
            loaders[len(x)] = torch.utils.data.DataLoader(
                data, batch_size=BATCH, num_workers=workers, persistent_workers=workers > 0
            )
        for _ in loaders[len(x)]:
            pass

    return make


def rate(make: Make, x: Tensor, views: int) -> float:
    began = time.perf_counter()
    make(x)
    return views * len(x) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--n", type=int, default=4096)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    rows = [["views", "who", "views/s", "ours / peer"]]
    loads = []
    for title, name in (("32x32, color", "cifar10"), ("28x28, grey", "mnist")):
        x = pictures(args.data, name, args.n)
        spec = ItemSpec(tuple(x.shape[1:]))
        makers: dict[str, tuple[Make | None, int]] = {
            "ours": (ours(spec), 1),
            "kornia, slice (its default)": (kornia(spec, "slice"), 1),
            "kornia, resample": (kornia(spec, "resample"), 1),
        }
        if spec.shape[0] == 3:
            makers |= {f"lightly, {n} processes": (lightly(spec, n), 2) for n in (0, 2)}
        there = {who: (make, views) for who, (make, views) in makers.items() if make is not None}
        rates: dict[str, list[float]] = {who: [] for who in there}
        with torch.no_grad(), pick("cpu").products():
            for who, (make, _) in there.items():
                make(x[:512] if "lightly" not in who else x)  # its processes start outside of the timed part
            for _ in range(args.turns):
                loads.append(os.getloadavg()[0])
                for who, (make, views) in there.items():
                    rates[who].append(rate(make, x, views))
        for who, found in rates.items():
            over = [a / b for a, b in zip(rates["ours"], found, strict=True)]
            beside = "" if who == "ours" else f"{statistics.median(over):.1f} ({min(over):.1f}-{max(over):.1f})"
            rows.append([title, who, f"{statistics.median(found):,.0f} ({min(found):,.0f}-{max(found):,.0f})", beside])
            print(json.dumps({"views": title, "who": who, "rates": [round(r) for r in found]}), flush=True)
    if args.write:
        command = "python bench/views_speed.py --data FOLDER"
        text = (
            f"SimCLR's views, {torch.get_num_threads()} threads, {args.turns} turns, median (smallest-largest), load"
            f" {min(loads):.1f} to {max(loads):.1f}."
        )
        section = f"## Speed: views\n\n{provenance(command, [0])}\n\n{text}\n\n{markdown(rows)}"
        write_section(Path(args.write), "views-speed", section)


if __name__ == "__main__":
    main()

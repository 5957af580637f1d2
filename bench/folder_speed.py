"""`init` on a folder of 60,000 small PNGs, and again on the unchanged folder.

    python bench/folder_speed.py --data FOLDER [--n 60000] [--write docs/results.md]

Beside it, the floor: decoding the same files with Pillow alone, on all cores, results thrown away.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tacit.bench.results import markdown, provenance, write_section
from tacit.project import Project


def decode(paths: list[str]) -> int:
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image)
    return len(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--n", type=int, default=60_000)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tacit-bench-"))
    try:
        with np.load(Path(args.data) / "mnist" / "train.npz", allow_pickle=False) as data:
            x, y = data["x"][: args.n], data["y"][: args.n]
        for i in range(len(x)):
            place = folder / "photos" / str(y[i])
            if i < 1000:
                place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x[i]).save(place / f"{i}.png")
        paths = [str(p) for p in (folder / "photos").rglob("*.png")]
        seconds = {}
        began = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as workers:
            workers.map(decode, [paths[i : i + 500] for i in range(0, len(paths), 500)])
        seconds["decoding alone, all cores"] = time.perf_counter() - began
        for name in ("init", "look again, nothing changed"):
            cpu, began = cpu_seconds(), time.perf_counter()
            project = Project.create(folder / "photos", folder / "p.tacit")
            seconds[name] = time.perf_counter() - began
            if name == "init":
                busy = (cpu_seconds() - cpu) / seconds[name]
        assert not project.packed.changed and project.packed.items > 0.9 * len(x)
        print(json.dumps({"n": len(paths), "seconds": seconds, "cores_busy": busy, "load": os.getloadavg()[0]}))
        rows = [
            ["what", "seconds", "files a second"],
            *([k, f"{v:.2f}", f"{len(paths) / v:,.0f}"] for k, v in seconds.items()),
        ]
        if args.write:
            text = f"{len(paths):,} PNG files of 28x28 pixels; {busy:.1f} cores busy during init.\n\n{markdown(rows)}"
            command = "python bench/folder_speed.py --data FOLDER"
            write_section(
                Path(args.write), "folder-speed", f"## Speed: reading a folder\n\n{provenance(command, [0])}\n\n{text}"
            )
    finally:
        shutil.rmtree(folder)


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()

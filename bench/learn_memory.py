"""Peak memory of `learn` on 60,000 and on 1,000,000 items: it should not grow with the pool.

    python bench/learn_memory.py [--write docs/results.md]

Synthetic bytes serve here. Each size is learned in a process of its own; its peak is the largest resident set seen
(every 20 ms), mapped pages of the items included, above that of the same process before it starts to learn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tacit.bench.results import markdown, provenance, write_section

CHILD = """
import sys, threading, time
import numpy as np, psutil, torch
from tacit.project import Project

folder, n, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(0)
array = np.lib.format.open_memmap(folder + "/x.npy", "w+", np.uint8, (n, 28, 28))
for i in range(0, n, 10_000):
    array[i : i + 10_000] = rng.integers(0, 256, (min(10_000, n - i), 28, 28), dtype=np.uint8)
array.flush()
del array
project = Project.create(folder + "/x.npy", folder + "/x.tacit", yardstick=0)
Project(folder + "/x.tacit").learn("vae", steps=5, trunk="mlp")  # everything that is loaded once is loaded
process, peak, done = psutil.Process(), [0], threading.Event()
before = process.memory_info().rss

def watch():
    while not done.is_set():
        peak[0] = max(peak[0], process.memory_info().rss)
        time.sleep(0.02)

thread = threading.Thread(target=watch)
thread.start()
began = time.perf_counter()
Project(folder + "/x.tacit").learn("vae", steps=steps, trunk="mlp")
done.set()
thread.join()
print(before / 2**20, peak[0] / 2**20, time.perf_counter() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="2000")
    parser.add_argument("--sizes", type=int, nargs="+", default=[60_000, 1_000_000])
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    rows = [["items", "size of the items", "memory before", "peak while learning", "seconds"]]
    for n in args.sizes:
        with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
            words = [sys.executable, "-c", CHILD, folder, str(n), args.steps]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        before, peak, seconds = map(float, said[-3:])
        print(json.dumps({"items": n, "before_mb": before, "peak_mb": peak, "seconds": seconds}), flush=True)
        rows.append([f"{n:,}", f"{n * 784 / 2**20:,.0f} MB", f"{before:,.0f} MB", f"{peak:,.0f} MB", f"{seconds:.0f}"])
    if args.write:
        command = "python bench/learn_memory.py"
        text = (
            f"`learn vae --trunk mlp --steps {args.steps}` with codes of all items written to disk.\n\n{markdown(rows)}"
        )
        write_section(
            Path(args.write),
            "learn-memory",
            f"## Memory: learning from many items\n\n{provenance(command, [0])}\n\n{text}",
        )


if __name__ == "__main__":
    main()

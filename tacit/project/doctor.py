"""`tacit doctor`: what this machine has, and what would slow a training down or fail later."""

import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

import torch

from tacit.engine.device import onednn_is_exact, pick
from tacit.outcome import Outcome, table

EXTRAS = {"onnx": "export", "onnxscript": "export", "onnxruntime": "export", "pyarrow": "tables", "faiss-cpu": "ann"}


def examine() -> Outcome:
    """Versions, device, threads, load, disk; a line of advice for each thing that is not as it should be."""
    here = pick()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    free = shutil.disk_usage(Path.cwd()).free
    installed = {name: version(name) for name in ("tacit", "numpy", "pillow", "scikit-learn", *EXTRAS)}
    record = {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "device": str(here.device),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "bf16": here.bf16,
        "onednn_products_exact": onednn_is_exact(),
        "cores": cores,
        "threads": torch.get_num_threads(),
        "load": round(load, 2),
        "gomp_spincount": os.environ.get("GOMP_SPINCOUNT"),
        "free_disk_gb": round(free / 1e9, 1),
        "packages": installed,
    }
    advice = []
    if load > 0.5 * cores and not torch.cuda.is_available():
        advice.append(
            f"other programs keep {load:.1f} of {cores} cores busy: two threads that wait for each other can be many times\n"
            "    slower than one   try: OMP_NUM_THREADS=1 tacit ..."
        )
    if os.environ.get("GOMP_SPINCOUNT") != "0" and not torch.cuda.is_available():
        advice.append(
            "threads spin while they wait   set GOMP_SPINCOUNT=0 before Python starts (the tacit command does)"
        )
    if free < 1e9:
        advice.append(f"only {free / 1e6:.0f} MB of disk are free here: packing and saving may fail   free some space")
    for name, extra in EXTRAS.items():
        if installed[name] is None:
            advice.append(f"{name} is not installed   for that: pip install 'tacit[{extra}]'")
    rows = [[key, str(value)] for key, value in record.items() if key != "packages"]
    rows += [[name, found or "-"] for name, found in installed.items()]
    lines = [
        *table(rows),
        *(f"  ! {line}" for line in advice),
        "all is well" if not advice else "1 thing to know" if len(advice) == 1 else f"{len(advice)} things to know",
    ]
    return Outcome(record | {"advice": advice}, lines)


def version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

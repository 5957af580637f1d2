"""Two processes over gloo are one training: the same batches, the same weights."""

import runpy
import subprocess
import sys

import pytest
import torch

from tacit.engine.distributed import World
from tacit.errors import WrongUsage

SCRIPT = """
import sys, torch
torch.set_num_threads(1)
import numpy as np
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine import distributed
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.methods import build
from tacit.methods.method import Recipe

x = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
pool = Pool(ItemSpec((1, 8, 8), classes=("a", "b")), x)
unchanged = {"views": "photos", "crop": 1.0, "color": 0.0, "flip": False}  # random views would differ
cases = {
    "autoencoder": {"trunk": "mlp", "width": 16, "latent_dim": 3},
    "supervised": {"trunk": "mlp", "width": 16, "norm": "none", "augment": "none"},
    "simclr": {"trunk": "conv", "width": 4, **unchanged},
    "moco": {"trunk": "conv", "width": 4, "norm": "batch", "queue": 40, "momentum": 0.5, **unchanged},
}
for name, options in cases.items():
    torch.manual_seed(distributed.world().rank)  # different starts: the first process's must win
    method = build(name, pool.spec, **options)
    # Adam would make steps of the rounding errors of gradients that are zero, as those of a bias before a norm
    recipe = Recipe(steps=12, batch=20, lr=0.01, clip=1.0, optimizer="sgd" if name in ("simclr", "moco") else "adam")
    fit(method, pool, torch.arange(60) % 2, recipe=recipe, seed=4, device=Device(torch.device("cpu"), False, False))
    if distributed.world().first:
        torch.save(method.state_dict(), sys.argv[1] + name)
"""


def test_two_processes_equal_one(tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, str(script), str(tmp_path / "two-")], check=True, capture_output=True)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "one-")])
    runpy.run_path(str(script))
    for name in ("autoencoder", "supervised", "simclr", "moco"):
        one, two = (torch.load(tmp_path / f"{n}-{name}", weights_only=True) for n in ("one", "two"))
        for key in one:
            if key == "queue.rows":  # the same keys, in another order inside a batch
                one[key], two[key] = (rows[rows[:, 0].argsort()] for rows in (one[key], two[key]))
            assert torch.allclose(one[key].float(), two[key].float(), atol=1e-5), (name, key)


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(WrongUsage, match="--batch 102"):
        World(0, 3).check(100)

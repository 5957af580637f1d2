"""Two processes over gloo are one training: the same batches, the same weights."""

import subprocess
import sys
from pathlib import Path

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
from tacit.engine.device import Device
from tacit.engine.fit import fit
from tacit.methods import build
from tacit.methods.method import Recipe
from tacit.engine import distributed

x = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
pool = Pool(ItemSpec((1, 8, 8), classes=("a", "b")), x)
labels = torch.arange(60) % 2
name, out = sys.argv[1:]
torch.manual_seed(distributed.world().rank)  # different starts: the first process's must win
options = {"trunk": "mlp", "width": 16, **({"augment": "none"} if name == "supervised" else {"latent_dim": 3})}
method = build(name, pool.spec, **options)
recipe = Recipe(steps=12, batch=20, lr=0.01, clip=1.0)
fit(method, pool, labels, recipe=recipe, seed=4, device=Device(torch.device("cpu"), False, False))
if distributed.world().first:
    torch.save(method.state_dict(), out)
"""


@pytest.mark.parametrize("name", ["autoencoder", "supervised"])
def test_two_processes_equal_one(tmp_path, name):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    outs = [tmp_path / "one.pt", tmp_path / "two.pt"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    subprocess.run([*torchrun, "1", str(script), name, str(outs[0])], check=True, capture_output=True, cwd=Path.cwd())
    subprocess.run([*torchrun, "2", str(script), name, str(outs[1])], check=True, capture_output=True, cwd=Path.cwd())
    one, two = (torch.load(out, weights_only=True) for out in outs)
    for key in one:
        assert torch.allclose(one[key].float(), two[key].float(), atol=1e-5), key


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(WrongUsage, match="--batch 102"):
        World(0, 3).check(100)

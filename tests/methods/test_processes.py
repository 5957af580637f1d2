"""Pretext tasks over two gloo processes: the loss and the gradients of one process with the whole batch."""

import subprocess
import sys

import torch

from tacit.across import own_part
from tacit.data.spec import ItemSpec
from tacit.methods import build
from tacit.methods.method import Method

CASES = {
    "exemplar_task": {"trunk": "conv", "width": 4, "copies": 3},
    "rotation": {"trunk": "conv", "width": 4, "layer": "encoder"},
}
SCRIPT = """
import importlib.util, sys, torch
import torch.distributed as dist

torch.set_num_threads(1)
dist.init_process_group("gloo")
spec = importlib.util.spec_from_file_location("both", sys.argv[1])
both = importlib.util.module_from_spec(spec)
spec.loader.exec_module(both)
found = {name: both.step(name) for name in both.CASES}
if dist.get_rank() == 0:
    torch.save(found, sys.argv[2])
dist.destroy_process_group()
"""


def step(name: str) -> list[torch.Tensor]:
    """The loss and the gradients of one step, averaged over processes; views follow from what they are of."""
    torch.manual_seed(0)
    method = build(name, ItemSpec((1, 8, 8)), **CASES[name])
    copies = CASES[name].get("copies", 1)
    method.view = lambda x: x.roll(1, 3) * (1 + 0.3 * (torch.arange(len(x)) % copies).view(-1, 1, 1, 1))
    x = torch.rand(12, 1, 8, 8)
    loss = mean(method, method.loss(own_part(x))["loss"])
    return [loss, *(p.grad for p in method.parameters())]


def mean(method: Method, loss: torch.Tensor) -> torch.Tensor:
    loss.backward()
    loss = loss.detach()
    if torch.distributed.is_initialized():
        for value in (loss, *(p.grad for p in method.parameters())):
            torch.distributed.all_reduce(value)
            value /= torch.distributed.get_world_size()
    return loss


def test_two_processes_are_one_with_the_whole_batch(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, str(script), __file__, str(tmp_path / "out")], check=True, capture_output=True)
    two = torch.load(tmp_path / "out", weights_only=True)
    for name in CASES:
        for one, other in zip(step(name), two[name], strict=True):
            assert torch.allclose(one, other, atol=1e-5), name

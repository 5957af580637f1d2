"""Two processes over gloo know each other's rows, and their gradients are those of one process with all of them."""

import subprocess
import sys

import torch
from torch import nn

from tacit.across import everywhere, mean_everywhere, own_part, processes, same_everywhere
from tacit.nn.norm import norm
from tacit.objectives.contrastive import nt_xent

SCRIPT = """
import sys, torch
import torch.distributed as dist
from torch import nn
from tacit.across import everywhere, mean_everywhere, own_part, same_everywhere
from tacit.nn.norm import norm
from tacit.objectives.contrastive import nt_xent

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
a, b, image = torch.load(sys.argv[1], weights_only=True)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 8, bias=False), *norm("batch", 8, 0), nn.ReLU(), nn.Linear(8, 4))
mine = torch.cat([own_part(a), own_part(b)])
z_a, z_b = (everywhere(part) for part in net(mine).chunk(2))
loss = nt_xent(z_a, z_b, 0.3)
loss.backward()
gradients = []
for p in net.parameters():
    dist.all_reduce(p.grad)
    gradients.append(p.grad / 2)
layer = norm("batch", 3, 2)[0]
seen = everywhere(layer(own_part(image)))
order = same_everywhere(torch.arange(4) + 10 * rank)
mean = mean_everywhere(torch.tensor([float(rank)]))
if rank == 0:
    kept = [layer.running_mean, layer.running_var, net[1].running_var]
    torch.save([loss.detach(), gradients, seen.detach(), kept, order, mean], sys.argv[2])
dist.destroy_process_group()
"""


def test_two_processes_are_one_with_the_whole_batch(tmp_path):
    torch.manual_seed(3)
    a, b, image = torch.randn(6, 5), torch.randn(6, 5), torch.randn(4, 3, 5, 5)
    torch.save([a, b, image], tmp_path / "in")
    script = tmp_path / "two.py"
    script.write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = [*torchrun, str(script), str(tmp_path / "in"), str(tmp_path / "out")]
    subprocess.run(run, check=True, capture_output=True)
    loss, gradients, seen, kept, order, mean = torch.load(tmp_path / "out", weights_only=True)

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 8, bias=False), *norm("batch", 8, 0), nn.ReLU(), nn.Linear(8, 4))
    z_a, z_b = net(torch.cat([a, b])).chunk(2)
    alone = nt_xent(z_a, z_b, 0.3)
    alone.backward()
    assert torch.allclose(loss, alone, atol=1e-5)
    for p, gradient in zip(net.parameters(), gradients, strict=True):
        assert torch.allclose(p.grad, gradient, atol=1e-5)
    layer = norm("batch", 3, 2)[0]
    assert torch.allclose(seen, layer(image), atol=1e-5)
    for one, two in zip([layer.running_mean, layer.running_var, net[1].running_var], kept, strict=True):
        assert torch.allclose(one, two, atol=1e-5)
    assert order.tolist() == [0, 1, 2, 3] and mean.item() == 0.5


def test_alone_everything_is_as_it_was():
    x = torch.randn(4, 3, requires_grad=True)
    assert processes() == 1
    assert all(f(x) is x for f in (everywhere, mean_everywhere, same_everywhere, own_part))

import pytest
import torch
from torch import nn

from tacit.nn.norm import norm
from tacit.nn.statistics import statistics_kept


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), *norm("batch", 4, axes=2), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3))


def test_a_batch_is_seen_as_in_training_and_not_remembered():
    net, x = network(), torch.rand(6, 1, 12, 12)
    before = {name: value.clone() for name, value in net.named_buffers() if "running" in name}
    with statistics_kept(net):
        seen = net(x)
    assert all(torch.equal(value, dict(net.named_buffers())[name]) for name, value in before.items())
    assert torch.equal(seen, net(x)), "statistics of the batch, not the running ones"
    assert not torch.equal(before["1.running_mean"], net[1].running_mean)


def test_momenta_come_back_after_an_error_too():
    net = network()
    with pytest.raises(KeyError), statistics_kept(net):
        raise KeyError
    assert net[1].momentum == 0.1

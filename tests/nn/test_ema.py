import torch
from torch import nn

from tacit.nn.ema import SlowCopy
from tacit.nn.memory import CodeMemory


def test_a_slow_copy_is_the_exponential_average_of_what_it_followed():
    network = nn.Linear(3, 2)
    slow = SlowCopy(network, momentum=0.9)
    expected = network.weight.detach().clone()
    for step in range(5):
        with torch.no_grad():
            network.weight.add_(step)
        slow.follow(network)
        expected = 0.9 * expected + 0.1 * network.weight.detach()
    assert torch.allclose(slow.network.weight, expected)


def test_buffers_are_copied_counters_included():
    network = nn.BatchNorm1d(3)
    slow = SlowCopy(network, momentum=0.99)
    for _ in range(4):
        network(torch.randn(8, 3))
    slow.follow(network)
    assert slow.network.num_batches_tracked == 4
    assert torch.equal(slow.network.running_mean, network.running_mean)
    network(torch.randn(8, 3))
    assert slow.network.num_batches_tracked == 4


def test_no_gradient_reaches_it():
    network = nn.Linear(3, 2)
    slow = SlowCopy(network, momentum=0.5)
    assert not any(p.requires_grad for p in slow.parameters())
    assert all(p.requires_grad for p in network.parameters())
    assert not slow.network(torch.randn(4, 3)).requires_grad


def test_its_state_is_all_of_it():
    slow, other = SlowCopy(nn.Linear(3, 2), 0.9), SlowCopy(nn.Linear(3, 2), 0.9)
    other.load_state_dict(slow.state_dict())
    x = torch.randn(4, 3)
    assert torch.equal(slow.network(x), other.network(x))


def test_a_memory_that_grows_or_shrinks_is_followed():
    memory = CodeMemory(2)
    slow = SlowCopy(memory, momentum=0.9)
    for n in (5, 5, 3):
        memory.fill(torch.randn(n, 2))
        slow.follow(memory)
        assert torch.equal(slow.network.codes, memory.codes)
    memory.codes.zero_()
    assert slow.network.codes.any()  # a copy and not the same memory

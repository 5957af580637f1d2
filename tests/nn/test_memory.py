import copy

import pytest
import torch
from torch import nn

from tacit.nn.memory import CodeMemory


def filled(n: int, dim: int = 3) -> CodeMemory:
    memory = CodeMemory(dim)
    memory.fill(torch.randn(n, dim))
    return memory


def test_it_is_empty_until_it_is_filled():
    memory = CodeMemory(3)
    assert len(memory) == 0 and memory.codes.shape == (0, 3)
    memory.fill(torch.ones(5, 3))
    assert len(memory) == 5


def test_what_is_remembered_carries_no_gradient_and_does_not_follow_its_source():
    memory, codes = CodeMemory(2), torch.zeros(4, 2, requires_grad=True)
    memory.fill(codes)
    memory.write(torch.tensor([1, 3]), 2 * codes[:2] + 5)
    assert not memory.codes.requires_grad
    with torch.no_grad():
        codes.fill_(9)
    assert memory.codes[:, 0].tolist() == [0, 5, 0, 5]


def test_half_precision_is_remembered_in_single():
    memory = CodeMemory(2)
    memory.fill(torch.ones(4, 2, dtype=torch.bfloat16))
    memory.write(torch.tensor([0]), torch.full((1, 2), 0.5, dtype=torch.bfloat16))
    assert memory.codes.dtype == torch.float32 and memory.codes[0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("before", [0, 4, 9])
def test_it_comes_back_at_any_length(before):
    saved, again = filled(4), filled(before)
    again.load_state_dict(saved.state_dict())
    assert torch.equal(again.codes, saved.codes)
    again.write(torch.tensor([0]), torch.zeros(1, 3))
    assert saved.codes[0].any()  # a copy


def test_it_comes_back_inside_a_network_and_in_a_copy_of_it():
    network = nn.ModuleDict({"memory": filled(4), "layer": nn.Linear(2, 2)})
    again = nn.ModuleDict({"memory": CodeMemory(3), "layer": nn.Linear(2, 2)})
    again.load_state_dict(network.state_dict())
    assert torch.equal(again["memory"].codes, network["memory"].codes)
    assert torch.equal(copy.deepcopy(network)["memory"].codes, network["memory"].codes)


def test_codes_of_another_length_are_refused():
    with pytest.raises(RuntimeError, match="size mismatch for codes"):
        CodeMemory(2).load_state_dict(filled(4, dim=3).state_dict())


def test_an_empty_state_empties_it():
    memory = filled(4)
    memory.load_state_dict(CodeMemory(3).state_dict())
    assert len(memory) == 0

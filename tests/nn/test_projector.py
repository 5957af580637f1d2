import pytest
import torch
from torch import nn

from tacit.nn.projector import Projector


def linears(module):
    return [part for part in module.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_has_as_many_linear_layers_as_asked_and_ends_in_one(layers):
    projector = Projector(10, 6, layers=layers)
    assert len(linears(projector)) == layers
    y = projector(torch.randn(32, 10))
    assert y.shape == (32, 6) and (y < 0).any(), "the last layer has no ReLU"
    assert all(layer.bias is None for layer in linears(projector)), "batch statistics take a bias away again"
    assert torch.allclose(y.mean(0), torch.zeros(6), atol=1e-5), "codes are centered"


def test_without_norm_the_last_layer_has_a_bias():
    projector = Projector(10, 6, layers=2, norm="none")
    assert [layer.bias is not None for layer in linears(projector)] == [True, True]


def test_a_layer_is_the_manual_slice():
    projector = Projector(10, 6, layers=3).eval()
    h = torch.randn(4, 10)
    assert projector.layer(h, 0) is h
    assert torch.equal(projector.layer(h, 1), projector.hidden[0](h)) and (projector.layer(h, 1) >= 0).all()
    named = projector.named(h)
    assert list(named) == ["encoder", "projector.1", "projector.2", "projection"]
    assert torch.equal(named["projector.2"], projector.layer(h, 2)) and torch.equal(named["projection"], projector(h))

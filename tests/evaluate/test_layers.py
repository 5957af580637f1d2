import pytest
import torch

from tacit.errors import UnknownName, WrongUsage
from tacit.evaluate.layers import by_layer, chosen
from tacit.methods.simclr import SimCLR
from tacit.methods.vae import VAE


@pytest.fixture(scope="module")
def simclr(digits_pool) -> SimCLR:
    torch.manual_seed(0)
    return SimCLR(digits_pool.spec, width=8)


def test_features_come_by_name_for_the_items_asked_for(simclr, digits_pool):
    index = torch.arange(0, 600, 2)  # more than one chunk
    found = by_layer(simclr, digits_pool, index)
    simclr.eval()
    with torch.no_grad():
        expected = simclr.layers(digits_pool.floats(index))
    assert list(found) == list(expected) and {"encoder", "projector.1"} < set(found)
    for name, features in found.items():
        assert torch.allclose(features, expected[name], atol=1e-5), name


def test_one_layer_all_of_them_or_none(simclr, digits_pool):
    item = digits_pool.floats(slice(0, 1))
    assert chosen(simclr, None, item) == [] == chosen(None, None, item)
    assert chosen(simclr, "projector.1", item) == ["projector.1"]
    assert chosen(simclr, "all", item) == list(simclr.layers(item))


def test_a_layer_that_is_not_there_is_answered_with_those_that_are(simclr, digits_pool):
    with pytest.raises(UnknownName, match="there is no layer") as said:
        chosen(simclr, "projectr.2", digits_pool.floats(slice(0, 1)))
    assert "did you mean: projector.2?" in str(said.value) and "known: all, encoder, " in str(said.value)


def test_a_method_without_layers_says_that_its_codes_are_all(digits_pool):
    with pytest.raises(WrongUsage, match="VAE names no layers"):
        chosen(VAE(digits_pool.spec, width=8), "encoder", digits_pool.floats(slice(0, 1)))

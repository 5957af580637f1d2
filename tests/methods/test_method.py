import copy

import torch

from tacit.data.spec import ItemSpec
from tacit.methods.autoencoder import AutoEncoder


def test_options_are_what_it_was_called_with_and_the_defaults():
    method = AutoEncoder(ItemSpec((5,), "vector"), latent_dim=3)
    assert method.options == {
        "latent_dim": 3,
        "trunk": "auto",
        "width": None,
        "depth": None,
        "noise": 0.0,
    }


def test_a_copy_has_the_same_options_and_weights_of_its_own():
    method = AutoEncoder(ItemSpec((5,), "vector"), latent_dim=3)
    again = copy.deepcopy(method)
    assert again.options == method.options
    with torch.no_grad():
        again.to_code.weight.zero_()
    assert method.to_code.weight.any()


def test_by_default_one_turn_moves_everything():
    method, x = AutoEncoder(ItemSpec((5,), "vector")), torch.randn(4, 5)
    (turn,) = method.turns()
    assert {id(p) for p in turn.parameters()} == {id(p) for p in method.parameters()}
    assert torch.equal(turn.loss(x)["loss"], method.loss(x)["loss"])

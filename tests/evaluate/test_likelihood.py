import pytest
import torch

from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.evaluate.likelihood import binarized, likelihood
from tacit.methods import build

GREY = ItemSpec((1, 8, 8))


def grey(n: int = 60) -> torch.Tensor:
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["vae", "iwae", "vamp_prior", "hvae", "conv_hvae"])
def test_the_elbo_is_likelihood_less_kl_and_the_bound_lies_above(name):
    torch.manual_seed(0)
    measured = likelihood(build(name, GREY, latent_dim=4), binarized(grey()), samples=50)
    assert measured.elbo.value == pytest.approx(measured.log_likelihood - measured.kl, abs=1e-3)
    assert measured.bound is not None and measured.bound.value > measured.elbo.value
    assert measured.elbo.low < measured.elbo.value < measured.elbo.high
    assert measured.items == 60 and measured.samples == 50


def test_one_binarization_for_every_model():
    x = grey()
    assert torch.equal(binarized(x), binarized(x))
    assert set(binarized(x).unique().tolist()) == {0.0, 1.0}
    assert binarized(torch.full((4000,), 0.3)).mean().item() == pytest.approx(0.3, abs=0.03)


def test_batches_do_not_matter_to_what_is_not_drawn():
    method = build("vae", GREY, latent_dim=4)
    a, b = (likelihood(method, binarized(grey()), batch=batch) for batch in (7, 60))
    assert a.active == b.active and a.bound is None


def test_a_dimension_that_is_the_same_for_all_items_is_not_active():
    method = build("vae", GREY, latent_dim=4, trunk="gated", width=16)
    with torch.no_grad():
        method.body.to_posterior.weight[0] = 0
        method.body.to_posterior.weight[1:4] *= 10
    assert likelihood(method, binarized(grey())).active == 3


def test_an_exemplar_vae_is_measured_with_all_its_exemplars():
    method = build("exemplar_vae", GREY, latent_dim=4, width=16)
    method.memory.fill(torch.randn(30, 4))
    near = likelihood(method, binarized(grey()), samples=20)
    method.memory.fill(method.memory.codes + 30)
    far = likelihood(method, binarized(grey()), samples=20)
    assert far.kl > near.kl + 100 and far.bound.value < near.bound.value - 100


def test_what_has_no_posterior_says_so():
    with pytest.raises(WrongUsage, match="no posterior"):
        likelihood(build("autoencoder", GREY), grey())

import math

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.apply import embed
from tacit.latent import codes as module
from tacit.latent.codes import with_exemplars, write_codes
from tacit.latent.space import CODES
from tacit.methods import build


def test_codes_are_written_a_part_at_a_time(identity, tmp_path, monkeypatch):
    values = torch.randn(45_000, 3, generator=torch.Generator().manual_seed(0)).numpy()
    pool = Pool(ItemSpec((3,), "vector"), values)
    asked = []

    def counted(method, items, index):
        asked.append(len(index))
        return embed(method, items, index)

    monkeypatch.setattr(module, "embed", counted)
    write_codes(identity(pool), pool, tmp_path / CODES)
    assert asked == [1, 20_000, 20_000, 5_000]
    written = np.load(tmp_path / CODES)
    assert written.dtype == np.float32 and np.array_equal(written, values)


@pytest.fixture
def exemplar_vae(digits_pool):
    torch.manual_seed(0)
    method = build("exemplar_vae", digits_pool.spec, latent_dim=3, width=8).eval()
    method.remember(digits_pool.take(torch.arange(30)))
    return method


def test_new_exemplars_change_the_prior_by_their_share_of_the_mixture(exemplar_vae):
    new, z = torch.randn(4, 3), torch.randn(7, 3)
    grown = with_exemplars(exemplar_vae, new)
    tau = float(exemplar_vae.tau.detach())
    for i, code in enumerate(z):
        old = float(exemplar_vae.log_prior(z)[i]) + math.log(30)  # of the sum over the 30 there were
        terms = [-1.5 * math.log(2 * math.pi * tau**2) - float((code - c).square().sum()) / (2 * tau**2) for c in new]
        expected = torch.tensor([old, *terms]).logsumexp(0) - math.log(34)
        assert float(grown.log_prior(z)[i]) == pytest.approx(float(expected), abs=1e-4)


def test_the_method_itself_keeps_its_exemplars_and_the_copy_has_its_weights(exemplar_vae):
    before = exemplar_vae.memory.codes.clone()
    grown = with_exemplars(exemplar_vae, torch.zeros(2, 3))
    assert torch.equal(exemplar_vae.memory.codes, before) and len(grown.memory) == 32
    for one, other in zip(grown.parameters(), exemplar_vae.parameters(), strict=True):
        assert torch.equal(one, other) and one is not other
    assert "memory.codes" in grown.state_dict() and len(grown.state_dict()["memory.codes"]) == 32


def test_a_method_without_exemplars_stays_as_it_is(digits_pool, exemplar_vae):
    autoencoder = build("autoencoder", digits_pool.spec, latent_dim=3, trunk="mlp", width=8)
    assert with_exemplars(autoencoder, torch.zeros(2, 3)) is autoencoder
    untrained = build("exemplar_vae", digits_pool.spec, latent_dim=3, width=8)
    assert with_exemplars(untrained, torch.zeros(2, 3)) is untrained

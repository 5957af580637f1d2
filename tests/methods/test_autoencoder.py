import pytest
import torch

from tacit.data.feeds import Stream, items
from tacit.data.spec import ItemSpec
from tacit.methods.autoencoder import AutoEncoder

GREY = ItemSpec((1, 8, 8))


def test_the_loss_is_the_squared_error_summed_over_an_item():
    method, x = AutoEncoder(GREY), torch.rand(4, 1, 8, 8)
    y = method.decoder(method.to_code(method.encoder(x)))
    errors = [sum((y[i, 0, r, c] - x[i, 0, r, c]).item() ** 2 for r in range(8) for c in range(8)) for i in range(4)]
    assert method.loss(x)["loss"].item() == pytest.approx(sum(errors) / 4, rel=1e-4)


def test_denoising_has_the_clean_item_as_target():
    method, x = AutoEncoder(GREY, trunk="mlp", noise=0.3), torch.rand(4, 1, 8, 8)
    torch.manual_seed(0)
    loss = method.loss(x)["loss"]
    torch.manual_seed(0)
    corrupted = x + 0.3 * torch.randn_like(x)
    y = method.decoder(method.embed(corrupted))
    assert loss.item() == pytest.approx((y - x).square().sum().item() / 4, rel=1e-5)
    assert loss.item() != pytest.approx((y - corrupted).square().sum().item() / 4, rel=1e-2)


def test_without_noise_it_is_the_plain_autoencoder():
    torch.manual_seed(0)
    plain = AutoEncoder(GREY)
    torch.manual_seed(0)
    silent = AutoEncoder(GREY, noise=0.0)
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(plain.loss(x)["loss"], silent.loss(x)["loss"])


def test_the_corruption_is_off_in_evaluation():
    method, x = AutoEncoder(GREY, noise=0.5).eval(), torch.rand(4, 1, 8, 8)
    assert torch.equal(method.loss(x)["loss"], method.loss(x)["loss"])


def test_decoded_vectors_have_no_bounds():
    method = AutoEncoder(ItemSpec((6,), "vector"), latent_dim=2)
    assert method.decode(100 * torch.randn(50, 2)).min() < 0


def test_it_beats_principal_components_of_the_same_number(digits_pool):
    torch.manual_seed(0)
    x = digits_pool.floats(slice(None))
    centered = (x - x.mean(0)).flatten(1)
    kept = torch.linalg.svd(centered, full_matrices=False).S[4:].square().sum() / len(x)
    method = AutoEncoder(digits_pool.spec, trunk="mlp", latent_dim=4, width=100)
    optimizer = torch.optim.Adam(method.parameters(), 4e-3, fused=True)
    for _, batch in zip(range(200), items(digits_pool, torch.empty(0), 128, Stream()), strict=False):
        loss = method.loss(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert method.eval().loss(x)["loss"] < kept


def test_decoded_sounds_stay_within_full_scale():
    method = AutoEncoder(ItemSpec((1, 400), "sound", rate=8000), latent_dim=2, width=2)
    y = method.decode(1e4 * torch.randn(20, 2))
    assert y.shape == (20, 1, 400) and y.min() == -1 and y.max() == 1

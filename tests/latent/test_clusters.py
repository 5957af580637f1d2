import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from tacit.errors import WrongUsage
from tacit.latent import clusters
from tacit.latent.clusters import hdbscan, kmeans


@pytest.fixture
def blobs():
    """Codes (440, 3): two groups of 200, and 40 of noise in a box around them; which is which (440,), noise is -1."""
    generator = torch.Generator().manual_seed(0)
    groups = [torch.randn(200, 3, generator=generator) + middle for middle in (-6.0, 6.0)]
    noise = 80 * torch.rand(40, 3, generator=generator) - 40
    return torch.cat([*groups, noise]), torch.tensor([0] * 200 + [1] * 200 + [-1] * 40)


def agreement(found, truth) -> float:
    return adjusted_rand_score(truth.tolist(), found.tolist())


def test_hdbscan_finds_two_groups_and_calls_the_rest_noise(blobs):
    codes, truth = blobs
    found = hdbscan(codes)
    assert found.shape == (440,) and found.dtype == torch.int64
    assert set(found.tolist()) == {-1, 0, 1}
    assert agreement(found, truth) > 0.95
    assert (found[400:] == -1).float().mean() > 0.9


def test_order_place_and_turning_do_not_matter(blobs):
    codes, _ = blobs
    found = hdbscan(codes)
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(len(codes), generator=generator)
    assert agreement(hdbscan(codes[order]), found[order]) > 0.99
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
    assert agreement(hdbscan(codes @ turn + 50), found) > 0.99


def test_in_many_dimensions_the_principal_ones_are_enough(blobs):
    codes, truth = blobs
    generator = torch.Generator().manual_seed(2)
    axes = torch.linalg.qr(torch.randn(60, 60, generator=generator))[0][:3]
    wide = codes @ axes + 0.05 * torch.randn(len(codes), 60, generator=generator)
    assert agreement(hdbscan(wide), truth) > 0.95


def test_two_groups_are_too_small_when_larger_ones_are_asked_for(blobs):
    codes, _ = blobs
    assert (hdbscan(codes[:400], smallest=250) == -1).all()
    with pytest.raises(WrongUsage, match="there are 10"):
        hdbscan(codes[:10])
    with pytest.raises(WrongUsage, match="at least 2 items, not 1"):
        hdbscan(codes, smallest=1)


@pytest.mark.parametrize("many", [20_000, 100])
def test_kmeans_finds_the_groups_at_once_or_in_batches(blobs, many, monkeypatch):
    monkeypatch.setattr(clusters, "MANY", many)
    codes, truth = blobs[0][:400], blobs[1][:400]
    found = kmeans(codes, 2)
    assert found.dtype == torch.int64 and agreement(found, truth) == 1
    assert torch.equal(found, kmeans(codes, 2))


def test_every_item_is_nearest_to_the_mean_of_its_own_group(blobs):
    codes = blobs[0]
    found = kmeans(codes, 5, seed=-3)
    means = torch.stack([codes[found == c].mean(0) for c in range(5)])
    assert torch.equal(torch.cdist(codes, means).argmin(1), found)


def test_as_many_groups_as_items_are_possible_and_no_more(blobs):
    codes = blobs[0][:6]
    assert sorted(kmeans(codes, 6).tolist()) == list(range(6))
    assert kmeans(codes, 1).tolist() == [0] * 6
    for n in (0, 7):
        with pytest.raises(WrongUsage, match=f"{n} clusters of 6 items"):
            kmeans(codes, n)


def test_digits_fall_into_their_classes(digits):
    codes, y = torch.from_numpy(digits[0]).flatten(1).float() / 255, torch.from_numpy(digits[1])
    assert agreement(kmeans(codes, 10), y) > 0.6
    found = hdbscan(codes)
    kept = found >= 0
    assert kept.float().mean() > 0.3 and agreement(found[kept], y[kept]) > 0.8

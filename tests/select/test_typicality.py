import torch
from torch import Tensor

from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.select.typicality import SMALL, typical, typicality


def literal(codes: Tensor, group: list[int], labels: Tensor, k: int, neighbours: int) -> list[int]:
    """TypiClust, one cluster and one item at a time."""
    clusters = {g: [i for i in range(len(codes)) if group[i] == g] for g in set(group)}
    clusters = {g: c for g, c in clusters.items() if len(c) >= SMALL}
    uncovered = [c for c in clusters.values() if all(labels[i] == UNLABELED for i in c)]
    picks = []
    for cluster in sorted(uncovered, key=len, reverse=True)[:k]:
        typical_of = {}
        for i in cluster:
            distance = sorted(float((codes[i] - codes[j]).norm()) for j in cluster if j != i)
            nearest = distance[: min(neighbours, len(cluster) // 2)]
            typical_of[i] = 1 / (sum(nearest) / len(nearest))
        picks.append(max(typical_of, key=typical_of.__getitem__))
    return picks


def test_typical_is_typiclust(open_space, few_labels, blobs):
    from sklearn.cluster import KMeans

    group = KMeans(16, n_init=1, max_iter=100, random_state=2).fit_predict(blobs.numpy()).tolist()
    for neighbours in (3, 20):
        picks = typical(open_space(blobs), few_labels, 4, seed=2, neighbours=neighbours)
        expected = literal(blobs, group, few_labels, 4, neighbours)
        assert len(expected) == 4 and picks.index.tolist() == expected


def test_typicality_is_one_over_the_mean_distance_to_the_nearest(blobs):
    distance = torch.cdist(blobs, blobs).sort(dim=1).values[:, 1:21]
    torch.testing.assert_close(typicality(blobs, 20), 1 / distance.mean(1), rtol=1e-4, atol=1e-4)
    assert torch.equal(typicality(blobs[:1]), torch.zeros(1))


def test_a_blob_without_an_answer_comes_before_those_that_have_one(open_space, blobs):
    labels = torch.full((120,), UNLABELED)
    labels[0], labels[1] = 0, SET_ASIDE
    picks = typical(open_space(blobs), labels, 1)
    assert picks.index[0] % 3 == 2
    assert picks.reasons == ["typical of a group of 40 with no label yet"]


def test_more_picks_than_groups_go_round_again_and_small_groups_come_last(open_space, blobs):
    lonely = 50 + 10 * torch.eye(4)[:3]
    codes, labels = torch.cat([blobs, lonely]), torch.full((123,), UNLABELED)
    picks = typical(open_space(codes), labels, 20, groups=4)
    assert len(picks) == 20 and picks.index.max() < 120
    assert sorted((picks.index % 3).bincount().tolist()) == [6, 7, 7]
    everything = typical(open_space(codes), labels, 123, groups=4).index
    assert sorted(everything.tolist()) == list(range(123)) and set(everything[-3:].tolist()) == {120, 121, 122}


def test_of_a_large_group_the_same_are_found_by_a_sample(open_space, monkeypatch):
    codes = torch.randn(3000, 8, generator=torch.Generator().manual_seed(0))
    codes[:300] *= 0.2  # typical lie in here
    labels = torch.full((3000,), UNLABELED)
    labels[10] = 0
    exact = typical(open_space(codes), labels, 30, groups=1)
    monkeypatch.setattr("tacit.select.typicality.LARGE", 1000)
    monkeypatch.setattr("tacit.select.typicality.KEPT", 300)
    found = typical(open_space(codes), labels, 30, groups=1)
    assert found.index.tolist() == exact.index.tolist()
    torch.testing.assert_close(found.score, exact.score)

import math

import pytest
import torch

from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.clusters_score import cluster_scores, neighbour_purity, purity, silhouette

# a contingency table by hand:   label 0: 3 in cluster 0, 1 in cluster 1;   label 1: 1 in cluster 0, 3 in cluster 1
CLUSTER, Y = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1]), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])


def test_ari_by_hand():
    pairs = sum(math.comb(n, 2) for n in (3, 1, 1, 3))  # together in both: 6
    rows = columns = 2 * math.comb(4, 2)  # 12
    expected = rows * columns / math.comb(8, 2)
    assert cluster_scores(CLUSTER, Y).ari == pytest.approx((pairs - expected) / ((rows + columns) / 2 - expected))


def test_nmi_by_hand():
    information = sum(n / 8 * math.log((n / 8) / (0.5 * 0.5)) for n in (3, 1, 1, 3))
    assert cluster_scores(CLUSTER, Y).nmi == pytest.approx(information / math.log(2))


def test_purity_by_hand():
    assert purity(CLUSTER, Y) == 6 / 8
    assert purity(torch.arange(8), Y) == 1


def test_names_of_clusters_do_not_matter():
    one, other = cluster_scores(CLUSTER, Y), cluster_scores(7 - 3 * CLUSTER, Y)
    assert one == other


def test_the_right_clusters_score_one_and_a_single_cluster_nothing():
    perfect, single = cluster_scores(1 - Y, Y), cluster_scores(torch.zeros(8).long(), Y)
    assert (perfect.ari, perfect.nmi, perfect.purity, perfect.noise) == (1, 1, 1, 0)
    assert (single.ari, single.nmi, single.purity) == (0, 0, 0.5)


def test_noise_counts_once_as_a_cluster_and_once_not_at_all():
    cluster = torch.tensor([0, 0, 0, -1, -1, 1, 1, 1])
    got = cluster_scores(cluster, Y)
    assert (got.noise, got.clusters, got.ari_without_noise, got.nmi_without_noise) == (0.25, 2, 1, 1)
    assert got.ari < 1 and "noise 25%" in got.lines()[0]
    assert cluster_scores(torch.full((8,), -1), Y).ari_without_noise == 0


def test_only_labeled_items_are_compared():
    y = torch.cat([Y, torch.tensor([-1, -2])])
    cluster = torch.cat([CLUSTER, torch.tensor([5, 6])])
    assert cluster_scores(cluster, y) == cluster_scores(CLUSTER, Y)


def test_silhouette_by_hand():
    codes = torch.tensor([[0.0], [1.0], [10.0], [12.0]])
    cluster = torch.tensor([0, 0, 1, 1])
    near, far = [1, 1, 2, 2], [(10 + 12) / 2, (9 + 11) / 2, (10 + 9) / 2, (12 + 11) / 2]
    expected = sum((b - a) / max(a, b) for a, b in zip(near, far, strict=True)) / 4
    assert silhouette(codes, cluster) == pytest.approx(expected)
    assert silhouette(torch.cat([codes, torch.tensor([[99.0]])]), torch.tensor([0, 0, 1, 1, -1])) == pytest.approx(
        expected
    )
    assert silhouette(codes, torch.zeros(4).long()) is None


def test_neighbour_purity_by_hand():
    neighbours = torch.tensor([[1, 2], [0, 2], [0, 1], [0, 1]])
    assert neighbour_purity(neighbours, torch.tensor([0, 0, 1, -1])) == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert math.isnan(neighbour_purity(neighbours, torch.tensor([0, -1, -1, -1])))


def test_what_cannot_be_compared_is_said():
    with pytest.raises(NotEnoughLabels, match="no labels"):
        cluster_scores(CLUSTER, torch.full((8,), -1))
    with pytest.raises(WrongUsage, match="do not fit"):
        cluster_scores(CLUSTER, Y[:4])

"""Do clusters found without labels agree with the labels there are?"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.intervals import plain

NOISE = -1  # the cluster of items that belong to none (HDBSCAN)
SAMPLE = 2000  # items of a silhouette: it looks at all pairs


@dataclass(frozen=True)
class ClusterScores:
    """Higher is better, 1 is perfect. ARI and NMI are 0 for clusters unrelated to the labels; purity never is."""

    n: int  # labeled items compared
    clusters: int  # noise not counted
    ari: float
    nmi: float
    purity: float
    noise: float  # share of the labeled items that belong to no cluster
    ari_without_noise: float
    nmi_without_noise: float
    silhouette: float | None  # of the clusters in the codes, -1 .. 1; needs codes and two clusters

    def to_dict(self) -> dict[str, Any]:
        return plain(self)

    def lines(self) -> list[str]:
        noise = (
            f"   noise {self.noise:.0%} (without it ARI {self.ari_without_noise:.2f}, NMI {self.nmi_without_noise:.2f})"
        )
        shape = "" if self.silhouette is None else f"   silhouette {self.silhouette:.2f}"
        return [
            f"{self.clusters} clusters against {self.n} labels: ARI {self.ari:.2f}   NMI {self.nmi:.2f} (chance 0)   "
            f"purity {self.purity:.2f}{shape}{noise if self.noise else ''}"
        ]


def cluster_scores(cluster: Tensor, y: Tensor, codes: Tensor | None = None, *, seed: int = 0) -> ClusterScores:
    """Compare clusters (N,) with labels y (N,), on the labeled items; noise (-1) counts as a cluster of its own.

    `codes` (N, D) give the silhouette of the clusters, on at most 2000 items, labels or not.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    if len(cluster) != len(y):
        raise WrongUsage(f"{len(cluster)} clusters do not fit {len(y)} labels; one each an item is needed")
    if not (y >= 0).any():
        raise NotEnoughLabels(
            "there are no labels to compare clusters with\n  try: tacit choose -k 20, then tacit label"
        )
    found, known = cluster[y >= 0], y[y >= 0]
    kept = found != NOISE
    both = [
        float(score(known[kept], found[kept])) if kept.any() else 0.0
        for score in (adjusted_rand_score, normalized_mutual_info_score)
    ]
    return ClusterScores(
        n=len(known),
        clusters=len(found[kept].unique()),
        ari=float(adjusted_rand_score(known, found)),
        nmi=float(normalized_mutual_info_score(known, found)),
        purity=purity(found, known),
        noise=1 - kept.double().mean().item(),
        ari_without_noise=both[0],
        nmi_without_noise=both[1],
        silhouette=None if codes is None else silhouette(codes, cluster, seed),
    )


def purity(cluster: Tensor, y: Tensor) -> float:
    """Share of the items that have the commonest label of their cluster. Clusters of one item reach 1."""
    commonest = sum(int(y[cluster == c].bincount().max()) for c in cluster.unique())
    return commonest / len(y)


def neighbour_purity(neighbours: Tensor, y: Tensor) -> float:
    """Mean share of a labeled item's labeled neighbours (N, k) that have its label; NaN where no pair has labels."""
    pairs = (y[:, None] >= 0) & (y[neighbours] >= 0)
    same = ((y[neighbours] == y[:, None]) & pairs).sum(1).double()
    count = pairs.sum(1)
    return (same / count)[count > 0].mean().item()


def silhouette(codes: Tensor, cluster: Tensor, seed: int = 0) -> float | None:
    """How much nearer items are to their own cluster than to the next (Rousseeuw 1987); noise is left out."""
    from sklearn.metrics import silhouette_score

    member = (cluster != NOISE).nonzero().flatten()
    sample = member[torch.randperm(len(member), generator=torch.Generator().manual_seed(seed))[:SAMPLE]]
    if not 2 <= len(cluster[sample].unique()) < len(sample):
        return None
    return float(silhouette_score(codes[sample].numpy(), cluster[sample].numpy()))

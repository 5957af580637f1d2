"""Groups of codes, by scikit-learn."""

import torch
from torch import Tensor

from tacit.errors import WrongUsage

MANY = 20_000  # items from which k-means goes through them in batches
DIMENSIONS = 20  # density-based clusters thin out in more


def kmeans(codes: Tensor, n: int, *, seed: int = 0) -> Tensor:
    """n groups around their means, (N,) int64."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    if not 1 <= n <= len(codes):
        raise WrongUsage(f"{n} clusters of {len(codes)} items are not possible")
    kind, starts = (KMeans, 10) if len(codes) < MANY else (MiniBatchKMeans, 3)
    found = kind(n, n_init=starts, random_state=seed % 2**32).fit_predict(codes.numpy())
    return torch.from_numpy(found).long()


def hdbscan(codes: Tensor, *, smallest: int = 15) -> Tensor:
    """Dense groups of at least `smallest` items in up to 20 principal directions, (N,) int64; -1 is noise."""
    from sklearn.cluster import HDBSCAN

    if smallest < 2:
        raise WrongUsage(f"a group has at least 2 items, not {smallest}")
    if len(codes) < smallest:
        raise WrongUsage(f"groups of {smallest} need at least as many items; there are {len(codes)}")
    centered = codes - codes.mean(0)
    if codes.shape[1] > DIMENSIONS:
        _, axes = torch.linalg.eigh(centered.T @ centered)
        centered = centered @ axes[:, -DIMENSIONS:]
    found = HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(centered.numpy())
    return torch.from_numpy(found).long()

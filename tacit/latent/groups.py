"""Whether a selection looks like one group or like two, before all of it gets one answer."""

from torch import Tensor

from tacit.errors import WrongUsage
from tacit.latent.clusters import kmeans
from tacit.latent.neighbours import nearest

FEWEST = 12  # items below which nobody can tell
NEIGHBOURS = 10
# Of real digits (scikit-learn's, 32 principal components, 150 items a selection) a single class crosses 0.05 to 0.36 as
# often as chance would, the median being 0.22; two classes 0.00 to 0.19, the median being 0.01. The silhouette and the
# valley between the two halves were tried as well and tell them apart less often.
APART = 0.1

ALIKE = "these items have the same code: nothing tells them apart\n  select others, or more"


def halves(codes: Tensor, *, seed: int = 0) -> Tensor:
    """Which of two groups each code (n, D) is in, (n,) bool, by k-means; True is the smaller one.

    Groups of equal size are told apart by the first code, which is in the larger one.
    """
    if not differ(codes):
        raise WrongUsage(ALIKE)
    second = kmeans(codes, 2, seed=seed) == 1
    count = int(second.sum())
    if count in (0, len(codes)):  # k-means in batches may not have met the few that differ
        raise WrongUsage(ALIKE)
    swap = 2 * count > len(codes) or (2 * count == len(codes) and bool(second[0]))
    return ~second if swap else second


def differ(codes: Tensor) -> bool:
    return bool((codes != codes[:1]).any())


def crossings(codes: Tensor, second: Tensor) -> float:
    """How often neighbours lie in the other half (n,) bool, in times of what chance would make: 1 is no boundary at all.

    Two groups with empty space between them have none; a group cut through its middle has many.
    """
    k = min(NEIGHBOURS, len(codes) // 4)
    index = nearest(codes, codes, k + 1)[1][:, 1:]  # the first is the code itself, or an exact copy of it
    share = second.float().mean()
    return float((second[index] != second[:, None]).float().mean() / (2 * share * (1 - share)))


def looks_like(codes: Tensor, *, seed: int = 0) -> str:
    """One sentence about these codes (n, D)."""
    if len(codes) < FEWEST:
        return "too few items to tell groups apart"
    if not differ(codes):
        return "looks like one group"
    second = halves(codes, seed=seed)
    if crossings(codes, second) >= APART:
        return "looks like one group"
    small = 100 * float(second.float().mean())
    return f"looks like two groups ({100 - small:.0f} % and {small:.0f} %)"

"""Who may be asked about: nobody twice, and of near copies only one."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tacit.data.spec import UNLABELED
from tacit.errors import BadData
from tacit.latent.neighbours import nearest
from tacit.latent.space import Space

if TYPE_CHECKING:
    from scipy.sparse import coo_array

COPY = 1e-3  # of a typical distance: the answer for one of two codes this close says nothing new about the other
FAR = 15  # the neighbour whose distance is typical, and the most that a copy is joined to
CHECKED = 1000  # items whose distances say what is typical


def askable(space: Space, labels: Tensor, group: Tensor | None = None) -> Tensor:
    """Positions a strategy may pick from, (n,) int64 ascending: unanswered, and one of every group of near copies.

    A group with an answer in it (a class, or "cannot tell") is left out altogether, unless nothing else is left. `group`
    are the groups of `copies`, for whoever has them already. Raises `BadData` when every item has been answered.
    """
    group = copies(space) if group is None else group
    left = unanswered(labels)
    answered = torch.zeros(len(group), dtype=torch.bool)
    answered[group[labels != UNLABELED]] = True
    fresh = left[~answered[group[left]]]
    return one_of_each(fresh if len(fresh) else left, group)


def unanswered(labels: Tensor) -> Tensor:
    """Positions nobody has been asked about, (n,) int64 ascending; `BadData` when there are none."""
    left = (labels == UNLABELED).nonzero().flatten()
    if len(left) == 0:
        raise BadData("every item of the pool has an answer; there is nothing left to ask about\n  try: tacit train")
    return left


def one_of_each(order: Tensor, group: Tensor) -> Tensor:
    """`order` without the items that have a near copy before them."""
    _, first = np.unique(group[order].numpy(), return_index=True)
    return order[torch.from_numpy(np.sort(first))]


def copies(space: Space) -> Tensor:
    """Groups of near copies, (N,) int64: for every item the first position of its group, its own where it has none.

    Near copies are closer than a thousandth of what is typical for the fifteenth neighbour: the distance to the nearest
    item shrinks where many have copies, the one to the fifteenth does not. Copies with exactly the same code are found
    whatever their number; a group of more than fifteen near ones may fall apart. The typical distance is that of up to
    1,000 items; so near by, a tree needs no graph of all neighbours, which takes the time of all pairs.
    """
    from scipy.sparse.csgraph import connected_components

    alone = torch.arange(len(space))
    if len(alone) < 2:
        return alone
    different, which = torch.unique(space.codes, dim=0, return_inverse=True)
    rows = torch.randperm(len(space), generator=torch.Generator().manual_seed(0))[:CHECKED]
    typical = nearest(space.codes[rows], space.codes, FAR + 1)[0][:, -1].median()
    near = pairs_within(different.numpy(), COPY * float(typical))
    part = torch.from_numpy(connected_components(near, directed=False)[1]).long()[which]
    first = torch.full((int(part.max()) + 1,), len(space)).scatter_reduce_(0, part, alone, "amin")
    return first[part]


def pairs_within(codes: np.ndarray, limit: float) -> "coo_array":
    """Which of the codes (N, D) are among the FAR nearest of another and no farther from it than `limit`, (N, N)."""
    from scipy.sparse import coo_array
    from scipy.spatial import KDTree

    tree = KDTree(codes, balanced_tree=False, compact_nodes=False)
    found = tree.query(codes, FAR + 1, distance_upper_bound=limit, workers=-1)[1]
    item, rank = (found < len(codes)).nonzero()
    return coo_array((np.ones(len(item), dtype=bool), (item, found[item, rank])), shape=(len(codes), len(codes)))

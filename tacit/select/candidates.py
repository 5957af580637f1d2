"""Who may be asked about: nobody twice, and of near copies only one."""

import numpy as np
import torch
from torch import Tensor

from tacit.data.spec import UNLABELED
from tacit.errors import BadData
from tacit.latent.space import Space

COPY = 1e-3  # of a typical distance: the answer for one of two codes this close says nothing new about the other


def askable(space: Space, labels: Tensor) -> Tensor:
    """Positions a strategy may pick from, (n,) int64 ascending: unanswered, and one of every group of near copies.

    A group with an answer in it (a class, or "cannot tell") is left out altogether, unless nothing else is left.
    Raises `BadData` when every item has been answered.
    """
    group = copies(space)
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

    Near copies are neighbours in the graph of the space, closer than a thousandth of what is typical for its last
    column: the distance to the nearest item shrinks where many have copies, the one to the fifteenth does not. Copies
    with exactly the same code are found whatever their number; a group of more than fifteen near ones may fall apart.
    """
    alone = torch.arange(len(space))
    if len(alone) < 2:
        return alone
    close = space.graph.distance <= COPY * space.graph.distance[:, -1].median()
    if not bool(close.any()):
        return alone
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    item, rank = close.nonzero(as_tuple=True)
    twins = close[:, 0].nonzero().flatten()
    _, same = torch.unique(space.codes[twins], dim=0, return_inverse=True)
    head = torch.empty_like(twins).scatter_(0, same, twins)  # any one of those with this code
    start, end = torch.cat([item, twins]), torch.cat([space.graph.index[item, rank], head[same]])
    edges = coo_matrix((np.ones(len(start), dtype=bool), (start.numpy(), end.numpy())), shape=(len(space),) * 2)
    part = torch.from_numpy(connected_components(edges, directed=False)[1]).long()
    first = torch.full((int(part.max()) + 1,), len(space)).scatter_reduce_(0, part, alone, "amin")
    return first[part]

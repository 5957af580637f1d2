"""Near copies: items so close to another one that asking about both would be asking twice."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tacit.latent.neighbours import Graph

# In typical steps. Among 32 principal components of MNIST digits it finds all copies that were made noisy, brightened,
# stored as JPEG of quality 20 or more, or enlarged and shrunk again; copies moved by half a pixel lie as far as other
# items, and those it does not find. 8 of 1000 digits as they are count as near copies of a digit of the same class. In
# the space of a VAE it finds all JPEG and noisy copies and 7 of 10 enlarged ones; in that of SimCLR hardly any.
WITHIN = 0.25
LARGE = 1000  # items of a connected group from which only neighbours in the graph are compared


@dataclass(frozen=True)
class Copies:
    """One item to keep, and its near copies (m,), nearest first; all are positions in the space."""

    keep: int
    others: np.ndarray
    distance: np.ndarray  # (m,) to the one kept


def near_copies(codes: Tensor, graph: Graph, limit: float, *, kept: np.ndarray, never: np.ndarray) -> list[Copies]:
    """Groups of items, each within `limit` of the one of them to keep; the largest group first.

    Items are connected where one is a neighbour of the other and not farther away than `limit`. Chains are not
    followed to their end: the items of a connected group take their turns, those with most others within reach first,
    and keep as copies what nobody had before. So nothing is set aside for an item that it does not resemble.

    What is `kept` (N,) bool comes first and is nobody's copy; what is `never` (N,) bool takes no part.
    """
    from scipy.sparse.csgraph import connected_components

    edges = connections(graph, limit, never)
    _, part = connected_components(edges, directed=False)
    joined = np.flatnonzero(np.bincount(part)[part] > 1)
    joined = joined[np.argsort(part[joined], kind="stable")]
    groups = np.split(joined, np.flatnonzero(np.diff(part[joined])) + 1) if len(joined) else []
    found = [copies for members in groups for copies in stars(codes, edges, members, limit, kept[members])]
    return sorted(found, key=lambda copies: (-len(copies.others), copies.keep))


def connections(graph: Graph, limit: float, never: np.ndarray) -> csr_array:
    """Which items (N, N) are neighbours, either of the other, within the limit."""
    a, column = np.nonzero(graph.distance.numpy() <= limit)
    b = graph.index.numpy()[a, column]
    taking_part = ~(never[a] | never[b])
    a, b = a[taking_part], b[taking_part]
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    return csr_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(len(never), len(never)))


def stars(codes: Tensor, edges: csr_array, members: np.ndarray, limit: float, kept: np.ndarray) -> list[Copies]:
    """The groups of connected items (m,), of which some are kept (m,) bool: centers, and what is within their reach."""
    z = codes[torch.from_numpy(members)].double()
    if len(members) <= LARGE:  # all pairs: of many copies, not all are among each other's 15 neighbours
        away = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
        near = csr_array(away.numpy() <= limit)
    else:
        near = edges[members][:, members]
    order = np.lexsort((members, -np.diff(near.indptr), ~kept))
    free = np.ones(len(members), dtype=bool)  # neither kept nor a copy yet
    found = []
    for i in order:
        if free[i]:
            free[i] = False
            reach = near.indices[near.indptr[i] : near.indptr[i + 1]]
            reach = reach[free[reach] & ~kept[reach]]
            free[reach] = False
            if len(reach):
                distance = (z[reach] - z[i]).norm(dim=1).numpy()
                nearest = np.lexsort((members[reach], distance))
                found.append(Copies(int(members[i]), members[reach[nearest]], distance[nearest]))
    return found

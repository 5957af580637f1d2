"""Triplet losses: a row nearer to others of its own item than to those of any other."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F


def batch_hard(z: Float[Tensor, "R D"], item: Int[Tensor, "R"]) -> Float[Tensor, ""]:
    """Batch-hard triplet loss with a soft margin (Hermans et al. 2017, eq. 5 and sec. 3.3): the mean over rows of

        softplus( distance to the farthest row of the same item - distance to the nearest row of any other )

    on the unit sphere, so from 0.127, all items on opposite sides, to 2.127. Chance, with all rows alike, is log 2.
    `item` says which item a row shows: at least two items, with at least two rows each.
    """
    with torch.autocast(z.device.type, enabled=False):
        z = F.normalize(z.float(), dim=1)
        with torch.no_grad():  # which pair is the hardest; products say it for all pairs at once
            cosine = z @ z.T
            same = item[:, None] == item
            itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
            farthest = cosine.masked_fill(~same | itself, torch.inf).argmin(1)
            nearest = cosine.masked_fill(same, -torch.inf).argmax(1)
        # measured by differences: exact for rows that are (nearly) alike, and the gradient of a norm of 0 is 0
        positive = torch.linalg.vector_norm(z - z[farthest], dim=1)
        negative = torch.linalg.vector_norm(z - z[nearest], dim=1)
    return F.softplus(positive - negative).mean()

"""Contrastive losses: each view has to find the other view of its item among many."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from tacit.errors import WrongUsage


def nt_xent(z_a: Float[Tensor, "B D"], z_b: Float[Tensor, "B D"], temperature: float) -> Float[Tensor, ""]:
    """Normalized temperature-scaled cross entropy (Chen et al. 2020, eq. 1), averaged over both directions.

    Row i of `z_a` and row i of `z_b` are two views of one item; the other 2B - 2 rows are its negatives. Chance, with
    all rows alike, is log(2B - 1). The authors' code returns twice this: one mean for each view.
    """
    z = F.normalize(torch.cat([z_a, z_b]).float(), dim=1)  # (2B, D); in 16 bits neighbours would become ties
    with torch.autocast(z.device.type, enabled=False):
        logits = z @ z.T / temperature
    logits = logits.masked_fill(
        torch.eye(len(z), dtype=torch.bool, device=z.device), -torch.inf
    )  # no negative of itself
    positive = torch.arange(len(z), device=z.device).roll(len(z_a))  # the row of the other view
    return F.cross_entropy(logits, positive)


def info_nce(
    query: Float[Tensor, "B D"], key: Float[Tensor, "B D"], queue: Float[Tensor, "Q D"], temperature: float
) -> Float[Tensor, ""]:
    """-log of the share of a query's own key among that key and the queue (He et al. 2020, eq. 1), averaged.

    All rows have length one, and other keys of the batch are no negatives. No gradient reaches keys and queue. Chance
    is log(Q + 1).
    """
    with torch.autocast(query.device.type, enabled=False):
        query, key, queue = query.float(), key.detach().float(), queue.detach().float()
        positive = (query * key).sum(1, keepdim=True)  # (B, 1)
        logits = torch.cat([positive, query @ queue.T], dim=1) / temperature  # (B, 1 + Q)
    return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long, device=query.device))


def check_temperature(temperature: float) -> None:
    """An error where logits could not be divided by it."""
    if not temperature > 0:
        raise WrongUsage(
            f"temperature is {temperature:g}: similarities are divided by it, so it is above 0\n  try: --temperature 0.2"
        )

"""Items between items: MixUp, and batches that hold a part of every source."""

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from tacit.errors import WrongUsage


def mixup(
    x: Float[Tensor, "B *item"], p: Float[Tensor, "B K"], alpha: float, generator: Generator | None = None
) -> tuple[Float[Tensor, "B *item"], Float[Tensor, "B K"]]:
    """Every item mixed with another of the batch, and its answer with that one's (Zhang et al. 2018, sec. 2).

    The share of an item in its mixture is max(l, 1 - l), l ~ Beta(alpha, alpha) drawn for each item, so that a mixture
    stays nearest to the item in its place (Berthelot et al. 2019, eq. 8 to 11). At 0 nothing is mixed.
    """
    check_alpha(alpha)
    if alpha == 0:
        return x, p
    share = nearer_shares(len(x), alpha, x.device, generator)
    partner = torch.randperm(len(x), device=x.device, generator=generator)
    return between(x, x[partner], share), between(p, p[partner], share)


def check_alpha(alpha: float) -> None:
    if alpha < 0:
        raise WrongUsage(f"alpha is {alpha:g}, a parameter of a Beta distribution: 0 mixes nothing, 0.75 is usual")


def nearer_shares(n: int, alpha: float, device: torch.device, generator: Generator | None = None) -> Float[Tensor, "n"]:
    """max(l, 1 - l) of draws l ~ Beta(alpha, alpha)."""
    a, b = torch._standard_gamma(torch.full((2, n), alpha, dtype=torch.float64), generator=generator)
    share = (a / (a + b).clamp(min=1e-300)).to(device, torch.float32)
    return torch.maximum(share, 1 - share)


def between(a: Float[Tensor, "B *item"], b: Float[Tensor, "B *item"], share: Float[Tensor, "B"]) -> Tensor:
    """share a + (1 - share) b."""
    return b.lerp(a, share.to(a.dtype).view(-1, *[1] * (a.ndim - 1)))


def dealt(n: int, parts: int) -> Int[Tensor, "n"]:
    """An order of `parts` equal stretches of n places in which each of `parts` equal batches holds some of every one.

    Places are swapped between a stretch and the first, so that the order is its own inverse (the interleaving of the
    authors' code for MixMatch).
    """
    size = n // parts
    order = torch.arange(n).view(parts, size)
    cut = [size * i // parts for i in range(parts + 1)]
    swapped = order.clone()
    for i in range(1, parts):
        own = slice(cut[i], cut[i + 1])
        swapped[0, own], swapped[i, own] = order[i, own], order[0, own]
    return swapped.flatten()

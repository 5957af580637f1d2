"""Mixtures of normal densities with one common variance: the prior of an Exemplar VAE, and a Parzen window.

log p(z) = log (1/M) sum_m N(z; center_m, e^log_var I), in nats. One matrix product gives all exponents: what does not
depend on m leaves the sum, |z - c|^2 / 2 = |z|^2 / 2 - (z c - |c|^2 / 2). Codes are measured from the mean of the
centers, so that little is lost to cancellation between large numbers; products stay in float32 under autocast.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.errors import BadData
from tacit.objectives.likelihood import LOG_2PI

BLOCK = 2**18  # exponents held at once in evaluation: 1 MB, which stays in a cache
SEARCH = 2**22  # scores held at once in a search: 16 MB
WIDE = 64  # columns of a block in a search for the nearest
PIVOTS = 64  # centers that codes are sorted by
NEGLIGIBLE = 25.0  # nats: a block of a few hundred terms so far below the sum is lost in float32


def log_mixture(
    z: Float[Tensor, "B D"],
    centers: Float[Tensor, "M D"],
    log_var: Float[Tensor, ""],
    *,
    leave_out: Bool[Tensor, "B M"] | None = None,
    count: int | Float[Tensor, "B"] | None = None,
) -> Float[Tensor, "B"]:
    """log density at z of the mixture, with gradients to all three (Norouzi et al. 2020, eq. 6).

    `leave_out` marks the components a code must not see: its own. The sum is divided by `count`, by default by the
    number of components that are left; with more than those it is a bound from below. Raises BadData where nothing is
    left for a code: the gradient of an empty sum would be nan.
    """
    if len(centers) == 0:
        raise BadData("a mixture needs at least one exemplar; there are none")
    if leave_out is not None and bool(leave_out.all(1).any()):
        raise BadData("every exemplar of an item is left out\n  draw at least two: --exemplars 2 or more")
    with torch.autocast(z.device.type, enabled=False):
        exponent, rest = exponents(z.float(), centers.float(), log_var.float())
        if leave_out is not None:
            exponent = exponent.masked_fill(leave_out, -torch.inf)
        if count is None:
            count = len(centers) if leave_out is None else (~leave_out).sum(1).float()
        log_count = count.log() if isinstance(count, Tensor) else math.log(count)
        return exponent.logsumexp(1) + rest - log_count


def log_diagonal_mixture(
    z: Float[Tensor, "B D"], means: Float[Tensor, "M D"], log_vars: Float[Tensor, "M D"]
) -> Float[Tensor, "B"]:
    """log (1/M) sum_m N(z; mean_m, diag e^log_var_m): the VampPrior (Tomczak & Welling 2018, eq. 9)."""
    with torch.autocast(z.device.type, enabled=False):
        middle = means.detach().float().mean(0)
        z, means = z.float() - middle, means.float() - middle
        precision = (-log_vars.float()).exp()
        constant = (means.square() * precision + log_vars + LOG_2PI).sum(1)
        squares = z.square() @ precision.T - 2 * z @ (means * precision).T + constant
        return (-0.5 * squares).logsumexp(1) - math.log(len(means))


def nearest_centers(
    z: Float[Tensor, "B D"], centers: Float[Tensor, "M D"], k: int, itself: Int[Tensor, "B"] | None = None
) -> Int[Tensor, "B k"]:
    """Which k centers are nearest to each code, in no order, without the one at `itself` (-1: none to leave out)."""
    k = min(k, len(centers))
    offset = -0.5 * torch.linalg.vector_norm(centers, dim=1).square()  # -|z - c|^2 / 2 up to what all share
    found = []
    with torch.autocast(z.device.type, enabled=False):
        for rows in torch.arange(len(z), device=z.device).split(max(1, SEARCH // len(centers))):
            score = (z[rows] @ centers.T).add_(offset)  # addmm would spread the offset first: 1.4 times as long
            if itself is not None:
                own = itself[rows]
                known = (own >= 0).nonzero().flatten()
                score[known, own[known]] = -torch.inf
            found.append(largest(score, k))
    return torch.cat(found)


def largest(score: Tensor, k: int) -> Tensor:
    """Columns of the k largest of each row, in no order.

    Of wide rows only the k blocks with the largest entries are searched: nothing larger can be outside them, and a
    maximum is far cheaper than a top k (2 times as fast at 25,000 columns).
    """
    blocks = score.shape[1] // WIDE
    if blocks < 2 * k:
        return score.topk(k, dim=1, sorted=False).indices
    inside, left = score[:, : blocks * WIDE].unflatten(1, (blocks, WIDE)), score[:, blocks * WIDE :]
    best = inside.amax(2).topk(k, dim=1, sorted=False).indices  # (B, k)
    chosen = inside.gather(1, best[:, :, None].expand(-1, -1, WIDE)).flatten(1)  # (B, k * WIDE)
    found = torch.cat([chosen, left], 1).topk(k, dim=1, sorted=False).indices
    place = best.gather(1, (found // WIDE).clamp(max=k - 1)) * WIDE + found % WIDE
    return torch.where(found < k * WIDE, place, found - k * WIDE + blocks * WIDE)


def exponents(z: Tensor, centers: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """(B, M) exponents up to what is the same for all components, and that rest, (B,)."""
    middle = centers.detach().mean(0)
    z, centers = z - middle, centers - middle
    precision = (-log_var).exp()
    exponent = torch.addmm(-0.5 * centers.square().sum(1), z, centers.T) * precision
    rest = -0.5 * (z.square().sum(1) * precision + z.shape[1] * (LOG_2PI + log_var))
    return exponent, rest


@torch.no_grad()
def log_mixture_of_all(
    z: Float[Tensor, "S D"], centers: Float[Tensor, "N D"], log_var: Float[Tensor, ""], block: int = BLOCK
) -> Float[Tensor, "S"]:
    """The same over any number of components, about `block` exponents at a time: memory does not grow with S * N.

    Codes and centers are sorted by the nearest of a few centers, so that what lies together is in one block; a block
    that adds less than float32 can hold costs its matrix product and a maximum, and no exponentials.
    """
    if len(centers) == 0:
        raise BadData("a mixture needs at least one exemplar; there are none")
    with torch.autocast(z.device.type, enabled=False):
        middle = centers.float().mean(0)
        z, centers, precision = z.float() - middle, centers.float() - middle, (-log_var.float()).exp()
        pivots = centers[torch.linspace(0, len(centers) - 1, min(PIVOTS, len(centers))).long()]
        group_z, order_z = nearest_centers(z, pivots, 1).flatten().sort()
        group, order = nearest_centers(centers, pivots, 1).flatten().sort()
        centers = centers[order]
        offset = -0.5 * precision * centers.square().sum(1)
        scaled = (centers * precision).T.contiguous()  # (D, N)
        side = max(1, math.isqrt(block))
        total = torch.full((len(z),), -torch.inf, device=z.device)
        for i in range(0, len(z), side):
            rows = order_z[i : i + side]
            begin = int(torch.searchsorted(group, group_z[i])) // side * side  # the nearest block first
            for j in (*range(begin, len(centers), side), *range(0, begin, side)):
                exponent = (z[rows] @ scaled[:, j : j + side]).add_(offset[j : j + side])
                top = exponent.amax(1)
                if not (top < total[rows] - NEGLIGIBLE).all():
                    part = exponent.sub_(top[:, None]).exp_().sum(1).log_().add_(top)
                    total[rows] = torch.logaddexp(total[rows], part)
        rest = -0.5 * (z.square().sum(1) * precision + z.shape[1] * (LOG_2PI + log_var.float()))
        return total + rest - math.log(len(centers))


def mixture_around(
    mean: Float[Tensor, "B D"], centers: Float[Tensor, "N D"], log_var: Float[Tensor, ""], nearest: int
) -> Callable[[Tensor], Tensor]:
    """The mixture for codes drawn around B points, z (K * B, D) -> (K * B,), one draw of all points after the other.

    Only the `nearest` centers to a code's point are summed, and the sum is divided by N: never above the whole, and
    equal to it where the centers lie far apart, measured in e^(log_var / 2).
    """
    with torch.autocast(mean.device.type, enabled=False):
        mean, centers, log_var = mean.float(), centers.float(), log_var.float()
        count = min(nearest, len(centers))
        near = centers[nearest_centers(mean, centers, count)] - mean[:, None]  # (B, M, D)
        offset = -0.5 * near.square().sum(2)[:, None]  # (B, 1, M)
        precision = (-log_var).exp()

    @torch.no_grad()
    def log_density(z: Tensor) -> Tensor:
        draws = len(z) // len(mean)
        at_once = max(1, BLOCK // max(1, draws * count))
        with torch.autocast(z.device.type, enabled=False):
            away = (z.float().view(draws, *mean.shape) - mean).transpose(0, 1)  # (B, K, D)
            parts = []
            for i in range(0, len(mean), at_once):
                own = slice(i, i + at_once)
                exponent = torch.baddbmm(offset[own], away[own], near[own].transpose(1, 2)).mul_(precision)
                parts.append(exponent.logsumexp(2))
            rest = -0.5 * (away.square().sum(2) * precision + z.shape[1] * (LOG_2PI + log_var))
            return (torch.cat(parts) + rest - math.log(len(centers))).T.flatten()

    return log_density

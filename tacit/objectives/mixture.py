"""Mixtures of normal densities with one common variance: the prior of an Exemplar VAE, and a Parzen window.

log p(z) = log (1/M) sum_m N(z; center_m, e^log_var I), in nats. One matrix product gives all exponents: what does not
depend on m leaves the sum, |z - c|^2 / 2 = |z|^2 / 2 - (z c - |c|^2 / 2). Codes are measured from the mean of the
centers, so that little is lost to cancellation between large numbers; products stay in float32 under autocast.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.errors import BadData
from tacit.objectives.likelihood import LOG_2PI

BLOCK = 2**21  # exponents held at once in evaluation: 8 MB, what a cache can hold
NEGLIGIBLE = 20.0  # nats: e^-20 of a sum is lost in float32


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
    z: Float[Tensor, "B D"],
    centers: Float[Tensor, "M D"],
    k: int,
    names: Int[Tensor, "M"] | None = None,
    itself: Int[Tensor, "B"] | None = None,
) -> Int[Tensor, "B k"]:
    """Which k centers are nearest to each code, in no order; a center with the name of `itself` is none of them."""
    score = torch.addmm(-0.5 * centers.square().sum(1), z, centers.T)
    if names is not None and itself is not None:
        score = score.masked_fill(itself[:, None] == names, -torch.inf)
    return score.topk(min(k, len(centers)), dim=1, sorted=False).indices


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
    """The same over any number of components, a block of exponents at a time: memory does not grow with S * N."""
    total = torch.full((len(z),), -torch.inf, device=z.device)
    rest = z.new_zeros(len(z))
    columns = max(1, min(len(centers), block // max(1, min(len(z), 1024))))
    rows = max(1, block // columns)
    middle = centers.mean(0)
    for i in range(0, len(z), rows):
        some = z[i : i + rows] - middle
        for j in range(0, len(centers), columns):
            exponent, rest_some = exponents(some, centers[j : j + columns] - middle, log_var)
            part = exponent.logsumexp(1) + rest_some
            total[i : i + rows] = torch.logaddexp(total[i : i + rows], part)
    return total + rest - math.log(len(centers))

"""How well a decoder explains an item, in nats per item (natural logarithm, summed over the item's values)."""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LOG_2PI = math.log(2 * math.pi)


def bernoulli_log_likelihood(logits: Float[Tensor, "*draws B P"], x: Float[Tensor, "B P"]) -> Float[Tensor, "*draws B"]:
    """log p(x) of independent coins: sum_d x_d log p_d + (1 - x_d) log(1 - p_d) with p = sigmoid(logits).

    A likelihood only for x of zeros and ones. On grey values in between it is a useful loss and no likelihood.
    """
    logits = logits.float()
    return (x * logits).sum(-1) - F.softplus(logits).sum(-1)  # log p = l - softplus(l), log(1 - p) = -softplus(l)


def gaussian_log_likelihood(
    mean: Float[Tensor, "B *item"], x: Float[Tensor, "B *item"], log_var: float | Float[Tensor, ""] = 0.0
) -> Float[Tensor, "B"]:
    """log p(x) under independent normals with one variance e^log_var for all values of all items.

    A density: it may be above zero, and it moves with the units of x.
    """
    log_var = torch.as_tensor(log_var, device=x.device)
    squares = (mean.float() - x).square().flatten(1)
    return -0.5 * (squares.sum(1) / log_var.exp() + squares.shape[1] * (LOG_2PI + log_var))


def importance_bound(log_weights: Iterable[Float[Tensor, "_ B"]]) -> Float[Tensor, "B"]:
    """log (1/K) sum_k w_k over all rows of all chunks, the IWAE bound (Burda et al. 2016, eq. 8) when
    w_k = p(x, z_k) / q(z_k given x) with z_k drawn from q. One row gives the ELBO, and more rows a tighter bound.
    """
    total, count = torch.tensor(-torch.inf), 0
    for chunk in log_weights:
        total = torch.logaddexp(total.to(chunk.device), chunk.logsumexp(0))
        count += len(chunk)
    return total - math.log(count)

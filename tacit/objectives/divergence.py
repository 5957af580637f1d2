"""Distances between distributions over codes, in nats."""

from jaxtyping import Float
from torch import Tensor

from tacit.objectives.likelihood import LOG_2PI


def kl_standard_normal(mean: Float[Tensor, "B D"], log_var: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """KL(N(mean, e^log_var) || N(0, 1)) per dimension (Kingma & Welling 2014, appendix B); sum over D for the whole."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)


def free_bits(kl: Float[Tensor, "B D"], floor: float) -> Float[Tensor, ""]:
    """sum_d max(floor, mean_b KL_d): a dimension below `floor` nats is not pushed further down.

    Kingma et al. 2016 (appendix C.8) with every dimension a group of its own.
    """
    return kl.mean(0).clamp(min=floor).sum()


def log_normal(
    z: Float[Tensor, "*batch D"], mean: Float[Tensor, "*#batch #D"], log_var: Float[Tensor, "*#batch #D"]
) -> Float[Tensor, "*batch"]:
    """log N(z; mean, e^log_var), summed over D."""
    return -0.5 * (LOG_2PI + log_var + (z - mean).square() * (-log_var).exp()).sum(-1)

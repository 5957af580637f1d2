"""Guessed answers, and what a prediction costs that differs from them.

MixMatch (Berthelot et al. 2019, eq. 3 to 7, https://arxiv.org/abs/1905.02249) and Semi-supervised Learning by Entropy
Minimization (Grandvalet & Bengio 2004).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from tacit.errors import WrongUsage


def sharpen(p: Float[Tensor, "B K"], temperature: float) -> Float[Tensor, "B K"]:
    """p^(1/T) over its sum (eq. 7): the same at T = 1, the likeliest class alone as T goes to 0."""
    if not temperature > 0:
        raise WrongUsage(f"a temperature is above 0, not {temperature:g}; 1 leaves guesses as they are")
    return (p.clamp(min=torch.finfo(p.dtype).tiny).log() / temperature).softmax(1)


def soft_cross_entropy(logits: Float[Tensor, "B K"], p: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
    """The mean over rows of - sum_k p_k log softmax(logits)_k (eq. 3)."""
    return -(p * F.log_softmax(logits, 1)).sum(1).mean()


def brier(logits: Float[Tensor, "B K"], p: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
    """The mean over rows and classes of (p - softmax(logits))^2 (eq. 4), from 0 to 2 / K."""
    return (p - logits.softmax(1)).square().mean()


def entropy(logits: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
    """The mean entropy of predictions, from 0 to log K."""
    return soft_cross_entropy(logits, logits.softmax(1))


def divergence_from(p: Float[Tensor, "B K"], logits: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
    """The mean over rows of KL(p || softmax(logits)), from 0 on; no gradient reaches p."""
    return F.kl_div(F.log_softmax(logits, 1), p.detach(), reduction="batchmean")

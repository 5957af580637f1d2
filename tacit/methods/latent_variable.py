"""What the latent-variable methods share: how an item follows from its code, and the evidence for it.

The prior over codes, in which these papers differ, is passed in as a function z (B, D) -> log p(z) (B,). A draw of
codes has weight w = p(x, z) / q(z given x); log w = `log_likelihood` - `kl`. One draw an item gives the ELBO, many the
bound of Burda et al. 2016 (https://arxiv.org/abs/1509.00519, eq. 8).
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tacit.data.spec import ItemSpec
from tacit.errors import BadData, WrongUsage, unknown_name
from tacit.methods.method import Terms
from tacit.nn.bodies import OneLevel, TwoLevels
from tacit.objectives.divergence import log_normal
from tacit.objectives.likelihood import bernoulli_log_likelihood, gaussian_log_likelihood, importance_bound

LIKELIHOODS = ("auto", "bernoulli", "gaussian")
ROOM = 2**22  # values of a decoder's map that are held at once: 16 MB
SHARPEST = -12.0  # log variance of a Gaussian item: a standard deviation of 0.0025, below one grey level of 256

Body = OneLevel | TwoLevels
LogPrior = Callable[[Tensor], Tensor]


class Evidence(NamedTuple):
    """Of K draws of the codes of B items, in nats."""

    log_likelihood: Tensor  # (K, B) log p(x given z)
    kl: Tensor  # (K, B) log q(z given x) - log p(z), lower level included

    def terms(self, beta: Tensor) -> Terms:
        """Minus the ELBO with the KL weighed by `beta`, and what is shown of it (the ELBO always at beta = 1)."""
        log_likelihood, kl = self.log_likelihood.mean(), self.kl.mean()
        return {
            "loss": beta * kl - log_likelihood,
            "elbo": (log_likelihood - kl).detach(),
            "log_likelihood": log_likelihood.detach(),
            "kl": kl.detach(),
        }


class Observed(nn.Module):
    """What an item is, given what the decoder made of its code: coins ("bernoulli"), or values with noise ("gaussian").

    - `auto` is Bernoulli for grey images and Gaussian for everything else.
    - `binarize`: a Bernoulli model sees, and is asked for, zeros and ones drawn anew each time with the grey values as
      probabilities. Items of zeros and ones stay as they are.
    - `sigma`: standard deviation of a Gaussian item; without one, the batch's own error, the most likely value
      (sigma-VAE, Rybkin et al. 2020, https://arxiv.org/abs/2006.13202, sec. 3.3).
    """

    log_noise: Tensor

    def __init__(self, spec: ItemSpec, likelihood: str, binarize: bool, sigma: float | None) -> None:
        super().__init__()
        if sigma is not None and sigma <= 0:
            raise WrongUsage(f"sigma is a standard deviation above 0, not {sigma}\n  leave it out to follow the error")
        self.likelihood, self.within = resolve(spec, likelihood), spec.within
        self.binarize, self.sigma = binarize and self.likelihood == "bernoulli", sigma
        self.register_buffer("log_noise", torch.tensor(2 * math.log(sigma) if sigma else 0.0))  # log sigma^2
        self.looked = False

    def binary(self, x: Tensor) -> Tensor:
        """Coins thrown with the grey values as probabilities, where the model is one of zeros and ones."""
        if self.likelihood == "bernoulli" and not self.looked:
            if not (x.min() >= 0 and x.max() <= 1):
                raise BadData(
                    f"grey values from {x.min():g} to {x.max():g}; a bernoulli likelihood needs them in [0, 1]\n"
                    "  scale the items, or try: --likelihood gaussian"
                )
            self.looked = True  # at the first items only: the others come from the same place
        return torch.rand_like(x).lt_(x) if self.binarize else x

    def log_likelihood(self, x: Tensor, decoded: Tensor) -> Tensor:
        """log p(x given z) in nats, (K * B,): `decoded` holds K draws of the B items, one draw after the other."""
        draws = len(decoded) // max(1, len(x))
        if self.likelihood == "bernoulli":
            return bernoulli_log_likelihood(decoded.reshape(draws, len(x), -1), x.flatten(1)).flatten()
        x = x if draws == 1 else x.expand(draws, *x.shape).flatten(0, 1)
        if not self.training or self.sigma:
            return gaussian_log_likelihood(decoded, x, self.log_noise)
        # sigma-VAE, eq. 8. It needs no gradient: at the most likely sigma, that of the likelihood is zero
        log_noise = (decoded.detach().float() - x).square().mean().log().clamp(min=SHARPEST)
        self.log_noise.lerp_(log_noise, 0.05)  # what evaluation, with batches of any size, goes by
        return gaussian_log_likelihood(decoded, x, log_noise)

    def mean(self, decoded: Tensor) -> Tensor:
        """The mean item; images in [0, 1], sounds in [-1, 1]."""
        decoded = decoded.float()
        if self.likelihood == "bernoulli":
            return decoded.sigmoid()
        return self.within(decoded)


def evidence(
    body: Body,
    observed: Observed,
    x: Tensor,
    posterior: tuple[Tensor, Tensor],
    log_prior: LogPrior,
    samples: int = 1,
) -> Evidence:
    """Of `samples` draws from the posterior (B, D) of items x as the model sees them, (B, *item)."""
    return next(evidences(body, observed, x, posterior, log_prior, samples, rows=samples * len(x)))


def evidences(
    body: Body,
    observed: Observed,
    x: Tensor,
    posterior: tuple[Tensor, Tensor],
    log_prior: LogPrior,
    samples: int,
    rows: int,
) -> Iterator[Evidence]:
    """The same in parts of about `rows` codes, so that memory does not grow with the number of samples."""
    mean, log_var = posterior
    context = body.context(x)
    for i in range(0, samples, at_once := max(1, rows // max(1, len(x)))):
        k = min(at_once, samples - i)
        z = mean + (0.5 * log_var).exp() * torch.randn(k, *mean.shape, device=x.device)  # (k, B, D)
        flat = z.flatten(0, 1)
        decoded, lower = body.explain(flat, context if k == 1 or context is None else context.repeat(k, 1))
        kl = log_normal(z, mean, log_var) - log_prior(flat).view(k, -1)
        if lower is not None:
            apart = log_normal(lower.z, lower.mean, lower.log_var)
            kl = kl + (apart - log_normal(lower.z, lower.prior_mean, lower.prior_log_var)).view(k, -1)
        yield Evidence(observed.log_likelihood(x, decoded).view(k, -1), kl)


@torch.no_grad()
def log_prob(
    body: Body,
    observed: Observed,
    x: Tensor,
    log_prior: LogPrior,
    samples: int = 100,
    rows: int | None = None,
    around: Callable[[Tensor], LogPrior] | None = None,
) -> Tensor:
    """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, about `rows` at a time
    (without a number, as many as fit in some ten megabytes).

    Comparable only at one number of samples, in evaluation mode. Grey items of a Bernoulli model are binarized first:
    fix a binarization beforehand to compare models on the same zeros and ones. `around` makes a prior for codes drawn
    around the means (B, D) of the items' posteriors, where that is faster.
    """
    if samples < 1:
        raise WrongUsage(f"a bound needs at least one sample, not {samples}")
    x = observed.binary(x)
    posterior = body.posterior(x)
    log_prior = around(posterior[0]) if around else log_prior
    parts = evidences(body, observed, x, posterior, log_prior, samples, rows or rows_of(body, x))
    return importance_bound(part.log_likelihood - part.kl for part in parts)


def rows_of(body: Body, x: Tensor) -> int:
    """How many codes to decode at once, so that the largest map of the decoder stays near 4 million values."""
    widest = max((m.out_channels for m in body.decoder.modules() if isinstance(m, nn.Conv2d)), default=1)
    return max(1, ROOM // (widest * max(1, x[:1].numel())))


def standard_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), (B,)."""
    zero = torch.zeros_like(z[:1])
    return log_normal(z, zero, zero)


def resolve(spec: ItemSpec, likelihood: str) -> str:
    """The likelihood that `auto` means for these items; an error for one that cannot fit."""
    if likelihood not in LIKELIHOODS:
        raise unknown_name("likelihood", likelihood, LIKELIHOODS)
    if likelihood == "auto":
        return "bernoulli" if spec.kind == "image" and spec.shape[0] == 1 else "gaussian"
    if likelihood == "bernoulli" and spec.kind != "image":
        other = "sounds go below zero" if spec.kind == "sound" else "vectors are standardized"
        raise WrongUsage(f"a bernoulli likelihood needs values in [0, 1], and {other}\n  try: --likelihood gaussian")
    return likelihood

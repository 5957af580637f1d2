"""How likely a latent-variable model finds items, and what it pays for: ELBO, its two terms, and the tighter bound.

For any method with `body`, `observed`, `log_prior` and `log_prob`: vae, iwae, vamp_prior, hvae, conv_hvae, exemplar_vae.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.engine.device import Device, pick
from tacit.errors import WrongUsage
from tacit.evaluate.intervals import Interval, bootstrap, plain
from tacit.methods.latent_variable import evidence
from tacit.methods.method import Method

NEAREST = 2000  # exemplars that count for a code, of all: below by less than 0.002 nats
ACTIVE = (
    0.01  # variance of a posterior mean over items; a dimension below it is not in use (Burda et al. 2016, sec. 5.2)
)


@dataclass(frozen=True)
class Likelihood:
    """In nats per item; `bound` is the importance-weighted one with `samples` codes, None where it was not asked for."""

    elbo: Interval
    log_likelihood: float  # of the item given its code: the reconstruction term
    kl: float
    active: int  # dimensions in use
    items: int
    samples: int = 1
    bound: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        return plain(self)


def binarized(x: Tensor, seed: int = 777) -> Tensor:
    """One fixed draw of zeros and ones with grey values as probabilities: every model is measured on the same."""
    return torch.bernoulli(x, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def likelihood(
    method: Method,
    x: Tensor,
    *,
    samples: int = 0,
    first: int | None = None,
    batch: int = 100,
    seed: int = 0,
    device: Device | None = None,
) -> Likelihood:
    """Measure a trained method on items x, floats (n, *item); grey ones are binarized by the caller (`binarized`).

    `samples` codes an item for the bound, of the `first` items where that takes too long for all; 0 leaves it out.
    """
    if not hasattr(method, "body"):
        raise WrongUsage(
            f"{type(method).__name__} has no posterior over codes\n  vae and its relatives have: tacit methods"
        )
    model: Any = method.eval()
    where = device or pick("auto", "fp32")  # nats should not depend on what a processor multiplies
    terms, means, bounds = [], [], []
    faster = {"nearest": NEAREST} if "nearest" in inspect.signature(model.log_prob).parameters else {}
    with torch.random.fork_rng(), where.products(), where.autocast():
        torch.manual_seed(seed)
        for some in x.split(batch):
            some = some.to(where.device)
            posterior = model.body.posterior(some)
            drawn = evidence(model.body, model.observed, some, posterior, model.log_prior)
            terms.append(torch.stack([drawn.log_likelihood[0], drawn.kl[0]]).cpu())
            means.append(posterior[0].cpu())
        if samples:
            for some in x[:first].split(batch):
                bounds.append(model.log_prob(some.to(where.device), samples, **faster).cpu())
    log_likelihood, kl = torch.cat(terms, 1)
    return Likelihood(
        elbo=bootstrap(log_likelihood - kl),
        log_likelihood=log_likelihood.mean().item(),
        kl=kl.mean().item(),
        active=int((torch.cat(means).var(0) > ACTIVE).sum()),
        items=len(x),
        samples=samples or 1,
        bound=bootstrap(torch.cat(bounds)) if bounds else None,
    )

"""Auto-Encoding Variational Bayes.
Kingma & Welling, 2013. https://arxiv.org/abs/1312.6114

beta: beta-VAE (Higgins et al. 2017). free_bits: Kingma et al. 2016 (https://arxiv.org/abs/1606.04934, app. C.8).
log_prob: Importance Weighted Autoencoders (Burda et al. 2015, https://arxiv.org/abs/1509.00519, eq. 8). Gaussian items:
sigma-VAE (Rybkin et al. 2020, https://arxiv.org/abs/2006.13202, sec. 3.3).

Departures: 784-300-300-40 with ReLU as the networks of later comparisons, in place of one layer of 500 tanh; the log
variance of the posterior is kept in [-6, 2], since one step too far would end in nan; grey images are binarized anew
each step, where the paper takes grey values for probabilities, which is no likelihood.
"""

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.decoder import decoder
from tacit.nn.trunk import trunk as build_trunk
from tacit.objectives.divergence import free_bits as with_free_bits
from tacit.objectives.divergence import kl_standard_normal, log_normal
from tacit.objectives.likelihood import bernoulli_log_likelihood, gaussian_log_likelihood, importance_bound

LIKELIHOODS = ("auto", "bernoulli", "gaussian")
SHARPEST = -12.0  # log variance of a Gaussian item: a standard deviation of 0.0025, below one grey level of 256


class VAE(Method):
    """Codes with a posterior and a prior: a smooth space one can walk, decode and draw new items from.

    - `likelihood`: `bernoulli` for grey images, `gaussian` for everything else; `auto` chooses so.
    - `binarize`: a Bernoulli model sees, and is asked for, zeros and ones drawn anew each step with the grey values as
      probabilities ("dynamic binarization"). Items of zeros and ones stay as they are.
    - `sigma`: standard deviation of a Gaussian item; without one, the batch's own error, the most likely value.
    - `beta` weighs the KL; it rises to that from 0 over the first `beta_warmup` (share) of training. On MNIST 0.3 was
      worth 1.3 nats of training ELBO and 21 dimensions in use, not 15 (784-300-300-40, 3,000 steps, one seed).
    - `free_bits`: nats of KL that every dimension of the code may spend for nothing.

    Shown, in nats per item: `elbo` (always at beta = 1), `log_likelihood`, `kl`.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=5000, batch=100, lr=1e-3)
    paper = "Kingma & Welling 2013, https://arxiv.org/abs/1312.6114"
    use_when = "you want a smooth space to walk in, new items drawn from it, or to know how likely an item is"

    beta_now: Tensor
    log_noise: Tensor

    def __init__(
        self,
        spec: ItemSpec,
        *,
        latent_dim: int = 40,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        likelihood: str = "auto",
        binarize: bool = True,
        sigma: float | None = None,
        beta: float = 1.0,
        beta_warmup: float = 0.0,
        free_bits: float = 0.0,
    ) -> None:
        super().__init__(spec)
        if sigma is not None and sigma <= 0:
            raise WrongUsage(f"sigma is a standard deviation above 0, not {sigma}\n  leave it out to follow the error")
        self.likelihood = _likelihood(spec, likelihood)
        self.latent_dim, self.binarize = latent_dim, binarize and self.likelihood == "bernoulli"
        self.sigma, self.beta, self.beta_warmup, self.free_bits = sigma, beta, beta_warmup, free_bits
        self.encoder = build_trunk(spec.shape, trunk, width=width, depth=depth)
        self.to_posterior = nn.Linear(self.encoder.out_dim, 2 * latent_dim)
        self.decoder = decoder(latent_dim, spec.shape, trunk, width=width, depth=depth)
        self.register_buffer("beta_now", torch.tensor(0.0 if beta_warmup else beta))
        self.register_buffer("log_noise", torch.tensor(2 * math.log(sigma) if sigma else 0.0))  # log sigma^2

    def loss(self, x: Tensor) -> Terms:
        x = self.binary(x)
        mean, log_var = self.posterior(x)
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        log_likelihood = self.log_likelihood(x, self.decoder(z)).mean()
        kl_each = kl_standard_normal(mean, log_var)
        kl = kl_each.sum(1).mean()
        price = with_free_bits(kl_each, self.free_bits) if self.free_bits else kl
        return {
            "loss": self.beta_now * price - log_likelihood,
            "elbo": (log_likelihood - kl).detach(),
            "log_likelihood": log_likelihood.detach(),
            "kl": kl.detach(),
        }

    def after_step(self, progress: float) -> None:
        if self.beta_warmup:
            self.beta_now.fill_(self.beta * min(1.0, progress / self.beta_warmup))

    def binary(self, x: Tensor) -> Tensor:
        """Coins thrown with the grey values as probabilities, where the model is one of zeros and ones."""
        return torch.rand_like(x).lt_(x) if self.binarize else x

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z given x) as `mean, log_var`, (B, D) each."""
        mean, log_var = self.to_posterior(self.encoder(x)).float().chunk(2, dim=1)
        return mean, log_var.clamp(-6, 2)

    def log_likelihood(self, x: Tensor, decoded: Tensor) -> Tensor:
        """log p(x given z) in nats per item, (B,); `decoded` is what the decoder made of z."""
        if self.likelihood == "bernoulli":
            return bernoulli_log_likelihood(decoded, x)
        if not self.training or self.sigma:
            return gaussian_log_likelihood(decoded, x, self.log_noise)
        # sigma-VAE, eq. 8. It needs no gradient: at the most likely sigma, that of the likelihood is zero
        log_noise = (decoded.detach().float() - x).square().mean().log().clamp(min=SHARPEST)
        self.log_noise.lerp_(log_noise, 0.05)  # what evaluation, with batches of any size, goes by
        return gaussian_log_likelihood(decoded, x, log_noise)

    def embed(self, x: Tensor) -> Tensor:
        return self.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """The mean item a code stands for, (B, D) -> (B, *item); images in [0, 1]."""
        x = self.decoder(z).float()
        if self.likelihood == "bernoulli":
            return x.sigmoid()
        return x.clamp(0, 1) if self.spec.kind == "image" else x

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Mean items of n codes drawn from the prior, (n, *item)."""
        return self.decode(torch.randn(n, self.latent_dim, device=self.beta_now.device, generator=generator))

    @torch.no_grad()
    def log_prob(self, x: Tensor, samples: int = 100, rows: int = 5000) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time.

        Comparable only at one number of samples, in evaluation mode. Grey items of a Bernoulli model are binarized
        first: fix a binarization beforehand to compare models on the same zeros and ones.
        """
        x = self.binary(x)
        mean, log_var = self.posterior(x)
        prior = torch.zeros_like(mean[:1])

        def log_weights() -> Iterator[Tensor]:
            for i in range(0, samples, at_once := max(1, rows // len(x))):
                k = min(at_once, samples - i)
                z = mean + (0.5 * log_var).exp() * torch.randn(k, *mean.shape, device=x.device)  # (k, B, D)
                explained = self.log_likelihood(x.expand(k, *x.shape).flatten(0, 1), self.decoder(z.flatten(0, 1)))
                yield explained.view(k, -1) + log_normal(z, prior, prior) - log_normal(z, mean, log_var)

        return importance_bound(log_weights())


def _likelihood(spec: ItemSpec, likelihood: str) -> str:
    if likelihood not in LIKELIHOODS:
        raise unknown_name("likelihood", likelihood, LIKELIHOODS)
    if likelihood == "auto":
        return "bernoulli" if spec.kind == "image" and spec.shape[0] == 1 else "gaussian"
    if likelihood == "bernoulli" and spec.kind != "image":
        raise WrongUsage(
            "a bernoulli likelihood needs values in [0, 1], and vectors are standardized\n  try: --likelihood gaussian"
        )
    return likelihood

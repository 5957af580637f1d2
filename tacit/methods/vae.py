"""Auto-Encoding Variational Bayes.
Kingma & Welling, 2013. https://arxiv.org/abs/1312.6114

beta: beta-VAE (Higgins et al. 2017). free_bits: Kingma et al. 2016 (https://arxiv.org/abs/1606.04934, app. C.8).
log_prob: Importance Weighted Autoencoders (Burda et al. 2015, https://arxiv.org/abs/1509.00519, eq. 8). Gaussian items:
sigma-VAE (Rybkin et al. 2020, https://arxiv.org/abs/2006.13202, sec. 3.3).

Departures: 784-300-300-40 with ReLU as the networks of later comparisons, in place of one layer of 500 tanh; the log
variance of the posterior is kept in [-6, 2], since one step too far would end in nan; grey images are binarized anew
each step, where the paper takes grey values for probabilities, which is no likelihood.
"""

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.methods.latent_variable import Observed, log_prob, standard_normal
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.bodies import OneLevel
from tacit.nn.ramp import Ramp
from tacit.objectives.divergence import free_bits as with_free_bits
from tacit.objectives.divergence import kl_standard_normal


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
        self.latent_dim, self.free_bits = latent_dim, free_bits
        self.observed = Observed(spec, likelihood, binarize, sigma)
        self.body = OneLevel(spec.shape, latent_dim, trunk, width, depth, spec.rate)
        self.beta = Ramp(beta, beta_warmup)

    @property
    def encoder(self) -> nn.Module:
        return self.body.encoder

    def loss(self, x: Tensor) -> Terms:
        x = self.observed.binary(x)
        mean, log_var = self.body.posterior(x)
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        log_likelihood = self.observed.log_likelihood(x, self.body.decode(z)).mean()
        kl_each = kl_standard_normal(mean, log_var)
        kl = kl_each.sum(1).mean()
        price = with_free_bits(kl_each, self.free_bits) if self.free_bits else kl
        return {
            "loss": self.beta.value * price - log_likelihood,
            "elbo": (log_likelihood - kl).detach(),
            "log_likelihood": log_likelihood.detach(),
            "kl": kl.detach(),
        }

    def after_step(self, progress: float) -> None:
        self.beta.follow(progress)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z given x) as `mean, log_var`, (B, D) each."""
        return self.body.posterior(x)

    def embed(self, x: Tensor) -> Tensor:
        return self.body.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """The mean item a code stands for, (B, D) -> (B, *item); images in [0, 1]."""
        return self.observed.mean(self.body.decode(z))

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Mean items of n codes drawn from the prior, (n, *item)."""
        return self.decode(torch.randn(n, self.latent_dim, device=self.beta.value.device, generator=generator))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of codes (B, D), (B,)."""
        return standard_normal(z)

    def log_prob(self, x: Tensor, samples: int = 100, rows: int | None = None) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time.

        Comparable only at one number of samples, in evaluation mode. Grey items of a Bernoulli model are binarized
        first: fix a binarization beforehand to compare models on the same zeros and ones.
        """
        return log_prob(self.body, self.observed, x, self.log_prior, samples, rows)

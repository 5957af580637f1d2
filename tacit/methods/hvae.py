"""A VAE with two levels of codes: the HVAE of "VAE with a VampPrior" and of Exemplar VAE.
Tomczak & Welling, 2018. https://arxiv.org/abs/1705.07120

Departures: Adam in place of its variant with normalized gradients (`--optimizer adam_norm_grad` is the paper's).
"""

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.methods.latent_variable import Observed, evidence, log_prob, standard_normal
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.bodies import body
from tacit.nn.ramp import Ramp


class HVAE(Method):
    """A code of codes: items from a lower code and an upper one, the lower one from the upper one.

    - `latent_dim`: numbers in each of the two codes. The upper one is the code of an item.
    - `likelihood`, `binarize`, `sigma`: what an item is, as for `vae`.
    - `beta_warmup`: share of training over which the weight of both KL terms rises from 0 to 1; without it the upper
      code easily stays unused (Sønderby et al. 2016, https://arxiv.org/abs/1602.02282).

    Shown, in nats per item: `elbo` (always at beta = 1), `log_likelihood`, `kl` of both levels.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=5000, batch=100, lr=1e-3)
    paper = "Tomczak & Welling 2018 (sec. 5), https://arxiv.org/abs/1705.07120"
    use_when = "one level of codes is too simple for your items, and they are small pictures or vectors"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        latent_dim: int = 40,
        width: int | None = None,
        likelihood: str = "auto",
        binarize: bool = True,
        sigma: float | None = None,
        beta_warmup: float = 0.1,
    ) -> None:
        super().__init__(spec)
        self.latent_dim = latent_dim
        self.observed = Observed(spec, likelihood, binarize, sigma)
        self.body = body("hvae", spec.shape, latent_dim, width)
        self.beta = Ramp(1.0, beta_warmup)

    @property
    def encoder(self) -> nn.Module:
        return self.body.encoder

    def loss(self, x: Tensor) -> Terms:
        x = self.observed.binary(x)
        return evidence(self.body, self.observed, x, self.body.posterior(x), standard_normal).terms(self.beta.value)

    def after_step(self, progress: float) -> None:
        self.beta.follow(progress)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z given x) of the upper code as `mean, log_var`, (B, D) each."""
        return self.body.posterior(x)

    def embed(self, x: Tensor) -> Tensor:
        return self.body.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """The mean item an upper code stands for, (B, D) -> (B, *item), the lower code at its mean; images in [0, 1]."""
        return self.observed.mean(self.body.decode(z))

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Mean items of n codes drawn from the prior, (n, *item)."""
        device = self.observed.log_noise.device
        z = torch.randn(n, self.latent_dim, device=device, generator=generator)
        return self.observed.mean(self.body.draw(z, generator))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of upper codes (B, D), (B,)."""
        return standard_normal(z)

    def log_prob(self, x: Tensor, samples: int = 100, rows: int | None = None) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time."""
        return log_prob(self.body, self.observed, x, self.log_prior, samples, rows)

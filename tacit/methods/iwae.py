"""Importance Weighted Autoencoders.
Burda, Grosse & Salakhutdinov, 2015. https://arxiv.org/abs/1509.00519

Departures: gated layers 784-300-300-40 (or another body) in place of 200-200-50 tanh, so that rows of one table share
their networks; a KL warm-up has no meaning for this bound, and there is none.
"""

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.latent_variable import Observed, evidence, log_prob, standard_normal
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.bodies import body as build_body
from tacit.objectives.likelihood import importance_bound


class IWAE(Method):
    """A VAE trained on the tighter bound of `samples` codes an item: it uses more of its code, and explains items better.

    - `body`: `vae` (gated layers), `hvae` or `conv_hvae` (two levels of codes), `residual` (color, larger images); `auto`
      is `residual` for color images and those of 32 pixels and more, otherwise `vae`.
    - `likelihood`, `binarize`, `sigma`: what an item is, as for `vae`.

    Shown, in nats per item: `bound` of that many samples, and the `elbo` of the same draws.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=5000, batch=100, lr=1e-3)
    paper = "Burda, Grosse & Salakhutdinov 2015, https://arxiv.org/abs/1509.00519"
    use_when = "how likely an item is matters more than the time a training takes"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        samples: int = 5,
        latent_dim: int = 40,
        body: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        likelihood: str = "auto",
        binarize: bool = True,
        sigma: float | None = None,
    ) -> None:
        super().__init__(spec)
        if samples < 1:
            raise WrongUsage(f"a bound needs at least one sample, not {samples}")
        self.latent_dim, self.samples = latent_dim, samples
        self.observed = Observed(spec, likelihood, binarize, sigma)
        self.body = build_body(body, spec.shape, latent_dim, width, depth)

    @property
    def encoder(self) -> nn.Module:
        return self.body.encoder

    def loss(self, x: Tensor) -> Terms:
        x = self.observed.binary(x)
        drawn = evidence(self.body, self.observed, x, self.body.posterior(x), standard_normal, self.samples)
        bound = importance_bound([drawn.log_likelihood - drawn.kl]).mean()  # eq. 8
        elbo = (drawn.log_likelihood - drawn.kl).mean()
        return {"loss": -bound, "bound": bound.detach(), "elbo": elbo.detach()}

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
        device = self.observed.log_noise.device
        z = torch.randn(n, self.latent_dim, device=device, generator=generator)
        return self.observed.mean(self.body.draw(z, generator))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of codes (B, D), (B,)."""
        return standard_normal(z)

    def log_prob(self, x: Tensor, samples: int = 100, rows: int | None = None) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time."""
        return log_prob(self.body, self.observed, x, self.log_prior, samples, rows)

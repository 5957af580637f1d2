"""VAE with a VampPrior.
Tomczak & Welling, 2018. https://arxiv.org/abs/1705.07120

Departures: pseudo-inputs of vectors start as the items do, standard normal, and have no bounds; Adam in place of its
variant with normalized gradients (`--optimizer adam_norm_grad` is the paper's).
"""

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.latent_variable import Observed, evidence, log_prob
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.bodies import body as build_body
from tacit.nn.ramp import Ramp
from tacit.objectives.mixture import log_diagonal_mixture


class VampPrior(Method):
    """A VAE whose prior is the mean posterior of items it makes up: `pseudo_inputs` of them, learned with the rest.

    - `pseudo_mean`, `pseudo_std`: where pseudo-inputs start. Those of images are kept in [0, 1].
    - `body`: `vae` (gated layers), `hvae` or `conv_hvae` (two levels of codes), `residual` (color, larger images); `auto`
      is `residual` for color images and those of 32 pixels and more, otherwise `vae`.
    - `likelihood`, `binarize`, `sigma`: what an item is, as for `vae`.
    - `beta_warmup`: share of training over which the weight of the KL rises from 0 to 1.

    Shown, in nats per item: `elbo` (always at beta = 1), `log_likelihood`, `kl`.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=5000, batch=100, lr=1e-3)
    paper = "Tomczak & Welling 2018, https://arxiv.org/abs/1705.07120"
    use_when = "the items form groups that a single normal distribution over codes would press together"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        pseudo_inputs: int = 500,
        pseudo_mean: float = 0.05,
        pseudo_std: float = 0.01,
        latent_dim: int = 40,
        body: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        likelihood: str = "auto",
        binarize: bool = True,
        sigma: float | None = None,
        beta_warmup: float = 0.1,
    ) -> None:
        super().__init__(spec)
        if pseudo_inputs < 1:
            raise WrongUsage(f"a VampPrior has at least one pseudo-input, not {pseudo_inputs}")
        self.observed = Observed(spec, likelihood, binarize, sigma)
        self.body = build_body(body, spec.shape, latent_dim, width, depth)
        start = torch.randn(pseudo_inputs, *spec.shape)
        self.pseudo = nn.Parameter(pseudo_mean + pseudo_std * start if spec.kind == "image" else start)
        self.beta = Ramp(1.0, beta_warmup)

    @property
    def encoder(self) -> nn.Module:
        return self.body.encoder

    def loss(self, x: Tensor) -> Terms:
        x = self.observed.binary(x)
        mean, log_var = self.body.posterior(torch.cat([x, self.pseudo_items()]))  # both in one pass
        n = len(x)
        drawn = evidence(
            self.body,
            self.observed,
            x,
            (mean[:n], log_var[:n]),
            lambda z: log_diagonal_mixture(z, mean[n:], log_var[n:]),
        )
        return drawn.terms(self.beta.value)

    def after_step(self, progress: float) -> None:
        self.beta.follow(progress)

    def pseudo_items(self) -> Tensor:
        """The pseudo-inputs, (M, *item); images in [0, 1]."""
        return self.pseudo.clamp(0, 1) if self.spec.kind == "image" else self.pseudo

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
        mean, log_var = self.body.posterior(self.pseudo_items())
        which = torch.randint(0, len(mean), (n,), device=mean.device, generator=generator)
        noise = torch.randn(n, mean.shape[1], device=mean.device, generator=generator)
        return self.observed.mean(self.body.draw(mean[which] + (0.5 * log_var[which]).exp() * noise, generator))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of codes (B, D), (B,)."""
        return log_diagonal_mixture(z, *self.body.posterior(self.pseudo_items()))

    @torch.no_grad()
    def log_prob(self, x: Tensor, samples: int = 100, rows: int | None = None) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time."""
        pseudo = self.body.posterior(self.pseudo_items())
        return log_prob(self.body, self.observed, x, lambda z: log_diagonal_mixture(z, *pseudo), samples, rows)

"""On Estimation of a Probability Density Function and Mode.
Parzen, 1962. https://doi.org/10.1214/aoms/1177704472

For zeros and ones: Multivariate Binary Discrimination by the Kernel Method. Aitchison & Aitken, 1976.
https://doi.org/10.1093/biomet/63.3.413. Its width by the likelihood of left-out items: On the Choice of Smoothing
Parameters for Parzen Estimators of Probability Density Functions. Duin, 1976. https://doi.org/10.1109/TC.1976.1674577

It is what an Exemplar VAE (Norouzi, Fleet & Norouzi 2020, https://arxiv.org/abs/2004.04795) is without a network: codes
are the items themselves.

Departures: the width is learned by gradients, a batch and some exemplars at a time, in place of a search over all.
Exemplars of zeros and ones keep their grey values, the mean over what they may turn out to be. With `space=pca`, what
the components leave out of an item is normal noise of one variance, as in probabilistic PCA (Tipping & Bishop 1999).
"""

import math
from typing import Any

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import FromPool, from_pool
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import BadData, WrongUsage, unknown_name
from tacit.methods.latent_variable import SHARPEST, Observed
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.components import PrincipalComponents
from tacit.objectives.likelihood import LOG_2PI
from tacit.objectives.mixture import exponents

SPACES = ("pixel", "pca")
COMPONENTS = 40
EXEMPLARS = 5000  # drawn a step unless you say otherwise: with fewer, windows become too wide for a larger pool
SAMPLE = 2000  # items the components are computed from
SAFEST = 1e-5  # least probability that a pixel differs from its exemplar
AT_ONCE = 1000  # exemplars in evaluation


class ParzenWindow(Method):
    """No network: an item is likely where it is near some other. What a learned space has to beat.

    p(x) = (1/N) sum_n window(x; x_n). One number is learned, the width of the window.

    - `space`: windows around the values of items (`pixel`; of vectors the standardized ones) or around their principal
      components (`pca`).
    - `latent_dim`: number of components with `space=pca`; without a number 40, or all that an item has.
    - `exemplars`: how many are drawn each step to stand for all; without a number 5,000, or all of a smaller pool.
    - `likelihood`: `bernoulli` is of zeros and ones, drawn with the grey values of an item as probabilities; each
      differs from that of the exemplar with probability `eps`. `gaussian` is an exemplar and noise of standard deviation
      `tau`. `auto` is `bernoulli` for the pixels of grey images.

    Shown: `log_likelihood` in nats per item, of items left out of the exemplars of the step; `eps` or `tau`.
    """

    feed = staticmethod(from_pool)
    recipe = Recipe(steps=300, batch=100, lr=0.1, schedule="cosine")
    paper = "Parzen 1962, https://doi.org/10.1214/aoms/1177704472"
    use_when = "you want to know what a generative model is worth beside the bare items: it is a baseline"

    kept: Tensor  # exemplars: items as the pool stores them, or components

    def __init__(
        self,
        spec: ItemSpec,
        *,
        space: str = "pixel",
        latent_dim: int | None = None,
        exemplars: int | None = None,
        likelihood: str = "auto",
    ) -> None:
        super().__init__(spec)
        if space not in SPACES:
            raise unknown_name("space", space, SPACES)
        if spec.kind == "sound":
            raise WrongUsage(
                "a Parzen window compares items value by value, and a sound a moment later has other values everywhere\n"
                "  for a space of sounds: tacit learn vae"
            )
        if exemplars is not None and exemplars < 2:
            raise WrongUsage(
                f"a Parzen window needs at least 2 exemplars, not {exemplars}: an item does not see itself"
            )
        if space == "pixel" and latent_dim is not None:
            raise WrongUsage("latent_dim is the number of principal components\n  add: --space pca, or leave it out")
        if space == "pca" and likelihood == "bernoulli":
            raise WrongUsage("principal components are not zeros and ones\n  try: --likelihood gaussian")
        self.exemplars = exemplars
        self.encoder: PrincipalComponents | nn.Flatten = nn.Flatten()
        self.register_buffer("kept", torch.empty(0, *spec.shape))
        if space == "pca":
            dim = min(COMPONENTS, math.prod(spec.shape)) if latent_dim is None else latent_dim
            self.encoder, self.kept = PrincipalComponents(spec.shape, dim), torch.empty(0, dim)
        self.observed = Observed(spec, "gaussian" if space == "pca" else likelihood, binarize=True, sigma=None)
        self.width = nn.Parameter(torch.zeros(()))  # log tau^2, or the logit of 2 eps

    def loss(self, batch: FromPool) -> Terms:
        drawn = self.draw(batch)
        with torch.autocast(batch.x.device.type, enabled=False):  # small differences of large numbers decide
            if self.components is not None and not self.components.fitted:
                self.components.fit(batch.fetch(looked_at(batch.total, self.components.dim)))
            x = self.observed.binary(batch.x)
            windows = self.log_windows(self.embed(x), self.embed(batch.fetch(drawn)))
            count = torch.full((len(x),), float(len(drawn)), device=x.device)
            if self.training:
                itself = batch.rows[:, None] == drawn
                windows, count = windows.masked_fill(itself, -torch.inf), count - itself.sum(1)
            log_likelihood = (windows.logsumexp(1) - count.log() + self.log_left_out(x)).mean()
        width = {"eps": self.eps.detach()} if self.observed.likelihood == "bernoulli" else {"tau": self.tau.detach()}
        return {"loss": -log_likelihood, "log_likelihood": log_likelihood.detach(), **width}

    def draw(self, batch: FromPool) -> Tensor:
        """Positions of the exemplars of this step, (M,), each once, shared by its items."""
        m = min(EXEMPLARS, batch.total) if self.exemplars is None else self.exemplars
        if batch.total < 2:
            raise BadData("a Parzen window needs at least two items: one is explained by the other")
        if m > batch.total:
            raise WrongUsage(
                f"{m:,} exemplars asked for, and there are {batch.total:,} items\n  try: --exemplars {batch.total}"
            )
        return torch.randperm(batch.total)[:m].to(batch.rows.device)

    def log_windows(self, z: Tensor, centers: Tensor) -> Tensor:
        """log density of codes z (B, D) in the window around each exemplar (M, D), (B, M)."""
        if self.observed.likelihood == "gaussian":
            exponent, rest = exponents(z, centers, self.log_var)
            return exponent + rest[:, None]
        spread = 1 - 2 * self.eps
        log_p, log_q = (self.eps + spread * centers).log(), (self.eps + spread * (1 - centers)).log()  # of one, of zero
        return torch.addmm(log_q.sum(1), z, (log_p - log_q).T)

    def log_left_out(self, x: Tensor) -> Tensor:
        """log density of what the components leave out of items, (B,): with that of the components it is the item's.

        Both are parts of one rotated item. Nothing is left out of pixels.
        """
        if self.components is None or self.components.left_out == 0:
            return torch.zeros(len(x), device=x.device)
        left = (x - self.components.back(self.embed(x))).flatten(1)
        log_var = self.components.left_variance.log().clamp(min=SHARPEST)
        return -0.5 * (left.square().sum(1) * (-log_var).exp() + self.components.left_out * (LOG_2PI + log_var))

    @property
    def components(self) -> PrincipalComponents | None:
        return self.encoder if isinstance(self.encoder, PrincipalComponents) else None

    @property
    def log_var(self) -> Tensor:
        """log tau^2, never below that of the sharpest window: copies of items would narrow it without end."""
        return torch.logaddexp(self.width, torch.full_like(self.width, SHARPEST))

    @property
    def tau(self) -> Tensor:
        """Standard deviation of a Gaussian window."""
        return (0.5 * self.log_var).exp()

    @property
    def eps(self) -> Tensor:
        """Probability that a pixel differs from its exemplar's: below one half, where a window would be inside out."""
        return SAFEST + (0.5 - SAFEST) * self.width.sigmoid()

    @torch.no_grad()
    def remember(self, pool: Pool) -> None:
        """Make all items of a pool the exemplars, and the components theirs: after a training, or to swap them.

        The width stays as it was learned.
        """
        device = self.width.device
        if self.components is None:
            self.kept = (pool[:] if self.spec.kind == "image" else pool.floats(slice(None))).to(device)
            return
        self.components.fit(pool.floats(looked_at(len(pool), self.components.dim)).to(device))
        parts = [self.embed(pool.floats(rows).to(device)) for rows in torch.arange(len(pool)).split(AT_ONCE)]
        self.kept = torch.cat(parts)

    @property
    def total(self) -> int:
        """Number of exemplars."""
        if len(self.kept) == 0:
            raise WrongUsage("this Parzen window has seen no items yet: train it, or call remember(pool)")
        return len(self.kept)

    def known(self, rows: Tensor) -> Tensor:
        """Codes of the exemplars at these positions, (n, D)."""
        found = self.kept[rows]
        if self.components is None and self.spec.kind == "image":
            found = self.spec.to_float(found)
        return found.flatten(1)

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """The item a code stands for, (B, D) -> (B, *item); images in [0, 1]."""
        x = z.unflatten(1, self.spec.shape) if self.components is None else self.components.back(z)
        return x.clamp(0, 1) if self.spec.kind == "image" else x

    @torch.no_grad()
    def jitter(self, z: Tensor, generator: Generator | None = None) -> Tensor:
        """Codes as likely around exemplars with codes z (B, D), (B, D); of a Bernoulli window zeros and ones."""
        if self.observed.likelihood == "gaussian":
            return z + self.tau * torch.randn(z.shape, device=z.device, generator=generator)
        p = self.eps + (1 - 2 * self.eps) * z
        return torch.rand(z.shape, device=z.device, generator=generator).lt(p).float()

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """n items drawn from the model, (n, *item): exemplars picked, jittered and decoded."""
        which = torch.randint(0, self.total, (n,), device=self.width.device, generator=generator)
        return self.decode(self.jitter(self.known(which), generator))

    @torch.no_grad()
    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of codes (B, D) over all exemplars, (B,). Codes of a Bernoulli window are zeros and ones."""
        total = torch.full((len(z),), -torch.inf, device=z.device)
        with torch.autocast(z.device.type, enabled=False):
            for rows in torch.arange(self.total, device=z.device).split(AT_ONCE):
                total = torch.logaddexp(total, self.log_windows(z, self.known(rows)).logsumexp(1))
        return total - math.log(self.total)

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats per item, (B,), exact: over all exemplars, some at a time.

        Grey items of a Bernoulli window are binarized first: fix a binarization beforehand to compare models on the
        same zeros and ones.
        """
        x = self.observed.binary(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.log_prior(self.embed(x)) + self.log_left_out(x)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        if (saved := state.get(f"{prefix}kept")) is not None and saved.shape[1:] == self.kept.shape[1:]:
            self.kept = torch.empty_like(saved, device=self.kept.device)  # at any length, in the type of the pool
        super()._load_from_state_dict(state, prefix, *rest)


def looked_at(n: int, dim: int) -> Tensor:
    """Positions of the items that components are computed from, always the same ones."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[: max(SAMPLE, dim + 1)]

"""Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval, and Data Augmentation.
Norouzi, Fleet & Norouzi, 2020. https://arxiv.org/abs/2004.04795

Departures: exemplars are drawn without replacement (the paper's formula; its code draws with). The sum over the nearest
exemplars is divided by the number of all that were drawn, which keeps the objective a bound; `normaliser=code` divides
by the number of those in the sum, as the authors' code does, where the gradient is the same. An item's own code takes no
place among its nearest. Codes remembered for retrieval are not computed anew every epoch: each is written whenever its
item or exemplar passes by. Adam in place of its variant with normalized gradients (`--optimizer adam_norm_grad` is the
paper's); log tau^2 starts at 0, not at a normal draw; the residual body for color and larger images ends in a dense
layer, and has 16 channels and 2 blocks a stage where the paper has 48 and 6.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor, nn

from tacit.data.feeds import FromPool, from_pool
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import BadData, WrongUsage
from tacit.methods.latent_variable import Observed, evidence, log_prob
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.bodies import body as build_body
from tacit.nn.memory import CodeMemory
from tacit.nn.ramp import Ramp
from tacit.objectives.mixture import log_mixture, log_mixture_of_all, mixture_around, nearest_centers

EXEMPLARS = 500  # drawn a step unless you say otherwise; the paper draws half of the pool, at a far higher price
NORMALISERS = ("bound", "code")
AT_ONCE = 1000  # items encoded at once when all of a pool is


class ExemplarVAE(Method):
    """A VAE whose prior is the items themselves: pick one, jitter its code, decode. Codes are good for nearest neighbours.

    - `exemplars`: how many are drawn each step to stand for all; without a number 500, or all of a smaller pool.
    - `nearest`: only the so many nearest of those to each item are encoded anew and count (the paper: 10 of half the
      pool); 0 lets all that were drawn count.
    - `normaliser`: `bound` keeps the objective a bound on the likelihood, `code` reports as the authors' code does.
    - `leave_one_out`: an item does not see itself among the exemplars while training. Without it, it is learned by heart.
    - `body`: `vae` (gated layers), `hvae` or `conv_hvae` (two levels of codes), `residual` (color, larger images); `auto`
      is `residual` for color images and those of 32 pixels and more, otherwise `vae`.
    - `likelihood`, `binarize`, `sigma`: what an item is, as for `vae`.
    - `beta_warmup`: share of training over which the weight of the KL rises from 0 to 1.

    Shown, in nats per item: `elbo` (at beta = 1, with the exemplars of the step), `log_likelihood`, `kl`; `tau`, the
    standard deviation around an exemplar's code.
    """

    feed = staticmethod(from_pool)
    recipe = Recipe(steps=5000, batch=100, lr=1e-3)
    paper = "Norouzi, Fleet & Norouzi 2020, https://arxiv.org/abs/2004.04795"
    use_when = (
        "you want new items like a given one, codes whose nearest neighbours are alike, or more items to train on"
    )

    def __init__(
        self,
        spec: ItemSpec,
        *,
        exemplars: int | None = None,
        nearest: int = 0,
        normaliser: str = "bound",
        leave_one_out: bool = True,
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
        if normaliser not in NORMALISERS:
            raise WrongUsage(f"normaliser is {normaliser!r}, expected bound or code")
        least = 2 if leave_one_out else 1
        if exemplars is not None and exemplars < least:
            raise WrongUsage(f"an exemplar VAE needs at least {least} exemplars, not {exemplars}")
        if nearest < 0 or nearest > (exemplars or EXEMPLARS):
            raise WrongUsage(
                f"nearest is {nearest}: it counts among the exemplars drawn, from 1 to {exemplars or EXEMPLARS}, or 0 for all"
            )
        self.exemplars, self.nearest, self.normaliser = exemplars, nearest, normaliser
        self.leave_one_out = leave_one_out
        self.observed = Observed(spec, likelihood, binarize, sigma)
        self.body = build_body(body, spec.shape, latent_dim, width, depth)
        self.log_var = nn.Parameter(torch.zeros(()))  # log tau^2, one for all exemplars and dimensions
        self.memory = CodeMemory(latent_dim)
        self.beta = Ramp(1.0, beta_warmup)

    @property
    def encoder(self) -> nn.Module:
        return self.body.encoder

    def loss(self, batch: FromPool) -> Terms:
        n, x = len(batch.x), self.observed.binary(batch.x)
        drawn = self.draw(batch)
        itself = self.places(batch, drawn) if self.leave_one_out and self.training else None
        retrieves = self.nearest > 0 and self.training
        if retrieves:
            self.fill(batch)
            mean, log_var = self.body.posterior(x)
            self.memory.write(batch.rows, mean)  # else what is never retrieved would never be found again
            used = self.retrieve(mean, drawn, itself)
            centers = self.body.posterior(batch.fetch(used))[0]
            self.memory.write(used, centers)
        else:
            used = drawn
            both, both_var = self.body.posterior(torch.cat([x, batch.fetch(used)]))  # in one pass
            mean, log_var, centers = both[:n], both_var[:n], both[n:]
        count = self.count(n, drawn, itself) if retrieves and self.normaliser == "bound" else None
        left_out = None if itself is None else batch.rows[:, None] == used
        drawn_once = evidence(
            self.body,
            self.observed,
            x,
            (mean, log_var),
            lambda z: log_mixture(z, centers, self.log_var, leave_out=left_out, count=count),
        )
        return drawn_once.terms(self.beta.value) | {"tau": self.tau.detach()}

    def draw(self, batch: FromPool) -> Tensor:
        """Positions of the exemplars of this step, (M,), shared by its items."""
        m = min(EXEMPLARS, batch.total) if self.exemplars is None else self.exemplars
        if batch.total < 2:
            raise BadData("an exemplar VAE needs at least two items: one is explained by the other")
        if m > batch.total:
            raise WrongUsage(
                f"{m:,} exemplars asked for, and there are {batch.total:,} items\n  try: --exemplars {max(2, batch.total // 2)}"
            )
        if batch.total > 100_000:  # a permutation would take longer than the step; a few fewer do not matter
            return torch.randint(0, batch.total, (m,), device=batch.rows.device).unique()
        return torch.randperm(batch.total)[:m].to(batch.rows.device)

    def places(self, batch: FromPool, drawn: Tensor) -> Tensor:
        """Where among those drawn each item of the batch is itself, (B,); -1 where it is not."""
        place = torch.full((batch.total,), -1, device=drawn.device)
        place[drawn] = torch.arange(len(drawn), device=drawn.device)
        return place[batch.rows]

    @torch.no_grad()
    def retrieve(self, mean: Tensor, drawn: Tensor, itself: Tensor | None) -> Tensor:
        """The exemplars among those drawn that are nearest to some item of the batch, each once, (U,)."""
        nearest = nearest_centers(mean, self.memory.codes.index_select(0, drawn), self.nearest, itself)
        used = torch.zeros(len(self.memory), dtype=torch.bool, device=drawn.device)
        used[drawn[nearest.flatten()]] = True
        return used.nonzero().flatten()

    def count(self, n: int, drawn: Tensor, itself: Tensor | None) -> Tensor:
        """What the sum over the nearest is divided by, (B,): all that were drawn, also where the sum leaves them out."""
        count = torch.full((n,), float(len(drawn)), device=drawn.device)
        return count if itself is None else count - (itself >= 0).float()

    @torch.no_grad()
    def fill(self, batch: FromPool) -> None:
        """At the first step: the codes of all items, to retrieve from."""
        if len(self.memory) != batch.total:
            self.memory.fill(self.codes_of(batch.fetch, batch.total))

    @torch.no_grad()
    def remember(self, pool: Pool) -> None:
        """Make all items of a pool the exemplars of the prior: after a training, or to swap them without one."""
        device = self.log_var.device
        self.memory.fill(self.codes_of(lambda rows: pool.floats(rows).to(device), len(pool)))

    def codes_of(self, fetch: Callable[[Tensor], Tensor], total: int) -> Tensor:
        """Codes of all items that `fetch` gives by position, (N, D), some at a time."""
        return torch.cat([self.embed(fetch(rows)) for rows in torch.arange(total).split(AT_ONCE)])

    def after_step(self, progress: float) -> None:
        self.beta.follow(progress)

    @property
    def tau(self) -> Tensor:
        """Standard deviation around an exemplar's code."""
        return (0.5 * self.log_var).exp()

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z given x) as `mean, log_var`, (B, D) each."""
        return self.body.posterior(x)

    def embed(self, x: Tensor) -> Tensor:
        return self.body.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """The mean item a code stands for, (B, D) -> (B, *item); images in [0, 1]."""
        return self.observed.mean(self.body.decode(z))

    @torch.no_grad()
    def jitter(self, z: Tensor, generator: Generator | None = None) -> Tensor:
        """Codes as likely around exemplars with codes z (B, D), (B, D)."""
        return z + self.tau * torch.randn(z.shape, device=z.device, generator=generator)

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Mean items of n codes drawn from the prior, (n, *item): exemplars picked, jittered and decoded."""
        which = torch.randint(0, len(self.known()), (n,), device=self.log_var.device, generator=generator)
        return self.observed.mean(self.body.draw(self.jitter(self.memory.codes[which], generator), generator))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of codes (B, D) under the mixture of all exemplars, (B,), without gradient."""
        return log_mixture_of_all(z, self.known(), self.log_var)

    def log_prob(self, x: Tensor, samples: int = 100, rows: int | None = None, nearest: int | None = 5000) -> Tensor:
        """log p(x) in nats per item, (B,): the importance-weighted bound with `samples` codes, `rows` at a time.

        Of the exemplars only the `nearest` to an item's posterior mean count, divided by all: still a bound from below.
        5,000 of 50,000 are within 0.001 nats of all, at a tenth of the price; None lets all count.
        """
        known = self.known()
        if nearest is None:
            return log_prob(self.body, self.observed, x, self.log_prior, samples, rows)
        around = partial(mixture_around, centers=known, log_var=self.log_var.detach(), nearest=nearest)
        return log_prob(self.body, self.observed, x, self.log_prior, samples, rows, around)

    def known(self) -> Tensor:
        """Codes of the exemplars, (N, D)."""
        if len(self.memory) == 0:
            raise WrongUsage("this exemplar VAE has seen no items yet: train it, or call remember(pool)")
        return self.memory.codes

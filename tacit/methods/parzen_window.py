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
    - `likelihood`: `bernoulli` is of zeros and ones, drawn with the grey values of an item as probabilities; each differs
      from that of the exemplar with probability `eps`. `gaussian` is an exemplar and noise of standard deviation `tau`.
      `auto` is `bernoulli` for the pixels of grey images.

    Shown: `log_likelihood` in nats per item, of items left out of the exemplars of the step; `eps` or `tau`.
    """

    feed = staticmethod(from_pool)
    recipe = Recipe(steps=500, batch=100, lr=0.05, schedule="cosine")
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
        if exemplars is not None and exemplars < 2:
            raise WrongUsage(f"a Parzen window needs at least 2 exemplars, not {exemplars}: an item does not see itself")
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
        with torch.autocast(batch.x.device.type, enabled=False):  # differences of large numbers decide
            if self.components and not self.components.fitted:
                self.components.fit(batch.fetch(sample(batch.total)))
            x = self.observed.binary(batch.x)
            windows = self.log_windows(self.embed(x), self.embed(batch.fetch(drawn)))
            if self.training:
                windows = windows.masked_fill(batch.rows[:, None] == drawn, -torch.inf)
            count = windows.isfinite().sum(1).float()
            log_likelihood = (windows.logsumexp(1) - count.log() + self.log_left_out(x)).mean()
        width = {"eps": self.eps} if self.observed.likelihood == "bernoulli" else {"tau": self.tau}
        return {"loss": -log_likelihood, "log_likelihood": log_likelihood.detach(), **width}

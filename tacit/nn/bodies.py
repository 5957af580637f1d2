"""The networks of a latent-variable model, with the prior over its (upper) code left open.

A body reads an item (`posterior`, `context`), and explains it from a code (`explain`). One level: x <- z. Two levels:
x <- z1, z and z1 <- z, where z, the upper code, is the one the prior is about.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from tacit.errors import WrongUsage, unknown_name
from tacit.nn.decoder import decoder
from tacit.nn.gated import GatedLinear, gated_convs, gated_layers, started
from tacit.nn.trunk import SMALL, Trunk, trunk

BODIES = ("auto", "vae", "hvae", "conv_hvae", "residual")
LARGE = 32  # pixels of the longer side; from there on a gated MLP is no match for convolutions


class Lower(NamedTuple):
    """One draw of the lower code with the two distributions it is judged by, (B, D) each."""

    z: Tensor
    mean: Tensor  # q(z1 given x, z)
    log_var: Tensor
    prior_mean: Tensor  # p(z1 given z)
    prior_log_var: Tensor


class OneLevel(nn.Module):
    """Encoder, posterior head and decoder: of any kind of trunk."""

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int,
        kind: str,
        width: int | None = None,
        depth: int | None = None,
        rate: int = 16000,
    ) -> None:
        super().__init__()
        self.encoder = trunk(shape, kind, width=width, depth=depth, rate=rate)
        self.to_posterior = head(self.encoder.out_dim, latent_dim, kind)
        self.decoder = decoder(latent_dim, shape, kind, width=width, depth=depth)

    def posterior(self, x: Float[Tensor, "B *item"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """q(z given x) as `mean, log_var`."""
        return halves(self.to_posterior(self.encoder(x)))

    def context(self, x: Float[Tensor, "B *item"]) -> None:
        """What `explain` needs of the item beside its code: nothing."""

    def explain(
        self, z: Float[Tensor, "B D"], context: Float[Tensor, "B F"] | None = None
    ) -> tuple[Float[Tensor, "B *item"], Lower | None]:
        """What the decoder makes of a code; the second is the draw of a lower level, where there is one."""
        return self.decoder(z), None

    def decode(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B *item"]:
        return self.decoder(z)

    def draw(self, z: Float[Tensor, "B D"], generator: Generator | None = None) -> Float[Tensor, "B *item"]:
        """The same: below the code there is nothing to draw."""
        return self.decoder(z)


class TwoLevels(nn.Module):
    """The two-level network of VampPrior (Tomczak & Welling 2018, sec. 5), gated: dense, or with convolutions."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, kind: str, width: int | None = None) -> None:
        super().__init__()
        hidden = (width or 300) if kind == "gated" else 300
        self.encoder = trunk(shape, kind, width=width)
        self.to_posterior = head(self.encoder.out_dim, latent_dim, kind)
        self.eye = second_eye(shape, kind, width)
        self.from_upper = GatedLinear(latent_dim, self.eye.out_dim)
        self.together = GatedLinear(2 * self.eye.out_dim, hidden)
        self.to_lower = head(hidden, latent_dim, kind)
        self.lower_prior = nn.Sequential(*gated_layers([latent_dim, hidden, hidden]), head(hidden, latent_dim, kind))
        self.hands = nn.ModuleList(GatedLinear(latent_dim, hidden) for _ in range(2))
        self.decoder = decoder(2 * hidden, shape, kind, width=width, depth=1)

    def posterior(self, x: Float[Tensor, "B *item"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """q(z given x) of the upper code as `mean, log_var`."""
        return halves(self.to_posterior(self.encoder(x)))

    def context(self, x: Float[Tensor, "B *item"]) -> Float[Tensor, "B F"]:
        """What the lower posterior sees of the item: the same for every draw of the upper code."""
        return self.eye(x)

    def explain(
        self, z: Float[Tensor, "B D"], context: Float[Tensor, "B F"] | None = None
    ) -> tuple[Float[Tensor, "B *item"], Lower | None]:
        """A lower code drawn from q(z1 given x, z), and what the decoder makes of both."""
        assert context is not None, "the lower posterior looks at the item: pass its context"
        seen = torch.cat([context, self.from_upper(z)], 1)
        mean, log_var = halves(self.to_lower(self.together(seen)))
        lower = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        return self.drawn(z, lower), Lower(lower, mean, log_var, *halves(self.lower_prior(z)))

    def decode(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B *item"]:
        """With the lower code at the mean its prior gives it."""
        return self.drawn(z, halves(self.lower_prior(z))[0])

    def draw(self, z: Float[Tensor, "B D"], generator: Generator | None = None) -> Float[Tensor, "B *item"]:
        """With a lower code drawn from its prior."""
        mean, log_var = halves(self.lower_prior(z))
        noise = torch.randn(mean.shape, device=mean.device, generator=generator)
        return self.drawn(z, mean + (0.5 * log_var).exp() * noise)

    def drawn(self, z: Tensor, lower: Tensor) -> Tensor:
        return self.decoder(torch.cat([hand(code) for hand, code in zip(self.hands, (lower, z), strict=True)], 1))


def body(
    name: str, shape: tuple[int, ...], latent_dim: int, width: int | None = None, depth: int | None = None
) -> OneLevel | TwoLevels:
    """A body by the name it has in the papers.

    - `vae`: gated layers, `depth` (2) of `width` (300) each way.
    - `hvae`, `conv_hvae`: two levels of codes, both of `latent_dim`; gated layers, or gated convolutions (images).
    - `residual`: one level with the residual convolutions used for faces (images).
    - `auto`: `residual` for color images and those of 32 pixels and more, otherwise `vae`.

    None has statistics of a batch: a code never depends on the other items, in training either.
    """
    if name not in BODIES:
        raise unknown_name("body", name, BODIES)
    if latent_dim < 1:
        raise WrongUsage(f"a code has at least one dimension, not {latent_dim}")
    image = len(shape) == 3
    if len(shape) == 2:
        raise WrongUsage(
            "this method looks at an item value by value, and a sound a moment later has other values everywhere\n"
            "  methods that hear it as a spectrum: tacit learn vae, or tacit learn autoencoder"
        )
    if name == "auto":
        large = image and max(shape[1:]) >= SMALL and (shape[0] > 1 or max(shape[1:]) >= LARGE)
        name = "residual" if large else "vae"
    if name in ("conv_hvae", "residual") and not image:
        raise WrongUsage(
            f"a {name} body needs images; these items have shape {shape}\n  try: --body hvae or --body vae"
        )
    if name in ("hvae", "conv_hvae"):
        if depth is not None:
            raise WrongUsage(f"a {name} body has a depth of its own\n  leave out --depth")
        return TwoLevels(shape, latent_dim, "gated" if name == "hvae" else "gated_conv", width)
    return OneLevel(shape, latent_dim, "gated" if name == "vae" else "residual", width, depth)


def second_eye(shape: tuple[int, ...], kind: str, width: int | None) -> Trunk:
    """How the lower posterior looks at an item: one gated layer, or the convolutions with 3x3 kernels throughout."""
    if kind == "gated":
        return trunk(shape, kind, width=width, depth=1)
    layers, features = gated_convs(shape, width or 32, kernels=(3,) * 5)
    return Trunk(*layers, out_dim=features)


def head(features: int, latent_dim: int, kind: str) -> nn.Linear:
    """From features to mean and log variance."""
    layer = nn.Linear(features, 2 * latent_dim)
    return started(layer) if kind.startswith("gated") else layer


def halves(both: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance; the latter within [-6, 2], since one step too far would end in nan."""
    mean, log_var = both.float().chunk(2, dim=1)
    return mean, log_var.clamp(-6, 2)

"""Reducing the Dimensionality of Data with Neural Networks.
Hinton & Salakhutdinov, 2006. https://www.cs.toronto.edu/~hinton/absps/science.pdf

With `noise`: Extracting and Composing Robust Features with Denoising Autoencoders.
Vincent, Larochelle, Bengio & Manzagol, 2008. https://www.cs.toronto.edu/~larocheh/publications/icml-2008-denoising-autoencoders.pdf

Departures: trained end to end with Adam, without layer-wise pretraining, which initializations of today make needless;
squared error in place of cross entropy; the corruption is Gaussian and not a mask, so that one number fits images and
vectors alike.
"""

import torch
from torch import Tensor, nn

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.decoder import decoder
from tacit.nn.trunk import trunk as build_trunk


class AutoEncoder(Method):
    """A code from which an item can be drawn again, with the smallest squared error.

    `noise` is the standard deviation of Gaussian noise on what the encoder sees (images are in [0, 1], vectors
    standardized); 0.1 to 0.5 makes it a denoising autoencoder. The target is always the clean item.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=4000, batch=128, lr=1e-3, schedule="cosine")
    paper = "Hinton & Salakhutdinov 2006, https://www.cs.toronto.edu/~hinton/absps/science.pdf"
    use_when = "you want short codes that keep how an item looks, or a decoder, and no assumptions about the codes"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        latent_dim: int = 32,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        noise: float = 0.0,
    ) -> None:
        super().__init__(spec)
        self.encoder = build_trunk(spec.shape, trunk, width=width, depth=depth, rate=spec.rate)
        self.to_code = nn.Linear(self.encoder.out_dim, latent_dim)
        self.decoder = decoder(latent_dim, spec.shape, trunk, width=width, depth=depth)
        self.noise = noise

    def loss(self, x: Tensor) -> Terms:
        seen = x + self.noise * torch.randn_like(x) if self.training and self.noise else x
        drawn = self.decoder(self.embed(seen)).float()
        error = (drawn - x).square().flatten(1).sum(1).mean()  # of the clean item, corrupted or not
        return {"loss": error}

    def embed(self, x: Tensor) -> Tensor:
        return self.to_code(self.encoder(x))

    def decode(self, z: Tensor) -> Tensor:
        """The item a code stands for, (B, D) -> (B, *item); images in [0, 1], sounds in [-1, 1]."""
        return self.spec.within(self.decoder(z).float())

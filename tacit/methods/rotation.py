"""Unsupervised Representation Learning by Predicting Image Rotations.
Gidaris, Singh & Komodakis, 2018. https://arxiv.org/abs/1803.07728
As a pretext task in S4L: Self-Supervised Semi-Supervised Learning.
Zhai, Oliver, Kolesnikov & Beyer, 2019. https://arxiv.org/abs/1905.03670

Departures: the trunk all methods here share, and AdamW; codes are the last map averaged to 2 x 2 pixels, so that they
stay a few hundred numbers, where the paper measures whole maps; pictures are cropped before they are turned, as in S4L,
whose classifier of labeled items beside it is no part of this.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.data.warps import rotate90
from tacit.methods.method import Method, Recipe, Terms
from tacit.methods.quarter_turns import TURNS, refuse_what_has_no_quarter_turns
from tacit.nn.maps import by_depth, depth_named
from tacit.nn.trunk import trunk as build_trunk


class Rotation(Method):
    """Which of four ways is up? A classifier of quarter turns, for what its encoder has to see to tell.

    `views`, `crop` and `flip`: the light view of an item that is turned, see `tacit look --views`. Shown: the loss beside
    chance, log 4, and the accuracy of the classifier.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=3000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=1e-4, schedule="cosine", warmup=0.05)
    paper = "Gidaris, Singh & Komodakis 2018, https://arxiv.org/abs/1803.07728"
    use_when = "items are pictures with an up side, and you want codes soon and without comparing items"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        layer: str = "auto",
        views: str = "auto",
        crop: float = 0.5,
        flip: bool | None = None,
    ) -> None:
        super().__init__(spec)
        refuse_what_has_no_quarter_turns(spec, "rotation", instead="tacit learn simclr")
        self.view = Views(spec, views, crop=crop, color=0.0, flip=flip, blur=0.0)
        self.encoder = build_trunk(spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features)
        self.layer = depth_named(self.encoder, layer)
        self.head = nn.Linear(self.encoder.out_dim, TURNS)

    def loss(self, x: Tensor) -> Terms:
        upright = self.view(x) if self.training else x
        turns = torch.arange(TURNS, device=x.device).repeat_interleave(len(x))
        turned = rotate90(upright.repeat(TURNS, 1, 1, 1), turns)  # after the crop: no border gives the answer away
        logits = self.head(self.encoder(turned)).float()  # one forward: batch statistics are of all four
        right = logits.detach().argmax(1) == turns
        return {
            "loss": F.cross_entropy(logits, turns),
            "chance": logits.new_tensor(math.log(TURNS)),
            "accuracy": right.float().mean(),
        }

    def embed(self, x: Tensor) -> Tensor:
        return self.layers(x)[self.layer]

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer, that of the codes first: (B, D) each."""
        return by_depth(self.encoder, x, first=self.layer)

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of items, (B, *item) -> (B, 4, *item)."""
        upright = self.view(x)
        return torch.stack([upright.rot90(k, (2, 3)) for k in range(TURNS)], dim=1)

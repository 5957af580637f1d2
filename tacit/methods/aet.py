"""AET vs. AED: Unsupervised Representation Learning by Auto-Encoding Transformations rather than Data.
Zhang, Qi, Wang & Luo, 2019. https://arxiv.org/abs/1901.04596
With the families of EnAET: A Self-Trained Framework for Semi-Supervised and Supervised Learning.
Wang, Kihara, Luo & Qi, 2019. https://arxiv.org/abs/1911.09265

Departures: decoders see the output of the trunk all methods here share, where EnAET takes an earlier stage with a copy of
the next one for each decoder; they have a hidden layer, without which that output becomes a list of angles (nearest
neighbours 54 %, untrained 69 %); EnAET's scales, made for 32 x 32 pixels, are shares of an item's size, the same numbers
at 32; corners move by any share up to 1/8, not by whole pixels, and borders are repeated, not black; AdamW; codes are the
last map averaged to 2 x 2 pixels. EnAET's use of labels, the mosaic with it, is no part of this.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.families import chance, check_degrees, target_size, transform, weighted
from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import WrongUsage
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.maps import by_depth, depth_named
from tacit.nn.projector import Projector
from tacit.nn.trunk import trunk as build_trunk


class AET(Method):
    """What was done to this item? The numbers of a transformation, told from the item before and after it.

    - `family`: `projective`, `affine`, `similarity`, `euclidean`, `colors`, several as `affine+colors`, or `all`,
      with a decoder for each.
    - `degrees`: the largest angle. 30 for digits and letters, which turn into each other.
    - `views`, `crop` and `flip`: the light view of an item that is transformed, see `tacit look --views`.

    Shown: the mean squared error of the numbers beside chance, the error of the mean transformation.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=3000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=1e-4, schedule="cosine", warmup=0.05)
    paper = "Zhang et al. 2019, https://arxiv.org/abs/1901.04596"
    use_when = "items are pictures whose parts and places matter, and you want codes without comparing items"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        family: str = "projective",
        degrees: float = 180.0,
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
        if spec.kind != "image":
            raise WrongUsage(f"aet transforms pictures, and these items are {spec.kind}s\n  try: tacit learn simclr")
        check_degrees(degrees)
        self.weights = weighted(family)
        self.degrees = float(degrees)
        self.view = Views(spec, views, crop=crop, color=0.0, flip=flip, blur=0.0)
        self.encoder = build_trunk(spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features)
        self.layer = depth_named(self.encoder, layer)
        pair = 2 * self.encoder.out_dim
        self.decoders = nn.ModuleDict(
            {
                name: Projector(pair, target_size(name, spec.shape[0]), norm=norm, last_norm=False)
                for name in self.weights
            }
        )

    def loss(self, x: Tensor) -> Terms:
        x = self.view(x) if self.training else x
        changed = transform(x, tuple(self.weights), self.degrees)
        before, *after = self.encoder(torch.cat([x, *(y for y, _ in changed)])).chunk(1 + len(changed))
        terms = {
            name: F.mse_loss(self.decoders[name](torch.cat([before, h], dim=1)).float(), target)
            for name, h, (_, target) in zip(self.weights, after, changed, strict=True)
        }
        loss = torch.stack([weight * terms[name] for name, weight in self.weights.items()]).sum()
        mean_guess = sum(weight * chance(name, self.degrees) for name, weight in self.weights.items())
        return {"loss": loss, "chance": loss.new_tensor(mean_guess), **(terms if len(terms) > 1 else {})}

    def embed(self, x: Tensor) -> Tensor:
        return self.layers(x)[self.layer]

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer, that of the codes first: (B, D) each."""
        return by_depth(self.encoder, x, first=self.layer)

    def views(self, x: Tensor) -> Tensor:
        """Items as a step sees them, and transformed: (B, *item) -> (B, 1 + families, *item)."""
        x = self.view(x)
        return torch.stack([x, *(y for y, _ in transform(x, tuple(self.weights), self.degrees))], dim=1)

"""A Simple Framework for Contrastive Learning of Visual Representations.
Chen, Kornblith, Norouzi & Hinton, 2020. https://arxiv.org/abs/2002.05709
Big Self-Supervised Models are Strong Semi-Supervised Learners.
Chen, Kornblith, Swersky, Norouzi & Hinton, 2020. https://arxiv.org/abs/2006.10029

Departures: the trunk all methods here share, not a ResNet-50; AdamW with batches of 256, LARS (`--optimizer lars`) being
made for thousands; crops are linear, not bicubic, and colors are clipped once, after all four changes; the loss is
equation 1, half of what the authors' code minimises; the second paper's memory of negatives is MoCo's (`moco`).
"""

import math

import torch
from torch import Tensor

from tacit.across import everywhere
from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.method import Method, Recipe, Terms, check_batch
from tacit.nn.maps import by_depth
from tacit.nn.projector import Projector
from tacit.nn.trunk import trunk as build_trunk
from tacit.objectives.contrastive import check_temperature, nt_xent

HEAD_LAYERS = {1: 2, 2: 3}  # by version


class SimCLR(Method):
    """Two random views of an item must be each other's nearest among all views of a batch.

    - `version`: 1 has a projector of two layers, 2 of three. `layer`: codes are features after so many hidden layers
      of it; 0 is the encoder itself (the first paper, sec. 4.2), 1 what the second fine-tunes from.
    - `temperature`: 0.5 is the paper's for 32 x 32 pictures, 0.1 for ImageNet.
    - `views`, `crop`, `color`, `flip`, `blur`: what a view is, see `tacit look --views`.

    Shown: the loss beside chance, log(2B - 1).
    """

    feed = staticmethod(items)
    recipe = Recipe(
        steps=8000, batch=256, lr=2e-3, optimizer="adamw", weight_decay=1e-4, schedule="cosine", warmup=0.05
    )
    paper = "Chen et al. 2020, https://arxiv.org/abs/2002.05709 and https://arxiv.org/abs/2006.10029"
    use_when = "items are pictures whose class survives a crop and other colors, and you want codes to classify with"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        version: int = 2,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        projection_dim: int = 128,
        temperature: float = 0.5,
        layer: int = 0,
        views: str = "auto",
        crop: float | None = None,
        color: float | None = None,
        flip: bool | None = None,
        blur: float | None = None,
    ) -> None:
        super().__init__(spec)
        check_temperature(temperature)
        if version not in HEAD_LAYERS:
            raise unknown_name("version of simclr", str(version), [str(v) for v in HEAD_LAYERS])
        if not 0 <= layer < HEAD_LAYERS[version]:
            raise WrongUsage(
                f"layer is {layer}: the projector has hidden layers 1 to {HEAD_LAYERS[version] - 1}, 0 is before"
            )
        self.view = Views(spec, views, crop=crop, color=color, flip=flip, blur=blur)
        self.encoder = build_trunk(
            spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features, rate=spec.rate
        )
        self.projector = Projector(self.encoder.out_dim, projection_dim, layers=HEAD_LAYERS[version], norm=norm)
        self.temperature, self.layer = temperature, layer

    def check(self, pool: Pool, recipe: Recipe) -> None:
        check_batch("simclr", pool, recipe)

    def loss(self, x: Tensor) -> Terms:
        both = torch.cat([self.view(x), self.view(x)])  # one forward: batch statistics are of both views
        z = self.projector(self.encoder(both)).float()
        z_a, z_b = (everywhere(part) for part in z.chunk(2))
        return {
            "loss": nt_xent(z_a, z_b, self.temperature),
            "chance": z.new_tensor(math.log(2 * len(z_a) - 1)),
        }

    def embed(self, x: Tensor) -> Tensor:
        return self.projector.layer(self.encoder(x), self.layer)

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer: (B, D) each."""
        by_name = by_depth(self.encoder, x)
        return {**self.projector.named(by_name["encoder"]), **by_name}

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of items, (B, *item) -> (B, 2, *item)."""
        return torch.stack([self.view(x), self.view(x)], dim=1)

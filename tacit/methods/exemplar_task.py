"""Discriminative Unsupervised Feature Learning with Exemplar Convolutional Neural Networks.
Dosovitskiy, Fischer, Springenberg, Riedmiller & Brox, 2014. https://arxiv.org/abs/1406.6909
In the form of S4L: Self-Supervised Semi-Supervised Learning.
Zhai, Oliver, Kolesnikov & Beyer, 2019. https://arxiv.org/abs/1905.03670

Departures: the trunk all methods here share, and AdamW; 4 copies and 128 numbers, not 8 and 1,000; batch statistics
behind the last layer, since without them all codes became one within 100 steps; S4L's classifier of labeled items
beside it is no part of this.
"""

import torch
from torch import Tensor

from tacit.across import everywhere, processes
from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import WrongUsage
from tacit.methods.method import Method, Recipe, Terms, check_batch
from tacit.nn.maps import by_depth
from tacit.nn.projector import Projector
from tacit.nn.trunk import trunk as build_trunk
from tacit.objectives.triplet import batch_hard


class ExemplarTask(Method):
    """Every item is a class of its own: its copies, each changed at random, belong together.

    - `copies` of each item of a batch, all told apart by the hardest triplets among them.
    - `embedding_dim`: numbers that triplets are measured in.
    - `views`, `crop`, `color`, `flip`, `blur`: how copies differ, see `tacit look --views`.

    Shown: the loss, at best 0.127, beside chance: the loss of the same codes with copies dealt to other items. Where all
    codes are one, both are log 2.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=3000, batch=64, lr=1e-3, optimizer="adamw", weight_decay=1e-4, schedule="cosine", warmup=0.05)
    paper = "Dosovitskiy et al. 2014, https://arxiv.org/abs/1406.6909"
    use_when = "you want codes that ignore what views change, from small batches, for pictures, sounds or vectors"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        copies: int = 4,
        embedding_dim: int = 128,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        views: str = "auto",
        crop: float | None = None,
        color: float | None = None,
        flip: bool | None = None,
        blur: float | None = None,
    ) -> None:
        super().__init__(spec)
        if copies < 2:
            raise WrongUsage(f"a triplet needs two copies of an item or more, not {copies}\n  try: --copies 4")
        self.copies = copies
        self.view = Views(spec, views, crop=crop, color=color, flip=flip, blur=blur)
        self.encoder = build_trunk(
            spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features, rate=spec.rate
        )
        self.projector = Projector(self.encoder.out_dim, embedding_dim, layers=1, norm=norm)

    def check(self, pool: Pool, recipe: Recipe) -> None:
        check_batch("exemplar_task", pool, recipe)

    def loss(self, x: Tensor) -> Terms:
        z = self.projector(self.encoder(self.view(x.repeat_interleave(self.copies, dim=0)))).float()
        z = everywhere(z)
        batch, row = len(x) * processes(), torch.arange(len(z), device=z.device)
        item = row // self.copies
        return {"loss": batch_hard(z, item), "chance": batch_hard(z.detach(), row % batch)}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer: (B, D) each."""
        by_name = by_depth(self.encoder, x)
        return {**self.projector.named(by_name["encoder"]), **by_name}

    def views(self, x: Tensor) -> Tensor:
        """Copies of items as a step makes them, (B, *item) -> (B, copies, *item)."""
        return self.view(x.repeat_interleave(self.copies, dim=0)).unflatten(0, (len(x), self.copies))

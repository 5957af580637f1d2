"""Deep Residual Learning for Image Recognition.
He, Zhang, Ren & Sun, 2015. https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.augment import augment as augmented
from tacit.data.feeds import Labeled, labeled
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.trunk import trunk as build_trunk


class Supervised(Method):
    feed = staticmethod(labeled)
    recipe = Recipe(steps=1500, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    paper = "He et al. 2015, https://arxiv.org/abs/1512.03385"
    use_when = "there"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "light",
        flip: bool = False,
        label_smoothing: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(spec)
        if len(spec.classes) < 2:
            raise NotEnoughLabels("x")
        self.encoder = build_trunk(spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.augment, self.flip, self.label_smoothing = augment, flip, label_smoothing

    def loss(self, batch: Labeled) -> Terms:
        x = augmented(batch.x, self.augment, flip=self.flip) if self.training else batch.x
        logits = self.logits(x).float()
        loss = F.cross_entropy(logits, batch.y, label_smoothing=self.label_smoothing)
        return {"loss": loss, "accuracy": (logits.detach().argmax(1) == batch.y).float().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.embed(x)))

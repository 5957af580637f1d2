"""The supervised baseline: cross entropy on the answered items, and nothing from the others.
After P.2 ("report the tuned supervised baseline") of Realistic Evaluation of Deep Semi-Supervised Learning Algorithms.
Oliver, Odena, Raffel, Cubuk & Goodfellow, 2018. https://arxiv.org/abs/1804.09170

Departures: the trunk is the one all methods here share, not a WRN-28-2, so that rows differ in the method only;
AdamW with a cosine in place of Adam; fewer steps, for two cores.

What was tried, on held-out training items: MNIST with 100 and 1000 answers (1 to 2 draws, 300 to 600 steps) and 8x8
digits with 20, 100 and 500 (3 draws, 400 steps); accuracy in %.

- Light augmentation against none: MNIST 92.3 / 87.7 and 98.0 / 97.0; digits 72.0 / 66.2, 94.6 / 91.1, 97.3 / 95.5.
- conv against mlp: MNIST with 100 answers and smoothing 0.1, 93.3 / 85.2; digits 72.0 / 68.9, 94.6 / 91.1, 97.3 / 96.5.
- Label smoothing 0 / 0.03 / 0.1 on digits: 71.9 / 75.0 / 75.2, 94.4 / 95.0 / 95.1, 97.3 / 98.4 / 98.2, and negative
  log-likelihood 3.89 / 0.92 / 0.94, 0.26 / 0.19 / 0.28, 0.08 / 0.08 / 0.15: more would buy doubt, and no accuracy.
- Augment `exemplar` (8x8 digits, 100 answers, mlp of 100 with batch norm, 3 draws, 300 steps): 86.0 without relatives,
  89.4 with those of a Gaussian exemplar_vae, 88.3 with noise of 0.2 in their place, 86.0 with copies of the items.
  Without batch norm 85.7 and 86.0. `exemplar+light` 92.7, `light` alone 90.3 (400 steps).
- Two to three times the steps: up to 1 point. Within the noise or below: learning rates of 0.0005 and 0.005, weight
  decay 0.1, dropout up to 0.5, an average of the weights, stronger augmentation, black borders, a fourth block.
"""

from torch import Tensor, nn

from tacit.data.feeds import Labeled, labeled
from tacit.data.spec import ItemSpec
from tacit.methods.beginning import check_classes
from tacit.methods.method import Method, Recipe, Terms
from tacit.methods.relatives import Augmentation
from tacit.nn.trunk import trunk as build_trunk


class Supervised(Method):
    """A classifier from the answered items alone: the row every other classifier is compared with.

    `features` is the length of a code, `augment` one of `none`, `light`, `crop`, `views`, `exemplar` and
    `exemplar+light`; `flip` mirrors items as well where that is light (not for letters and digits). `real_weight`: what
    items count beside their relatives (`exemplar`). Shown: `accuracy` on the items of the batch, as augmented.
    """

    feed = staticmethod(labeled)
    recipe = Recipe(steps=1000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    paper = "Oliver et al. 2018 (sec. 4, P.2), https://arxiv.org/abs/1804.09170"
    use_when = "you want the baseline, or so many items are labelled that the others add little"

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
        real_weight: float = 0.4,
        label_smoothing: float = 0.03,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        self.augmentation = Augmentation(spec, augment, flip, real_weight)
        self.encoder = build_trunk(
            spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features, rate=spec.rate
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.label_smoothing = label_smoothing

    def loss(self, batch: Labeled) -> Terms:
        logits = self.logits(self.augmentation(batch) if self.training else batch.x).float()
        loss = self.augmentation.cross_entropy(logits, batch.y, self.label_smoothing)
        right = logits.detach()[: len(batch.y)].argmax(1) == batch.y
        return {"loss": loss, "accuracy": right.float().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.dropout(self.embed(x)))

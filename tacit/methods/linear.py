"""Linear evaluation: one linear layer on a frozen encoder, as section 4 of A Simple Framework for Contrastive Learning of
Visual Representations measures what was learned. Chen, Kornblith, Norouzi & Hinton, 2020.
https://arxiv.org/abs/2002.05709

Departures: features are standardized by the whole pool; items are not changed by default, where the paper crops and
mirrors them; a fixed number of steps in place of 90 passes, and a weight decay of 0.01, where the paper has none.

What was tried on Fashion-MNIST, an untrained conv trunk, 2,000 other training items; accuracy in % and negative
log-likelihood with 40, 250 and 1,000 labels:

- As it is 60.3, 71.9, 75.2 and 1.23, 0.86, 0.69. Weight decay 0.001: 60.7, 71.9, 75.7 and 1.31, 0.91, 0.69; 0.1: 60.4,
  72.1, 75.2 and 1.17, 0.86, 0.81.
- AdamW, rate 0.002, weight decay 0.1: 56.6, 71.4, 75.5 and 1.46, 0.92, 0.71. Rate 0.01, decay 3: 58.4, 72.2, 75.4 and
  1.24, 0.82, 0.76.
- Fitted to the minimum with a weight decay chosen by held-out labels (`fit_probe`): 58.7, 71.2, 75.5.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Labeled, labeled
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.maps import by_depth, depth_named

AT_ONCE = 500  # items whose features are worked out at once
SPREAD = 1e-6  # least standard deviation of a feature; below, it is the same for all items


class Linear(Method):
    """One linear layer that reads the codes of a method learned without labels, which stay as they are.

    - `layer`: which features it reads: `encoder`, the output of the trunk, or the maps `map.1`, `map.2` ... averaged to
      2 x 2 pixels. A run of a method that has a layer of its own for its codes brings that.
    - `trunk`, `width`, `depth`, `norm`, `features`: as the learner has them; `take_over` brings its weights.
    - `augment`, `flip`: as `supervised` has them.

    Shown: `accuracy` on the items of the batch.
    """

    feed = staticmethod(labeled)
    recipe = Recipe(steps=1000, batch=64, lr=0.01, optimizer="sgd", weight_decay=0.01, schedule="cosine")
    needs_trunk = True
    paper = "Chen et al. 2020 (sec. 4), https://arxiv.org/abs/2002.05709"
    use_when = "a space was learned without labels, and you want to see what it knows, or have very few labels"

    center: Tensor
    scale: Tensor
    seen: Tensor

    def __init__(
        self,
        spec: ItemSpec,
        *,
        layer: str = "encoder",
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "none",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features).requires_grad_(False).eval()
        self.layer = depth_named(self.encoder, layer)
        dim = self.read(torch.zeros(1, *spec.shape)).shape[1]
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.register_buffer("seen", torch.tensor(0))  # items that center and scale are of
        self.head = nn.Linear(dim, len(spec.classes))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def loss(self, batch: Labeled) -> Terms:
        logits = self.logits(self.change(batch.x) if self.training else batch.x).float()
        right = logits.detach().argmax(1) == batch.y
        return {"loss": F.cross_entropy(logits, batch.y), "accuracy": right.float().mean()}

    @torch.no_grad()
    def read(self, x: Tensor) -> Tensor:
        """Features of the layer, (B, *item) -> (B, D); no gradient reaches what is below them."""
        return by_depth(self.encoder, x, first=self.layer)[self.layer].float()

    def embed(self, x: Tensor) -> Tensor:
        """Standardized features, (B, *item) -> (B, D)."""
        return (self.read(x) - self.center) / self.scale

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def remember(self, pool: Pool) -> None:
        """Center and scale of all items' features, once: the head reads on this scale from then on."""
        if self.seen:
            return
        total = square = torch.zeros((), dtype=torch.float64)
        for i in range(0, len(pool), AT_ONCE):
            h = self.read(pool.floats(slice(i, i + AT_ONCE)).to(self.center.device)).double()
            total, square = total + h.sum(0), square + h.square().sum(0)
        center = total / len(pool)
        spread = (square / len(pool) - center.square()).clamp(min=0).sqrt()
        self.center.copy_(center)
        self.scale.copy_(torch.where(spread > SPREAD, spread, 1.0))
        self.seen.fill_(len(pool))

    def train(self, mode: bool = True) -> "Linear":
        super().train(mode)
        self.encoder.eval()  # its running statistics stay those it learned with
        return self

    def take_over(self, learned: Method) -> None:
        """Stand on the trunk of a method learned without labels; a sentence where it does not fit."""
        take_over([self.encoder], learned, self.spec)
        self.seen.zero_()

    @staticmethod
    def options_of(learned: Method) -> dict[str, Any]:
        """The options of its trunk, and the layer of its codes where it has one."""
        layer = learned.options.get("layer")
        named = {"layer": getattr(learned, "layer", layer)} if isinstance(layer, str) else {}
        return {**options_of(learned), **named}

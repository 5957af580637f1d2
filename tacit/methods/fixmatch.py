"""FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence.
Sohn, Berthelot, Li, Zhang, Carlini, Cubuk, Kurakin, Zhang & Raffel, 2020. https://arxiv.org/abs/2001.07685

Departures: the views of simclr and a square taken out in place of RandAugment or CTAugment; the trunk all methods here
share, and AdamW with a cosine; 4 unlabeled items for a labeled one, not 7; guesses are made in a forward of their own, by
its batch statistics, so that no gradient is worked out for items that need none; unlabeled batches hold labeled items
too; fewer steps, so the slow copy forgets within 100 of them, not 1,000.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data import erase
from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.alignment import Alignment
from tacit.nn.statistics import statistics_kept


class FixMatch(Method):
    """A classifier whose sure answers for slightly changed items are the labels of the same items changed a lot.

    - `threshold`: a guess at least so sure counts, any other does not.
    - `unlabeled_weight`: of the cross entropy with these guesses.
    - `align`: guesses are divided by how often each class was guessed lately and multiplied by `align_to`: `labels`, the
      shares of the labeled items, or `even`; `none` leaves guesses as they are (Berthelot et al. 2020, sec. 3.1).
    - `augment`, `flip`: the small change, as `supervised` has it. `views`, `crop`, `color`, `blur`: the large one, see
      `tacit look --views`, and `cutout`, the side of the square that is taken out, as a share of the picture's.

    Shown: the cross entropies `labeled` and `unlabeled`, and `sure`, the share of the guesses that count.
    """

    feed = staticmethod(partial(semi, times=4))
    recipe = Recipe(steps=3000, batch=32, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine", ema=0.99)
    paper = "Sohn et al. 2020, https://arxiv.org/abs/2001.07685"
    use_when = "few items are labelled, many are not, and you know what may change about an item and its class stay"
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        align: str = "none",
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "light",
        flip: bool = False,
        views: str = "auto",
        crop: float | None = None,
        color: float | None = None,
        blur: float | None = None,
        cutout: float = 0.5,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        if not 0 <= threshold <= 1:
            raise WrongUsage(f"threshold is {threshold:g}, expected a confidence from 0 to 1; 0.95 is the paper's")
        if not 0 <= cutout <= 1:
            raise WrongUsage(f"cutout is {cutout:g}, expected a share of the picture's side, 0 to 1")
        self.change = Change(spec, augment, flip)
        self.view = Views(spec, views, crop=crop, color=color, flip=True if flip else None, blur=blur)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.threshold, self.unlabeled_weight, self.cutout = threshold, unlabeled_weight, cutout
        self.alignment = Alignment(len(spec.classes), align)

    def loss(self, batch: Semi) -> Terms:
        q = self.guess(batch)
        sure, guessed = q.max(1)
        counts = (sure >= self.threshold).float()
        x = self.change(batch.x) if self.training else batch.x
        logits = self.logits(torch.cat([x, self.strong(batch.u) if self.training else batch.u])).float()
        n = len(x)
        labeled = F.cross_entropy(logits[:n], batch.y)
        unlabeled = (counts * F.cross_entropy(logits[n:], guessed, reduction="none")).mean()
        return {
            "loss": labeled + self.unlabeled_weight * unlabeled,
            "labeled": labeled,
            "unlabeled": unlabeled,
            "sure": counts.mean(),
        }

    @torch.no_grad()
    def guess(self, batch: Semi) -> Tensor:
        """Predictions (M, K) for slightly changed unlabeled items, by the statistics of this very batch."""
        u = self.change(batch.u) if self.training else batch.u
        with statistics_kept(self):
            p = self.logits(u).float().softmax(1)
        return self.alignment(p, batch.y)

    def strong(self, u: Tensor) -> Tensor:
        """The large change."""
        u = self.view(u)
        return erase.cutout(u, self.cutout) if self.spec.kind == "image" and self.cutout else u

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of unlabeled items, (B, *item) -> (B, 2, *item): changed a little, and a lot."""
        return torch.stack([self.change(x), self.strong(x)], dim=1)

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels."""
        take_over([self.encoder], learned, self.spec)

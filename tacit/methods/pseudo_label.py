"""Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks.
Lee, 2013. http://deeplearning.net/wp-content/uploads/2013/03/pseudo_label_final.pdf
In the form of Realistic Evaluation of Deep Semi-Supervised Learning Algorithms.
Oliver, Odena, Raffel, Cubuk & Goodfellow, 2018. https://arxiv.org/abs/1804.09170

Departures: the weight rises in a straight line from the first step on, where Lee waits a while; no denoising autoencoder before it (--trunk-of begins with what was learned without labels) and no dropout; the
trunk all methods here share, AdamW with a cosine and a slow copy of the weights, as the methods it is compared with have
them; unlabeled batches hold labeled items too.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.ramp import Ramp


class PseudoLabel(Method):
    """A classifier that takes its own likeliest class of an unlabeled item for the answer, where it is sure of it.

    - `threshold`: a guess at least so sure counts; 0 counts all, as Lee does.
    - `unlabeled_weight`: of the cross entropy with these guesses; it rises from 0 over the first `ramp` of the training.
    - `augment`, `flip`: as `supervised` has them, so that the two can be compared.

    Shown: the cross entropies `labeled` and `unlabeled`, and `sure`, the share of the guesses that count.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=3000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine", ema=0.99)
    paper = "Lee 2013; Oliver et al. 2018, https://arxiv.org/abs/1804.09170"
    use_when = "you want the simplest method that uses unlabelled items, as a row to compare others with"
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        ramp: float = 0.4,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "light",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        if not 0 <= threshold <= 1:
            raise WrongUsage(f"threshold is {threshold:g}, expected a confidence from 0 to 1; 0.95 is usual")
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.threshold = threshold
        self.weight = Ramp(unlabeled_weight, ramp)

    def loss(self, batch: Semi) -> Terms:
        both = torch.cat([batch.x, batch.u])
        logits = self.logits(self.change(both) if self.training else both).float()
        of_x, of_u = logits[: len(batch.y)], logits[len(batch.y) :]
        sure, guessed = of_u.detach().softmax(1).max(1)  # a target: no gradient
        counts = (sure >= self.threshold).float()
        labeled = F.cross_entropy(of_x, batch.y)
        unlabeled = (counts * F.cross_entropy(of_u, guessed, reduction="none")).mean()
        return {
            "loss": labeled + self.weight.value * unlabeled,
            "labeled": labeled,
            "unlabeled": unlabeled,
            "sure": counts.mean(),
        }

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels."""
        take_over([self.encoder], learned, self.spec)

    def after_step(self, progress: float) -> None:
        self.weight.follow(progress)

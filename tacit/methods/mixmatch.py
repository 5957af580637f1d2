"""MixMatch: A Holistic Approach to Semi-Supervised Learning.
Berthelot, Carlini, Goodfellow, Papernot, Oliver & Raffel, 2019. https://arxiv.org/abs/1905.02249

Departures, the first two as the authors' code has it: weight decay takes 4e-5 of the weights a step, where the paper says
ten times that, and of matrices alone; a mixing share is drawn for each item, and running batch statistics follow the
first of the dealt batches. Guesses are made in one forward of all augmented copies. The trunk all methods here share;
light changes in place of mirrored shifts of 4 pixels; unlabeled batches hold labeled items too; fewer steps, so the slow
copy forgets within 100 of them, not 1,000, and the weight of the unlabeled term rises over a quarter of the training.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.mixing import check_alpha, mixup
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.guessing import dealt_logits, guessed
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.ramp import Ramp
from tacit.objectives.consistency import brier, soft_cross_entropy


class MixMatch(Method):
    """A classifier that guesses answers for the other items, sharpens them, and learns mixtures of all it has.

    - `temperature` sharpens a guess: 1 leaves it, towards 0 it becomes one class.
    - `copies`: augmented copies of an unlabeled item whose mean prediction is its guess.
    - `alpha`: of the Beta distribution of mixing shares; 0 mixes nothing.
    - `unlabeled_weight`: of the squared error on guesses; it rises from 0 over the first `ramp` of the training.
    - `augment`, `flip`: as `supervised` has them, so that the two can be compared.

    Shown: the cross entropy `labeled`, the squared error `unlabeled`, and `confidence`, the mean of the guesses' maxima.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=3000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.02, schedule="cosine", ema=0.99)
    paper = "Berthelot et al. 2019, https://arxiv.org/abs/1905.02249"
    use_when = "few items are labeled, many are not, and all are of the classes that have labels"
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        temperature: float = 0.5,
        copies: int = 2,
        alpha: float = 0.75,
        unlabeled_weight: float = 75.0,
        ramp: float = 0.25,
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
        check_alpha(alpha)
        if copies < 1:
            raise WrongUsage(f"a guess needs one copy of an item or more, not {copies}\n  try: --copies 2")
        if not temperature > 0:
            raise WrongUsage(f"temperature is {temperature:g}, expected above 0; 0.5 is the paper's")
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.temperature, self.copies, self.alpha = temperature, copies, alpha
        self.weight = Ramp(unlabeled_weight, ramp)

    def loss(self, batch: Semi) -> Terms:
        x = self.changed(batch.x)
        u = torch.cat([self.changed(batch.u) for _ in range(self.copies)])  # (K M, *item)
        q = self.guess(u)
        p = F.one_hot(batch.y, len(self.spec.classes)).float()
        mixed, targets = mixup(torch.cat([x, u]), torch.cat([p, q.repeat(self.copies, 1)]), self.alpha)
        logits = self.dealt_logits(mixed).float()
        n = len(x)
        labeled, unlabeled = soft_cross_entropy(logits[:n], targets[:n]), brier(logits[n:], targets[n:])
        return {
            "loss": labeled + self.weight.value * unlabeled,
            "labeled": labeled,
            "unlabeled": unlabeled,
            "confidence": q.amax(1).mean(),
        }

    def changed(self, x: Tensor) -> Tensor:
        return self.change(x) if self.training else x

    def guess(self, u: Tensor) -> Tensor:
        """Sharpened mean predictions (M, K) of the copies (K M, *item), by the statistics of this very batch."""
        return guessed(self, u, self.copies, self.temperature)

    def dealt_logits(self, x: Tensor) -> Tensor:
        """Logits of (1 + K) sources in batches that hold some of each; the first of them moves running statistics."""
        return dealt_logits(self, x, 1 + self.copies)

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

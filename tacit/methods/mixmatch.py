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

from tacit.data.change import Change
from tacit.data.feeds import Labeled, Semi, semi
from tacit.data.spec import ItemSpec
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.guessing import check_guessing, guessed, mixed_losses
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.ramp import Ramp


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
    use_when = "few items are labelled, many are not, and all are of the classes that have labels"
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
        check_guessing(copies, temperature, alpha)
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.temperature, self.copies, self.alpha = temperature, copies, alpha
        self.weight = Ramp(unlabeled_weight, ramp)

    def loss(self, batch: Semi) -> Terms:
        x = self.changed(batch.x)
        u = torch.cat([self.changed(batch.u) for _ in range(self.copies)])  # (K M, *item)
        q = guessed(self, u, self.copies, self.temperature)
        labeled, unlabeled = mixed_losses(self, Labeled(x, batch.y), u, q, self.copies, self.alpha)
        return {
            "loss": labeled + self.weight.value * unlabeled,
            "labeled": labeled,
            "unlabeled": unlabeled,
            "confidence": q.amax(1).mean(),
        }

    def changed(self, x: Tensor) -> Tensor:
        return self.change(x) if self.training else x

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

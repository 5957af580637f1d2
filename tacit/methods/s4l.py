"""S4L: Self-Supervised Semi-Supervised Learning.
Zhai, Oliver, Kolesnikov & Beyer, 2019. https://arxiv.org/abs/1905.03670
Its `vat` is Virtual Adversarial Training. Miyato, Maeda, Koyama & Ishii, 2018. https://arxiv.org/abs/1704.03976

Departures: the trunk all methods here share, and AdamW with a cosine, with a slow copy of the weights for every task, not
for `all` alone; 4 copies and 128 numbers for `exemplar`, not 8 and 1,000, with batch statistics behind them, without which
all codes became one; copies differ as the views here do. `vat` compares with a prediction by the batch statistics of
unlabeled items alone, as the moved items have them, so that its divergence is 0 where nothing moves (the authors' code
takes the prediction of the joint forward), and measures KL from the first prediction to the second, as VAT's paper does.
`all` asks upright items alone for smooth and sure predictions, a quarter of the work of the authors' code; it is the
first of three steps. Unlabeled batches hold labeled items too.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.across import everywhere
from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.data.warps import rotate90
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms, check_batch
from tacit.methods.quarter_turns import TURNS, refuse_what_has_no_quarter_turns
from tacit.nn.projector import Projector
from tacit.nn.statistics import statistics_kept
from tacit.objectives.consistency import entropy
from tacit.objectives.smoothness import virtual_adversarial
from tacit.objectives.triplet import batch_hard

WEIGHTS = {  # of the terms of each task, as the authors' run configurations have them
    "rotation": {"labeled": 1.0, "rotation": 1.0},
    "exemplar": {"labeled": 1.0, "exemplar": 1.0},
    "vat": {"labeled": 1.0, "vat": 0.5, "entropy": 0.0},
    "all": {"labeled": 0.3, "rotation": 0.4, "vat": 0.3, "entropy": 0.3},
}
EPSILON = {"image": 0.05, "vector": 0.2}  # 0.05 of [0, 1] is the paper's 40 for 224 x 224 pixels in [-1, 1]


class S4L(Method):
    """A classifier that solves a task without labels beside its own, with the same trunk.

    - `task`: `rotation`, which of four ways is up; `exemplar`, which copies are of one item; `vat`, predictions that
      stay where items move a little; `all`, the first and the third together with sure predictions.
    - `unlabeled_weight`: of everything but the cross entropy of the answers, times the weights of the task; 0 leaves the
      augmentation that comes with the task, which is the row to compare with.
    - `upright`: with turns, only items as they are count for the class, for digits and letters.
    - `copies` of each item and `embedding_dim` numbers that triplets are measured in, for `exemplar`.
    - `epsilon`: how far `vat` moves an item, as a root mean square over its values, and `entropy_weight`, of the entropy
      of predictions beside it.
    - `augment`, `flip`: as `supervised` has them; `auto` is `views` for the copies of `exemplar`, else `light`.

    Shown: the terms of the task.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=2000, batch=32, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine", ema=0.99)
    paper = "Zhai et al. 2019, https://arxiv.org/abs/1905.03670"
    use_when = (
        "few items are labelled, and they are pictures with an up side, or you know what their copies may differ in"
    )
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        task: str = "rotation",
        unlabeled_weight: float = 1.0,
        upright: bool = False,
        copies: int = 4,
        embedding_dim: int = 128,
        epsilon: float | None = None,
        entropy_weight: float | None = None,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "auto",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        check_task(spec, task, copies, augment, epsilon, entropy_weight)
        shares = WEIGHTS[task] | ({} if entropy_weight is None else {"entropy": entropy_weight})
        self.weights = {k: w if k == "labeled" else w * unlabeled_weight for k, w in shares.items()}
        self.task, self.upright, self.copies = task, upright, copies
        auto = "views" if task == "exemplar" else "light"
        self.change = Change(spec, auto if augment == "auto" else augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.versions = copies if task == "exemplar" else TURNS if "rotation" in self.weights else 1
        if "rotation" in self.weights:
            self.turn_head = nn.Linear(self.encoder.out_dim, TURNS)
        if "exemplar" in self.weights:
            self.projector = Projector(self.encoder.out_dim, embedding_dim, layers=1, norm=norm)
        if "vat" in self.weights:
            rms = EPSILON[spec.kind] if epsilon is None else epsilon
            self.epsilon = rms * math.sqrt(math.prod(spec.shape))  # Euclidean length

    def check(self, pool: Pool, recipe: Recipe) -> None:
        if self.task == "exemplar":
            check_batch("s4l --task exemplar", pool, recipe)

    def loss(self, batch: Semi) -> Terms:
        x, u = (self.seen(each, changed=self.training) for each in (batch.x, batch.u))  # (B, V, *item) each
        h = self.encoder(torch.cat([x, u]).flatten(0, 1))  # one forward: batch statistics are of both halves
        h = h.unflatten(0, (-1, self.versions))  # (2B, V, F)
        n = len(batch.y)
        terms = {"labeled": self.class_loss(h[:n], batch.y)}
        if "rotation" in self.weights:  # each half counts a half
            terms["rotation"] = (self.turn_loss(h[:n]) + self.turn_loss(h[n:])) / 2
        if "exemplar" in self.weights:
            z = self.projector(h.flatten(0, 1)).float().unflatten(0, (-1, self.versions))
            terms["exemplar"] = (triplets(z[:n], batch.x) + triplets(z[n:], batch.u)) / 2
        if "vat" in self.weights:
            terms["vat"] = self.vat(u[:, 0])
            terms["entropy"] = entropy(self.head(h[n:, 0]).float())
        loss = torch.stack([weight * terms[name] for name, weight in self.weights.items()]).sum()
        return {"loss": loss, **terms}

    def seen(self, x: Tensor, changed: bool = True) -> Tensor:
        """Every item as a step sees it, (B, *item) -> (B, V, *item): its copies, or its four turns, or itself."""
        if self.task == "exemplar":
            x = x.repeat_interleave(self.copies, dim=0)
        x = self.change(x) if changed else x
        if "rotation" in self.weights:  # after the change: no border gives the answer away
            x = rotate90(x.repeat_interleave(TURNS, dim=0), every_turn(x))
        return x.unflatten(0, (-1, self.versions))

    def class_loss(self, h: Tensor, y: Tensor) -> Tensor:
        """Cross entropy of the answers (B,) for all versions of the labeled items, (B, V, F)."""
        h = h[:, :1] if self.upright else h
        return F.cross_entropy(self.head(h).float().flatten(0, 1), y.repeat_interleave(h.shape[1]))

    def turn_loss(self, h: Tensor) -> Tensor:
        """Cross entropy of the turns of (B, 4, F)."""
        return F.cross_entropy(self.turn_head(h).float().flatten(0, 1), every_turn(h))

    def vat(self, u: Tensor) -> Tensor:
        """How far predictions of unlabeled items go where these move; what they move to is not remembered."""
        with statistics_kept(self):
            return virtual_adversarial(self.logits, u, self.epsilon)

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of items, (B, *item) -> (B, V, *item)."""
        return self.seen(x)

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels."""
        take_over([self.encoder], learned, self.spec)


def every_turn(x: Tensor) -> Tensor:
    """0, 1, 2 and 3 for every row of x (B, ...): (4B,)."""
    return torch.arange(TURNS, device=x.device).repeat(len(x))


def triplets(z: Tensor, x: Tensor) -> Tensor:
    """The triplet loss of the copies z (B, V, D) of items x; few labeled items come more than once in a batch."""
    _, item = torch.unique(everywhere(x.flatten(1)), dim=0, return_inverse=True)
    return batch_hard(everywhere(z.flatten(0, 1)), item.repeat_interleave(z.shape[1]))


def check_task(
    spec: ItemSpec, task: str, copies: int, augment: str, epsilon: float | None, entropy_weight: float | None
) -> None:
    """An error where the task does not fit the items, or another setting the task."""
    if task not in WEIGHTS:
        raise unknown_name("task", task, WEIGHTS)
    if "rotation" in WEIGHTS[task]:
        instead = "tacit train s4l --task exemplar"
        refuse_what_has_no_quarter_turns(spec, f"s4l --task {task}", instead)
    if task == "vat" and spec.kind == "sound":
        raise WrongUsage(
            "s4l --task vat moves every value of an item, and in a sound that is noise in its silence and behind its end\n"
            "  try: tacit train s4l --task exemplar"
        )
    if task == "exemplar" and (copies < 2 or augment == "none"):
        raise WrongUsage(
            "s4l --task exemplar compares copies that differ: two or more of an item, each changed\n"
            "  try: --copies 4 --augment views"
        )
    if epsilon is not None and epsilon < 0:
        raise WrongUsage(f"epsilon is {epsilon:g}, the length of a move: 0 or more; 0.05 is usual for pictures")
    if entropy_weight is not None and "entropy" not in WEIGHTS[task]:
        raise WrongUsage(
            f"entropy_weight goes with --task vat or all, not with {task}\n"
            "  sure predictions alone are had by larger weights: try --task vat --entropy-weight 0.3"
        )

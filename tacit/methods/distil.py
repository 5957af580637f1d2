"""Distillation: a student learns what a teacher answers, from items that need no label.
Step three of Big Self-Supervised Models are Strong Semi-Supervised Learners (sec. 2).
Chen, Kornblith, Swersky, Norouzi & Hinton, 2020. https://arxiv.org/abs/2006.10029
With `hard`, step two of the "mix of all models" of S4L: Self-Supervised Semi-Supervised Learning.
Zhai, Oliver, Kolesnikov & Beyer, 2019. https://arxiv.org/abs/1905.03670

Departures: any classifier here may teach; AdamW in place of LARS; a small change in place of crop and mirror, the same
for teacher and student; a fixed number of steps in place of 400 passes. Items that have labels are among those the
teacher answers for.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.trunk import Trunk
from tacit.objectives.consistency import divergence_from, soft_cross_entropy


class Teacher:
    """A trained classifier that is only asked: in evaluation mode, without gradient, and no part of who asks it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        """Logits, (B, *item) -> (B, K)."""
        return self.model.to(x.device).eval().logits(x).float()


class Distil(Method):
    """A student that learns a teacher's answers for all items, labeled or not. `learn_from(teacher)` hands it the teacher.

    - `temperature`: answers of both are softened by it, and their cross entropy is multiplied by its square, so that
      gradients keep their size.
    - `hard`: only the teacher's likeliest class counts.
    - `alpha`: what the teacher's answers count, from 0 to 1; the labels count the rest.
    - `from_teacher`: begins with the teacher's weights, where the networks are the same.
    - `trunk`, `width`, `depth`, `norm`, `features`: the student's own; a smaller one makes a smaller model.
    - `augment`, `flip`: as `supervised` has them. Teacher and student see the same changed item.

    Shown: `divergence` of the student's answers from the teacher's, and `agreement`, how often their first choices are
    one; with labels in it the cross entropy `labeled`.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=2000, batch=128, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    paper = "Chen et al. 2020 (sec. 2), https://arxiv.org/abs/2006.10029"
    use_when = "a classifier is trained, and you want a smaller one, or a better one from the items without labels"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        temperature: float = 1.0,
        hard: bool = False,
        alpha: float = 1.0,
        from_teacher: bool = False,
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
        if not temperature > 0:
            raise WrongUsage(f"temperature is {temperature:g}, expected above 0; 1 leaves answers as they are")
        if hard and temperature != 1:
            raise WrongUsage("a hard answer is one class, at any temperature\n  leave out --hard, or --temperature")
        if not 0 < alpha <= 1:
            raise WrongUsage(
                f"alpha is {alpha:g}, expected above 0 and up to 1; without a teacher: tacit train supervised"
            )
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.temperature, self.hard, self.alpha, self.from_teacher = temperature, hard, alpha, from_teacher
        self.teacher: Teacher | None = None

    def learn_from(self, teacher: Method) -> None:
        """Take this classifier for a teacher; a sentence where it cannot be one for these items."""
        check_teacher(teacher, self.spec)
        if self.from_teacher:
            for name, own in (("encoder", self.encoder), ("head", self.head)):
                begin_as(own, getattr(teacher, name, None), type(teacher).__name__)
        self.teacher = Teacher(teacher)

    def loss(self, batch: Semi) -> Terms:
        x = self.changed(batch.x) if self.alpha < 1 else batch.x[:0]
        u = self.changed(batch.u)
        answers = self.asked()(u)
        logits = self.logits(torch.cat([x, u])).float()
        n, t = len(x), self.temperature
        p = F.one_hot(answers.argmax(1), answers.shape[1]).float() if self.hard else (answers / t).softmax(1)
        soft = logits[n:] / t
        loss = self.alpha * t**2 * soft_cross_entropy(soft, p)
        agree = answers.argmax(1) == logits[n:].argmax(1)
        told = {"divergence": divergence_from(p, soft), "agreement": agree.float().mean()}
        if n:
            told["labeled"] = F.cross_entropy(logits[:n], batch.y)
            loss = loss + (1 - self.alpha) * told["labeled"]
        return {"loss": loss, **told}

    def asked(self) -> Teacher:
        """The teacher; a sentence where none was handed over."""
        if self.teacher is None:
            raise WrongUsage(
                "distil learns from a trained classifier, and none was given\n"
                "  in a project: tacit train first, then tacit train distil; in Python: method.learn_from(teacher)"
            )
        return self.teacher

    def check(self, pool: Pool, recipe: Recipe) -> None:
        self.asked()

    def changed(self, x: Tensor) -> Tensor:
        return self.change(x) if self.training else x

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels, in place of the teacher's."""
        if self.from_teacher:
            raise WrongUsage("a student begins with one trunk\n  leave out --from-teacher, or --trunk-of")
        take_over([self.encoder], learned, self.spec)

    @staticmethod
    def options_of(other: Method) -> dict[str, Any]:
        """The options of the same trunk as this method's; none where it has no such trunk."""
        known = isinstance(getattr(other, "encoder", None), Trunk) and "trunk" in other.options
        return options_of(other) if known else {}


def check_teacher(teacher: Method, spec: ItemSpec) -> None:
    """An error where it does not classify, or other items, or into other classes."""
    name = type(teacher).__name__
    if not hasattr(teacher, "logits"):
        raise WrongUsage(f"{name} answers nothing: it learned without labels\n  a teacher is trained: tacit train")
    if teacher.spec.with_classes(()) != spec.with_classes(()):
        raise WrongUsage(
            f"{name} learned {teacher.spec.kind}s of shape {teacher.spec.shape}, and these are {spec.kind}s of"
            f" shape {spec.shape}, or on another scale\n  train a teacher on these items: tacit train"
        )
    if teacher.spec.classes != spec.classes:
        theirs, here = (", ".join(classes[:8]) for classes in (teacher.spec.classes, spec.classes))
        raise WrongUsage(
            f"{name} answers with the classes {theirs}, and here they are {here}\n"
            "  train a teacher on these classes: tacit train"
        )


def begin_as(own: nn.Module, other: object, name: str) -> None:
    """Give it the weights of the same network, whatever its parts are called; a sentence where it is another."""
    theirs = list(other.state_dict().values()) if isinstance(other, nn.Module) else []
    wanted = own.state_dict()
    if [value.shape for value in theirs] != [value.shape for value in wanted.values()]:
        raise WrongUsage(
            f"{name} is another network than its student, which cannot begin with its weights\n"
            "  leave out --from-teacher, or --trunk, --width, --depth, --norm and --features"
        )
    own.load_state_dict(dict(zip(wanted, theirs, strict=True)))

"""What a method is: one paper, with `loss(batch)` and `embed(x)`. The engine does the rest."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage

Terms = dict[str, Tensor]  # {"loss": minimised, other names: shown}


@dataclass(frozen=True)
class Recipe:
    """The training settings of a paper. `steps` are optimizer steps, `lr` the peak learning rate."""

    steps: int = 3000
    batch: int = 128
    lr: float = 1e-3
    optimizer: str = "adam"  # "adam", "adamw", "sgd", "lars", or "adam_norm_grad": gradients divided by their norms
    weight_decay: float = 0.0
    sgd_momentum: float = 0.9
    schedule: str = "constant"  # "cosine": down to zero at the last step; "linear": down to a hundredth
    warmup: float = 0.0  # share of the steps over which the learning rate rises from zero
    clip: float = 0.0  # largest gradient norm; 0 leaves gradients alone
    ema: float = 0.0  # momentum of an average of the weights, kept at the end in their place; 0 is off


def check_batch(name: str, pool: Pool, recipe: Recipe) -> None:
    """An error where a batch has no different items to compare: for methods that learn from nothing else."""
    if not 2 <= recipe.batch <= len(pool):
        raise WrongUsage(
            f"{name} compares the items of a batch, which needs 2 to {len(pool)} different ones here, not {recipe.batch}\n"
            f"  try: --batch {max(2, len(pool) // 2)}"
        )


@dataclass(frozen=True)
class Turn:
    """One player of a training step: its loss and the parameters that loss may move."""

    name: str
    loss: Callable[[Any], Terms]
    parameters: Callable[[], Iterable[nn.Parameter]]
    every: int = 1


class Method(nn.Module, ABC):
    """A paper. Subclasses are final, own `self.encoder` (a trunk) and take keyword-only hyperparameters.

    `options` holds what the constructor was called with, defaults filled in: the signature is the configuration.
    Optional abilities are plain methods found by asking: `decode(z)`, `logits(x)`, `log_prob(x)`, `sample(n)`,
    `log_prior(z)`, `jitter(z)`; `views(x)`, what a step sees of items, (B, V, *view); `layers(x)`, features by layer;
    `take_over(learned)`, to begin with another method's trunk, and `options_of(learned)`, the options that fit it;
    `learn_from(teacher)`, a trained classifier without which it learns nothing.
    A loss with a chance level has it among its terms as "chance".
    """

    feed: ClassVar[Callable[..., Iterator[Any]]]  # a Feed, as `staticmethod(items)`
    recipe: ClassVar[Recipe] = Recipe()
    needs_trunk: ClassVar[bool] = False  # without a trunk to take over there is no point in it
    paper: ClassVar[str]  # "Kingma & Welling 2013, https://..."
    use_when: ClassVar[str]  # completes "use it when ..."

    options: dict[str, Any]
    confidence_temperature: float = 1.0  # of a calibrated classifier: what logits are divided by for a probability

    def __new__(cls, *args: Any, **kwargs: Any) -> "Method":
        self = super().__new__(cls)
        if args or kwargs:  # a copy is made without arguments and filled afterwards
            bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
            bound.apply_defaults()
            self.__dict__["options"] = {k: v for k, v in bound.arguments.items() if k not in ("self", "spec")}
        return self

    def __init__(self, spec: ItemSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def loss(self, batch: Any) -> Terms:
        """The terms of one batch; "loss" is minimised, the others are shown."""

    @abstractmethod
    def embed(self, x: Tensor) -> Tensor:
        """Codes of items, (B, *item) -> (B, D)."""

    def turns(self) -> tuple[Turn, ...]:
        """Who moves in a step, in this order. Adversaries and bilevel methods have more than one."""
        return (Turn("all", self.loss, self.parameters),)

    def check(self, pool: Pool, recipe: Recipe) -> None:
        """An error, before the first step, where this cannot work with these items and training settings."""

    def remember(self, pool: Pool) -> None:
        """What is kept of the items themselves: before the first step, and once the weights are final. Most keep nothing."""

    def after_step(self, progress: float) -> None:
        """What follows time and not gradients (a slow copy, a ramp); `progress` rises from 0 to 1."""

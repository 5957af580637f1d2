"""What a strategy hands back."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from tacit.latent.space import Space


@dataclass(frozen=True)
class Picks:
    """Items to ask about, best first, each with a reason in words.

    `index` are positions in the pool. A strategy that makes new items (decoded from the space) leaves `index` at the
    real item each was made from and puts what is to be shown and labelled in `items`.
    """

    strategy: str
    index: Tensor  # (k,) int64
    reasons: list[str]
    score: Tensor | None = None  # (k,) higher is better
    items: Tensor | None = None  # (k, *item) floats, only where new items were made
    note: str = ""  # said aloud: a fallback, a shortage
    options: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


Choose = Callable[..., Picks]  # (space, labels, k, *, seed=0, model=None where one is needed, options) -> Picks

"""What a strategy hands back."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Picks:
    """Items to ask about, best first, each with a reason in words.

    `index` are positions in the pool. Where `items` is given, it is what is to be shown and trained on in place of the
    stored item. A strategy that makes items nobody has seen (decoded from the space) says so in `made_new`: the answer
    then belongs to the row of `items`, and `index` is the real item each was made from.
    """

    strategy: str
    index: Tensor  # (k,) int64
    reasons: list[str]
    score: Tensor | None = None  # (k,) higher is better
    items: Tensor | None = None  # (k, *item) floats, only where something is shown that is not in the pool
    made_new: bool = False
    note: str = ""  # said aloud: a fallback, a shortage
    options: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


Choose = Callable[..., Picks]  # (space, labels, k, *, seed=0, model=None where one is needed, options) -> Picks

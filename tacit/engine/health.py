"""Is the representation healthy? Asked during training, without a label."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.engine.apply import embed
from tacit.methods.method import Method
from tacit.objectives.health import neighbours_kept, rank_me, spread

SAMPLE = 2000  # items; RankMe wants several thousand rows at most dimensions of 100 or so


@dataclass(frozen=True)
class Health:
    """Numbers about a sample of codes, and what they mean in a word."""

    rank: float  # effective number of dimensions in use (RankMe), 1 .. dim
    dim: int
    spread: float  # 1 when codes fill the sphere evenly, 0 when all are one
    kept: float | None  # share of each item's 10 nearest neighbours that stayed since the last look

    @property
    def word(self) -> str:
        if self.spread < 0.05 or self.rank < 1.5:
            return "collapsed"
        if self.rank < 0.05 * self.dim:
            return "few dimensions in use"
        return "healthy"

    def to_dict(self) -> dict[str, object]:
        return {**asdict(self), "word": self.word}

    def __str__(self) -> str:
        kept = "" if self.kept is None else f"   neighbours kept since the last look {self.kept:.0%}"
        return f"rank {self.rank:.0f}/{self.dim}   spread {self.spread:.2f}{kept}   {self.word}"


class Doctor:
    """Looks at the same sample of items again and again; remembers the codes of the last look."""

    def __init__(self, pool: Pool, seed: int = 0) -> None:
        rows = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
        self.sample = pool.take(rows.sort().values)
        self.last: Tensor | None = None

    def look(self, method: Method) -> Health:
        codes = embed(method, self.sample)
        kept = None if self.last is None or len(codes) < 12 else float(neighbours_kept(self.last, codes, k=10))
        self.last = codes
        return Health(float(rank_me(codes)), codes.shape[1], float(spread(codes)), kept)

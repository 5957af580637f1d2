"""Is the representation healthy? Asked during training and after it, without a label."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.data.pool import Pool
from tacit.engine.apply import embed
from tacit.methods.method import Method
from tacit.objectives.health import mean_cosine, neighbours_kept, rank_me, spread

SAMPLE = 2000  # items looked at, always the same ones: these numbers move with how many and which
NEIGHBOURS = 10
COLLAPSED_SPREAD = 0.05  # 1 is even, 0 is one point; features after a ReLU lie at 0.5 or so and are well
FEW_DIRECTIONS = 0.1  # of the dimensions; below, most of the space is unused


@dataclass(frozen=True)
class Diagnosis:
    """What was measured on `n` codes of `dim` numbers, what it means, what to do."""

    n: int
    dim: int
    rank: float  # directions in use, 1 .. dim (RankMe)
    spread: float  # 1 when codes fill the sphere evenly, 0 when all are one
    cosine: float  # mean over pairs of items; near 0 is even, 1 is collapse
    kept: float | None  # share of neighbours kept since the space before
    word: str  # "healthy", "few directions", "collapsed", "broken" or "too small to tell"
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """JSON has no NaN: what could not be measured is None."""
        return {key: None if value != value else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        return "   ".join(self.lines())

    def lines(self) -> list[str]:
        if math.isnan(self.rank):
            return [": ".join(filter(None, (self.word, self.advice)))]
        kept = (
            "" if self.kept is None else f"   neighbours kept {self.kept:.0%} (chance {NEIGHBOURS / (self.n - 1):.1%})"
        )
        numbers = f"rank {self.rank:.1f}/{self.dim}   spread {self.spread:.2f}   mean cosine {self.cosine:.2f}{kept}"
        return [f"{self.word}   {numbers}", *([self.advice] if self.advice else [])]


def diagnose(codes: Tensor, kept: float | None = None) -> Diagnosis:
    """Codes (n, D) in words. Rank is of the codes around their mean: where the cloud lies adds no direction to it."""
    n, dim = codes.shape
    if n < 2 or dim < 2:
        return Diagnosis(n, dim, math.nan, math.nan, math.nan, kept, "too small to tell", "")
    if not codes.isfinite().all():
        advice = "some codes are not numbers: train again with a lower learning rate (--lr)"
        return Diagnosis(n, dim, math.nan, math.nan, math.nan, kept, "broken", advice)
    rank, even, cosine = rank_me(codes - codes.mean(0)).item(), spread(codes).item(), mean_cosine(codes).item()
    if even < COLLAPSED_SPREAD or rank < 1.5:
        word, advice = (
            "collapsed",
            "items look (nearly) alike to this space: train longer, or try another method (tacit methods)",
        )
    elif rank < FEW_DIRECTIONS * min(dim, n - 1):
        word, advice = (
            "few directions",
            f"about {rank:.0f} of {dim} dimensions carry everything: fewer would do, or train longer",
        )
    else:
        word, advice = "healthy", ""
    return Diagnosis(n, dim, rank, even, cosine, kept, word, advice)


class Doctor:
    """Looks at the same sample of items again and again; remembers the codes of the last look."""

    def __init__(self, pool: Pool, seed: int = 0) -> None:
        rows = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
        self.sample = pool.take(rows.sort().values)
        self.last: Tensor | None = None

    def look(self, method: Method) -> Diagnosis:
        codes = embed(method, self.sample)
        kept = None
        if self.last is not None and len(codes) > NEIGHBOURS:
            kept = float(neighbours_kept(self.last, codes, NEIGHBOURS))
        self.last = codes
        return diagnose(codes, kept)

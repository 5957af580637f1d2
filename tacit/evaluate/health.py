"""Is a space in good health? A diagnosis without labels, in words."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.evaluate.intervals import plain
from tacit.latent.space import Space
from tacit.objectives.health import mean_cosine, neighbours_kept, rank_me, spread

SAMPLE = 5000  # items looked at, the same for every space of a pool: these numbers move with it
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
        return plain(self)

    def lines(self) -> list[str]:
        if math.isnan(self.rank):
            return [": ".join(filter(None, (self.word, self.advice)))]
        kept = "" if self.kept is None else f"   neighbours kept {self.kept:.0%} (chance {NEIGHBOURS / (self.n - 1):.1%})"
        numbers = f"rank {self.rank:.1f}/{self.dim}   spread {self.spread:.2f}   mean cosine {self.cosine:.2f}{kept}"
        return [f"{self.word}   {numbers}", *([self.advice] if self.advice else [])]


def health(space: Space, previous: Space | None = None, *, seed: int = 0) -> Diagnosis:
    """Diagnose a space; with the `previous` one of the same pool, say how much of its neighbourhoods stayed."""
    rows = torch.randperm(len(space), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
    codes = space.codes[rows].float()
    kept = None
    if previous is not None and len(rows) > NEIGHBOURS:
        kept = neighbours_kept(previous.codes[rows].float(), codes, NEIGHBOURS).item()
    return diagnose(codes, kept)


def diagnose(codes: Tensor, kept: float | None = None) -> Diagnosis:
    """Codes (n, D) in words. Rank is of the codes around their mean: where the cloud lies is not how many directions it has."""
    n, dim = codes.shape
    if n < 2 or dim < 2:
        return Diagnosis(n, dim, math.nan, math.nan, math.nan, kept, "too small to tell", "")
    if not codes.isfinite().all():
        advice = "some codes are not numbers: train again with a lower learning rate (--lr)"
        return Diagnosis(n, dim, math.nan, math.nan, math.nan, kept, "broken", advice)
    rank, even, cosine = rank_me(codes - codes.mean(0)).item(), spread(codes).item(), mean_cosine(codes).item()
    if even < COLLAPSED_SPREAD or rank < 1.5:
        word, advice = "collapsed", "items look (nearly) alike to this space: train longer, or try another method (tacit methods)"
    elif rank < FEW_DIRECTIONS * min(dim, n - 1):
        word, advice = "few directions", f"about {rank:.0f} of {dim} dimensions carry everything: fewer would do, or train longer"
    else:
        word, advice = "healthy", ""
    return Diagnosis(n, dim, rank, even, cosine, kept, word, advice)

"""Is a space in good health? A diagnosis without labels, in words."""

import torch

from tacit.engine.health import NEIGHBOURS, SAMPLE, Diagnosis, diagnose
from tacit.latent.space import Space
from tacit.objectives.health import neighbours_kept


def health(space: Space, previous: Space | None = None, *, seed: int = 0) -> Diagnosis:
    """Diagnose a space; with the `previous` one of the same pool, say how much of its neighbourhoods stayed."""
    rows = torch.randperm(len(space), generator=torch.Generator().manual_seed(seed))[:SAMPLE]
    codes = space.codes[rows].float()
    kept = None
    if previous is not None and len(rows) > NEIGHBOURS:
        kept = neighbours_kept(previous.codes[rows].float(), codes, NEIGHBOURS).item()
    return diagnose(codes, kept)

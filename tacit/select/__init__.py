"""Which items to ask about next: plain functions, listed here, called through `choose`.

A strategy is `(space, labels, k, *, seed=0, [model], settings) -> Picks`. Its keyword arguments are its configuration,
and the first line of its docstring completes "use it when ...". `labels` (N,) is the vector over the pool; a strategy
picks only where it is `UNLABELED`.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from tacit.data.spec import UNLABELED
from tacit.errors import WrongUsage, unknown_name
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.select.coverage import k_center
from tacit.select.gradient import badge
from tacit.select.picks import Choose, Picks
from tacit.select.plain import random
from tacit.select.settings import bind, takes
from tacit.select.typicality import typical
from tacit.select.uncertainty import entropy, least_confidence, margin
from tacit.select.uphill import between, jitter, uphill
from tacit.select.walk import needs_decoder

CATALOGUE: dict[str, Choose] = {
    "random": random,
    "typical": typical,
    "k_center": k_center,
    "entropy": entropy,
    "margin": margin,
    "least_confidence": least_confidence,
    "badge": badge,
    "uphill": uphill,
    "jitter": jitter,
    "between": between,
}
FROM_THE_START = ("random", "typical", "k_center")  # the others need labels of two classes first
DECODING = ("uphill", "between")  # and these a space that can decode


def choose(
    name: str,
    space: Space,
    labels: Tensor,
    k: int,
    *,
    model: Method | None = None,
    latest: Tensor | None = None,
    seed: int = 0,
    **options: Any,
) -> Picks:
    """k items to ask about, by the strategy called `name`.

    A strategy that needs labels or a model gives way to `typical` until there are labels of two classes and `model`;
    the note and every reason say so. `latest` are the positions asked about in the latest round. With fewer than k items left there are fewer picks, and the note says so too.
    Raises `UnknownName` and `WrongUsage` for what was asked, `BadData` when every item has an answer.
    """
    if name not in CATALOGUE:
        raise unknown_name("strategy", name, CATALOGUE)
    strategy = CATALOGUE[name]
    settings = bind(name, strategy, options)
    if k < 1:
        raise WrongUsage(f"-k is {k}; choose at least one item")
    if labels.shape != (len(space),):
        raise WrongUsage(f"labels have shape {tuple(labels.shape)}, expected one number for each of {len(space)} items")
    if name in DECODING and not space.can_decode:
        raise needs_decoder()
    if too_early := _too_early(name, labels, model):
        picks, settings = typical(space, labels, k, seed=seed), bind("typical", typical, {})
        note = f"{name} needs {too_early}; until then items are chosen by how typical they are"
        picks = replace(picks, note=note, reasons=[f"{reason} (no model to go by yet)" for reason in picks.reasons])
    else:
        given = {key: value for key, value in {"model": model, "latest": latest}.items() if takes(strategy, key)}
        picks = strategy(space, labels, k, seed=seed, **given, **settings)
    notes = [picks.note, _shortage(picks, labels, k)]
    return replace(picks, note="; ".join(filter(None, notes)), options=settings)


def _too_early(name: str, labels: Tensor, model: Method | None) -> str:
    """What a strategy is still waiting for; empty when it can begin."""
    if name in FROM_THE_START:
        return ""
    if len(labels[labels >= 0].unique()) < 2:
        return "labels of at least two classes"
    if not takes(CATALOGUE[name], "model"):
        return ""
    if model is None:
        return "a trained model"
    if not hasattr(model, "logits"):
        raise WrongUsage(f"{name} needs a model that gives class probabilities, and {type(model).__name__} does not")
    return ""


def _shortage(picks: Picks, labels: Tensor, k: int) -> str:
    """Why there are fewer picks than asked for; empty when there are not."""
    if len(picks) == k:
        return ""
    left = int((labels == UNLABELED).sum())
    what = f"{len(picks)} of the {k} asked for: "
    if left > len(picks):
        return f"{what}{left:,} items have no answer yet, and the rest of them are near copies"
    return f"{what}no other item is without an answer"

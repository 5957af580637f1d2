"""Is a space better than the items themselves?

Its codes stand beside raw items, their principal components and an untrained encoder, all with the same labels and the
same two classifiers. A space that does not beat raw items has learned nothing. Raw samples of a sound say as good as
nothing: the statistics of its cepstral coefficients stand in their place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.pool import Items, Pool, Yardstick
from tacit.engine.apply import embed
from tacit.errors import NotEnoughLabels
from tacit.evaluate.cepstra import mfcc_statistics
from tacit.evaluate.intervals import Interval, paired_bootstrap, plain, wilson
from tacit.evaluate.layers import by_layer, chosen
from tacit.evaluate.neighbours_vote import vote
from tacit.evaluate.probe import fit_probe
from tacit.latent.space import Space
from tacit.methods.method import Method

DIMS = 64  # principal components
PCA_SAMPLE = 2000  # items of the pool they are computed from
FOLDS = 5
IN_TURN = "measured on the labelled items in turn, which a strategy may have chosen; a labelled yardstick is fairer"

See = Callable[[Items, Tensor], Tensor]  # items and positions -> their numbers (n, D)


@dataclass(frozen=True)
class Row:
    """One representation: accuracy of a neighbours' vote and of a linear probe on it."""

    name: str
    dim: int
    vote: Interval
    probe: Interval
    above_raw: (
        Interval | None
    )  # the probe's accuracy above that on raw items, pair by pair; None for raw items. Of sounds: above MFCC


@dataclass(frozen=True)
class Quality:
    """`labels` were learned from, `measured` items were measured on; chance is the share of the commonest class."""

    rows: list[Row]
    labels: int
    measured: int
    chance: float
    note: str

    def to_dict(self) -> dict[str, Any]:
        return plain(self)

    def lines(self) -> list[str]:
        said = [
            f"{self.labels} labels, measured on {self.measured} items   (always the commonest class: {self.chance:.3f})"
        ]
        first = self.rows[0].name.removesuffix(" items")
        for row in self.rows:
            above = "" if row.above_raw is None else f"   above {first} {signed(row.above_raw)}"
            said.append(f"  {row.name:<18} {row.dim:>6} numbers   vote {row.vote}   probe {row.probe}{above}")
        return [*said, *([self.note] if self.note else [])]


def signed(difference: Interval) -> str:
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def representation(
    space: Space,
    labels: Tensor,
    yardstick: Yardstick | None = None,
    y: Tensor | None = None,
    *,
    layer: str | None = None,
    k: int = 20,
    seed: int = 0,
) -> Quality:
    """Rows for the codes of a space, for what they have to beat, and for other layers of the method (a name, or `all`).

    `labels` (N,) over the pool are learned from; `y` over the yardstick are measured on. Where the yardstick has no
    label (or the space no method to embed it with), the pool's labels are measured on in turn, and the note says so:
    items that a strategy chose are not a fair sample. No encoder changes by this.
    """
    known = (labels >= 0).nonzero().flatten()
    test = None
    if yardstick is not None and y is not None and (y >= 0).any() and space.method is not None:
        test = Measured(yardstick, (y >= 0).nonzero().flatten(), space.method)
    check(labels[known], need=2 if test is None else 1)
    truth = labels[known] if test is None or y is None else y[test.rows]
    classes = max(len(space.pool.spec.classes), int(labels.max()) + 1, int(truth.max()) + 1)
    rows: list[Row] = []
    raw = torch.empty(0)
    for name, codes, fresh in representations(space, known, test, layer, seed):
        if fresh is None:
            voted, probed = in_turn(codes, labels[known], classes, k, seed)
        else:
            voted, probed = both_answers(codes, labels[known], fresh, classes, k, seed)
        right = (probed == truth).double()
        raw = raw if rows else right
        above = paired_bootstrap(right, raw, seed=seed) if rows else None
        rows.append(Row(name, codes.shape[1], share(voted == truth), share(probed == truth), above))
    return Quality(
        rows=rows,
        labels=len(known),
        measured=len(truth),
        chance=truth.bincount().max().item() / len(truth),
        note="" if test else IN_TURN,
    )


class Measured(NamedTuple):
    """The items to measure on, and what can embed them."""

    yardstick: Yardstick
    rows: Tensor
    method: Method


def check(y: Tensor, need: int) -> None:
    if int((y.bincount() >= need).sum()) < 2:
        raise NotEnoughLabels(
            f"measuring a space needs {need} labels of at least two classes\n"
            "  try: tacit choose -k 20, then tacit label"
        )


def share(right: Tensor) -> Interval:
    return wilson(int(right.sum()), len(right))


def representations(
    space: Space, known: Tensor, test: Measured | None, layer: str | None, seed: int
) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Name, numbers of the labeled items (n, D), numbers of the items to measure on (or None); raw items (MFCC) first."""

    def both(see: See) -> tuple[Tensor, Tensor | None]:
        return see(space.pool, known), None if test is None else see(test.yardstick, test.rows)

    layers = chosen(space.method, layer, space.pool.floats(known[:1]))
    sounds = space.pool.spec.kind == "sound"
    raw = both(mfcc_statistics if sounds else flat)
    yield "MFCC" if sounds else "raw items", *raw
    if raw[0].shape[1] > DIMS:
        yield f"PCA-{DIMS}", *both(principal_components(space.pool, seed))
    if space.method is not None:
        fresh = untrained(space.method, seed)
        yield "untrained encoder", *both(lambda items, index: embed(fresh, items, index))
    yield "codes", space.codes[known].float(), None if test is None else embed(test.method, test.yardstick, test.rows)
    if layers and space.method is not None:
        features = by_layer(space.method, space.pool, known)
        fresh_ones = {} if test is None else by_layer(test.method, test.yardstick, test.rows)
        for name in layers:
            yield name, features[name], fresh_ones.get(name)


def flat(items: Items, index: Tensor) -> Tensor:
    return items.floats(index).flatten(1)


def principal_components(pool: Pool, seed: int) -> See:
    """A function from items and positions to their DIMS principal components."""
    sample = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:PCA_SAMPLE]
    x = flat(pool, sample)
    mean = x.mean(0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        axes = torch.pca_lowrank(x - mean, q=min(DIMS, *x.shape), center=False)[2]
    return lambda items, index: (flat(items, index) - mean) @ axes


def untrained(method: Method, seed: int) -> Method:
    """The same method before its first step: what the architecture alone is worth."""
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        return type(method)(method.spec, **method.options)


def both_answers(codes: Tensor, y: Tensor, fresh: Tensor, classes: int, k: int, seed: int) -> tuple[Tensor, Tensor]:
    """What the vote and the probe answer for fresh codes, after seeing codes with labels y."""
    voted = vote(fresh, codes, y, classes=classes, k=k, distance="euclidean").argmax(1)  # the distance of a space
    return voted, fit_probe(codes, y, classes=classes, seed=seed).probabilities(fresh).argmax(1)


def in_turn(codes: Tensor, y: Tensor, classes: int, k: int, seed: int) -> tuple[Tensor, Tensor]:
    """The same for the labeled items themselves, each answered by what learned from the other four fifths."""
    fold = folds(y, seed)
    voted, probed = torch.empty_like(y), torch.empty_like(y)
    for f in fold.unique():
        held = fold == f
        voted[held], probed[held] = both_answers(codes[~held], y[~held], codes[held], classes, k, seed)
    return voted, probed


def folds(y: Tensor, seed: int) -> Tensor:
    """A fold 0 .. 4 for every item, (n,), every class dealt out evenly."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    order = order[y[order].argsort(stable=True)]  # class by class, shuffled within
    fold = torch.empty_like(y)
    fold[order] = torch.arange(len(y)) % FOLDS
    return fold

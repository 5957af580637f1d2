"""The verb `choose`: which items to ask about next, and why."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.pool import Items, Pool
from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.deploy.export import load
from tacit.errors import BadData, WrongUsage
from tacit.evaluate.cepstra import mfcc_statistics
from tacit.latent.space import Space, fits, seeded
from tacit.methods.method import Method
from tacit.outcome import Outcome, table
from tacit.project.home import Home
from tacit.select import CATALOGUE as STRATEGIES
from tacit.select import choose

QUICK_DIM = 32  # of the stand-in space before anything is learned


def choose_next(
    project: Home,
    strategy: str,
    k: int,
    options: dict[str, Any],
    run: str | None = None,
    *,
    space: Space | None = None,
    leave_out: Sequence[str] = (),
) -> Outcome:
    """Pick, remember the picks as a round, and show them.

    With the model of `run`, or the latest. `space` is the current one where somebody has loaded it already. `leave_out`
    are ids of items that somebody has before them: as good as answered, but nothing is known of them yet.
    """
    if k < 1:
        raise WrongUsage(f"-k is {k}; choose at least one item")
    if not len(project.pool):
        raise BadData("the pool is empty: every item is in the yardstick\n  make the project anew with --yardstick 0")
    space, notes = (space, []) if space is not None else current_space(project)
    space.pool = space.pool.with_classes(project.classes)  # it may have been loaded before they were named
    labels = set_aside(project.answers(project.pool), project.pool.find(list(leave_out)))
    model, said = current_model(project, run)
    if said:
        notes.append(said)
    if strategy == "auto":
        strategy, why = automatic(model is not None)
        notes.append(f"strategy: {strategy} ({why})   change: tacit choose {other(strategy)}")
    picks = choose(
        strategy,
        space,
        labels,
        k,
        model=model,
        latest=latest_round(project),
        seed=mix(project.seed, project.labels.rounds()),
        **options,
    )
    if picks.made_new:
        raise WrongUsage(
            f"{strategy} makes new items, which only a simulation can have answered\n  try: tacit choose uphill, or tacit simulate {strategy}"
        )
    if picks.note:
        notes.append(picks.note)
    ids = [str(id_) for id_ in space.pool.ids[picks.index.numpy()]]
    number = project.labels.record_picks(strategy, ids, picks.reasons)
    places = project.paths(ids)
    rows = [[str(i + 1), place, reason] for i, (place, reason) in enumerate(zip(places, picks.reasons, strict=True))]
    record = {
        "round": number,
        "strategy": strategy,
        "note": picks.note,
        "model": said,
        "picks": [{"id": i, "path": p, "reason": r} for i, p, r in zip(ids, places, picks.reasons, strict=True)],
    }
    lines = [*notes, f"round {number}: {len(ids)} items to label", *table(rows), "next: tacit label --todo answers.csv"]
    return Outcome(record, lines)


def set_aside(labels: Tensor, positions: Tensor) -> Tensor:
    """`labels` with what is unanswered at these positions (-1: none) marked as asked."""
    positions = positions[positions >= 0]
    labels[positions[labels[positions] == UNLABELED]] = SET_ASIDE
    return labels


def latest_round(project: Home) -> Tensor | None:
    """Positions in the pool of what the latest round asked about."""
    found = project.pool.find([p.item for p in project.labels.picks()])
    return found[found >= 0] if (found >= 0).any() else None


def automatic(has_model: bool) -> tuple[str, str]:
    if not has_model:
        return "typical", "there is no model yet: typical items of every group come first"
    return "margin", "items the model is torn about, spread over the space; the best on MNIST and Fashion-MNIST"


def other(strategy: str) -> str:
    return next(name for name in sorted(STRATEGIES) if name != strategy)


def current_space(project: Home) -> tuple[Space, list[str]]:
    """The latest learned space; before one is learned, what items say by themselves, said aloud."""
    try:
        run = project.run(None, "learn")
    except WrongUsage:
        sounds = project.pool.spec.kind == "sound"
        what = "the mean and deviation of MFCC" if sounds else "the principal components of the raw items"
        return quick_space(project), [f"no space has been learned yet: using {what}   better: tacit learn"]
    return Space.load(run.folder, project.pool, load(run.folder, trust_code=True)), []


class QuickSpace(Space):
    """The stand-in before anything is learned: nothing decodes, but new items get codes as those of the pool did."""

    def __init__(self, codes: Tensor, pool: Pool, coded: Callable[[Tensor], Tensor]) -> None:
        super().__init__(codes, pool)
        self.coded = coded

    def encode(self, x: Tensor) -> Tensor:
        fits("items", x, self.pool.spec.shape)
        return self.coded(x)


def quick_space(project: Home) -> QuickSpace:
    """Principal components of the items themselves, of sounds MFCC statistics: quick, and honest about it."""
    pool = project.pool
    if pool.spec.kind == "sound":
        said = mfcc_statistics(pool)
        center, spread = said.mean(0), said.std(0, correction=0).clamp(min=1e-6)
        heard = lambda x: mfcc_statistics(Items(pool.spec, pool.spec.to_stored(x).numpy()))  # noqa: E731
        return QuickSpace((said - center) / spread, pool, lambda x: (heard(x) - center) / spread)
    sample = torch.randperm(len(pool), generator=torch.Generator().manual_seed(project.seed))[:5000]
    x = pool.floats(sample).flatten(1)
    mean = x.mean(0)
    with seeded(project.seed):  # the same codes in every process
        _, _, axes = torch.pca_lowrank(x - mean, q=min(QUICK_DIM, *x.shape), center=False, niter=4)
    codes = [(pool.floats(slice(i, i + 1000)).flatten(1) - mean) @ axes for i in range(0, len(pool), 1000)]
    return QuickSpace(torch.cat(codes), pool, lambda x: (x.flatten(1) - mean) @ axes)


def current_model(project: Home, name: str | None = None) -> tuple[Method | None, str]:
    """The named model, or the latest that was trained, if its classes are still those of the project."""
    try:
        run = project.run(name, "train")
    except WrongUsage:
        if name is not None:
            raise
        return None, ""
    model = load(run.folder, trust_code=True)
    if model.spec.classes != project.classes[: len(model.spec.classes)]:
        return None, f"{run.name} knows other classes than the project does now; train again to use it"
    return model, ""

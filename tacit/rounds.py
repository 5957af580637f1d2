"""Learn, choose, ask, record, again: the loop with a function in the place of the person.

`rounds` is a generator, so that whoever drives it sees every round as it ends and may stop at any. A person takes the
same turns through the four verbs of a project: learn, choose, label, train.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from tacit.data.feeds import mix
from tacit.data.pool import Pool
from tacit.data.spec import SET_ASIDE, UNLABELED, ItemSpec
from tacit.engine.apply import apply, probabilities
from tacit.engine.device import Device, channels_last, pick
from tacit.engine.fit import fit
from tacit.errors import BadData, WrongUsage
from tacit.latent.space import Space
from tacit.methods import find, seeded
from tacit.methods.method import Method, Recipe
from tacit.methods.relatives import Relatives, wants_relatives
from tacit.select import choose
from tacit.select.picks import Picks

Ask = Callable[[Pool, Tensor], Tensor]  # positions in the pool -> class indices, SET_ASIDE where it cannot tell
Train = Callable[[Pool, Tensor, int, Method | None], Method]  # pool, labels, seed, weights to start from -> a model


@dataclass(frozen=True)
class Round:
    """One turn of the loop, after its training."""

    number: int  # 0 is the random start
    picks: Picks
    labels: Tensor  # (N,) over the pool, so far
    asked: int  # answers paid for so far, refused ones included
    model: Method
    refused: int = 0  # asked about in this round, and the answer was "cannot tell"
    seconds: dict[str, float] = field(default_factory=dict)  # choose, ask, train


def hidden_truth(truth: Tensor) -> Ask:
    """The annotator of a simulation: it looks the answer up."""
    return lambda pool, index: truth[index]


def judge(model: Method, confidence: float = 0.9) -> Ask:
    """An annotator for items nobody has ever seen: a model trained on all true labels, silent where it is not sure."""

    def ask(pool: Pool, index: Tensor) -> Tensor:
        best, answer = probabilities(model, pool, index).max(1)
        return torch.where(best >= confidence, answer, SET_ASIDE)

    return ask


def supervised(
    *,
    epochs: int = 30,
    batch: int = 64,
    least_steps: int = 0,
    recipe: Recipe | None = None,
    precision: str = "auto",
    generator: Method | None = None,
    **options: Any,
) -> Train:
    """Train the supervised baseline from scratch: `epochs` passes over whatever is labelled by then.

    With a `generator` (a trained exemplar_vae) relatives of the items are learned from beside them, as
    `augment="exemplar"` says, or `"exemplar+light"`.
    """
    where = pick("auto", precision)
    options = {"augment": "exemplar", **options} if generator else options

    def train(pool: Pool, labels: Tensor, seed: int, previous: Method | None = None) -> Method:
        known = int((labels >= 0).sum())
        steps = max(least_steps, math.ceil(epochs * known / batch))
        model = untrained("supervised", pool.spec, seed, previous, options)
        if generator is not None:
            with_relatives(model, generator, pool, labels, where)
        settings = replace(recipe or model.recipe, steps=steps, batch=min(batch, max(1, known)))
        fit(model, pool, labels, recipe=settings, seed=seed, device=where)
        return model

    return train


def trainer(
    name: str,
    *,
    learned: Method | None = None,
    recipe: Recipe | None = None,
    device: str | Device = "auto",
    precision: str = "auto",
    watch: Callable[[dict[str, Any]], None] | None = None,
    **options: Any,
) -> Train:
    """Train the classifier of this name from scratch, or from the trunk of `learned`, by its own recipe.

    What has no answer among the labels is learned from too, where the method can.
    """
    cls: Any = find(name)
    if not hasattr(cls, "logits"):
        raise WrongUsage(f"{name} does not classify: it learns without labels\n  see: tacit methods")
    if cls.needs_trunk and learned is None:
        raise WrongUsage(f"{name} begins with what was learned without labels\n  learn it first: tacit learn")
    options = {**(cls.options_of(learned) if learned else {}), **options}

    def train(pool: Pool, labels: Tensor, seed: int, previous: Method | None = None) -> Method:
        model: Any = untrained(name, pool.spec, seed, previous, options)
        if learned is not None and previous is None:
            model.take_over(learned)
        fit(model, pool, labels, recipe=recipe, seed=seed, device=device, precision=precision, watch=watch)
        return model

    return train


def untrained(name: str, spec: ItemSpec, seed: int, previous: Method | None, options: dict[str, Any]) -> Method:
    """A method before its first step: with random weights, or with those of the round before."""
    model = seeded(name, spec, seed, options)
    if previous is not None:
        model.load_state_dict(previous.state_dict())
    return model


def with_relatives(model: Method, generator: Method, pool: Pool, labels: Tensor, where: Device) -> None:
    """Hand a classifier the relatives of the answered items it is about to learn from."""
    augmentation = wants_relatives(model)
    if augmentation is None:
        raise WrongUsage("a generator was given, and nothing asks for it\n  try: augment exemplar, or exemplar+light")
    channels_last(generator)
    known = (labels >= 0).nonzero().flatten()
    augmentation.relatives = Relatives(generator, pool, known, where.device)


def rounds(
    space: Space,
    ask: Ask,
    train: Train,
    *,
    strategy: str = "random",
    options: dict[str, Any] | None = None,
    start: str = "random",
    first: int = 100,
    k: int = 100,
    count: int = 10,
    image: str = "real",
    restart: str = "scratch",
    ask_new: Ask | None = None,
    seed: int = 0,
    labels: Tensor | None = None,
    beginning: Method | None = None,
) -> Iterator[Round]:
    """Yield `count` rounds: `first` items chosen by `start`, then `k` a round by `strategy`.

    `image="decoded"` trains on decode(embed(x)) in every round instead of on x. `ask_new` answers for items a strategy
    made itself. `restart="warm"` goes on from the weights of the round before. `beginning` is the model of the first round where it is known already: seeds share it.
    """
    pool = space.pool
    labels = torch.full((len(pool),), UNLABELED) if labels is None else labels.clone()
    made = Made(pool)
    model: Method | None = None
    latest: Tensor | None = None
    asked = 0
    for number in range(count):
        clock = Clock()
        wanted, name = (first, start) if number == 0 else (k, strategy)
        settings = (options or {}) if number else {}
        picks = choose(name, space, labels, wanted, model=model, latest=latest, seed=mix(seed, number), **settings)
        clock.lap("choose")
        if picks.made_new:
            if ask_new is None:
                raise WrongUsage(f"{name} makes new items, and nobody is there to answer for them: pass ask_new")
            answers = made.add(picks, ask_new)
        else:
            answers, latest = ask(pool, picks.index), picks.index
            labels[picks.index] = answers
        asked += len(picks)
        clock.lap("ask")
        if int((labels >= 0).sum()) == 0:
            raise BadData("the first round brought no usable answer; ask about more items at the start")
        previous = model if restart == "warm" else None
        items, answered = made.training_set(labels, space if image == "decoded" else None)
        model = beginning if number == 0 and beginning is not None else train(items, answered, seed, previous)
        clock.lap("train")
        refused = int((answers == SET_ASIDE).sum())
        yield Round(number, picks, labels.clone(), asked, model, refused, clock.laps)


class Made:
    """Items a strategy made itself, and the answers to them, beside those of the pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.items: list[Tensor] = []
        self.answers: list[Tensor] = []

    def add(self, picks: Picks, ask_new: Ask) -> Tensor:
        assert picks.items is not None
        stored = self.pool.spec.to_stored(picks.items)
        answers = ask_new(Pool(self.pool.spec, stored.numpy()), torch.arange(len(stored)))
        self.items.append(stored[answers >= 0])
        self.answers.append(answers[answers >= 0])
        return answers

    def training_set(self, labels: Tensor, through: Space | None = None) -> tuple[Pool, Tensor]:
        """The pool and its labels; or, where items were made or are to be decoded, what is labelled alone."""
        if not self.items and through is None:
            return self.pool, labels
        known = (labels >= 0).nonzero().flatten()
        x = self.pool[known]
        if through is not None:
            assert through.method is not None
            codes = through.codes[known]
            x = self.pool.spec.to_stored(apply(through.method, through.method.decode, codes))  # type: ignore[arg-type]
        return Pool(self.pool.spec, torch.cat([x, *self.items]).numpy()), torch.cat([labels[known], *self.answers])


class Clock:
    """Seconds of the parts of a round."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self.last = now - self.last, now

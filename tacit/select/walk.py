"""Steps in latent space from labeled items: against the model, or anywhere. The paper is named in `uphill.py`."""

from typing import NamedTuple

import torch
from torch import Tensor

from tacit.engine.apply import apply
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.select.metric import Metric, Name
from tacit.select.words import percent

FLAT = 1e-12  # a gradient shorter than this has no direction
CHUNK = 500  # codes decoded with gradient at a time


class Walk(NamedTuple):
    """Labeled items and where a step took their codes."""

    start: Tensor  # (k,) positions in the pool
    z: Tensor  # (k, D) codes after the step
    metric: Metric
    length: Tensor  # (k,) of the steps, in the metric
    flat: Tensor  # (k,) bool: no gradient left, the direction is a random one
    right: float = 1.0  # share of the decoded starting items that the model gets right

    @property
    def note(self) -> str:
        """What the person should hear about this walk."""
        said = []
        if n := int(self.flat.sum()):
            said.append(f"{n} of {len(self.flat)} steps went in a random direction: the model's loss is flat there")
        if self.right < 0.5:
            said.append(
                f"the model recognizes only {percent(self.right)} of the decoded starting items: directions may speak "
                "of the decoder's blur rather than of the model's doubts"
            )
        return "; ".join(said)


def anywhere(
    space: Space, labels: Tensor, k: int, *, seed: int, latest: Tensor | None = None, step: float, metric: Name
) -> Walk:
    """k labeled items, moved by `step` typical distances in random directions.

    They are drawn at random without repetition: from the `latest` round where it has an answer, else from all. When there are fewer than k, all of them set out again in a new order
    and go one step further, so that no two walks end at the same place.
    """
    known = (labels >= 0).nonzero().flatten()
    if latest is not None and (labels[latest] >= 0).any():
        known = latest[labels[latest] >= 0].sort().values
    if len(known) == 0:
        raise NotEnoughLabels("there is no labelled item to start from\n  try: tacit choose typical -k 20")
    generator = torch.Generator().manual_seed(seed)
    turns = [known[torch.randperm(len(known), generator=generator)] for _ in range(-(-k // len(known)))]
    start = torch.cat(turns)[:k]
    measure = Metric.of(space, metric, seed)
    p = space.codes[start]
    length = step * measure.step * (1 + torch.arange(k) // len(known))
    z = measure.move(p, torch.randn(p.shape, generator=generator), length)
    return Walk(start, z, measure, length, torch.zeros(k, dtype=torch.bool))


def against(
    model: Method,
    space: Space,
    labels: Tensor,
    k: int,
    *,
    seed: int,
    latest: Tensor | None = None,
    step: float,
    metric: Name,
) -> Walk:
    """The same k items, each moved up the slope of the model's loss: p_h = p + alpha g / |g|."""
    walk = anywhere(space, labels, k, seed=seed, latest=latest, step=step, metric=metric)
    p = space.codes[walk.start]
    gradient, right = hardness(model, space, p, labels[walk.start])
    slope = walk.metric.slope(gradient)
    flat = slope.norm(dim=1) < FLAT
    z = torch.where(flat[:, None], walk.z, walk.metric.move(p, slope, walk.length))
    return walk._replace(z=z, flat=flat, right=right)


def hardness(model: Method, space: Space, p: Tensor, y: Tensor) -> tuple[Tensor, float]:
    """The direction of g = d/dp loss(model(decode(p)), y) for codes p (m, D) with answers y (m,): (m, D), unscaled.

    Cross entropy is log(1 + e^a) with a the log odds against the answer, so that g = sigmoid(a) da/dp. What comes back
    is da/dp: the same direction, and it stays exact where the model is sure and the loss itself has rounded to zero.
    Also returns the share of decoded items that the model gets right.

    Decoder and model are in evaluation mode, and no gradient is left behind on their parameters.
    """
    decoder = space.method
    if decoder is None or not space.can_decode:
        raise needs_decoder()
    here, there = (next(network.parameters()).device for network in (decoder, model))
    modes = [(module, module.training) for network in (decoder, model) for module in network.modules()]
    parts, right = [], 0
    try:
        decoder.eval()  # evaluation: dropout or batch statistics would turn the directions
        model.eval()
        for some, answer in zip(p.split(CHUNK), y.to(there).split(CHUNK), strict=True):
            z = some.to(here, copy=True).requires_grad_()
            logits = model.logits(decoder.decode(z).to(there)).float()  # type: ignore[operator]
            against = logits.scatter(1, answer[:, None], -torch.inf).logsumexp(1)
            odds = against - logits.gather(1, answer[:, None]).squeeze(1)
            parts += torch.autograd.grad(odds.sum(), z)  # the sum leaves every row its own gradient
            right += int((logits.argmax(1) == answer).sum())
    finally:
        for module, training in modes:
            module.training = training
    return torch.cat(parts).to(p.device), right / len(p)


def decode(space: Space, z: Tensor) -> Tensor:
    """Items (m, *item) floats of codes z (m, D)."""
    if space.method is None or not space.can_decode:
        raise needs_decoder()
    return apply(space.method, space.method.decode, z)  # type: ignore[arg-type]


def needs_decoder() -> WrongUsage:
    """The error where a space has no way back from a code to an item."""
    return WrongUsage(
        "this strategy needs a space that can decode, and the present one cannot\n"
        "  learn one that can: tacit learn vae    choose without one: tacit choose badge"
    )

"""What every method must pass, whoever wrote it: `run_all(find("path/to/file.py:Class"))`.

Each check takes the class and raises AssertionError with a sentence. Items are random and tiny.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.data.feeds import Stream
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.method import Method, Recipe
from tacit.methods.settings import method_options

CLASSES = ("ant", "bee", "cat", "dog")
SPECS = {
    "grey": ItemSpec((1, 12, 12), classes=CLASSES),
    "color": ItemSpec((3, 8, 8), classes=CLASSES),
    "odd sizes": ItemSpec((1, 13, 9), classes=CLASSES),
    "sound": ItemSpec((1, 800), "sound", CLASSES, rate=8000),
    "vector": ItemSpec((5,), "vector", CLASSES),
}
Check = Callable[[type[Method]], None]


@torch.no_grad()
def check_it_embeds_one_code_an_item(cls: type[Method]) -> None:
    for name, method, x in _each_kind(cls):
        z = method.embed(x)
        assert z.ndim == 2 and len(z) == len(x), f"{name}: codes {tuple(z.shape)} for {len(x)} items; expected (B, D)"
        assert z.isfinite().all(), f"{name}: a code is not finite"


@torch.no_grad()
def check_a_code_depends_on_its_item_alone(cls: type[Method]) -> None:
    for name, method, x in _each_kind(cls):
        z = method.embed(x)
        assert torch.equal(z, method.embed(x)), f"{name}: embed is random in evaluation mode"
        alone = torch.cat([method.embed(x[:1]), method.embed(x[1:])])
        assert torch.allclose(z, alone, atol=1e-5), (
            f"{name}: a code depends on the rest of the batch in evaluation mode"
        )


@torch.no_grad()
def check_it_decodes_codes_to_items(cls: type[Method]) -> None:
    for name, method, x in _each_kind(cls):
        if not hasattr(method, "decode"):
            return
        y = method.decode(3 * method.embed(x))
        assert y.shape == x.shape, f"{name}: decoded {tuple(y.shape)}, expected {tuple(x.shape)}"
        assert torch.equal(y, method.spec.within(y)), f"{name}: a decoded item leaves the range of its kind"


@torch.no_grad()
def check_it_gives_a_logit_a_class(cls: type[Method]) -> None:
    for name, method, x in _each_kind(cls):
        if not hasattr(method, "logits"):
            return
        shape = tuple(method.logits(x).shape)
        assert shape == (len(x), len(CLASSES)), f"{name}: logits {shape}, expected {(len(x), len(CLASSES))}"


def check_terms_are_finite_numbers(cls: type[Method]) -> None:
    for spec in SPECS.values():
        for precision in (torch.float32, torch.bfloat16):
            method = _build(cls, spec)
            if method is None:
                continue
            for batch in _batches(method, 2):
                for turn in method.turns():
                    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                        terms = turn.loss(batch)
                    assert terms["loss"].requires_grad, f'"loss" of turn {turn.name} carries no gradient'
                    for key, value in terms.items():
                        assert value.ndim == 0 and value.isfinite(), f"{key} is {value} for items of shape {spec.shape}"
                        assert value.dtype == torch.float32, f"{key} is {value.dtype} under bfloat16 autocast"


def check_every_parameter_is_reached(cls: type[Method]) -> None:
    for spec in SPECS.values():
        method = _build(cls, spec)
        if method is None:
            continue
        missing = {name for name, parameter in method.named_parameters() if parameter.requires_grad}
        for batch in _batches(method, 3):  # a layer that starts at zero lets gradients through from the second step on
            for turn in method.turns():
                _step(method, turn.loss(batch)["loss"], turn.parameters())
                missing -= {name for name, p in method.named_parameters() if p.grad is not None and p.grad.any()}
        assert not missing, f"no loss reaches {', '.join(sorted(missing))}"


def check_same_seed_same_weights(cls: type[Method]) -> None:
    a, b = (_trained(cls) for _ in range(2))
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name]), f"{name} differs between two trainings of one seed"


def check_it_comes_back_from_its_state(cls: type[Method]) -> None:
    method = _trained(cls).eval()
    again = _must_build(cls, seed=1).eval()
    again.load_state_dict(method.state_dict())
    x = _items(method.spec)
    assert torch.equal(method.embed(x), again.embed(x)), (
        "embed remembers something that the state dictionary does not hold"
    )
    batch = next(_batches(method, 1))
    for old, new in zip(method.turns(), again.turns(), strict=True):
        terms = []
        for turn in (old, new):
            torch.manual_seed(0)
            terms.append(turn.loss(batch)["loss"])
        assert torch.equal(*terms), (
            f"the loss of turn {old.name} remembers something the state dictionary does not hold"
        )


def check_its_options_rebuild_it(cls: type[Method]) -> None:
    method = _must_build(cls)
    wanted = method_options(cls)
    assert set(method.options) == set(wanted), f"options recorded {set(method.options)}, signature has {set(wanted)}"
    for name, option in wanted.items():
        assert option.kind is option.KEYWORD_ONLY, f"{name} must be keyword-only"
        assert option.default is not option.empty, f"{name} needs a default"
        assert option.annotation is not option.empty, f"{name} needs a type: settings are converted by it"
    torch.manual_seed(0)
    again = cls(method.spec, **method.options)
    for name, value in method.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), f"{name} differs after rebuilding from the options"


def check_a_few_steps_lower_the_loss(cls: type[Method]) -> None:
    method = _must_build(cls)
    if len(method.turns()) > 1:
        return  # players of a game need not lower their losses together
    batch = next(_batches(method, 1))
    method.after_step(1.0)  # at the end of every ramp, where the loss no longer moves by itself
    first = {name: p.detach().clone() for name, p in method.named_parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-3)
    for _ in range(30):
        loss = method.loss(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        method.after_step(1.0)
    after = _mean_loss(method, batch)
    method.load_state_dict(first, strict=False)  # the first weights, with all that is remembered as it is now
    before = _mean_loss(method, batch)
    assert after < before, f"30 steps on one batch took the loss from {before:.4g} to {after:.4g}"


def check_it_says_what_it_is(cls: type[Method]) -> None:
    assert "http" in cls.paper and any(c.isdigit() for c in cls.paper), "paper: names, year and a link"
    said = cls.use_when
    assert said and said[0].islower() and said[-1] != ".", 'use_when completes "use it when ..."'
    assert isinstance(cls.recipe, Recipe), "recipe is a Recipe"
    module = inspect.getdoc(sys.modules[cls.__module__])
    assert module, "the module docstring names the paper and the departures from it"
    assert cls.__mro__[1] is Method, "a method never extends another"
    both = {field.name for field in fields(Recipe)} & set(method_options(cls))
    assert not both, f"{', '.join(both)}: an option may not have the name of a training setting"


CHECKS: tuple[Check, ...] = (
    check_it_embeds_one_code_an_item,
    check_a_code_depends_on_its_item_alone,
    check_it_decodes_codes_to_items,
    check_it_gives_a_logit_a_class,
    check_terms_are_finite_numbers,
    check_every_parameter_is_reached,
    check_same_seed_same_weights,
    check_it_comes_back_from_its_state,
    check_its_options_rebuild_it,
    check_a_few_steps_lower_the_loss,
    check_it_says_what_it_is,
)


def run_all(cls: type[Method]) -> None:
    """Every check, one after the other; the first that fails raises."""
    for check in CHECKS:
        check(cls)


def _build(cls: type[Method], spec: ItemSpec, seed: int = 0) -> Method | None:
    """The method with its defaults, or None where it says in a sentence that it is not made for such items."""
    torch.manual_seed(seed)
    try:
        method: Any = cls(spec)
    except WrongUsage:
        return None
    if hasattr(method, "learn_from"):
        with torch.random.fork_rng():
            torch.manual_seed(99)  # one teacher for every student: a fresh one of its own kind
            method.learn_from(cls(spec))
    return method


def _must_build(cls: type[Method], seed: int = 0) -> Method:
    """The method for the first kind of items that it is made for."""
    for spec in SPECS.values():
        method = _build(cls, spec, seed)
        if method is not None:
            return method
    raise AssertionError(f"{cls.__name__} is made for none of: {', '.join(SPECS)}")


def _each_kind(cls: type[Method]) -> Iterator[tuple[str, Any, Tensor]]:
    """Kind, method in evaluation mode and a few items, for every kind of items the method is made for."""
    _must_build(cls)
    for name, spec in SPECS.items():
        method = _build(cls, spec)
        if method is not None:
            yield name, method.eval(), _items(spec, 5)


def _pool(spec: ItemSpec, n: int = 48) -> Pool:
    rng = np.random.default_rng(0)
    if spec.kind == "sound":
        return Pool(spec, _clips(rng, n, spec.shape[1]))
    stored = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
    return Pool(spec, stored if spec.kind == "image" else stored.astype(np.float32) / 100 - 1)


def _clips(rng: np.random.Generator, n: int, samples: int) -> np.ndarray:
    """Noise that begins and ends at random, with zeros behind it, (n, 1, T) int16."""
    place = np.arange(samples)
    end = rng.integers(samples // 4, samples + 1, (n, 1, 1))
    return np.where(place < end, rng.normal(0, 8000, (n, 1, samples)).clip(-29000, 29000), 0).astype(np.int16)


def _items(spec: ItemSpec, n: int = 8) -> Tensor:
    return _pool(spec).floats(slice(n))


def _batches(method: Method, count: int) -> Iterator[Any]:
    """The first batches of the method's own feed: 48 items of four classes, a fifth of them without an answer."""
    labels = torch.arange(48) % len(CLASSES)
    labels[::5] = UNLABELED
    return islice(type(method).feed(_pool(method.spec), labels, 16, Stream()), count)


def _step(method: Method, loss: Tensor, parameters: Any) -> None:
    optimizer = torch.optim.SGD(list(parameters), lr=1e-3)
    method.zero_grad()
    loss.backward()
    optimizer.step()
    method.after_step(1.0)


def _trained(cls: type[Method]) -> Method:
    """Three steps from seed 0."""
    method = _must_build(cls)
    for batch in _batches(method, 3):
        for turn in method.turns():
            _step(method, turn.loss(batch)["loss"], turn.parameters())
    return method


@torch.no_grad()
def _mean_loss(method: Method, batch: Any) -> float:
    """The loss of one batch, averaged over the same four draws of whatever is random in it."""
    losses = []
    for seed in range(4):
        torch.manual_seed(seed)
        losses.append(method.loss(batch)["loss"].item())
    return sum(losses) / len(losses)

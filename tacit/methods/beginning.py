"""How a classifier begins: with classes to tell apart, and with the trunk of a method that has seen all items."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods.method import Method
from tacit.nn.projector import Projector
from tacit.nn.trunk import Trunk
from tacit.nn.trunk import trunk as build_trunk

TRUNK = ("trunk", "width", "depth", "norm", "features")  # options of a trunk, called so by every method


def check_classes(spec: ItemSpec) -> None:
    """An error where there are no two classes to tell apart."""
    if len(spec.classes) < 2:
        raise NotEnoughLabels(
            f"a classifier needs at least two classes; this project has {len(spec.classes)}\n"
            "  label items of a second class first: tacit choose -k 20, then tacit label"
        )


def encoder_of(
    spec: ItemSpec, trunk: str, width: int | None, depth: int | None, norm: str, features: int | None
) -> Trunk:
    """The trunk that these options name; the norm `auto` is the usual one of its kind."""
    kind = None if norm == "auto" else norm
    return build_trunk(spec.shape, trunk, width=width, depth=depth, norm=kind, out_dim=features, rate=spec.rate)


def take_over(parts: Sequence[nn.Module], learned: Method, spec: ItemSpec) -> None:
    """Give the trunk, and the layers of a projector behind it, the weights of a method learned without labels.

    A sentence where they do not fit.
    """
    name = type(learned).__name__
    if learned.spec.with_classes(()) != spec.with_classes(()):
        raise WrongUsage(
            f"{name} learned {learned.spec.kind}s of shape {learned.spec.shape}, and these are {spec.kind}s of"
            f" shape {spec.shape}, or on another scale\n  learn these items: tacit learn simclr"
        )
    theirs = [trunk_of(learned), *hidden_of(learned)]
    if len(parts) > len(theirs):
        raise WrongUsage(
            f"layer is {len(parts) - 1}, more than the hidden layers of {name}'s projector, {len(theirs) - 1}\n"
            f"  try: --layer {len(theirs) - 1}"
        )
    for own, other in zip(parts, theirs, strict=False):
        state, wanted = other.state_dict(), {key: value.shape for key, value in own.state_dict().items()}
        found = {key: value.shape for key, value in state.items()}
        if found != wanted:
            key = next(k for k in {**found, **wanted} if found.get(k) != wanted.get(k))
            raise WrongUsage(
                f"the trunk of {name} is another network: {key} has shape {shape(found.get(key))} there and"
                f" {shape(wanted.get(key))} here\n  leave out --trunk, --width, --depth, --norm and --features"
            )
        own.load_state_dict(state)


def options_of(learned: Method) -> dict[str, Any]:
    """The options of a trunk that the weights of this method fit into."""
    trunk_of(learned)
    found = {"norm": "auto", **{name: learned.options[name] for name in TRUNK if name in learned.options}}
    if found["norm"] == "split":  # the same weights; few labels leave no eighths of a batch to take statistics of
        found["norm"] = "batch"
    return found


def trunk_of(learned: Method) -> nn.Module:
    """Its trunk, where it has one that a classifier can stand on."""
    encoder = getattr(learned, "encoder", None)
    if not isinstance(encoder, Trunk) or "trunk" not in learned.options:
        raise WrongUsage(
            f"{type(learned).__name__} has no trunk that a classifier could begin with\n  one that has: tacit learn simclr"
        )
    return encoder


def hidden_of(learned: Method) -> list[Any]:
    """The hidden layers of its projector; none where it has no projector."""
    projector = getattr(learned, "projector", None)
    return list(projector.hidden) if isinstance(projector, Projector) else []


def shape(size: Any) -> str:
    return "none" if size is None else str(tuple(size))

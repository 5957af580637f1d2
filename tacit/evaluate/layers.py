"""Features of a method by the name of their layer: which one is worth keeping?"""

from torch import Tensor, cat

from tacit.data.pool import Items
from tacit.engine.apply import apply
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.method import Method

ALL = "all"


def by_layer(method: Method, items: Items | Tensor, index: Tensor | None = None) -> dict[str, Tensor]:
    """Features (n, D) of items, or of those at `index`, for every layer the method names, in one pass over them."""
    dims: dict[str, int] = {}

    def side_by_side(x: Tensor) -> Tensor:
        found = named(method, x)
        dims.update({name: h.shape[1] for name, h in found.items()})
        return cat(list(found.values()), dim=1)

    features = apply(method, side_by_side, items, index)
    return dict(zip(dims, features.split(list(dims.values()), dim=1), strict=True))


def named(method: Method, x: Tensor) -> dict[str, Tensor]:
    """What `layers` of the method says, in 32 bits."""
    return {name: h.float() for name, h in method.layers(x).items()}  # type: ignore[operator]


def chosen(method: Method | None, layer: str | None, item: Tensor) -> list[str]:
    """The names that `layer` means: none without one, all of them for `all`. `item` is any one, (1, *item)."""
    if layer is None:
        return []
    if method is None or not hasattr(method, "layers"):
        who = "this space" if method is None else type(method).__name__
        raise WrongUsage(f"{who} names no layers: its codes are all there is to measure\n  leave out --layer")
    names = list(by_layer(method, item))
    if layer == ALL:
        return names
    if layer not in names:
        raise unknown_name("layer", layer, [*names, ALL])
    return [layer]

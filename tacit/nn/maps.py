"""Features of a trunk by depth: the maps of its convolutions, and what comes out at the end."""

from itertools import takewhile

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.errors import unknown_name
from tacit.nn.trunk import BasicBlock, Trunk

SIDE = 2  # pixels; larger maps are averaged down to 2 x 2, so that features stay a few hundred numbers
ENDS = (nn.ReLU, BasicBlock)  # what a block of a `conv` or `resnet` trunk ends with


def by_depth(trunk: Trunk, x: Float[Tensor, "B *item"], first: str = "encoder") -> dict[str, Float[Tensor, "B _"]]:
    """Features by the names of `depths`, the one called `first` in front."""
    maps: dict[str, Tensor] = {}
    for part in trunk:
        x = part(x)
        if x.ndim == 4 and isinstance(part, ENDS):
            side = min(SIDE, x.shape[2]), min(SIDE, x.shape[3])
            maps[f"map.{len(maps) + 1}"] = F.adaptive_avg_pool2d(x, side).flatten(1)
    found = {"encoder": x, **maps}
    return {first: found.pop(first), **found}


def depths(trunk: Trunk) -> list[str]:
    """`encoder`, the output of a trunk, and `map.1`, `map.2` ... for the map after each block of convolutions."""
    blocks = [
        part for part in takewhile(lambda part: not isinstance(part, nn.Flatten), trunk) if isinstance(part, ENDS)
    ]
    return ["encoder", *(f"map.{i + 1}" for i in range(len(blocks)))]


def depth_named(trunk: Trunk, name: str) -> str:
    """The name itself, checked; `auto` is the last of them: the last map, or the output where there are no maps.

    A pretext task bends the layers behind the last map to its own question, and the map knows more of the item.
    """
    names = depths(trunk)
    if name not in ("auto", *names):
        raise unknown_name("layer of this trunk", name, ["auto", *names])
    return names[-1] if name == "auto" else name


def last_block(trunk: Trunk) -> slice:
    """The parts of a trunk that turn the last map but one into the last; of a resnet, its last stage.

    Without maps, those that turn the last hidden layer but one into the last. Empty, behind the last part, where a
    trunk is no pile of such blocks.
    """
    flat = next((i for i, part in enumerate(trunk) if isinstance(part, nn.Flatten)), 0) or len(trunk)
    ends = [i + 1 for i, part in enumerate(trunk) if i < flat and isinstance(part, ENDS) and not _goes_on(trunk, i + 1)]
    return slice(*ends[-2:]) if len(ends) > 1 else slice(len(trunk), len(trunk))


def _goes_on(trunk: Trunk, i: int) -> bool:
    """Does the part at i belong to the stage before it? A stage of a resnet begins with a block that changes the map."""
    part = trunk[i] if i < len(trunk) else None
    return isinstance(part, BasicBlock) and len(part.around) == 0


def through(trunk: Trunk, x: Float[Tensor, "B *before"], parts: slice) -> Float[Tensor, "B *after"]:
    """These parts of a trunk, one after the other."""
    for part in list(trunk)[parts]:
        x = part(x)
    return x


@torch.no_grad()
def width_after(trunk: Trunk, shape: tuple[int, ...], stop: int) -> int:
    """Channels of the map, or features, after so many parts of a trunk for items of this shape."""
    was = trunk.training
    trunk.eval()  # so that running statistics do not follow an item of zeros
    wide = through(trunk, torch.zeros(1, *shape), slice(stop)).shape[1]
    trunk.train(was)
    return wide

"""How a classifier sees the items of a step: changed a little, or as methods without labels see them."""

import torch
from torch import Tensor

from tacit.data.augment import augment as augmented
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import unknown_name

CHANGES = ("none", "light", "crop", "views")


class Change:
    """`change(x)` changes every item at random, (B, *item) -> (B, *item), and leaves its class alone.

    - `augment`: `none`; `light`, a small change (`data/augment.py`); `views`, what simclr learns from by default
      (`data/views.py`), and `crop`, the same without other colors and blur.
    - `flip`: mirrored half of the time; `crop` and `views` mirror pictures in color in any case.
    """

    def __init__(self, spec: ItemSpec, augment: str = "light", flip: bool = False) -> None:
        if augment not in CHANGES:
            raise unknown_name("augmentation", augment, CHANGES)
        self.strength, self.flip = "light" if augment == "light" else "none", flip
        self.view = _views(spec, augment, flip) if augment in ("crop", "views") else None

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        return self.view(x) if self.view else augmented(x, self.strength, flip=self.flip)


def _views(spec: ItemSpec, augment: str, flip: bool) -> Views:
    """The views of the items' preset; for `crop` those that change neither colors nor sharpness."""
    if spec.kind != "image":
        return Views(spec)
    unchanged = 0.0 if augment == "crop" else None
    return Views(spec, flip=True if flip else None, color=unchanged, blur=unchanged)

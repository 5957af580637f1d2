"""What one item looks like."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

UNLABELED = -1  # nobody has answered yet
SET_ASIDE = -2  # asked, and the answer was "cannot tell": neither trained on nor asked about again
RANGES = {"image": (0.0, 1.0), "sound": (-1.0, 1.0)}  # of values, as methods see them


@dataclass(frozen=True)
class ItemSpec:
    """Shape, kind and classes of the items of a pool.

    An image is (C, H, W), stored as uint8 and seen by methods as floats in [0, 1].
    A sound is (1, T): T samples at `rate` Hz, zeros behind a shorter clip; stored as int16, seen as floats in [-1, 1).
    A vector is (F,), stored as float32 and seen standardised: (x - center) / scale, column by column.
    """

    shape: tuple[int, ...]
    kind: str = "image"  # "image", "sound" or "vector"
    classes: tuple[str, ...] = ()
    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    rate: int = 0  # of sounds: samples a second

    def to_float(self, x: Tensor) -> Tensor:
        """Stored items (B, *item) as a method sees them."""
        if self.kind == "image":
            return x.float().mul_(1 / 255) if x.dtype == torch.uint8 else x.float()
        if self.kind == "sound":
            return x.float().mul_(1 / 32768) if x.dtype == torch.int16 else x.float()
        if not self.center:
            return x.float()
        return (x.float() - torch.tensor(self.center, device=x.device)) / torch.tensor(self.scale, device=x.device)

    def to_stored(self, x: Tensor) -> Tensor:
        """The way back: floats as a method sees them, (B, *item), as the pool keeps them: uint8 images, int16 sounds, raw
        vectors."""
        if self.kind == "image":
            return x.mul(255).round().clamp(0, 255).to(torch.uint8)
        if self.kind == "sound":
            return x.mul(32768).round().clamp(-32768, 32767).to(torch.int16)
        if not self.center:
            return x.float()
        center, scale = (torch.tensor(each, dtype=torch.float64, device=x.device) for each in (self.center, self.scale))
        return (x * scale + center).float()

    def within(self, x: Tensor) -> Tensor:
        """Values as a method may see them: images in [0, 1], sounds in [-1, 1], vectors anywhere."""
        return x.clamp(*RANGES[self.kind]) if self.kind in RANGES else x

    def with_classes(self, classes: tuple[str, ...]) -> "ItemSpec":
        return replace(self, classes=tuple(classes))

    def to_dict(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "ItemSpec":
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
        return cls(**fields)

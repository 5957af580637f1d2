"""What a method that compares views sees of an item: one random change of everything that should not matter.

`photos` is SimCLR's recipe (Chen et al. 2020, app. A): a crop of 8 % of the picture or more at full size, mirrored or
not, other colors, sometimes none, and blur where pictures are larger than 64 pixels. `drawings` is for letters, digits
and other pictures in one tone: no mirror, since a mirrored letter is another sign or none; larger crops, since 8 % of a
digit is a stroke; a turn of up to 15 degrees, some contrast and blur in place of colors.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from tacit.data.augment import affine, noise
from tacit.data.colors import jitter
from tacit.data.crops import crop
from tacit.data.sound_views import sound_view
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage, unknown_name

VIEWS = ("auto", "photos", "drawings")
LEAST_BOX = 4  # pixels of the short side of the smallest crop that a preset asks for
SHARP = 64  # pixels; smaller pictures are not blurred as photos


class Views:
    """`views(x)` is one random view of every item, (B, *item) -> (B, *item); ask again for another.

    - `views`: `photos` for pictures in color, `drawings` for all others; `auto` chooses so.
    - `crop`: the smallest crop as a share of the area; 1 leaves items whole.
    - `color`: strength of the color changes, 0 to 1; at 0 no picture loses its colors either. Items that have not three channels change in brightness and
      contrast alone.
    - `flip`: mirror every second item. `blur`: the share of items that are blurred.

    What is None is as the preset has it. Vectors get noise and lose some columns; sounds are changed as
    `sound_views.py` says; both take none of these settings.
    """

    def __init__(
        self,
        spec: ItemSpec,
        views: str = "auto",
        *,
        crop: float | None = None,
        color: float | None = None,
        flip: bool | None = None,
        blur: float | None = None,
    ) -> None:
        if views not in VIEWS:
            raise unknown_name("preset of views", views, VIEWS)
        self.kind = spec.kind
        if spec.kind != "image":
            given = {"views": views != "auto", "crop": crop, "color": color, "flip": flip, "blur": blur}
            if names := [name for name, value in given.items() if value]:
                raise WrongUsage(f"--{names[0]} is about pictures, and these items are {spec.kind}s\n  leave it out")
            return
        photos = views == "photos" or (views == "auto" and spec.shape[0] == 3)
        side, small = max(spec.shape[1:]), min(spec.shape[1:])
        whole = min(1.0, 4 / 3 * (LEAST_BOX / small) ** 2)  # small pictures: no crop of fewer than 4 pixels
        self.crop = max(0.08 if photos else 0.4, whole) if crop is None else crop
        self.color = (0.5 if side <= SHARP else 1.0) if color is None else color
        self.grey = 0.2 if photos and self.color else 0.0  # color 0 leaves colors alone, all of them
        self.flip = photos if flip is None else flip
        self.blur = (0.5 * (side > SHARP) if photos else 0.3) if blur is None else blur
        self.degrees = 0.0 if photos else 15.0
        self._check(small)

    def _check(self, small: int) -> None:
        for name, value in (("crop", self.crop), ("color", self.color), ("blur", self.blur)):
            if not 0 <= value <= 1:
                raise WrongUsage(f"{name} is {value:g}, expected a number from 0 to 1")
        if (0.75 * self.crop) ** 0.5 * small < 1:
            raise WrongUsage(
                f"a crop of {self.crop:.0%} of a picture {small} pixels wide is less than a pixel\n"
                f"  try: --crop {min(1.0, 4 / 3 * (LEAST_BOX / small) ** 2):.2g}"
            )

    @torch.no_grad()
    def __call__(self, x: Float[Tensor, "B *item"], generator: Generator | None = None) -> Float[Tensor, "B *item"]:
        with torch.autocast(x.device.type, enabled=False):
            return self._seen(x, generator)

    def _seen(self, x: Tensor, generator: Generator | None) -> Tensor:
        if self.kind == "sound":
            return sound_view(x, generator)
        if self.kind == "vector":
            return some_columns(noise(x, 0.2, generator), 0.2, generator)
        if self.degrees:
            x = affine(x, degrees=self.degrees, generator=generator)
        if self.crop < 1 or self.flip or self.blur:
            x = crop(x, self.crop, flip=self.flip, blur=self.blur, generator=generator)
        if self.color:
            x = jitter(x, self.color, grey=self.grey, generator=generator)
        return x


def some_columns(x: Float[Tensor, "B F"], share: float, generator: Generator | None = None) -> Float[Tensor, "B F"]:
    """A share of the columns of every vector at their mean, 0: the rest has to do."""
    return x * (torch.rand(x.shape, device=x.device, generator=generator) >= share)

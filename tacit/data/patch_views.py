"""What CPC changes in the patches of a picture, each for itself, so that predicting one takes more than its colors.

Every patch has parameters of its own; everything runs on the batch's device.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

SHIFT = 1 / 16  # of a patch: 60 of 64 pixels stay (CPC, sec. 3.3)
GREY = 0.5  # share of the patches of a color picture that keep one channel


@torch.no_grad()
def patch_view(
    patches: Float[Tensor, "B R S C p p"], *, flip: bool = False, generator: Generator | None = None
) -> Float[Tensor, "B R S C p p"]:
    """Each patch moved inside its frame, some with one color left, mirrored or not where `flip`."""
    x = patches.flatten(0, 2)  # (N, C, p, p)
    reach = max(1, round(SHIFT * x.shape[-1]))
    down, right = torch.randint(-reach, reach + 1, (2, len(x)), device=x.device, generator=generator)
    mirrored = torch.rand(len(x), device=x.device, generator=generator) < 0.5 * flip
    x = moved(moved(x, down, -2), right, -1)
    x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    return one_color(x, GREY, generator).view_as(patches)


def moved(x: Float[Tensor, "N C p p"], by: Tensor, dim: int) -> Float[Tensor, "N C p p"]:
    """Each patch moved along rows or columns by a number of pixels of its own, zeros in the gap: what lies outside of a
    patch must not come into it, since neighbors predict each other."""
    size = x.shape[dim]
    place = torch.arange(size, device=x.device) - by[:, None]  # (N, p)
    inside = (place >= 0) & (place < size)
    shape = (len(x), 1, size, 1) if dim == -2 else (len(x), 1, 1, size)
    return x.gather(dim, place.clamp(0, size - 1).view(shape).expand_as(x)) * inside.view(shape)


def one_color(
    x: Float[Tensor, "N C p p"], share: float, generator: Generator | None = None
) -> Float[Tensor, "N C p p"]:
    """For a share of the patches two of three channels are dropped; the one that is left takes their place as well.

    Patches of one or two channels, or of more than three, stay as they are.
    """
    if x.shape[1] != 3:
        return x
    kept = torch.randint(3, (len(x), 1, 1, 1), device=x.device, generator=generator)
    dropped = torch.rand(len(x), 1, 1, 1, device=x.device, generator=generator) < share
    return torch.where(dropped, x.gather(1, kept.expand(-1, -1, *x.shape[2:])), x)

"""Random changes of brightness, contrast, saturation and hue: one affine map of the colors of every image.

Each of the four is affine in (R, G, B): brightness and saturation and hue are 3x3 matrices, contrast a matrix and a shift
towards the image's own mean, which the maps before it move along. So any order of them is one 3x4 matrix an image, and
one pass over the pixels.
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

LUMA = (0.299, 0.587, 0.114)  # share of red, green and blue in the grey of a picture (ITU-R BT.601)
YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def jitter(
    x: Float[Tensor, "B C H W"],
    strength: float,
    *,
    hue: float = 0.2,
    share: float = 0.8,
    grey: float = 0.0,
    generator: Generator | None = None,
) -> Float[Tensor, "B C H W"]:
    """SimCLR's color distortion (Chen et al. 2020, app. A) on images in [0, 1]; they stay there.

    For a share of the images brightness, contrast and saturation are multiplied by factors in [1 - 0.8 strength,
    1 + 0.8 strength] and the hue turned by up to `hue` strength of a full circle, in an order of its own for each image.
    Then a share `grey` loses its colors. Images without three channels have only brightness and contrast, the same for
    all channels. Strength 0 and grey 0 leave x as it is.
    """
    b, c = x.shape[:2]
    device = x.device
    u = torch.rand(6, b, device=device, generator=generator)
    factor = (1 + 0.8 * strength * (2 * u[:3] - 1)).clamp(min=0)  # (3, B)
    turn = 2 * math.pi * hue * strength * (2 * u[3] - 1)
    order = torch.rand(b, 4, device=device, generator=generator).argsort(1)  # (B, 4)
    eye = torch.eye(c, device=device).expand(b, c, c)
    luma = torch.tensor(LUMA, device=device) if c == 3 else torch.full((c,), 1 / c, device=device)
    to_grey = luma.expand(c, c)
    contrast = factor[1][:, None, None]
    kinds = [factor[0][:, None, None] * eye, contrast * eye]  # (B, C, C) each
    if c == 3:
        saturation = factor[2][:, None, None]
        kinds += [saturation * eye + (1 - saturation) * to_grey, hue_turn(turn)]
    maps = torch.stack([*kinds, *[eye] * (4 - len(kinds))], dim=1)  # (B, 4, C, C)

    mean = x.mean((2, 3))  # (B, C), moved along by each map
    matrix, shift = eye, torch.zeros(b, c, device=device)
    item = torch.arange(b, device=device)
    for kind in order.unbind(1):
        now = maps[item, kind]
        towards = (1 - factor[1]) * (mean @ luma) * (kind == 1)  # contrast: away from or towards the mean grey
        matrix = now @ matrix
        shift = torch.einsum("bij,bj->bi", now, shift) + towards[:, None]
        mean = torch.einsum("bij,bj->bi", now, mean) + towards[:, None]
    on = u[4] < share
    matrix = torch.where(on[:, None, None], matrix, eye)
    shift = torch.where(on[:, None], shift, 0.0)
    if grey and c == 3:
        gone = u[5] < grey
        shift = torch.where(gone[:, None], (shift @ luma)[:, None].expand(b, c), shift)
        matrix = torch.where(gone[:, None, None], to_grey @ matrix, matrix)
    return torch.baddbmm(shift[:, :, None], matrix, x.flatten(2)).clamp_(0, 1).view_as(x)


def hue_turn(angle: Float[Tensor, "B"]) -> Float[Tensor, "B 3 3"]:
    """Colors turned around the grey axis by an angle in radians: brightness (the Y of YIQ) and greys stay."""
    to_yiq = torch.tensor(YIQ, device=angle.device)
    turn = torch.zeros(len(angle), 3, 3, device=angle.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 2, 1] = angle.sin()
    turn[:, 1, 2] = -angle.sin()
    return torch.linalg.inv(to_yiq) @ turn @ to_yiq

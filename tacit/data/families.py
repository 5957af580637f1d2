"""Families of transformations with the numbers that describe them: what an auto-encoder of transformations decodes.

The families, ranges and target vectors of EnAET (Wang et al. 2019, https://arxiv.org/abs/1911.09265), as its code has
them for items of 32 x 32 pixels; here lengths are shares of the item's size, so that any size gives the same numbers.

| family | drawn | target |
| --- | --- | --- |
| projective | corners: scale 0.8 to 1.2, quarter turns, each moved by up to 1/8 of the size | the 8 coefficients |
| affine | angle, shift up to 0.2, scale 0.8 to 1.2, shear up to 30 degrees | cos, sin, shift (2), scale, shear |
| similarity | the same draw without shear | the first 5 of these |
| euclidean | the same draw, scale 1 | the first 4 |
| colors | factors of color, contrast, brightness and sharpness, 0.2 to 1.8 | the factors |
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

from tacit.data.enhance import draw_factors, enhance, factors
from tacit.data.warps import Affine, affine_matrix, corner_warp, draw_affine, draw_corners, warp
from tacit.errors import WrongUsage, unknown_name

FAMILIES = ("projective", "affine", "similarity", "euclidean", "colors")
WEIGHTS = dict(zip(FAMILIES, (1.0, 0.75, 0.5, 0.2, 0.05), strict=True))  # EnAET's, of their errors beside each other
SHIFT, SCALE, SHEAR = 0.2, 0.2, 30.0  # of affine warps: share of the size, share, degrees
CORNER_SCALE, CORNER_SHIFT = 0.2, 1 / 8
FACTOR = 0.8  # how far the factors of colors lie from 1
AFFINE_ENTRIES = {"affine": 6, "similarity": 5, "euclidean": 4}
# Of the coefficients of a homography, with the item from 0 to 1. In pixels of a 32 x 32 item these are EnAET's
# (0, 0, 16, 0, 0, 16, 0, 0) and (1, 1, 20, 1, 1, 20, 0.015, 0.015).
OFFSET = (0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0)
UNIT = (1.0, 1.0, 0.625, 1.0, 1.0, 0.625, 0.48, 0.48)
TO_SPAN = ((2.0, 0.0, -1.0), (0.0, 2.0, -1.0), (0.0, 0.0, 1.0))  # from [0, 1] to the [-1, 1] of a warp
# Mean variance of the target of a projective warp by the number of quarter turns it may make: 2 million draws each,
# standard error 0.0002
PROJECTIVE_CHANCE = {1: 0.0596, 3: 0.4448, 4: 0.4918}


class Transformed(NamedTuple):
    """Items after a transformation, and the numbers that describe it."""

    x: Tensor  # (B, C, H, W)
    target: Tensor  # (B, P)


def transform(
    x: Float[Tensor, "B C H W"], families: Sequence[str], degrees: float = 180.0, generator: Generator | None = None
) -> list[Transformed]:
    """One transformation of each family; affine, similarity and Euclidean ones are made from one draw.

    Angles lie within `degrees`; the quarter turns of a projective warp are those that do.
    """
    b, c, h, w = x.shape
    move = draw_affine(b, degrees=degrees, shift=SHIFT, scale=SCALE, shear=SHEAR, generator=generator, device=x.device)
    made = []
    for family in families:
        if family == "projective":
            matrix = draw_projective(b, degrees, generator, x.device)
            made.append(Transformed(warp(x, matrix), projective_target(matrix)))
        elif family == "colors":
            factor = draw_factors(b, c, FACTOR, generator, x.device)
            made.append(Transformed(enhance(x, factor), factor))
        else:
            kept = only(move, family)
            made.append(Transformed(warp(x, affine_matrix(kept, h, w)), affine_target(kept, family)))
    return made


def weighted(family: str) -> dict[str, float]:
    """The families of this name and what the error of each counts: `all`, one of them, or several as `affine+colors`.

    One alone counts 1, several as published.
    """
    if family == "all":
        return dict(WEIGHTS)
    names = family.split("+")
    for name in names:
        if name not in FAMILIES:
            raise unknown_name("family of transformations", name, (*FAMILIES, "all"))
    if len(set(names)) < len(names):
        raise WrongUsage(f"a family is named twice in {family!r}")
    return {name: WEIGHTS[name] for name in FAMILIES if name in names} if len(names) > 1 else {family: 1.0}


def check_degrees(degrees: float) -> None:
    if not 0 <= degrees <= 180:
        raise WrongUsage(f"degrees is {degrees:g}, expected 0 to 180")


def target_size(family: str, channels: int) -> int:
    """How many numbers describe a transformation of this family."""
    return {"projective": 8, "colors": len(factors(channels)), **AFFINE_ENTRIES}[family]


def only(move: Affine, family: str) -> Affine:
    """The part of an affine move that a similarity or a Euclidean one has."""
    if family == "affine":
        return move
    move = move._replace(shear=torch.zeros_like(move.shear))
    return move if family == "similarity" else move._replace(scale=torch.ones_like(move.scale))


def affine_target(move: Affine, family: str) -> Float[Tensor, "B P"]:
    """[cos, sin, right, down, scale, shear], the last four over their ranges; the first 5 or 4 of them."""
    rest = ((move.scale - 1) / SCALE, move.shear / math.radians(SHEAR))
    all_six = torch.stack((move.angle.cos(), move.angle.sin(), *(move.shift / SHIFT).unbind(1), *rest), 1)
    return all_six[:, : AFFINE_ENTRIES[family]]


def affine_move(target: Float[Tensor, "B P"]) -> Affine:
    """The way back, from 4, 5 or 6 numbers."""
    scale, shear = F.pad(target[:, 4:], (0, 6 - target.shape[1])).unbind(1)
    angle = torch.atan2(target[:, 1], target[:, 0])
    return Affine(angle, target[:, 2:4] * SHIFT, 1 + scale * SCALE, shear * math.radians(SHEAR))


def draw_projective(
    n: int, degrees: float, generator: Generator | None = None, device: torch.device | str | None = None
) -> Float[Tensor, "B 3 3"]:
    """Projective warps of n items."""
    corners = draw_corners(
        n, scale=CORNER_SCALE, shift=CORNER_SHIFT, turns=quarters(degrees), generator=generator, device=device
    )
    return corner_warp(corners)


def quarters(degrees: float) -> tuple[int, ...]:
    """The quarter turns within so many degrees: none, all but the half turn, or all."""
    return tuple(turn for turn in range(4) if 90 * min(turn, 4 - turn) <= degrees)


def projective_target(matrix: Float[Tensor, "B 3 3"]) -> Float[Tensor, "B 8"]:
    """The coefficients of the warp in coordinates from 0 to 1, about as large as each other."""
    to_span = torch.tensor(TO_SPAN, dtype=torch.float64, device=matrix.device)  # autocast leaves float64 alone
    unit = to_span.inverse() @ matrix.double() @ to_span
    coefficients = (unit / unit[:, 2:, 2:]).flatten(1)[:, :8].float()
    return (coefficients - torch.tensor(OFFSET, device=matrix.device)) / torch.tensor(UNIT, device=matrix.device)


def projective_matrix(target: Float[Tensor, "B 8"]) -> Float[Tensor, "B 3 3"]:
    """The way back; the last entry is 1."""
    coefficients = target * torch.tensor(UNIT, device=target.device) + torch.tensor(OFFSET, device=target.device)
    unit = F.pad(coefficients, (0, 1), value=1.0).unflatten(1, (3, 3)).double()
    to_span = torch.tensor(TO_SPAN, dtype=torch.float64, device=target.device)
    span = to_span @ unit @ to_span.inverse()
    return (span / span[:, 2:, 2:]).float()


def chance(family: str, degrees: float = 180.0) -> float:
    """Mean squared error of who always says the mean target: the mean variance of its entries."""
    if family == "projective":
        return PROJECTIVE_CHANCE[len(quarters(degrees))]
    if family == "colors":
        return FACTOR**2 / 3
    a = math.radians(degrees)
    turned = 1 - (math.sin(a) / a) ** 2 if a else 0.0  # cos and sin together: 1 less the squared mean of the cosine
    entries = AFFINE_ENTRIES[family]
    return (turned + (entries - 2) / 3) / entries

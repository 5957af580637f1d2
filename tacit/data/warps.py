"""Geometry of images in batches: where every pixel of the new image comes from, each item with parameters of its own.

A warp is a matrix from the new image to the old one, (B, 2, 3) for affine and (B, 3, 3) for projective warps. Both live
in coordinates that run from -1 to 1 from edge to edge, x to the right and y down, as `grid_sample` has them.
Everything runs on the batch's device; the same generator state gives the same parameters.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn import functional as F

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))  # clockwise from the upper left


class Affine(NamedTuple):
    """What is done to each item: sheared, turned and scaled about its center, then moved."""

    angle: Tensor  # (B,) radians, clockwise
    shift: Tensor  # (B, 2) to the right and down, in shares of width and height
    scale: Tensor  # (B,) above 1 is larger
    shear: Tensor  # (B,) radians between the vertical and where it leans


def rotate90(x: Float[Tensor, "B C S S"], turns: Int[Tensor, "B"]) -> Float[Tensor, "B C S S"]:
    """Square items turned counterclockwise by `turns` quarters, exactly: pixels change places, none is computed."""
    turns = turns.remainder(4)[:, None, None, None]
    x = torch.where(turns % 2 == 1, x.transpose(2, 3), x)
    x = torch.where((turns == 1) | (turns == 2), x.flip(2), x)
    return torch.where(turns >= 2, x.flip(3), x)


def warp(x: Float[Tensor, "B C H W"], matrix: Float[Tensor, "B R 3"]) -> Float[Tensor, "B C H W"]:
    """Every new pixel fetched from where its matrix says: one bilinear pass; the border is repeated into the gap."""
    h, w = x.shape[2:]
    # Written out, since affine_grid's product is rounded in autocast
    down = torch.linspace(-1, 1, 2 * h + 1, device=x.device)[1::2, None]  # (H, 1) pixel centers
    right = torch.linspace(-1, 1, 2 * w + 1, device=x.device)[1::2]  # (W,)
    rows = matrix.unbind(1)
    across, along, *depth = (r[:, :1, None] * right + r[:, 1:2, None] * down + r[:, 2:, None] for r in rows)
    if depth:
        across, along = across / depth[0], along / depth[0]
    return F.grid_sample(x, torch.stack((across, along), dim=-1), padding_mode="border", align_corners=False)


def draw_affine(
    n: int,
    *,
    degrees: float = 0.0,
    shift: float = 0.0,
    scale: float = 0.0,
    shear: float = 0.0,
    generator: Generator | None = None,
    device: torch.device | str | None = None,
) -> Affine:
    """Parameters of n items, uniform: angles and shears up to so many degrees, shifts up to that share of the size,
    scales within `scale` of 1."""
    u = 2 * torch.rand(5, n, device=device, generator=generator) - 1  # in [-1, 1)
    return Affine(u[0] * math.radians(degrees), shift * u[1:3].T, 1 + scale * u[3], u[4] * math.radians(shear))


def affine_matrix(move: Affine, height: int, width: int) -> Float[Tensor, "B 2 3"]:
    """The warp that does it to items of this size; turns are rigid on items that are not square, too.

    In pixels a point p of the item goes to A p + shift, A = scale [[cos a, -sin(a + shear)], [sin a, cos(a + shear)]];
    the warp is the way back.
    """
    shrink = 1 / (move.scale * move.shear.cos())
    cos, sin = move.angle.cos() * shrink, move.angle.sin() * shrink
    lean_cos, lean_sin = (move.angle + move.shear).cos() * shrink, (move.angle + move.shear).sin() * shrink
    back_x = torch.stack((lean_cos, lean_sin * (height / width)), 1)  # (B, 2)
    back_y = torch.stack((-sin * (width / height), cos), 1)
    back = torch.stack((back_x, back_y), 1)  # (B, 2, 2)
    gone = (back * (-2 * move.shift)[:, None]).sum(2, keepdim=True)
    return torch.cat((back, gone), 2)


def draw_corners(
    n: int,
    *,
    scale: float = 0.0,
    shift: float = 0.0,
    turns: tuple[int, ...] = (0,),
    generator: Generator | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "B 4 2"]:
    """Where the four corners of n items go: scaled within `scale` of 1 about the center, turned by one of `turns`
    quarters, then each moved by up to `shift` of the size. With shift 0.125 and scale 0.2 they always stay convex."""
    corners = torch.tensor(CORNERS, device=device).repeat(n, 1, 1)
    zoom = 1 + scale * (2 * torch.rand(n, 1, 1, device=device, generator=generator) - 1)
    pick = torch.randint(len(turns), (n, 1), device=device, generator=generator)
    which = (torch.arange(4, device=device) + torch.tensor(turns, device=device)[pick]) % 4  # (B, 4)
    turned = corners.gather(1, which[:, :, None].expand(-1, -1, 2))
    move = 2 * torch.rand(n, 4, 2, device=device, generator=generator) - 1
    return zoom * turned + 2 * shift * move


def homography(start: Float[Tensor, "B 4 2"], end: Float[Tensor, "B 4 2"]) -> Float[Tensor, "B 3 3"]:
    """The projective map that takes four points to four others, no three of them in line; its last entry is 1.

    Eight equations an item, in double precision.
    """
    (x, y), (to_x, to_y) = start.double().unbind(2), end.double().unbind(2)  # each (B, 4)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    for_x = torch.stack((x, y, one, zero, zero, zero, -x * to_x, -y * to_x), 2)
    for_y = torch.stack((zero, zero, zero, x, y, one, -x * to_y, -y * to_y), 2)
    solved = torch.linalg.solve(torch.cat((for_x, for_y), 1), torch.cat((to_x, to_y), 1))  # (B, 8)
    return torch.cat((solved, one[:, :1]), 1).unflatten(1, (3, 3))


def corner_warp(corners: Float[Tensor, "B 4 2"]) -> Float[Tensor, "B 3 3"]:
    """The warp that takes the corners of each item to these places."""
    return homography(corners, torch.tensor(CORNERS, device=corners.device).expand_as(corners)).float()

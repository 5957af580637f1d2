"""What moves when an item does: the where should, the what should not (Zhao et al. 2015, the plots of single features)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.nn.switches import place
from tacit.report.style import LIGHT, fixed
from tacit.report.svg import label, line, tag, ticks
from tacit.report.svg import picture as drawing

FURTHEST = 6  # pixels an item is moved to either side
NAMED = 3  # pixels at which changes are told in words
SIZE, PANEL = (860.0, 380.0), (310.0, 240.0)


@torch.no_grad()
def measure(method: Any, x: Tensor, s: int) -> dict[str, Any]:
    """Responses to items (B, C, H, W) and to copies moved sideways, of a network of one level with s x s windows.

    Windows count that hold a strong what, and only as long as its maximum would stay inside as it moves: there x should
    move by 2 / (s - 1) a pixel. `where` is how far the places moved, in pixels, `what` how much the values changed, and
    `map` how much the map below did at the place where the maximum was: means over windows, one number a shift, changes
    as shares of the mean value. `slope` is that of `where` against the shift: 1 is perfect, 0 a where that stays.
    """
    (found,), shifts = method.encoder.levels(x), range(-FURTHEST, FURTHEST + 1)
    column = columns(found.where, s, found.size)
    strong = found.what >= found.what[found.what > 0].mean()
    where, what, below, slopes = [], [], [], torch.zeros(2)
    for dx in shifts:
        copies = moved(x, dx)
        maps = method.encoder.blocks[0](copies)
        pooled = method.encoder.poolings[0](maps)
        inside = strong & (column + dx >= 0) & (column + dx <= s - 1)
        steps = (columns(pooled.where, s, found.size) - column)[inside]
        there = maps.flatten(2).gather(2, found.where.flatten(2)).view_as(found.what)
        scale = found.what[inside].mean()
        where.append(steps.mean().item())
        what.append(((pooled.what - found.what)[inside].abs().mean() / scale).item())
        below.append(((there - found.what)[inside].abs().mean() / scale).item())
        slopes += torch.tensor([dx * steps.sum(), dx * dx * len(steps)])
    named = [i for i, dx in enumerate(shifts) if abs(dx) == NAMED]
    return {
        "slope": float(slopes[0] / slopes[1]),  # least squares through the origin
        "shift": NAMED,
        "what_change": float(np.mean([what[i] for i in named])),
        "map_change": float(np.mean([below[i] for i in named])),
        "shifts": list(shifts),
        "where": where,
        "what": what,
        "map": below,
    }


def columns(where: Tensor, s: int, size: tuple[int, int]) -> Tensor:
    """Columns of switches inside their windows, from 0 to s - 1."""
    return (place(where, s, size)[:, :, 0] + 1) / 2 * (s - 1)


def moved(x: Tensor, dx: int) -> Tensor:
    """Items moved to the right by so many pixels, with zeros behind them."""
    return F.pad(x, (dx, -dx))


def picture(found: dict[str, Any]) -> str:
    """An SVG file on paper of its own: left the where against the shift, right what and map."""
    shifts, far = found["shifts"], float(FURTHEST)
    edge = {"x": 0.5, "y": 0.5, "width": SIZE[0] - 1, "height": SIZE[1] - 1, "rx": 10}
    head = [tag("style", fixed(LIGHT)), tag("rect", fill=LIGHT["paper"], stroke=LIGHT["rule"], **edge)]
    places = panel(
        "how far the where moved, pixels", shifts, [("where", 0, found["where"])], (-far, far), diagonal=True
    )
    changes = [("what", 0, found["what"]), ("the map below, at a fixed place", 1, found["map"])]
    values = panel("how much it changed", shifts, changes, (0.0, max(1.0, *found["what"], *found["map"])))
    body = [*head, tag("g", *places, transform="translate(70 70)"), tag("g", *values, transform="translate(480 70)")]
    desc = (
        f"Left: a where moves by {found['slope']:.2f} pixels a pixel; the dashed line is 1. Right: moved by"
        f" {found['shift']} pixels, a what changes by {found['what_change']:.0%} and the map below by {found['map_change']:.0%}."
    )
    return drawing(*SIZE, body, title="What and where when a digit moves sideways", desc=desc)


def panel(
    heading: str,
    shifts: list[int],
    curves: list[tuple[str, int, list[float]]],
    ends: tuple[float, float],
    *,
    diagonal: bool = False,
) -> list[str]:
    """One chart against the shift; curves are (name, color, values)."""
    wide, high = PANEL
    marks = ticks(*ends, 4)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            (x + FURTHEST) / (2 * FURTHEST) * wide,
            high - (y - marks[0]) / (marks[-1] - marks[0]) * high,
        )

    body = [label(0, -34, heading, font_size=16)]
    for mark in marks:
        y = at(0, mark)[1]
        body += [tag("path", class_="rule", d=f"M0 {y:.1f}H{wide}"), label(-8, y + 4.5, f"{mark:g}", class_="soft end")]
    for dx in range(-FURTHEST, FURTHEST + 1, 3):
        body.append(label(at(dx, 0)[0], high + 20, f"{dx}", class_="soft middle"))
    body.append(label(wide / 2, high + 44, "shift of the digit, pixels", class_="soft middle"))
    if diagonal:
        body.append(tag("path", class_="reference", d=line([at(-FURTHEST, -FURTHEST), at(FURTHEST, FURTHEST)])))
    for i, (name, color, values) in enumerate(curves):
        points = [at(dx, value) for dx, value in zip(shifts, values, strict=True)]
        body.append(tag("path", class_=f"c{color} line", d=line(points)))
        body.append(tag("path", class_=f"c{color} line", d=f"M{130 * i} -14h18"))
        body.append(label(130 * i + 24, -9.5, name, class_="soft"))
    return body

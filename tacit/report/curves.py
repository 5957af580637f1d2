"""The learning curve: what each strategy bought with its labels, with intervals, and random beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit.errors import WrongUsage
from tacit.report.svg import color_class, label, line, marks, picture, shape_of, swatch, tag, ticks
from tacit.report.words import Value, bounds, count, number, percent, sentence, shorten, show, text, width

WIDTH, HEIGHT = 680.0, 360.0
FONT = 13.0
NAME_LIMIT = 22  # characters of a name beside its line; the legend has all of it
GRAY_NAMES = ("random",)  # the baseline everyone is compared with; gray in every picture


@dataclass(frozen=True)
class Series:
    """One line: at `x[i]` labels it reached `y[i]`, an `Interval` where one is known."""

    name: str
    x: Sequence[float | int]
    y: Sequence[Value]


@dataclass(frozen=True)
class Line:
    """A series as it is drawn: finite points only, with its style."""

    name: str
    points: np.ndarray  # (n, 4) x, value, low, high
    last: Value
    color: str
    shape: str


@dataclass(frozen=True)
class Frame:
    """Where values land in the picture."""

    x: tuple[float, float]
    y: tuple[float, float]
    left: float
    right: float
    top: float
    bottom: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (
            self.left + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.right - self.left),
            self.bottom - (y - self.y[0]) / (self.y[1] - self.y[0]) * (self.bottom - self.top),
        )


def curve(
    series: Sequence[Series],
    *,
    references: Sequence[tuple[str, float]] = (),
    x_name: str = "labels",
    y_name: str = "accuracy",
    as_percent: bool = True,
    title: str = "Learning curve",
) -> str:
    """Accuracy (a share in [0, 1], unless `as_percent` is off) against labels, a band for the intervals.

    A series called random is gray. `references` are horizontal lines with a name: chance, or what all labels reach.
    """
    lines, missing = lines_of(series)
    if not lines:
        return sentence("There is no curve yet: nothing has been measured.")
    known = [(name, value) for name, value in references if math.isfinite(value)]
    body = drawing(lines, known, x_name, y_name, as_percent)
    desc = "; ".join(
        f"{one.name} ends at {show(one.last, as_percent)} with {number(one.points[-1, 0])} {x_name}" for one in lines
    )
    svg = picture(WIDTH, HEIGHT, [body], title=title, desc=f"{y_name} against {x_name}. {desc}.")
    below = [tag("p", text(f"{count(missing, 'value')} not known, left out."), class_="note")] if missing else []
    return tag("div", tag("div", svg, class_="wide"), _legend(lines, x_name, as_percent), *below, class_="figure")


def lines_of(series: Sequence[Series]) -> tuple[list[Line], int]:
    """What can be drawn of each series, random first so that it lies below, and how many values are not numbers."""
    lines, missing, colors = [], 0, 0
    for one in series:
        if len(one.x) != len(one.y):
            raise WrongUsage(f"the curve of {one.name!r} has {len(one.x)} label counts and {len(one.y)} values")
        gray = one.name.strip().lower() in GRAY_NAMES
        k = colors
        colors += not gray
        points = np.array([(x, *bounds(y)) for x, y in zip(one.x, one.y, strict=True)], dtype=float).reshape(-1, 4)
        fine = np.isfinite(points[:, :2]).all(axis=1)
        missing += int((~fine).sum())
        if not fine.any():
            continue
        order = np.flatnonzero(fine)[np.argsort(points[fine, 0], kind="stable")]
        points = points[order]
        unknown = ~np.isfinite(points[:, 2:]).all(axis=1)
        points[unknown, 2:] = points[unknown, 1:2]
        style = ("gray", "disk") if gray else (color_class(k), shape_of(k))
        lines.append(Line(one.name, points, one.y[order[-1]], *style))
    return sorted(lines, key=lambda found: found.color != "gray"), missing


def drawing(
    lines: Sequence[Line],
    references: Sequence[tuple[str, float]] = (),
    x_name: str = "labels",
    y_name: str = "accuracy",
    as_percent: bool = True,
    size: tuple[float, float] = (WIDTH, HEIGHT),
    font: float = FONT,
) -> str:
    """Axes, bands, lines, and names at the line ends; a picture's inside, `size` units large."""
    names = [shorten(one.name, NAME_LIMIT) for one in lines]
    room = max(width(name) for name in [*names, *(shorten(name, NAME_LIMIT) for name, _ in references)]) * font + 26
    frame, x_ticks, y_ticks = _frame(lines, references, as_percent, size, min(room, size[0] / 3), font)
    parts = [_axes(frame, x_ticks, y_ticks, x_name, y_name, as_percent, size, font)]
    parts += [_band(frame, one) for one in lines]
    parts += [_reference(frame, value) for _, value in references]
    parts += [_line(frame, one) for one in lines]
    ends = [(name, frame.at(*one.points[-1, :2]), one.color) for name, one in zip(names, lines, strict=True)]
    ends += [(shorten(name, NAME_LIMIT), frame.at(frame.x[1], value), "none") for name, value in references]
    return "".join([*parts, *_names_at_ends(frame, ends, font)])


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in the same order, at least `gap` apart and inside [low, high] if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[tuple[float, int]] = []  # (start of the block, how many)
    for i in order:
        blocks.append((wanted[i], 1))
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] * gap > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            # least squares: the mean of what the members of both blocks want, counted from the start of the first
            blocks[-2:] = [((a * n + (b - n * gap) * m) / (n + m), n + m)]
        start, n = blocks[-1]
        blocks[-1] = (max(start, low), n)
    found = [start + j * gap for start, n in blocks for j in range(n)]
    for j in range(len(found) - 1, -1, -1):
        limit = high if j == len(found) - 1 else found[j + 1] - gap
        found[j] = min(found[j], limit)
    return [found[order.index(i)] for i in range(len(wanted))]


def _frame(
    lines: Sequence[Line],
    references: Sequence[tuple[str, float]],
    as_percent: bool,
    size: tuple[float, float],
    room: float,
    font: float,
) -> tuple[Frame, list[float], list[float]]:
    everything = np.concatenate([one.points for one in lines])
    low = min(everything[:, 1:].min(), *(value for _, value in references), np.inf)
    high = max(everything[:, 1:].max(), *(value for _, value in references), -np.inf)
    if as_percent and high - low < 0.05:  # a flat line is flat: do not blow noise up
        low, high = max(0.0, (low + high) / 2 - 0.05), min(1.0, (low + high) / 2 + 0.05)
    y_ticks = ticks(float(low), float(high), 5)
    first, last = float(everything[:, 0].min()), float(everything[:, 0].max())
    if first == last:
        first, last = first - 1, last + 1
    x_ticks = [t for t in ticks(first, last, 6) if first <= t <= last] or [first, last]
    left = max(width(_tick(t, as_percent)) for t in y_ticks) * font + font + 14
    pad = (last - first) * 0.02
    frame = Frame(
        (first - pad, last + pad), (y_ticks[0], y_ticks[-1]), left, size[0] - room, font, size[1] - 3.2 * font
    )
    return frame, x_ticks, y_ticks


def _tick(value: float, as_percent: bool) -> str:
    return percent(value).replace(".0", "") if as_percent else number(value)


def _axes(
    frame: Frame,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    x_name: str,
    y_name: str,
    as_percent: bool,
    size: tuple[float, float],
    font: float,
) -> str:
    parts = []
    for value in y_ticks:
        y = frame.at(frame.x[0], value)[1]
        parts.append(tag("path", class_="rule", d=f"M{frame.left:.1f} {y:.1f}H{frame.right:.1f}"))
        parts.append(label(frame.left - 7, y + font * 0.35, _tick(value, as_percent), class_="soft end"))
    for value in x_ticks:
        x = frame.at(value, frame.y[0])[0]
        parts.append(tag("path", class_="axis", d=f"M{x:.1f} {frame.bottom:.1f}v4"))
        parts.append(label(x, frame.bottom + font * 1.45, number(value), class_="soft middle"))
    parts.append(tag("path", class_="axis", d=f"M{frame.left:.1f} {frame.bottom:.1f}H{frame.right:.1f}"))
    center = (frame.left + frame.right) / 2
    parts.append(label(center, size[1] - 0.3 * font, shorten(x_name, 60), class_="middle"))
    middle = (frame.top + frame.bottom) / 2
    turned = f"rotate(-90 {font:.1f} {middle:.1f})"
    parts.append(label(font, middle, shorten(y_name, 40), class_="middle", transform=turned))
    return "".join(parts)


def _band(frame: Frame, one: Line) -> str:
    if (one.points[:, 2] == one.points[:, 3]).all():
        return ""
    if len(one.points) == 1:
        x, _, low, high = one.points[0]
        (px, bottom), (_, top) = frame.at(x, low), frame.at(x, high)
        whisker = f"M{px:.1f} {bottom:.1f}V{top:.1f}m-5 0h10M{px - 5:.1f} {bottom:.1f}h10"
        return tag("path", class_=f"{one.color} line whisker", d=whisker)
    there = [frame.at(x, high) for x, _, _, high in one.points]
    back = [frame.at(x, low) for x, _, low, _ in one.points[::-1]]
    return tag("path", class_=f"{one.color} band", d=line([*there, *back]) + "z")


def _line(frame: Frame, one: Line) -> str:
    xy = [frame.at(x, y) for x, y, _, _ in one.points]
    drawn = tag("path", class_=f"{one.color} line", d=line(xy)) if len(xy) > 1 else ""
    dots = marks(np.array(xy), one.color, one.shape, 3.2) if len(xy) <= 30 else ""
    return tag("g", tag("title", text(one.name)), drawn + dots)


def _reference(frame: Frame, value: float) -> str:
    y = frame.at(frame.x[0], value)[1]
    return tag("path", class_="reference", d=f"M{frame.left:.1f} {y:.1f}H{frame.right:.1f}")


def _names_at_ends(frame: Frame, ends: Sequence[tuple[str, tuple[float, float], str]], font: float) -> list[str]:
    """Each name at the height of its line's end, moved just enough not to touch another; a thin line leads to it."""
    heights = apart([y for _, (_, y), _ in ends], 1.25 * font, frame.top, frame.bottom)
    parts = []
    for (name, (x, y), color), height in zip(ends, heights, strict=True):
        if color == "none":
            parts.append(label(frame.right + 18, height + 0.35 * font, name, class_="soft"))
            continue
        lead = f"M{x + 5:.1f} {y:.1f}L{frame.right + 4:.1f} {y:.1f}L{frame.right + 15:.1f} {height:.1f}"
        parts.append(tag("path", class_=f"{color} lead", d=lead))
        parts.append(label(frame.right + 18, height + 0.35 * font, name))
    return parts


def _legend(lines: Sequence[Line], x_name: str, as_percent: bool) -> str:
    """Names in full, and where each line ends."""
    best_first = sorted(lines, key=lambda one: -one.points[-1, 1])
    items = []
    for one in best_first:
        ending = f"{show(one.last, as_percent)} with {number(one.points[-1, 0])} {x_name}"
        items.append(
            tag("li", swatch(one.color, one.shape), tag("bdi", text(one.name)), tag("span", text(ending), class_="n"))
        )
    return tag("ul", *items, class_="legend below")

"""The few elements every picture is made of: markup, colors, marks, ticks and legends.

Pictures are SVG with classes instead of colors, so that one style sheet (`style.py`) shows them light, dark and in
print. Eight colors that color-blind readers can tell apart (Okabe & Ito 2008, https://jfly.uni-koeln.de/color/) go
round; classes beyond the eighth take the same colors with another shape.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from tacit.report.words import text

Array = Tensor | np.ndarray | Sequence[Any]

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
INK = 7  # this color is that of the text, black on paper and white on a dark screen
EMPTY = {"circle", "image", "img", "link", "meta", "path", "rect"}  # elements without content
SHAPES = ("disk", "triangle", "square", "diamond", "plus")


def array(values: Array, kind: type = float) -> np.ndarray:
    """Tensors, arrays and lists as one kind of array."""
    return np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, dtype=kind)


def tag(name: str, /, *children: str, **attributes: object) -> str:
    """One element. Children are markup already; attributes are escaped here (`class_` and `font_size` as CSS has them)."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_plain(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{pairs}/>" if name in EMPTY else f"<{name}{pairs}>{''.join(children)}</{name}>"


def _plain(value: object) -> str:
    return short(value) if isinstance(value, float | int) else text(value)


def short(value: float | int) -> str:
    """A coordinate with one decimal: a tenth of a pixel is finer than any screen."""
    rounded = f"{value:.1f}"
    return rounded[:-2] if rounded.endswith(".0") else rounded


def label(x: float, y: float, words: object, **attributes: object) -> str:
    """A line of text; `words` are not markup. `isolate` keeps right-to-left names from moving their neighbors."""
    return tag("text", text(words), x=x, y=y, **attributes)


def picture(width: float, height: float, body: Iterable[str], *, title: str, desc: str, class_: str = "chart") -> str:
    """A drawing that scales with the page and tells a screen reader what it shows."""
    size = f"0 0 {short(width)} {short(height)}"
    named = (tag("title", text(title)), tag("desc", text(desc)))
    return tag("svg", *named, *body, xmlns="http://www.w3.org/2000/svg", class_=class_, role="img", viewBox=size)


def color_class(index: int) -> str:
    """The style class of series or class number `index`."""
    return f"c{index % len(COLORS)}"


def shape_of(index: int) -> str:
    """The mark of class number `index`."""
    return SHAPES[index // len(COLORS) % len(SHAPES)]


def marks(xy: np.ndarray, color: str, shape: str, radius: float, extra: str = "") -> str:
    """Many marks (n, 2) of one color as a single path: a point costs a dozen bytes, and 5,000 of them 60 kB."""
    path = {
        "disk": "h0",  # a line of no length: its round or square ends are all one sees
        "square": "h0",
        "plus": f"m-{short(1.4 * radius)} 0h{short(2.8 * radius)}m-{short(1.4 * radius)}-{short(1.4 * radius)}"
        f"v{short(2.8 * radius)}",
        "diamond": f"m0-{short(1.5 * radius)}l{short(1.5 * radius)} {short(1.5 * radius)}-{short(1.5 * radius)} "
        f"{short(1.5 * radius)}-{short(1.5 * radius)}-{short(1.5 * radius)}z",
        "triangle": f"m0-{short(1.4 * radius)}l{short(1.4 * radius)} {short(2.4 * radius)}h-{short(2.8 * radius)}z",
    }[shape]
    thick = {"disk": 2.0, "square": 1.8, "plus": 0.9}.get(shape)
    return tag(
        "path",
        class_=f"{color} {'solid' if thick is None else shape} {extra}".strip(),
        stroke_width=None if thick is None else thick * radius,
        d="".join(f"M{short(x)} {short(y)}{path}" for x, y in xy),
    )


def line(xy: Sequence[tuple[float, float]] | np.ndarray) -> str:
    """Path data of a line through points."""
    return "M" + "L".join(f"{short(x)} {short(y)}" for x, y in xy)


def swatch(color: str, shape: str = "disk") -> str:
    """A small mark for a legend beside the picture."""
    mark = marks(np.array([[7.0, 7.0]]), color, shape, 4.5)
    return tag("svg", mark, class_="swatch", viewBox="0 0 14 14", aria_hidden="true")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover [low, high]: the first at or below low, the last at or above high."""
    if not high > low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(s * unit for s in (1, 2, 2.5, 5, 10) if s * unit >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]

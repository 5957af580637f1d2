"""One picture that stands alone: the map with its picks, and beside it what labels bought."""

from collections.abc import Sequence

import numpy as np

from tacit.report.curves import Series, drawing, lines_of
from tacit.report.maps import WIDTH, background, picks, place
from tacit.report.style import LIGHT, fixed
from tacit.report.svg import Array, array, label, picture, tag
from tacit.report.words import count

SIZE = (1000.0, 430.0)
MAP = 440.0  # width of the map's half
TOP = 56.0  # room for the headings


def readme_picture(
    points: Array,
    labels: Array,
    classes: Sequence[str],
    picked: Sequence[Array],
    series: Sequence[Series],
    *,
    headings: tuple[str, str] = ("the space, learned without a label", "what labels buy"),
) -> str:
    """An SVG file on paper of its own, so that light and dark pages show it alike.

    Left, every item (N, 2) with what is labeled in color and rings around the picks; right, accuracy against labels.
    """
    layout = place(points, WIDTH, (0.8, 0.8))
    label_of = array(labels, int)
    shrink = MAP / WIDTH
    rings = picks(layout, [array(chosen, int) for chosen in picked], label_of, classes)
    lines, _ = lines_of(series)
    room = (SIZE[0] - MAP - 60, SIZE[1] - TOP - 30)
    body = [
        tag("style", fixed(LIGHT)),
        tag(
            "rect",
            x=0.5,
            y=0.5,
            width=SIZE[0] - 1,
            height=SIZE[1] - 1,
            rx=10,
            fill=LIGHT["paper"],
            stroke=LIGHT["rule"],
        ),
        label(24, 34, headings[0], font_size=16, fill=LIGHT["ink"]),
        label(MAP + 44, 34, headings[1], font_size=16, fill=LIGHT["ink"]),
        tag(
            "g",
            background(layout, label_of),
            rings,
            transform=f"translate(12 {TOP - 6}) scale({shrink:.4f})",
            class_="map",
        ),
        tag("g", drawing(lines, size=room) if lines else "", transform=f"translate({MAP + 36} {TOP})", class_="chart"),
    ]
    labeled = int((np.asarray(label_of) >= 0).sum())
    ends = "; ".join(f"{one.name} reaches {one.points[-1, 1]:.1%}" for one in lines)
    desc = f"Left: a map of {count(len(label_of), 'item')}, {labeled} of them labelled. Right: accuracy against labels; {ends}."
    return picture(*SIZE, body, title="What Tacit shows of a pile of items", desc=desc)

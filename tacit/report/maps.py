"""The map: where every item lies, which class it has, and what was picked in which round."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tacit.errors import WrongUsage
from tacit.report import pixels
from tacit.report.svg import COLORS, Array, array, color_class, label, marks, picture, shape_of, swatch, tag
from tacit.report.words import count, listed, number, sentence, text

WIDTH, MARGIN = 640.0, 12.0
MANY = 5000  # above this the points become one embedded image: a file of paths would grow with every point
NUMBERED = 80  # more picks than this are small rings without the number of their round
PASSES = 4  # classes are drawn in turns, so that none lies on top of another everywhere


@dataclass(frozen=True)
class Layout:
    """Points in picture units: xy (N, 2), drawn (N,) False where there is no position, and the height of the picture."""

    xy: np.ndarray
    drawn: np.ndarray
    height: float


def place(points: Array, width: float = WIDTH, aspect: tuple[float, float] = (0.6, 1.0)) -> Layout:
    """The map scaled alike in both directions, so that distances keep their meaning; up stays up."""
    xy = array(points).reshape(-1, 2)
    drawn = np.isfinite(xy).all(axis=1)
    if not drawn.any():
        return Layout(xy, drawn, width * aspect[0])
    low, high = xy[drawn].min(axis=0), xy[drawn].max(axis=0)
    span = np.maximum(high - low, 1e-12)
    height = width * float(np.clip(span[1] / span[0], *aspect))
    room = np.array([width, height]) - 2 * MARGIN
    scale = float((room / span).min()) if (high > low).any() else 0.0
    placed = (xy - (low / 2 + high / 2)) * scale * np.array([1, -1]) + np.array([width, height]) / 2
    return Layout(placed, drawn, height)


def scatter(
    points: Array,
    labels: Array | None = None,
    *,
    classes: Sequence[str] = (),
    picked: Sequence[Array] = (),
    names: Sequence[str] = (),
    title: str = "Map of the items",
    note: str = "",
) -> str:
    """Every item as a dot (N, 2), colored by label (N,) where it has one, and rings around what each round picked.

    `labels` below zero count as not labeled. `picked[r]` are the positions chosen in round r + 1. `names` (N,) are
    shown when the pointer rests on a pick. `note` is printed under the map: which method and run made it.
    """
    layout = place(points)
    label_of = _labels(labels, len(layout.xy), classes)
    rounds = [_positions(chosen, len(layout.xy)) for chosen in picked]
    if not layout.drawn.any():
        return sentence("There is no map yet: no item has a position.")
    names_of_classes = _class_names(label_of, classes)
    said = _how_many(layout) + (f" {note}" if note else "")
    drawing = picture(
        WIDTH,
        layout.height,
        [background(layout, label_of), picks(layout, rounds, label_of, names_of_classes, names)],
        title=title,
        desc=f"{said} {_described(label_of, names_of_classes, rounds)}",
        class_="map",
    )
    legend = _legend(label_of, names_of_classes, rounds)
    return tag("div", drawing, legend, tag("p", text(said), class_="note"), class_="figure with-legend")


def background(layout: Layout, label_of: np.ndarray, many: int = MANY) -> str:
    """All points: as paths while they are few, as one image and the labeled ones on top when they are many."""
    unlabeled, labeled = (layout.drawn & (label_of < 0)), (layout.drawn & (label_of >= 0))
    n = int(layout.drawn.sum())
    radius = point_radius(n)
    if n <= many:
        return marks_of(layout, unlabeled, label_of, radius) + marks_of(layout, labeled, label_of, 1.2 * radius)
    if labeled.sum() > many // 2:
        return pixels.image_of(layout.xy, layout.drawn, label_of, WIDTH, layout.height, radius)
    under = pixels.image_of(layout.xy, unlabeled, label_of, WIDTH, layout.height, radius)
    return under + marks_of(layout, labeled, label_of, 2.6)


def point_radius(n: int) -> float:
    """From 4 for a few points down to 1 for a hundred thousand."""
    return float(np.clip(4.2 - 0.75 * np.log10(max(n, 100) / 100) - 0.35 * np.log10(max(n, 1000) / 1000), 1.0, 4.0))


def marks_of(layout: Layout, which: np.ndarray, label_of: np.ndarray, radius: float) -> str:
    """The points of `which` as paths, class by class, a few at a time."""
    index = np.flatnonzero(which)
    drawn = []
    for part in range(PASSES):
        some = index[part::PASSES]
        for k in np.unique(label_of[some]).tolist():
            xy = layout.xy[some[label_of[some] == k]]
            if k < 0:
                drawn.append(marks(xy, "none", "disk", 0.8 * radius, "see-through"))
            else:
                drawn.append(marks(xy, color_class(k), shape_of(k), radius))
    return "".join(drawn)


def picks(
    layout: Layout,
    rounds: Sequence[np.ndarray],
    label_of: np.ndarray,
    classes: Sequence[str] = (),
    names: Sequence[str] = (),
    numbered: int = NUMBERED,
) -> str:
    """A ring around each pick, with the number of its round; many picks get small rings, darker round by round."""
    few = sum(map(len, rounds)) <= numbered
    rings = []
    for r, chosen in enumerate(rounds):
        for place_in_round, i in enumerate(chosen.tolist(), start=1):
            if not layout.drawn[i]:
                continue
            x, y = layout.xy[i]
            words = [f"round {r + 1}, pick {place_in_round}"]
            words += [names[i]] if i < len(names) else []
            words += [classes[label_of[i]]] if 0 <= label_of[i] < len(classes) else []
            parts = [tag("title", text(": ".join(words)))]
            if few:
                parts += [tag("circle", cx=x, cy=y, r=7.5, class_="ring")]
                parts += [label(x, y + 3.4, r + 1, class_="in-ring")]
            else:
                depth = f"{0.25 + 0.75 * (r + 1) / len(rounds):.2f}"
                parts += [tag("circle", cx=x, cy=y, r=6, class_="halo", stroke_opacity=depth)]
            rings.append(tag("g", *parts))
    return tag("g", *rings, class_="picks") if rings else ""


def _labels(labels: Array | None, n: int, classes: Sequence[str]) -> np.ndarray:
    if labels is None:
        return np.full(n, -1)
    values = array(labels, int).reshape(-1)
    if len(values) != n:
        raise WrongUsage(f"{len(values)} labels for {n} points; a map has one label a point, -1 where nobody answered")
    return values


def _positions(chosen: Array, n: int) -> np.ndarray:
    index = array(chosen, int).reshape(-1)
    if len(index) and not (index.min() >= 0 and index.max() < n):
        raise WrongUsage(f"picks go from {index.min()} to {index.max()}, but the map has positions 0 to {n - 1}")
    return index


def _class_names(label_of: np.ndarray, classes: Sequence[str]) -> list[str]:
    """The names given, and numbers for classes that have none."""
    highest = int(label_of.max(initial=-1)) + 1
    return [*classes, *(f"class {k}" for k in range(len(classes), highest))]


def _how_many(layout: Layout) -> str:
    n, drawn = len(layout.xy), int(layout.drawn.sum())
    if drawn == n:
        return f"{count(n, 'point')}, {'all drawn' if n > 1 else 'drawn'}."
    return f"{number(drawn)} of {count(n, 'point')} drawn; {number(n - drawn)} without a position."


def _described(label_of: np.ndarray, classes: Sequence[str], rounds: Sequence[np.ndarray]) -> str:
    """The legend as a sentence, for those who listen."""
    parts = [f"{classes[k]} {number(n)}" for k, n in zip(*_counts(label_of), strict=True)]
    said = f"Labels: {listed(parts[:12])}." if parts else "No labels."
    said += f" {number(len(parts) - 12)} more classes." if len(parts) > 12 else ""
    return said + (f" Picked in {count(len(rounds), 'round')}: {number(sum(map(len, rounds)))}." if rounds else "")


def _counts(label_of: np.ndarray) -> tuple[list[int], list[int]]:
    found, n = np.unique(label_of[label_of >= 0], return_counts=True)
    return found.tolist(), n.tolist()


def _legend(label_of: np.ndarray, classes: Sequence[str], rounds: Sequence[np.ndarray]) -> str:
    """Every class with its count, then the rounds."""
    found, counts = _counts(label_of)
    rows = [(swatch(color_class(k), shape_of(k)), classes[k], number(n)) for k, n in zip(found, counts, strict=True)]
    without = int((label_of < 0).sum())
    if without:
        rows.append((swatch("none"), "not labelled", number(without)))
    if rounds:
        rows.append((RING, "picked", f"{number(sum(map(len, rounds)))} in {count(len(rounds), 'round')}"))
    items = [tag("li", mark, tag("bdi", text(name)), tag("span", text(n), class_="n")) for mark, name, n in rows]
    few = sum(map(len, rounds)) <= NUMBERED
    how = (
        ("The number in a ring is its round." if few else "Rings darken from the first round to the last.")
        if rounds
        else ""
    )
    how += f" Colors and shapes repeat after {5 * len(COLORS)} classes." if len(classes) > 5 * len(COLORS) else ""
    below = tag("p", text(how.strip()), class_="note") if how else ""
    return tag("div", tag("ul", *items, class_="legend long" if len(items) > 16 else "legend"), below, class_="beside")


RING = tag(
    "svg",
    tag("circle", cx=7, cy=7, r=5, class_="ring"),
    class_="swatch",
    viewBox="0 0 14 14",
    aria_hidden="true",
)

"""Charts of a classifier: what it mistakes for what, whether its confidence can be believed, and plain comparisons."""

import math
from collections.abc import Sequence

import numpy as np

from tacit.errors import WrongUsage
from tacit.evaluate.classify import Bin
from tacit.evaluate.intervals import wilson
from tacit.report.pixels import matrix_image
from tacit.report.svg import Array, array, label, picture, tag, ticks
from tacit.report.words import Value, bounds, count, number, percent, sentence, shorten, show, text, width

READABLE = 40  # classes with a name beside their row; more become an image and a list of the commonest mistakes
WORST = 6  # mistakes in that list
FONT = 13.0


def confusion(matrix: Array, classes: Sequence[str], *, title: str = "Confusion matrix") -> str:
    """Counts (K, K): a row is what the items are, a column what the model answered.

    Right answers are blue, mistakes orange, darker for a larger share of the row.
    """
    counts = np.nan_to_num(array(matrix), nan=0.0, posinf=0.0, neginf=0.0).astype(np.int64)
    k = len(classes)
    if counts.size != k * k or (k and counts.shape != (k, k)):
        raise WrongUsage(f"a confusion matrix of shape {counts.shape} does not fit {k} classes")
    if counts.sum() == 0:
        return sentence("There is no confusion matrix yet: no labelled item of the yardstick was answered.")
    totals = counts.sum(axis=1)
    share = counts / np.maximum(totals, 1)[:, None]
    correct = wilson(int(np.trace(counts)), int(counts.sum()))
    desc = f"{number(np.trace(counts))} of {count(int(counts.sum()), 'item')} right: {show(correct, as_percent=True)}."
    draw = _cells if k <= READABLE else _plate
    svg = draw(counts, share, totals, classes, title, desc)
    return tag(
        "div", tag("div", svg, class_="wide"), _mistakes(counts, totals, classes, desc), class_="figure confusion"
    )


def _cells(
    counts: np.ndarray, share: np.ndarray, totals: np.ndarray, classes: Sequence[str], title: str, desc: str
) -> str:
    k = len(classes)
    cell = float(np.clip(460 / k, 15, 46))
    names = [shorten(name, 20) for name in classes]
    room = max(max(width(name) for name in names) * FONT, 40) + 12
    upright = max(width(name) for name in names) * FONT <= cell - 4
    top = 2.6 * FONT if upright else min(room, 150) * 0.75 + 1.4 * FONT
    left = room + 1.6 * FONT
    body = [label(left + k * cell / 2, FONT, "answered", class_="soft middle")]
    middle = top + k * cell / 2
    body.append(label(FONT, middle, "is", class_="soft middle", transform=f"rotate(-90 {FONT:.1f} {middle:.1f})"))
    body.append(label(left + k * cell + 10, top - 0.7 * FONT, "right", class_="soft"))
    for i, name in enumerate(names):
        across, down = left + (i + 0.5) * cell, top + (i + 0.5) * cell
        body.append(label(left - 8, down + 0.35 * FONT, name, class_="end"))
        turned = None if upright else f"rotate(-40 {across:.1f} {top - 6:.1f})"
        body.append(label(across, top - 7, name, class_="middle" if upright else None, transform=turned))
        recall = wilson(int(counts[i, i]), int(totals[i]))
        said = show(recall, as_percent=True) if totals[i] else "no item"
        body.append(label(left + k * cell + 10, down + 0.35 * FONT, said, class_="soft"))
    for i, j in np.ndindex(k, k):
        x, y = left + j * cell, top + i * cell
        parts = [tag("rect", x=x, y=y, width=cell, height=cell, class_="cell")]
        if counts[i, j]:
            kind = "right" if i == j else "wrong"
            depth = f"{_depth(float(share[i, j])):.2f}"
            parts.append(
                tag("rect", x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, class_=kind, fill_opacity=depth)
            )
            shown = number(int(counts[i, j]))
            if width(shown) * 12 <= cell - 2:
                on = "middle on-dark" if _depth(float(share[i, j])) > 0.55 else "middle"
                parts.append(label(x + cell / 2, y + cell / 2 + 4.4, shown, class_=on, font_size=12))
            hint = f"{classes[i]} answered {classes[j]}: {number(int(counts[i, j]))} of {number(int(totals[i]))}"
            parts.insert(0, tag("title", text(hint)))
        body.append(tag("g", *parts))
    return picture(left + k * cell + 160, top + k * cell + 6, body, title=title, desc=desc)


def _depth(share: float) -> float:
    """Opacity of a cell: a root, so that a mistake made twice in a hundred can be seen."""
    return 0.06 + 0.94 * share**0.6


def _plate(
    counts: np.ndarray, share: np.ndarray, totals: np.ndarray, classes: Sequence[str], title: str, desc: str
) -> str:
    depth = np.where(counts > 0, 0.06 + 0.94 * share**0.6, 0)
    image = tag("image", href=matrix_image(depth), x=24, y=24, width=460, height=460, class_="pixelated")
    frame = tag("rect", x=24, y=24, width=460, height=460, class_="cell")
    body = [frame, image, label(254, 14, "answered", class_="soft middle")]
    body.append(label(14, 254, "is", class_="soft middle", transform="rotate(-90 14 254)"))
    return picture(492, 492, body, title=title, desc=desc)


def _mistakes(counts: np.ndarray, totals: np.ndarray, classes: Sequence[str], desc: str) -> str:
    """The commonest mistakes in words: they stay readable with a hundred classes, and aloud."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    worst = [divmod(int(at), len(classes)) for at in np.argsort(-wrong, axis=None, kind="stable")[:WORST]]
    items = [
        tag(
            "li",
            tag("bdi", text(classes[i])),
            " answered ",
            tag("bdi", text(classes[j])),
            tag("span", text(f"{number(int(wrong[i, j]))} of {number(int(totals[i]))}"), class_="n"),
        )
        for i, j in worst
        if wrong[i, j]
    ]
    listing = tag("p", "Commonest mistakes", class_="note") + tag("ul", *items, class_="legend") if items else ""
    return tag("div", tag("p", text(desc), class_="note"), listing)


def reliability(bins: Sequence[Bin], *, title: str = "Reliability") -> str:
    """How often the model was right against how sure it was; below it, how many items each dot stands for."""
    known = [one for one in bins if one.n and math.isfinite(one.confidence) and math.isfinite(one.accuracy.value)]
    if not known:
        return sentence("There is no reliability to show yet: no labelled item of the yardstick was answered.")
    side, left, top, hist = 380.0, 62.0, 12.0, 70.0
    below = top + side + 14
    most = max(one.n for one in known)

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * side, top + side - y * side

    body = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(share, share)
        body.append(tag("path", class_="rule", d=f"M{left:.1f} {y:.1f}h{side:.1f}M{x:.1f} {top:.1f}v{side:.1f}"))
        body.append(label(left - 7, y + 4.5, percent(share).replace(".0", ""), class_="soft end"))
        body.append(label(x, below + hist + 18, percent(share).replace(".0", ""), class_="soft middle"))
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    body.append(tag("path", class_="reference", d=f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"))
    for one in known:
        x, y = at(one.confidence, one.accuracy.value)
        _, low = at(0, one.accuracy.low)
        _, high = at(0, one.accuracy.high)
        said = (
            f"confidence {percent(one.confidence)}: right {show(one.accuracy, as_percent=True)}, {count(one.n, 'item')}"
        )
        whisker = tag("path", class_="c0 line whisker", d=f"M{x:.1f} {low:.1f}V{high:.1f}")
        dot = tag("circle", cx=x, cy=y, r=4.5, class_="c0 solid")
        (begin, _), (end, _) = at(one.low, 0), at(one.high, 0)
        tall = max(hist * one.n / most, 1)
        bar = tag(
            "rect", x=begin + 1, y=below + hist - tall, width=max(end - begin - 2, 1), height=tall, class_="gray solid"
        )
        body.append(tag("g", tag("title", text(said)), whisker, dot, bar))
    body.append(label(left - 7, below + 10, number(most), class_="soft end"))
    body.append(label(left - 7, below + hist + 4, 0, class_="soft end"))
    body.append(label(14, top + side / 2, "right", class_="middle", transform=f"rotate(-90 14 {top + side / 2:.1f})"))
    middle = below + hist / 2
    body.append(label(14, middle, "items", class_="middle", transform=f"rotate(-90 14 {middle:.1f})"))
    body.append(label(left + side / 2, below + hist + 38, "confidence", class_="middle"))
    items = sum(one.n for one in known)
    desc = f"{count(items, 'item')} in {count(len(known), 'bin')} of confidence; on the dashed line confidence is deserved."
    svg = picture(left + side + 24, below + hist + 46, body, title=title, desc=desc)
    return tag("div", svg, tag("p", text(desc), class_="note"), class_="figure square")


def bars(
    rows: Sequence[tuple[str, Value]],
    *,
    reference: tuple[str, float] | None = None,
    as_percent: bool = False,
    title: str = "Comparison",
) -> str:
    """A bar for each name, a whisker for its interval, and a dashed line for what to hold them against."""
    known = [(name, value) for name, value in rows if math.isfinite(bounds(value)[0])]
    if not known:
        return sentence("There is nothing to compare yet: nothing has been measured.")
    ends = [end for _, value in known for end in bounds(value) if math.isfinite(end)]
    held = [] if reference is None or not math.isfinite(reference[1]) else [reference]
    marks_at = ticks(min(0.0, *ends, *(v for _, v in held)), max(0.0, *ends, *(v for _, v in held)), 4)
    names = [shorten(name, 26) for name, _ in known]
    said = [show(value, as_percent) for _, value in known]
    left = max(width(name) for name in names) * FONT + 12
    right = max(width(one) for one in said) * FONT + 14
    total = max(560.0, left + right + 220)
    top, step = (1.6 * FONT if held else 4.0), 26.0
    bottom = top + step * len(known)

    def at(value: float) -> float:
        value = min(max(value, marks_at[0]), marks_at[-1])
        return left + (value - marks_at[0]) / (marks_at[-1] - marks_at[0]) * (total - left - right)

    body = []
    for mark in marks_at:
        shown = percent(mark).replace(".0", "") if as_percent else number(mark)
        body.append(tag("path", class_="rule", d=f"M{at(mark):.1f} {top:.1f}V{bottom:.1f}"))
        body.append(label(at(mark), bottom + 1.4 * FONT, shown, class_="soft middle"))
    for i, ((full, value), name, words) in enumerate(zip(known, names, said, strict=True)):
        point, low, high = bounds(value)
        y = top + (i + 0.5) * step
        x = sorted((at(0.0), at(point)))
        bar = tag("rect", x=x[0], y=y - 8, width=max(x[1] - x[0], 0.8), height=16, class_="c0 solid bar")
        whisker = f"M{at(low):.1f} {y:.1f}H{at(high):.1f}m0-4v8M{at(low):.1f} {y - 4:.1f}v8"
        parts = [tag("title", text(f"{full}: {words}")), bar]
        if low < high and math.isfinite(low) and math.isfinite(high):
            parts.append(tag("path", class_="ink-line whisker", d=whisker))
        parts.append(label(left - 8, y + 0.35 * FONT, name, class_="end"))
        parts.append(label(total - right + 12, y + 0.35 * FONT, words, class_="soft"))
        body.append(tag("g", *parts))
    for name, value in held:
        body.append(tag("path", class_="reference", d=f"M{at(value):.1f} {top - 4:.1f}V{bottom:.1f}"))
        shown = f"{shorten(name, 30)} {show(value, as_percent)}"
        body.append(label(at(value), FONT, shown, class_="soft middle"))
    left_out = len(rows) - len(known)
    desc = "; ".join(f"{name}: {words}" for (name, _), words in zip(known[:12], said[:12], strict=True))
    svg = picture(total, bottom + 2 * FONT, body, title=title, desc=desc)
    below = [tag("p", text(f"{count(left_out, 'value')} not known, left out."), class_="note")] if left_out else []
    return tag("div", tag("div", svg, class_="wide"), *below, class_="figure")

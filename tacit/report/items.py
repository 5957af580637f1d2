"""Items themselves: pictures as pictures, vectors as small lines; sounds come as pictures of their spectra."""

from collections.abc import Sequence

import numpy as np

from tacit.errors import WrongUsage
from tacit.report.pixels import thumbnail
from tacit.report.svg import Array, array, line, tag
from tacit.report.words import count, number, sentence, shorten, text

SMALL = 64  # images up to this side keep their pixels visible when they are enlarged
LONG = 240  # values of a vector drawn one by one; longer ones are drawn as the span of each stretch
SPARK = (120.0, 48.0)  # width and height of a vector's picture


def image_grid(x: Array, captions: Sequence[str] = (), *, title: str = "Items", players: Sequence[str] = ()) -> str:
    """Items side by side: images (n, C, H, W) in [0, 1], or vectors (n, F) as lines on one shared scale.

    `players` are elements that play the item above them (`sounds.py`).
    """
    items = as_items(x)
    if len(items) == 0:
        return sentence("There are no items to show yet.")
    if len(captions) not in (0, len(items)):
        raise WrongUsage(f"{len(captions)} captions for {len(items)} items")
    names = list(captions) or [f"item {i + 1}" for i in range(len(items))]
    scale = span(items)
    cells = [
        tag("figure", item_picture(item, name, scale), *players[i : i + 1], *([caption(name)] if captions else []))
        for i, (item, name) in enumerate(zip(items, names, strict=True))
    ]
    return _figure(
        tag("div", *cells, class_="items heard" if players else "items", role="group", aria_label=title), items
    )


def pairs(
    originals: Array,
    reconstructions: Array,
    captions: Sequence[str] = (),
    *,
    title: str = "Rebuilt items",
    players: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> str:
    """Each item above what the decoder makes of its code; vectors share one plot, the item in gray.

    `players` are elements that play the items, and those that play what was made of them.
    """
    first, second = as_items(originals), as_items(reconstructions)
    if first.shape != second.shape:
        raise WrongUsage(f"items of shape {first.shape} cannot be compared with {second.shape}")
    if len(first) == 0:
        return sentence("There are no rebuilt items to show yet.")
    if len(captions) not in (0, len(first)):
        raise WrongUsage(f"{len(captions)} captions for {len(first)} items")
    both = np.concatenate([first, second])
    scale = span(both)
    cells = []
    for i, (item, rebuilt) in enumerate(zip(first, second, strict=True)):
        name = captions[i] if captions else f"item {i + 1}"
        if item.ndim == 1:
            parts = [spark([item, rebuilt], f"{name} in gray, rebuilt in blue", scale)]
        else:
            parts = [item_picture(item, name, scale), *players[0][i : i + 1]]
            parts += [item_picture(rebuilt, f"{name}, rebuilt", scale), *players[1][i : i + 1]]
        cells.append(tag("figure", *parts, *([caption(name)] if captions else [])))
    how = "Gray: the item. Blue: rebuilt." if first.ndim == 2 else "Above: the item. Below: rebuilt from its code."
    kind = "items heard" if players[0] else "items"
    return _figure(tag("div", *cells, class_=kind, role="group", aria_label=title), both, how)


def walk_strip(decoded: Array, nearest_real: Array, *, title: str = "Walk through the latent space") -> str:
    """Steps of a walk from left to right, decoded above, and under each step the real item nearest to it."""
    steps, real = as_items(decoded), as_items(nearest_real)
    if steps.shape != real.shape:
        raise WrongUsage(
            f"{len(steps)} steps of shape {steps.shape[1:]} and {len(real)} real items of {real.shape[1:]}"
        )
    if len(steps) == 0:
        return sentence("There is no walk to show yet.")
    both = np.concatenate([steps, real])
    scale = span(both)
    cells = []
    for i, (step, item) in enumerate(zip(steps, real, strict=True)):
        name = "start" if i == 0 else "end" if i == len(steps) - 1 else number(i)
        shown = [
            item_picture(step, f"step {i}, decoded", scale),
            item_picture(item, f"step {i}, nearest real item", scale),
        ]
        cells.append(tag("figure", *shown, caption(name)))
    how = "Above: decoded. Below: the nearest real item."
    return _figure(tag("div", *cells, class_="items walk", role="group", aria_label=title), both, how)


def families(exemplars: Array, relatives: Array, captions: Sequence[str] = ()) -> str:
    """A row for each item (m, *item): the item itself, then what was made from its code (m, k, *item)."""
    first, others = as_items(exemplars), array(relatives)
    if len(first) == 0:
        return sentence("There are no relatives to show yet.")
    if others.ndim < 3 or len(others) != len(first) or as_items(others[0]).shape[1:] != first.shape[1:]:
        raise WrongUsage(f"relatives {others.shape} do not belong to items {first.shape}")
    if len(captions) not in (0, len(first)):
        raise WrongUsage(f"{len(captions)} captions for {len(first)} items")
    both = np.concatenate([first, *(as_items(made) for made in others)])
    scale = span(both)
    strips = []
    for i, (item, made) in enumerate(zip(first, others, strict=True)):
        name = captions[i] if captions else f"item {i + 1}"
        shown = [tag("figure", item_picture(item, name, scale), caption(name), class_="real")]
        shown += [tag("figure", item_picture(one, f"like {name}", scale)) for one in as_items(made)]
        strips.append(tag("div", *shown, class_="items walk", role="group", aria_label=name))
    return _figure("".join(strips), both, "Framed: the item. Beside it: made from its code.")


def as_items(x: Array) -> np.ndarray:
    """Images (n, C, H, W) or vectors (n, F); items of any other shape are flattened."""
    items = array(x)
    if items.size == 0:
        return np.zeros((0, 1))
    return items if items.ndim in (2, 4) else items.reshape(len(items), -1)


def span(items: np.ndarray) -> tuple[float, float]:
    """The least and the largest finite value."""
    finite = items[np.isfinite(items)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def item_picture(item: np.ndarray, name: str, scale: tuple[float, float]) -> str:
    """One item: an image (C, H, W), or a vector (F,) as a line."""
    if item.ndim == 1:
        return spark([item], name, scale)
    small = max(item.shape[1:]) <= SMALL
    return tag("img", src=thumbnail(item), alt=name, title=name, class_="pixelated" if small else None)


def spark(vectors: Sequence[np.ndarray], name: str, scale: tuple[float, float]) -> str:
    """One or two vectors (F,) in one small plot; of two, the first is gray."""
    styles = ["c0 line thin"] if len(vectors) == 1 else ["gray line thin", "c0 line thin"]
    paths = [
        tag("path", class_=style, d=d) for style, v in zip(styles, vectors, strict=True) if (d := _spark_path(v, scale))
    ]
    box = f"0 0 {SPARK[0]:.0f} {SPARK[1]:.0f}"
    return tag("svg", tag("title", text(name)), *paths, class_="spark", role="img", viewBox=box)


def _spark_path(values: np.ndarray, scale: tuple[float, float]) -> str:
    """Lines through finite values, with gaps where there are none; long vectors as the lowest and highest of stretches."""
    low, high = scale
    tall = SPARK[1] - 6
    position = np.arange(len(values), dtype=float)
    if len(values) > LONG:
        stretches = np.array_split(values, LONG // 2)
        values = np.array([end for part in stretches for end in _ends(part)])
        position = np.repeat(np.arange(len(stretches), dtype=float), 2)
    x = 3 + position / max(position.max(), 1) * (SPARK[0] - 6)
    y = (
        3 + tall / 2 - ((values - low) / (high - low) - 0.5) * tall
        if high > low
        else np.full(len(values), SPARK[1] / 2)
    )
    fine = np.isfinite(values)
    runs = np.split(np.arange(len(values)), np.flatnonzero(np.diff(fine)) + 1)
    drawn = [np.stack([x[run], y[run]], axis=1) for run in runs if fine[run[0]]]
    return "".join(line(run if len(run) > 1 else np.concatenate([run, run + np.array([0.1, 0])])) for run in drawn)


def _ends(part: np.ndarray) -> tuple[float, float]:
    finite = part[np.isfinite(part)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)


def caption(name: str) -> str:
    return tag("figcaption", tag("bdi", text(shorten(name, 60))), title=name)


def _figure(grid: str, items: np.ndarray, how: str = "") -> str:
    """The grid, how to read it, and a word about values that are no numbers."""
    broken = int((~np.isfinite(items)).reshape(len(items), -1).any(axis=1).sum())
    said = how + (f" {count(broken, 'picture')} with values that are not numbers." if broken else "")
    return tag("div", grid, *([tag("p", text(said.strip()), class_="note")] if said else []), class_="figure")

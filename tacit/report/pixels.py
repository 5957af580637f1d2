"""Pixels: many points as one small image, and items as pictures, inside the page or as files of their own."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tacit.report.svg import COLORS, INK, SHAPES, tag

FINE = 2  # pixels per unit of the picture, so that the image stays sharp on fine screens
GRAY = (140, 144, 150)  # items without a label: readable on paper and on a dark screen
SEE_THROUGH = 120  # alpha of those, of 255
CELL, GAP = 64, 4  # pixels of an image on a sheet, at least, and between two
THUMBNAIL = 160  # pixels; a photograph of this size takes about 40 kB


def image_of(
    xy: np.ndarray, which: np.ndarray, label_of: np.ndarray, width: float, height: float, radius: float
) -> str:
    """The points of `which` (N,) as an image element as large as the picture.

    Where points overlap, one of them drawn at random lies on top, labeled ones above unlabeled: nothing hides because
    of its class. Ink goes into an image of its own, which a dark page turns over.
    """
    plate = stamp(xy[which], label_of[which], int(width * FINE), int(height * FINE), radius * FINE)
    ink = plate == INK + 1
    images = [_colored(np.where(ink, 0, plate), "")]
    if ink.any():
        images.append(_colored(np.where(ink, plate, 0), "turns"))
    return "".join(
        tag("image", href=url, x=0, y=0, width=width, height=height, class_=name or None) for url, name in images
    )


def stamp(xy: np.ndarray, label_of: np.ndarray, width: int, height: int, radius: float) -> np.ndarray:
    """Points in pixels stamped onto a plate (height, width) uint8: 0 empty, k + 1 for color k, 255 without a label."""
    code = np.where(label_of < 0, 255, label_of % len(COLORS) + 1).astype(np.uint8)
    rank = np.random.default_rng(0).permutation(len(xy)) + 1 + np.where(label_of >= 0, len(xy), 0)
    column, row = np.floor(xy * FINE).astype(int).T
    top = np.zeros(height * width, dtype=np.int64)  # the rank of the point that is seen at each pixel
    for s, shape in enumerate(SHAPES):
        of_shape = np.where(label_of < 0, 0, label_of // len(COLORS) % len(SHAPES)) == s
        if not of_shape.any():
            continue
        for dy, dx in _offsets(shape, radius):
            y, x = row[of_shape] + dy, column[of_shape] + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            np.maximum.at(top, y[inside] * width + x[inside], rank[of_shape][inside])
    code_of_rank = np.zeros(2 * len(xy) + 1, dtype=np.uint8)
    code_of_rank[rank] = code
    return code_of_rank[top].reshape(height, width)


def _offsets(shape: str, radius: float) -> list[tuple[int, int]]:
    """The pixels (down, right) of one mark."""
    reach = int(np.ceil(1.5 * radius))
    inside = {
        "disk": lambda y, x: y * y + x * x <= radius * radius + 0.3,
        "square": lambda y, x: max(abs(y), abs(x)) <= 0.9 * radius,
        "diamond": lambda y, x: abs(y) + abs(x) <= 1.5 * radius,
        "triangle": lambda y, x: -1.4 * radius <= y <= radius and abs(x) <= (y + 1.4 * radius) * 0.6,
        "plus": lambda y, x: min(abs(y), abs(x)) <= 0.45 * radius and max(abs(y), abs(x)) <= 1.4 * radius,
    }[shape]
    return [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1) if inside(y, x)]


def _colored(plate: np.ndarray, name: str) -> tuple[str, str]:
    """The plate as a PNG with a palette and its transparency."""
    image = Image.fromarray(plate)
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[1 : len(COLORS) + 1] = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in COLORS]
    palette[255] = GRAY
    image.putpalette(palette.tobytes())
    return png(image, transparency=bytes([0, *[235] * len(COLORS), *[0] * (254 - len(COLORS)), SEE_THROUGH])), name


def png(image: Image.Image, **options: object) -> str:
    """A Pillow image as an address that holds the image itself."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def matrix_image(depth: np.ndarray) -> str:
    """A square matrix of depths in [0, 1], (K, K): blue on the diagonal, orange off it, empty where zero."""
    right, wrong = ([int(COLORS[k][i : i + 2], 16) for i in (1, 3, 5)] for k in (0, 4))
    pixels = np.empty((*depth.shape, 4), dtype=np.uint8)
    pixels[..., :3] = wrong
    pixels[np.arange(len(depth)), np.arange(len(depth)), :3] = right
    pixels[..., 3] = np.round(255 * depth)
    return png(Image.fromarray(pixels))


def thumbnail(item: np.ndarray) -> str:
    """One image (C, H, W) in [0, 1] as a PNG, its longer side 160 pixels at most."""
    image = as_image(item)
    if max(image.size) > THUMBNAIL:
        image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return png(image)


def as_image(item: np.ndarray) -> Image.Image:
    """One image (C, H, W) in [0, 1], pixel by pixel.

    One channel is gray, three are red, green and blue; of any other number the mean is shown. What is not a number is black.
    """
    channels = np.clip(np.nan_to_num(item, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    if len(channels) not in (1, 3):
        channels = channels.mean(axis=0, keepdims=True)
    values = np.round(255 * np.moveaxis(channels, 0, -1)).astype(np.uint8)
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)


def sheet(rows: Sequence[np.ndarray], apart: bool = False) -> Image.Image:
    """Rows of images (n, C, H, W) of one size as one picture on white, small ones enlarged to whole multiples.

    `apart` sets the first of each row off from the others.
    """
    height, width = rows[0].shape[2:]
    times = max(1, CELL // max(height, width))
    column, row = times * width + GAP, times * height + GAP
    lead = 3 * GAP if apart else 0
    size = (max(len(items) for items in rows) * column + GAP + lead, len(rows) * row + GAP)
    picture = Image.new("L" if rows[0].shape[1] == 1 else "RGB", size, "white")
    for y, items in enumerate(rows):
        for x, item in enumerate(items):
            large = as_image(item).resize((times * width, times * height), Image.Resampling.NEAREST)
            picture.paste(large, (GAP + x * column + (lead if x else 0), GAP + y * row))
    return picture

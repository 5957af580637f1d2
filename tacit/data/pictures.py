"""One picture file into pixels: opened, turned upright, laid on white, made grey or RGB, brought to the working size.

Nothing here needs torch, so that the processes which read a big folder start in a moment.
"""

import hashlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

EXTENSIONS = frozenset({"jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp", "gif"})
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")  # whatever the name says; nothing that starts another program
GREY = frozenset({"1", "L", "LA", "I;16", "I;16L", "I;16B", "I", "F"})
ASPECTS = {
    "crop": "the middle, scaled so that the shorter side fits; the ends of the longer side are cut off",
    "pad": "all of it, scaled so that the longer side fits; black bars fill the rest",
    "stretch": "all of it, each side scaled to fit",
}
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values that swap width and height


class Seen(NamedTuple):
    """What a picture says about itself; width and height as a person sees it."""

    width: int
    height: int
    mode: str  # Pillow's name for the kind of pixel
    color: bool
    peak: int = 0  # the brightest value of a 16-bit picture, of 65,535


def look_all(root: str, paths: list[str]) -> list[Seen | str]:
    """The heads of some files, without their pixels; a reason where a file cannot be read."""
    with quiet():
        return [_guarded(_look, os.path.join(root, path)) for path in paths]


def read_all(
    root: str, paths: list[str], shape: tuple[int, int, int], aspect: str
) -> tuple[list[tuple[str, Seen] | str], np.ndarray]:
    """Content hash and looks of each file, or why not; and the pixels (n, C, H, W) of those that can be read."""
    rows = np.empty((len(paths), *shape), dtype=np.uint8)
    results: list[tuple[str, Seen] | str] = []
    n = 0
    with quiet():
        for path in paths:
            results.append(_guarded(_read, os.path.join(root, path), rows[n], aspect))
            n += not isinstance(results[-1], str)
    return results, rows[:n]


@contextmanager
def quiet() -> Iterator[None]:
    """What Pillow warns and logs about damaged files is said by the reasons."""
    log = logging.getLogger("PIL")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        log.setLevel(level)


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    """The result, or why there is none. A damaged file can fail anywhere in its decoder and with any exception."""
    try:
        return function(*args)
    except UnidentifiedImageError:
        return "not a picture in a known format"
    except Image.DecompressionBombError:
        return f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())


def _look(path: str) -> Seen:
    with Image.open(path, formats=FORMATS) as image:
        return _seen(image)


def _read(path: str, out: np.ndarray, aspect: str) -> tuple[str, Seen]:
    with open(path, "rb") as file:
        content = content_of(file)
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            seen = _seen(image)
            peak = draw(image, out, aspect)
    return content, seen._replace(peak=peak)


def content_of(file: io.BufferedReader) -> str:
    """The id of the item that a picture file is: 128 bits of BLAKE2b over its bytes, hex."""
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _seen(image: Image.Image) -> Seen:
    width, height = image.size
    # Pillow turns a TIFF by itself; asking a PNG for EXIF that it does not announce would decode it
    if "exif" in image.info and image.format != "TIFF" and _orientation(image) in SIDEWAYS:
        width, height = height, width
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return Seen(width, height, image.mode, bool((palette != palette[:, :1]).any()))
    return Seen(width, height, image.mode, image.mode not in GREY)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF block says nothing, and the pixels may be whole
        return 1


def draw(image: Image.Image, out: np.ndarray, aspect: str) -> int:
    """Pixels of an opened picture, into `out` (C, H, W) uint8. Returns the brightest value of a 16-bit one, else 0.

    What is transparent becomes white. Of 16 bits the upper 8 stay (divided by 257), whether a picture uses them or not.
    """
    channels, height, width = out.shape
    mode = "L" if channels == 1 else "RGB"
    if image.format == "JPEG":  # decode at a half, quarter or eighth: still at least twice the size that is needed
        image.draft(mode, (2 * max(height, width), 2 * max(height, width)))
    image, peak = upright(image)
    image = image if image.mode == mode else image.convert(mode)
    fitted = np.asarray(fit_in(image, height, width, aspect))
    out[:] = fitted if channels == 1 else fitted.transpose(2, 0, 1)
    return peak


def upright(image: Image.Image) -> tuple[Image.Image, int]:
    """An opened picture as a person sees it: turned, with 8 bits, on white; and the brightest value of a 16-bit one."""
    image.load()
    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    image, peak = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image, peak


def _eight_bits(image: Image.Image) -> tuple[Image.Image, int]:
    if image.mode in ("I", "F"):
        raise OSError("32-bit grey values have no stated range: save with 16 or 8 bits, or all pictures as one .npy")
    if not image.mode.startswith("I;16"):
        return image, 0
    values = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)), int(values.max())


def fit_in(image: Image.Image, height: int, width: int, aspect: str) -> Image.Image:
    """A grey or RGB picture at the working size; unchanged if it has it already. `ASPECTS` says how."""
    w, h = image.size
    if (w, h) == (width, height):
        return image
    if aspect == "pad":
        shrink = max(w / width, h / height)
        inner = (max(1, min(width, round(w / shrink))), max(1, min(height, round(h / shrink))))
        canvas = Image.new(image.mode, (width, height))
        canvas.paste(_resize(image, inner), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return canvas
    if aspect == "stretch":
        return _resize(image, (width, height))
    shrink = min(w / width, h / height)
    left, top = max(0.0, (w - width * shrink) / 2), max(0.0, (h - height * shrink) / 2)
    return _resize(image, (width, height), (left, top, w - left, h - top))


def _resize(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)

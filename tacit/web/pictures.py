"""Pictures of items: small ones from the packed array, large ones from the files that the items came from.

No file reaches a browser as it is: what is sent was decoded here and encoded anew, so nothing hidden in a file runs.
"""

import base64
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from tacit.data.pictures import FORMATS, quiet, upright
from tacit.errors import BadData, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from tacit.data.spec import ItemSpec
    from tacit.web.desk import Desk

TINY = 32  # pixels; images no larger are shown in whole multiples, pixel by pixel, so that they stay crisp
DRAWN = 640  # pixels of the large picture of an item that has no picture file
LARGE = 1600  # pixels of the longer side of an original, at most
MOST = 2**26  # pixels of a file that are decoded, about 200 MB: of a JPEG after it is shrunk while it is read
UP, DOWN, ZERO = (0, 114, 178, 255), (213, 94, 0, 255), (140, 144, 150, 255)  # colors of a vector's bars and their base
REACH = 3.0  # standard deviations that a bar shows

one_at_a_time = threading.Lock()  # one file at a time: each may take much memory, and `quiet` is for one thread


def thumb(desk: "Desk", row: int, size: int) -> bytes:
    """A PNG of the packed item, its longer side `size` pixels at most."""
    return encoded(fitted(drawn(item(desk, row), desk.project.sides[0].spec, size), size))


def item(desk: "Desk", row: int) -> "Tensor":
    """The packed item of a row, floats (*item) as a method sees it."""
    side = desk.project.sides[0 if desk.rows.is_pool[row] else 1]
    return side.floats([int(desk.rows.position[row])])[0]


def drawn(x: "Tensor", spec: "ItemSpec", size: int) -> Image.Image:
    """One item (*item) as a picture: an image as it is, a sound as its spectrum, a vector as bars."""
    from tacit.report.pixels import as_image
    from tacit.report.sounds import spectra

    if spec.kind == "vector":
        return bars(x.numpy(), size)
    return as_image((spectra(x[None], spec.rate)[0] if spec.kind == "sound" else x).numpy())


def bars(values: np.ndarray, size: int) -> Image.Image:
    """Standardised values (F,) from left to right: above the line what is more than usual, below it what is less.

    Where several share a column of pixels, it reaches from the least to the most of them.
    """
    heights = np.clip(np.nan_to_num(values, posinf=REACH, neginf=-REACH), -REACH, REACH) / REACH
    first = np.arange(size) * len(heights) // size
    many = len(heights) > size
    low = np.minimum.reduceat(heights, first) if many else heights[first]
    high = np.maximum.reduceat(heights, first) if many else heights[first]
    level = np.linspace(1, -1, size)[:, None]  # of each line of pixels, from the top
    canvas = np.zeros((size, size, 4), dtype=np.uint8)
    canvas[(level >= 0) & (level <= high)] = UP
    canvas[(level < 0) & (level >= low)] = DOWN
    canvas[size // 2] = ZERO
    return Image.fromarray(canvas)


def fitted(image: Image.Image, size: int) -> Image.Image:
    """Shrunk to `size`; a tiny image is enlarged in whole multiples, any other stays as it is."""
    longest = max(image.size)
    if longest > size:
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
    elif longest <= TINY:
        times = size // longest
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    return image


def encoded(image: Image.Image, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    options = {"compress_level": 1} if format == "PNG" else {"quality": 90}  # time matters more than bytes here
    image.save(file, format=format, **options)
    return file.getvalue()


def address(image: Image.Image) -> str:
    """A picture as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(encoded(image)).decode("ascii")


def there(root: Path, names: list[str]) -> Path:
    """The first of these files of a source that is still there, inside it; UnknownName where none is."""
    inside, away = root.resolve(), ""
    for name in names:
        try:
            real = (root / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # gone; links in a circle; a name that no disk knows
            continue
        if not real.is_relative_to(inside):
            away = name
        elif real.is_file():
            return real
    if away:
        raise UnknownName(
            f"{away} is a link that leads out of {root}: files elsewhere are not shown\n"
            "  put the file itself there; the small picture is kept in the project"
        )
    raise UnknownName(
        f"{names[0] if names else 'the file'} is no longer in {root}\n"
        "  put it back, or look again on the Look page; the small picture is kept in the project"
    )


def original(path: Path, name: str) -> tuple[bytes, str]:
    """A picture file turned upright, 1600 pixels at most, and its media type; BadData where it cannot be shown.

    A JPEG stays one; all others become PNG, which loses nothing.
    """
    with one_at_a_time, quiet():
        try:
            with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
                format = "JPEG" if image.format == "JPEG" else "PNG"
                shrink(image)
                whole, _ = upright(image)
                shown = whole.convert("L" if whole.mode in ("1", "L") else "RGB")
                shown.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
                return encoded(shown, format), f"image/{format.lower()}"
        except UnidentifiedImageError:
            reason = "it is no picture in a known format"
        except (Image.DecompressionBombError, MemoryError):
            reason = f"it has more than {MOST:,} pixels"
        except Exception as error:  # a damaged file can fail anywhere in its decoder, with anything
            reason = " ".join(str(error).split()) or type(error).__name__
    raise BadData(f"{name} cannot be shown: {reason}\n  open it in another program; the project keeps a small picture")


def check_size(path: Path, name: str) -> None:
    """BadData where a picture would take too much memory to be read."""
    with quiet():
        try:
            with Image.open(path, formats=FORMATS) as image:
                if image.format != "JPEG" and image.width * image.height > MOST:
                    raise Image.DecompressionBombError
        except Image.DecompressionBombError:
            raise BadData(f"{name} has more than {MOST:,} pixels\n  make it smaller") from None
        except Exception:  # whoever reads it says what is wrong with it
            return


def shrink(image: Image.Image) -> None:
    """Have a large JPEG decoded at a half, quarter or eighth of its size; what is too large all the same is refused."""
    if image.format == "JPEG":
        image.draft("RGB" if image.mode == "RGB" else image.mode, (LARGE, LARGE))
    if image.width * image.height > MOST:
        raise Image.DecompressionBombError

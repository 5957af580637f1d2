"""Pictures of items, small ones from packed rows and large ones from files that may hold anything."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tacit.data.spec import ItemSpec
from tacit.errors import BadData, UnknownName
from tacit.web.pictures import MOST, bars, check_size, drawn, encoded, fitted, original, there

RED = (200, 30, 30)


def picture(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


def near(color: object, expected: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.array(color, dtype=int) - np.array(expected)).max() <= 6)


# small pictures


@pytest.mark.parametrize(
    ("own", "size", "shown"), [(8, 160, 160), (28, 160, 140), (8, 20, 16), (32, 16, 16), (64, 160, 64), (200, 160, 160)]
)
def test_a_tiny_image_grows_in_whole_multiples_and_a_large_one_shrinks(own, size, shown):
    assert fitted(Image.new("L", (own, own)), size).size == (shown, shown)


def test_an_enlarged_image_has_the_very_pixels_of_the_item(digits):
    x = digits[0][3]
    seen = np.asarray(picture(encoded(fitted(drawn(torch.from_numpy(x / 255), ItemSpec((1, 8, 8)), 160), 160))))
    assert np.array_equal(seen, np.kron(x[0], np.ones((20, 20), np.uint8)))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "L"), (7, "L")])
def test_images_of_any_number_of_channels_are_shown(channels, mode):
    assert drawn(torch.rand(channels, 9, 9), ItemSpec((channels, 9, 9)), 160).mode == mode


def test_a_sound_is_shown_as_its_spectrum_with_high_tones_at_the_top():
    t = torch.arange(8000) / 8000
    rows = []
    for tone in (300, 3000):
        seen = np.asarray(drawn(torch.sin(2 * torch.pi * tone * t)[None], ItemSpec((1, 8000), "sound", rate=8000), 160))
        rows.append(int(seen.mean(1).argmax()))
    assert rows[1] < rows[0]


def test_bars_go_up_for_more_than_usual_and_down_for_less():
    seen = np.asarray(bars(np.array([3.0, -3.0, 0.0], dtype=np.float32), 90))
    drawn_at = seen[..., 3] > 0
    assert drawn_at[:44, :30].all() and not drawn_at[46:, :30].any()
    assert drawn_at[46:, 30:60].all() and not drawn_at[:44, 30:60].any()
    assert not drawn_at[:44, 60:].any() and not drawn_at[46:, 60:].any()


def test_where_values_share_a_column_none_of_them_hides():
    values = np.zeros(1000, dtype=np.float32)
    values[501] = 3
    assert (np.asarray(bars(values, 100))[0, :, 3] > 0).sum() == 1


@given(st.lists(st.floats(width=32), min_size=1, max_size=300), st.integers(16, 64))
def test_any_vector_can_be_drawn(values, size):
    assert bars(np.array(values, dtype=np.float32), size).size == (size, size)


# originals


def saved(format: str, **options: object) -> Callable[[Image.Image, Path], None]:
    return lambda image, path: image.save(path, format=format, **options)


KINDS: dict[str, tuple[Callable[[Image.Image], Image.Image], Callable[[Image.Image, Path], None]]] = {
    "jpeg": (lambda image: image, saved("JPEG", quality=95)),
    "cmyk": (lambda image: image.convert("CMYK"), saved("JPEG", quality=95)),
    "png": (lambda image: image, saved("PNG")),
    "rgba": (lambda image: image.convert("RGBA"), saved("PNG")),
    "palette": (lambda image: image.quantize(8), saved("PNG")),
    "webp": (lambda image: image, saved("WEBP", lossless=True)),
    "bmp": (lambda image: image, saved("BMP")),
    "tiff": (lambda image: image, saved("TIFF")),
    "gif": (lambda image: image, saved("GIF")),
    "animation": (lambda image: image, saved("GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_any_kind_is_shown_in_its_colors(tmp_path, kind):
    convert, save = KINDS[kind]
    save(convert(Image.new("RGB", (40, 30), RED)), tmp_path / "x")
    body, media = original(tmp_path / "x", "x")
    seen = picture(body)
    assert media == f"image/{seen.format.lower()}" and media in ("image/png", "image/jpeg")
    assert seen.size == (40, 30) and near(seen.convert("RGB").getpixel((20, 15)), RED)


@pytest.mark.parametrize(
    ("mode", "value", "expected"), [("I;16", 30000, 117), ("L", 117, 117), ("1", 1, 255), ("LA", (117, 255), 117)]
)
def test_gray_pictures_stay_gray_and_16_bits_become_8(tmp_path, mode, value, expected):
    Image.new(mode, (40, 30), value).save(tmp_path / "x.png")
    seen = picture(original(tmp_path / "x.png", "x.png")[0])
    assert near(seen.convert("RGB").getpixel((5, 5)), (expected,) * 3)


def test_what_is_transparent_is_white_as_in_the_packed_item(tmp_path):
    Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(tmp_path / "x.png")
    assert picture(original(tmp_path / "x.png", "x")[0]).getpixel((4, 4)) == (255, 255, 255)


def test_a_picture_is_turned_as_the_camera_says_and_nothing_else_of_its_block_is_sent(tmp_path):
    image, exif = Image.new("RGB", (60, 40), RED), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera of mine"
    image.save(tmp_path / "x.jpg", exif=exif)
    body = original(tmp_path / "x.jpg", "x.jpg")[0]
    assert picture(body).size == (40, 60) and not picture(body).getexif() and b"camera" not in body


def test_what_hides_behind_the_pixels_is_not_sent(tmp_path):
    for format in ("JPEG", "PNG", "GIF"):
        file = io.BytesIO()
        Image.new("RGB", (20, 20), RED).save(file, format=format)
        (tmp_path / "x").write_bytes(file.getvalue() + b"<script>alert(1)</script>")
        assert b"script" not in original(tmp_path / "x", "x")[0]


def test_a_large_picture_is_sent_with_1600_pixels_at_most(tmp_path):
    Image.new("RGB", (5000, 2500), RED).save(tmp_path / "x.jpg")
    Image.new("P", (1601, 10)).save(tmp_path / "x.png")
    assert picture(original(tmp_path / "x.jpg", "x")[0]).size == (1600, 800)
    assert picture(original(tmp_path / "x.png", "x")[0]).size == (1600, 10)


def bomb(path: Path, width: int, height: int) -> None:
    """A PNG that claims to be large, and is a few bytes."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


@pytest.mark.parametrize("side", [8200, 12_000, 50_000])
def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path, side):
    bomb(tmp_path / "x.png", side, side)
    with pytest.raises(BadData, match=f"{MOST:,} pixels"):
        original(tmp_path / "x.png", "x.png")
    with pytest.raises(BadData, match=f"{MOST:,} pixels"):
        check_size(tmp_path / "x.png", "x.png")


@pytest.mark.parametrize(
    "body",
    [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"II*\x00\x08\x00\x00\x00"],
)
def test_what_is_no_picture_is_told_in_words(tmp_path, body):
    (tmp_path / "x.png").write_bytes(body)
    with pytest.raises(BadData, match=r"x\.png cannot be shown: \w+"):
        original(tmp_path / "x.png", "x.png")


def test_half_a_picture_is_told_in_words(tmp_path):
    body = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)))
    (tmp_path / "x.png").write_bytes(body[: len(body) // 2])
    with pytest.raises(BadData, match="cannot be shown"):
        original(tmp_path / "x.png", "x.png")


# which files


def test_only_files_inside_the_source_are_found(tmp_path):
    root, secret = tmp_path / "photos", tmp_path / "secret.png"
    (root / "a").mkdir(parents=True)
    secret.write_text("x")
    (root / "a" / "real.png").write_text("x")
    (root / "inside.png").symlink_to(root / "a" / "real.png")
    (root / "outside.png").symlink_to(secret)
    (root / "away").symlink_to(tmp_path)
    (root / "circle.png").symlink_to(root / "circle.png")
    os.mkfifo(root / "pipe.png")
    assert there(root, ["a/real.png"]) == there(root, ["inside.png"]) == (root / "a" / "real.png").resolve()
    assert there(root, ["gone.png", "a/real.png"]).name == "real.png"
    for name in ("outside.png", "away/secret.png", "../secret.png", str(secret)):
        with pytest.raises(UnknownName, match="leads out"):
            there(root, [name])
    for name in ("gone.png", "circle.png", "pipe.png", "a", "x\0y", "n" * 5000):
        with pytest.raises(UnknownName, match="no longer in"):
            there(root, [name])


def test_a_source_that_is_itself_a_link_is_fine(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "x.png").write_text("x")
    (tmp_path / "photos").symlink_to(tmp_path / "disk")
    assert there(tmp_path / "photos", ["x.png"]).is_file()

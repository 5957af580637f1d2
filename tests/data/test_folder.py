"""Folders of pictures: what is listed, what becomes of each kind of picture, and what happens to damaged ones."""

import io
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tacit.data import listing, pictures
from tacit.data.crew import AHEAD, Crew
from tacit.data.folder import Folder
from tacit.data.form import Form
from tacit.data.pictures import fit_in, look_all, read_all
from tacit.data.source import File
from tacit.errors import BadData, BadEnvironment


def save(path: Path, picture: Image.Image | np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def noise(height: int, width: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return values[..., 0] if channels == 1 else values


def read(
    source: Folder, size: int | None = None, aspect: str | None = None
) -> tuple[Form, list[str], np.ndarray, dict[str, str]]:
    """Form, paths and rows of a whole folder, and the reasons for what is missing."""
    try:
        form = source.form(source.files, size, aspect, None, lambda files: None)
        batches = list(source.read(form, source.files))
    finally:
        source.close()
    paths = [file.path for batch in batches for file in batch.files]
    return form, paths, np.concatenate([b.rows for b in batches]), dict(f for b in batches for f in b.failed)


def one(path: Path, shape: tuple[int, int, int], aspect: str = "crop") -> np.ndarray:
    """Pixels of a single file that must be readable."""
    results, rows = read_all(str(path.parent), [path.name], shape, aspect)
    assert not isinstance(results[0], str), results[0]
    return rows[0]


# what is listed


def test_pictures_are_found_at_any_depth_whatever_the_case_of_their_extension(tmp_path):
    for name in ("a.png", "deep/er/b.PNG", "deep/c.Jpg", "deep/d.JPEG", "e.bmp", "f.tif", "g.TIFF", "h.webp", "i.gif"):
        save(tmp_path / name, noise(4, 4))
    found = Folder(tmp_path)
    assert [file.path for file in found.files] == sorted(
        ["a.png", "deep/er/b.PNG", "deep/c.Jpg", "deep/d.JPEG", "e.bmp", "f.tif", "g.TIFF", "h.webp", "i.gif"]
    )
    assert found.folders == 3
    assert found.extensions == {"png": 2, "jpg": 1, "jpeg": 1, "bmp": 1, "tif": 1, "tiff": 1, "webp": 1, "gif": 1}


def test_hidden_things_and_projects_are_passed_over_and_other_files_only_counted(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    for name in (".hidden.png", ".cache/b.png", "photos.tacit/thumbs/c.png", "work/thumbs/d.png"):
        save(tmp_path / name, noise(4, 4))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "README").write_text("x")
    found = Folder(tmp_path, without=tmp_path / "work")
    assert [file.path for file in found.files] == ["a.png"]
    assert found.others == {"txt": 1, "": 1}


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path):
    real = save(tmp_path / "elsewhere" / "a.png", noise(4, 4))
    source = tmp_path / "source"
    source.mkdir()
    (source / "link.png").symlink_to(real)
    (source / "circle").symlink_to(source)
    (source / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (source / "itself.png").symlink_to(source / "itself.png")
    found = Folder(source)
    assert [(file.path, file.size) for file in found.files] == [("link.png", real.stat().st_size)]
    assert dict(found.unlisted).keys() == {"circle", "nowhere.png", "itself.png"}


def test_things_that_are_no_files_are_not_opened(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    found = Folder(tmp_path)
    assert [file.path for file in found.files] == ["a.png"] and found.unlisted == [("pipe.png", "not a file")]


def test_a_folder_without_pictures_says_what_it_holds_instead(tmp_path):
    with pytest.raises(BadData, match=r"no pictures in .*: it is empty"):
        Folder(tmp_path)
    (tmp_path / "x.npz").write_bytes(b"x")
    with pytest.raises(BadData, match=r"it holds other files \(1 npz\)"):
        Folder(tmp_path)


def test_a_name_that_is_no_utf8_is_set_aside_with_a_printable_name(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    with open(os.fsencode(tmp_path) + b"/b\xff.png", "wb") as file:
        file.write((tmp_path / "a.png").read_bytes())
    found = Folder(tmp_path)
    assert [file.path for file in found.files] == ["a.png"]
    assert [path for path, _ in found.unlisted] == ["b\\udcff.png"]


# what becomes of each kind of picture


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (77, 255), (77, 77, 77)),
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),  # a fifth of black on white
        ("LA", (0, 0), (255, 255, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb_and_transparent_parts_white(tmp_path, mode, value, expected):
    path = save(tmp_path / "x.png", Image.new(mode, (5, 4), value))
    assert (one(path, (3, 4, 5)) == np.array(expected)[:, None, None]).all()


def test_palettes_are_looked_up_also_where_one_color_is_transparent(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], dtype=np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    plain = one(save(tmp_path / "a.png", picture), (3, 2, 2))
    assert plain[:, 0, 0].tolist() == [255, 0, 0] and plain[:, 1, 0].tolist() == [0, 0, 255]
    clear = one(save(tmp_path / "b.png", picture, transparency=1), (3, 2, 2))
    assert clear[:, 0, 1].tolist() == [255, 255, 255] and clear[:, 1, 0].tolist() == [0, 0, 255]


def test_cmyk_becomes_rgb(tmp_path):
    path = save(tmp_path / "x.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)
    red, green, blue = one(path, (3, 16, 16)).mean((1, 2))
    assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_are_scaled_by_their_whole_range(tmp_path, name):
    values = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    assert one(save(tmp_path / name, values), (1, 1, 4)).tolist() == [[[0, 1, 128, 255]]]


def test_sixteen_bit_pictures_that_use_twelve_bits_get_a_remark(tmp_path):
    save(tmp_path / "x.png", np.full((4, 4), 4000, dtype=np.uint16))
    source = Folder(tmp_path)
    read(source)
    assert "only reach 4,000 of 65,535" in source.notes[0]


def test_values_of_32_bits_are_refused_with_a_way_out(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    save(tmp_path / "x.tif", np.ones((4, 4), dtype=np.float32))
    assert "one .npy" in read(Folder(tmp_path))[3]["x.tif"]


@pytest.mark.parametrize("extension", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, extension, orientation):
    quarters = np.zeros((32, 16), dtype=np.uint8)
    quarters[:16, :8], quarters[:16, 8:], quarters[16:, :8] = 250, 160, 80
    tags = Image.Exif()
    tags[0x0112] = orientation
    path = save(tmp_path / f"x.{extension}", Image.fromarray(quarters).convert("RGB"), exif=tags.tobytes())
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("L")
    height, width = (16, 32) if orientation >= 5 else (32, 16)
    (seen,) = look_all(str(tmp_path), [path.name])
    assert (seen.width, seen.height) == upright.size == (width, height)
    got = one(path, (1, height, width))[0]
    assert np.abs(got.astype(int) - np.asarray(upright).astype(int)).max() <= 3


def test_the_first_frame_of_an_animation_is_the_picture(tmp_path):
    first, second = Image.new("L", (4, 4), 40), Image.new("L", (4, 4), 200)
    path = save(tmp_path / "x.gif", first, save_all=True, append_images=[second])
    assert (one(path, (1, 4, 4)) == 40).all()


def test_a_shrunken_jpeg_is_what_a_full_decode_gives(tmp_path):
    ramp = np.add.outer(np.arange(512), np.arange(768)) / 5.02
    path = save(tmp_path / "x.jpg", ramp.astype(np.uint8), quality=95)
    with Image.open(path) as picture:
        full = np.asarray(picture.resize((48, 32), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(one(path, (1, 32, 48))[0] - full).mean() < 1.5


# the working shape


def test_pictures_that_share_a_small_size_keep_it_pixel_by_pixel(tmp_path):
    values = [noise(5, 7, 3, seed) for seed in range(3)]
    for i, value in enumerate(values):
        save(tmp_path / f"{i}.png", value)
    form, _, rows, _ = read(Folder(tmp_path))
    assert form.shape == (3, 5, 7)
    assert (rows == np.stack(values).transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize(("sizes", "size", "shape"), [
    ([(20, 30), (30, 20)], None, (1, 64, 64)),
    ([(65, 10)], None, (1, 64, 64)),
    ([(64, 64)], None, (1, 64, 64)),
    ([(20, 30)], 16, (1, 16, 16)),
])  # fmt: skip
def test_other_pictures_become_squares_of_64_pixels_or_of_the_size_asked_for(tmp_path, sizes, size, shape):
    for i, (height, width) in enumerate(sizes):
        save(tmp_path / f"{i}.png", noise(height, width))
    form, _, rows, _ = read(Folder(tmp_path), size)
    assert form.shape == shape and rows.shape[1:] == shape


def test_one_picture_in_color_makes_all_rgb_and_a_grey_palette_does_not(tmp_path):
    save(tmp_path / "a.png", noise(4, 4))
    grey = Image.fromarray(noise(4, 4)).quantize(8)
    save(tmp_path / "b.png", grey)
    assert read(Folder(tmp_path))[0].shape == (1, 4, 4)
    save(tmp_path / "c.png", noise(4, 4, 3))
    assert read(Folder(tmp_path))[0].shape == (3, 4, 4)


def test_the_three_ways_to_a_square():
    stripes = np.zeros((10, 30), dtype=np.uint8)
    stripes[:, :10], stripes[:, 10:20], stripes[:, 20:] = 50, 150, 250
    picture = Image.fromarray(stripes)
    crop = np.asarray(fit_in(picture, 10, 10, "crop"))
    assert (crop == 150).mean() > 0.75 and abs(crop.mean() - 150) < 2
    pad = np.asarray(fit_in(picture, 30, 30, "pad"))
    assert (pad[:10] == 0).all() and (pad[20:] == 0).all() and (pad[10:20] == stripes).all()
    stretch = np.asarray(fit_in(picture, 30, 30, "stretch"))
    assert (stretch[0] == stretch[-1]).all() and {50, 150, 250} <= set(stretch[0].tolist())


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from(["crop", "pad", "stretch"]),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_fits_any_working_size(width, height, out_width, out_height, aspect):
    fitted = fit_in(Image.new("L", (width, height), 200), out_height, out_width, aspect)
    assert fitted.size == (out_width, out_height)
    assert np.asarray(fitted).max() == 200 and (aspect == "pad" or np.asarray(fitted).min() == 200)


# damaged files


def test_damaged_files_are_set_aside_with_a_reason_and_the_others_read(tmp_path, monkeypatch):
    good = save(tmp_path / "good.jpg", noise(80, 80), quality=95)
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:1500])
    (tmp_path / "text.jpg").write_text("this is no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    save(tmp_path / "bomb.png", Image.new("1", (300, 300)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40_000)
    source = Folder(tmp_path)
    _, paths, rows, failed = read(source)
    assert paths == ["good.jpg"] and len(rows) == 1
    assert dict(source.unlisted) == {"empty.png": "the file is empty"}
    assert "truncated" in failed["cut.jpg"]
    assert failed["text.jpg"] == "not a picture in a known format"
    assert failed["bomb.png"] == "more than 80,000 pixels"


def test_a_file_that_may_not_be_read_is_set_aside(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        save(tmp_path / name, noise(4, 4))

    def guarded(path, *args):
        if str(path).endswith("b.png"):
            raise PermissionError(13, "Permission denied")
        return open(path, *args)

    monkeypatch.setattr(pictures, "open", guarded, raising=False)
    _, paths, _, failed = read(Folder(tmp_path))
    assert paths == ["a.png"] and failed == {"b.png": "permission denied"}


def test_a_damaged_exif_block_does_not_cost_the_picture(tmp_path):
    path = save(tmp_path / "x.jpg", np.full((8, 8), 90, dtype=np.uint8), exif=b"Exif\0\0garbage")
    assert (one(path, (1, 8, 8)) == 90).all()


@given(st.binary(max_size=200), st.sampled_from(["", "png", "jpg", "gif", "bmp", "tiff", "webp"]), st.data())
@settings(max_examples=150, deadline=None)
def test_arbitrary_bytes_give_a_picture_or_a_reason(tmp_path_factory, junk, kind, data):
    """Pure junk, and real files with a stretch of junk inside."""
    content = junk
    if kind:
        buffer = io.BytesIO()
        Image.fromarray(noise(9, 9)).save(buffer, {"jpg": "jpeg"}.get(kind, kind))
        whole = buffer.getvalue()
        at = data.draw(st.integers(0, len(whole)))
        content = whole[:at] + junk + whole[at + len(junk) :]
    path = tmp_path_factory.getbasetemp() / "junk.jpg"
    path.write_bytes(content)
    assert isinstance(look_all(str(path.parent), [path.name])[0], str | pictures.Seen)
    results, rows = read_all(str(path.parent), [path.name], (3, 4, 4), "crop")
    assert len(rows) == (not isinstance(results[0], str))


# many processes


def test_processes_bring_the_same_rows_in_the_same_order(tmp_path):
    for i in range(150):
        save(tmp_path / f"{i}.png", noise(4, 4, seed=i))
    (tmp_path / "7.png").write_text("damaged")
    alone, together = read(Folder(tmp_path, workers=0)), read(Folder(tmp_path, workers=2))
    assert alone[1] == together[1] and (alone[2] == together[2]).all() and alone[3] == together[3]


def test_tasks_stay_small_so_that_ctrl_c_is_quick():
    files = [File(f"{i}", 10**6 * (i % 10), 0) for i in range(300)]
    parts = list(listing._parts(files, 64))
    assert [file for part in parts for file in part] == files
    assert max(map(len, parts)) <= 64
    assert (
        max(sum(map(listing._effort, part)) for part in parts) < listing.TASK_SECONDS + listing._effort(files[9]) + 1e-9
    )


def test_a_crew_is_never_far_ahead_of_its_reader():
    started = []

    def tasks():
        for i in range(200):
            started.append(i)
            yield (float(i),)

    crew = Crew(2)
    try:
        results = crew.map(math.sqrt, tasks())
        assert [next(results) for _ in range(3)] == [math.sqrt(i) for i in range(3)]
        assert len(started) <= AHEAD * 2 + 4
    finally:
        crew.close()


def test_a_process_that_dies_is_explained():
    crew = Crew(2)
    try:
        with pytest.raises(BadEnvironment, match="workers=1"):
            list(crew.map(os._exit, [(3,)]))
    finally:
        crew.close()

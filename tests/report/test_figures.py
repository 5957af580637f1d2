"""Figures are whole, escaped, and a sentence where there is nothing to draw."""

import base64
import io
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from tacit.errors import WrongUsage
from tacit.evaluate.classify import Bin
from tacit.evaluate.intervals import Interval
from tacit.report.charts import bars, confusion, reliability
from tacit.report.curves import Series, apart, curve
from tacit.report.items import families, image_grid, pairs, walk_strip
from tacit.report.maps import scatter
from tacit.report.page import Section, render, write
from tacit.report.pixels import as_image, sheet
from tacit.report.readme import readme_picture
from tacit.report.tables import table

HOSTILE = ['<script>alert("1")</script>', "a & b", "“quotes” 'n\" more", "\u202eright to left", "🦆" * 100, "x" * 200]


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(f"<div>{markup}</div>")


def points(n: int) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n", [1, 2, 50, 7000])
def test_the_map_says_how_many_points_it_draws(n):
    markup = scatter(points(n), torch.arange(n) % 3 - 1, classes=["a", "b"])
    parsed(markup)
    assert f"{n:,}".replace(",", " ") in markup or f"{n:,}" in markup or str(n) in markup.replace("\u202f", "")


def test_a_map_of_many_points_is_one_small_image():
    markup = scatter(points(100_000), torch.full((100_000,), -1))
    assert "data:image/png;base64" in markup and len(markup) < 600_000


def test_picks_have_rings_with_their_round():
    markup = scatter(points(30), torch.full((30,), -1), picked=[torch.tensor([1, 2]), torch.tensor([5])])
    titles = [t.text for t in parsed(markup).iter("{http://www.w3.org/2000/svg}title")]
    assert {"round 1, pick 1", "round 1, pick 2", "round 2, pick 1"} <= {str(t) for t in titles}


def test_nothing_to_draw_is_a_sentence():
    for markup in (
        scatter(torch.empty(0, 2)),
        scatter(torch.full((3, 2), float("nan"))),
        curve([]),
        reliability([]),
        bars([]),
        image_grid(torch.empty(0, 1, 4, 4)),
        families(torch.empty(0, 1, 4, 4), torch.empty(0, 8, 1, 4, 4)),
        table([], ["a"]),
    ):
        assert "<svg" not in markup and len(re.sub(r"<[^>]+>", "", markup)) > 10


def test_the_curve_has_bands_where_intervals_are_known_and_random_is_gray():
    with_band = curve([Series("random", [10, 20], [Interval(0.5, 0.4, 0.6), Interval(0.6, 0.5, 0.7)])])
    without = curve([Series("random", [10, 20], [0.5, 0.6])])
    assert with_band.count('class="band') > without.count('class="band') or "band" in with_band
    assert "gray" in with_band
    parsed(with_band), parsed(without)


def test_names_at_the_ends_of_lines_never_overlap():
    for wanted in ([5.0, 5.1, 5.2, 90.0], [50.0] * 6, [0.0, 100.0, 99.0]):
        found = sorted(apart(wanted, 12.0, 0.0, 100.0))
        assert all(b - a >= 12.0 - 1e-9 for a, b in itertools.pairwise(found))


def test_the_confusion_matrix_shows_its_counts():
    counts = torch.tensor([[7, 2], [0, 11]])
    texts = [t.text for t in parsed(confusion(counts, ["cat", "dog"])).iter("{http://www.w3.org/2000/svg}text")]
    assert {"7", "2", "11"} <= {str(t) for t in texts}


def test_the_reliability_draws_what_was_counted():
    markup = reliability(
        [Bin(0.4, 0.5, 5, 0.45, Interval(0.6, 0.2, 0.9)), Bin(0.9, 1.0, 20, 0.95, Interval(0.9, 0.7, 1.0))]
    )
    parsed(markup)
    assert "25 items" in markup


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7)])
def test_pictures_are_the_pixels_they_show(shape):
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    markup = image_grid(x, ["one", "two"])
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", markup)
    assert len(found) == 2
    for item, encoded in zip(x, found, strict=True):
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"), dtype=float)
        assert image.shape[:2] == shape[1:]
        assert np.abs(image - 255 * item.permute(1, 2, 0).numpy()).max() <= 1.01


def test_vectors_are_drawn_as_lines():
    markup = pairs(torch.rand(2, 12), torch.rand(2, 12))
    assert "<svg" in markup and "png" not in markup
    parsed(markup)


def test_strips_of_different_shapes_are_refused():
    with pytest.raises(WrongUsage):
        walk_strip(torch.rand(3, 1, 4, 4), torch.rand(2, 1, 4, 4))
    with pytest.raises(WrongUsage):
        pairs(torch.rand(2, 4), torch.rand(2, 5))
    for relatives in (torch.rand(3, 5, 1, 4, 4), torch.rand(2, 5, 1, 4, 3), torch.rand(2, 1, 4, 4)):
        with pytest.raises(WrongUsage):
            families(torch.rand(2, 1, 4, 4), relatives)
    with pytest.raises(WrongUsage):
        families(torch.rand(2, 1, 4, 4), torch.rand(2, 5, 1, 4, 4), ["one"])


@pytest.mark.parametrize("shape", [(1, 4, 6), (3, 4, 6), (12,)])
def test_a_family_is_a_row_with_the_item_first(shape):
    x, made = torch.rand(2, *shape), torch.rand(2, 5, *shape)
    rows = parsed(families(x, made, ["a & b", "c"])).findall(".//div[@role='group']")
    assert len(rows) == 2
    for row, item, others, name in zip(rows, x, made, ["a & b", "c"], strict=True):
        figures = row.findall("figure")
        assert [figure.get("class") for figure in figures] == ["real", *[None] * 5]
        assert row.get("aria-label") == name and "".join(figures[0].find("figcaption").itertext()) == name
        for figure, one in zip(figures, [item, *others], strict=True):
            if len(shape) == 3:
                image = Image.open(io.BytesIO(base64.b64decode(figure.find("img").get("src").split(",")[1])))
                assert np.array_equal(np.asarray(image), np.asarray(as_image(one.double().numpy())))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("apart", [False, True])
def test_a_sheet_has_every_item_at_its_place(channels, apart):
    rows = [torch.rand(n, channels, 30, 20).numpy() for n in (3, 2)]
    image = sheet(rows, apart)
    assert image.mode == ("L" if channels == 1 else "RGB")
    lead, pixels = 12 * apart, np.asarray(image).reshape(image.height, image.width, channels)
    assert (image.width, image.height) == (3 * 44 + 4 + lead, 2 * 64 + 4)  # enlarged twice, four pixels between
    for y, items in enumerate(rows):
        for x, item in enumerate(items):
            top, left = 4 + 64 * y, 4 + 44 * x + (lead if x else 0)
            part = pixels[top : top + 60 : 2, left : left + 40 : 2]
            assert np.array_equal(part, np.asarray(as_image(item)).reshape(30, 20, channels))
    assert (pixels[70:, -40:] == 255).all()  # the second row is shorter


def test_large_images_are_not_enlarged_on_a_sheet():
    assert sheet([np.zeros((2, 1, 100, 80))]).size == (2 * 84 + 4, 108)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_are_escaped_wherever_they_appear(name):
    everywhere = [
        scatter(
            points(5), torch.zeros(5, dtype=torch.long), classes=[name], picked=[torch.tensor([0])], names=[name] * 5
        ),
        curve([Series(name, [1, 2], [0.1, 0.2])]),
        confusion(torch.tensor([[1, 1], [0, 2]]), [name, "b"]),
        bars([(name, 0.3)]),
        image_grid(torch.rand(1, 1, 4, 4), [name]),
        table([[name, 1]], ["name", "n"]),
    ]
    for markup in everywhere:
        parsed(markup)
        assert "<script" not in markup
    page = render(name, [(name, name)], [Section(name, name, "".join(everywhere))], name)
    assert "<script" not in page


def test_the_page_asks_no_host_for_anything_and_has_both_schemes(tmp_path):
    page = render("t", [("items", 3)], [Section(str(i), "what it shows", curve([])) for i in range(4)])
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "Content-Security-Policy" in page and "prefers-color-scheme:dark" in page
    assert [f'href="#section-{i}"' in page for i in (1, 2, 3, 4)] == [True] * 4
    write(tmp_path / "r.html", page)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page


def test_numbers_in_tables_keep_their_intervals():
    markup = table([["a", Interval(0.5, 0.4, 0.6)], ["b", None]], ["name", "accuracy"], as_percent=["accuracy"])
    said = re.sub(r"<[^>]+>", " ", markup)
    assert "50" in said and "40" in said and "60" in said


def test_the_picture_stands_alone():
    series = [Series("random", [20, 40], [0.5, 0.6]), Series("margin", [20, 40], [0.5, 0.8])]
    svg = readme_picture(points(2000), torch.arange(2000) % 5 - 1, list("abcd"), [torch.arange(20)], series)
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg") and "var(--" not in svg and len(svg) < 150_000
    assert "margin reaches 80.0%" in svg

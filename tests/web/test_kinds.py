"""Labelling what is no picture, and pictures whose file is gone, in a real browser."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tacit.project import Project
from tests.web.acts import SHOWN, at, opened, press_on
from tests.web.conftest import Server, copy_of, start

AUDIO = "document.querySelector('.stage audio')"


def served(folder: Path, to: Path) -> Iterator[Server]:
    """A copy of a project that other tests only read, with classes."""
    copy = copy_of(folder.parent, to).parent / folder.name
    Project(copy).settings.set("classes", ["low", "high"])
    found = start(copy)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def tones(sounds, tmp_path_factory) -> Iterator[Server]:
    yield from served(sounds.desk.folder, tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def numbers(vectors, tmp_path_factory) -> Iterator[Server]:
    yield from served(vectors.desk.folder, tmp_path_factory.mktemp("numbers"))


@pytest.fixture
def photos(made, tmp_path) -> Iterator[Server]:
    yield from served(made / "photos.tacit", tmp_path)


def drawn(page) -> tuple[int, int]:
    """Width of the picture that is shown, once it is there, and how many colors it has."""
    picture = page.locator(SHOWN)
    expect(picture).to_have_js_property("complete", True)
    width, colors = picture.evaluate(
        """(image) => { const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
        const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
        return [image.naturalWidth, new Set(new Uint32Array(pixels.buffer)).size]; }"""
    )
    return width, colors


def given(page, server: Server, n: int) -> list:
    for _ in range(200):
        if len(found := Project(server.folder).labels.history()) >= n:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(found)} of {n} answers arrived")


def label(page, server: Server, key: str) -> tuple[str, str]:
    """Answer the item that is shown: its id as of the server, and what arrived."""
    before, row = len(Project(server.folder).labels.history()), at(page)
    page.keyboard.press(key)
    expect(page.locator(".stage")).not_to_have_attribute("data-row", str(row))
    event = given(page, server, before + 1)[-1]
    assert event.item == server.get(f"/api/items?rows={row}").json()[0]["id"]
    return event.item, event.answer


def test_a_sound_plays_and_stops_on_its_key_beside_its_spectrum(page, tones):
    opened(page, tones)
    width, colors = drawn(page)
    assert width > 50 and colors > 10
    button = page.get_by_role("button", name="Play")
    expect(button).to_be_enabled()
    assert page.locator(".stage audio").evaluate(
        "(audio) => new Promise((done) => audio.readyState ? done(audio.duration) :"
        " (audio.onloadedmetadata = () => done(audio.duration)))"
    ) == pytest.approx(0.5, abs=0.1)
    page.evaluate(f"() => {{ {AUDIO}.loop = true; }}")  # half a second is soon over
    page.keyboard.press(".")
    stop = page.get_by_role("button", name="Stop")
    stop.wait_for()
    assert page.evaluate(f"() => !{AUDIO}.paused")
    page.keyboard.press(".")
    button.wait_for()
    assert page.evaluate(f"() => {AUDIO}.paused")
    page.evaluate(f"() => {{ {AUDIO}.loop = false; }}")
    page.keyboard.press(".")
    stop.wait_for()
    button.wait_for()  # it ends by itself
    assert page.evaluate(f"() => {AUDIO}.ended")


def test_the_line_over_a_spectrum_lies_within_it_and_details_can_be_heard(page, tones):
    opened(page, tones)
    drawn(page)
    page.keyboard.press(".")
    line, picture = page.locator(".stage .position"), page.locator(SHOWN)
    expect(line).to_have_attribute("style", re.compile("left: "))
    shape = "(one) => Math.min(one.clientWidth, one.clientHeight * one.naturalWidth / one.naturalHeight)"
    box, width = picture.bounding_box(), picture.evaluate(shape)
    begin = box["x"] + (box["width"] - width) / 2
    assert begin - 2 <= line.bounding_box()["x"] <= begin + width + 2
    page.evaluate("() => { window.heard = 0; HTMLMediaElement.prototype.play = async () => { window.heard++; }; }")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Play").wait_for()
    page.keyboard.press(".")
    assert page.evaluate("() => window.heard") == 1


def test_the_next_sound_is_silent_until_it_is_asked_for(page, tones):
    opened(page, tones)
    page.evaluate(f"() => {{ {AUDIO}.loop = true; }}")
    page.keyboard.press(".")
    page.get_by_role("button", name="Stop").wait_for()
    first = page.evaluate_handle(f"() => {AUDIO}")
    assert label(page, tones, "2")[1] == "high"
    page.get_by_role("button", name="Play").wait_for()
    assert page.evaluate(f"() => {AUDIO}.paused")
    assert first.evaluate("(audio) => audio.paused"), "the sound before is still heard"


def test_a_sound_whose_file_is_gone_is_still_seen_and_heard(page, tones):
    item = tones.get("/grid.json?state=unlabelled&order=random&size=1").json()["items"][0]
    place = tones.folder.parent / "tones" / item["name"]
    away = place.rename(place.with_suffix(".away"))
    page.add_init_script(f"sessionStorage.setItem('tacit.selection', '[{item['row']}]')")
    try:
        page.goto(f"{tones.address}/label?kind=rows")
        page.wait_for_selector(SHOWN)
        assert at(page) == item["row"] and drawn(page)[0] > 50
        page.evaluate(f"() => {{ {AUDIO}.loop = true; }}")
        page.keyboard.press(".")
        page.get_by_role("button", name="Stop").wait_for()
        assert page.get_by_text("This sound cannot be played here.").count() == 0
    finally:
        away.rename(place)


def test_a_row_of_numbers_stands_beside_its_line_by_the_names_of_its_columns(page, numbers):
    def cells(row: int) -> str:
        return f"{numbers.get(f'/api/items/{row}/cells').json()['cells'][4]['value']:.6g}"

    opened(page, numbers)
    shown = page.get_by_label("Columns").locator("div", has_text="number 5").locator("dd")
    expect(shown).to_contain_text(cells(at(page)))
    expect(shown.locator("small")).to_have_text(re.compile(r"^ ?(0\.0|[+−]\d+\.\d) sd$"))
    press_on(page, "x")
    expect(shown).to_contain_text(cells(at(page)))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Columns").locator("dt")).to_have_count(5)


def test_a_row_of_numbers_is_a_line_and_is_labelled_with_a_key(page, numbers):
    opened(page, numbers)
    width, colors = drawn(page)
    assert width > 50 and colors > 1
    assert page.locator(".stage audio").count() == 0
    picture = page.locator(SHOWN).get_attribute("src")
    first, answer = label(page, numbers, "1")
    assert answer == "low"
    expect(page.locator(SHOWN)).not_to_have_attribute("src", picture)
    second, answer = label(page, numbers, "2")
    assert answer == "high" and first != second
    page.keyboard.press("z")
    given(page, numbers, 3)
    assert Project(numbers.folder).labels.answers() == {first: "low"}


def test_photos_taken_away_while_labelling_are_shown_small_with_words_and_can_be_labelled(page, photos):
    opened(page, photos)
    assert page.get_by_text("The file is gone from the disk").count() == 0
    shutil.rmtree(photos.folder.parent / "photos")
    words = page.get_by_text("The file is gone from the disk, was changed, or cannot be read; this is the small copy")
    for _ in range(8):  # those that were fetched ahead are still there
        label(page, photos, "1")
        if words.count():
            break
    words.wait_for()
    picture = page.locator(SHOWN)
    assert "/thumb" in picture.get_attribute("src")
    assert drawn(page)[0] > 0
    _, answer = label(page, photos, "2")
    assert answer == "high"
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("gone").first.wait_for()

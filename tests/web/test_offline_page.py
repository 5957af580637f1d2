"""The file of `tacit report --interactive`, as it is built: opened from disk, by the mouse and by the keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tacit.project import Project
from tacit.web.app import DIST
from tacit.web.offline import write_map
from tests.web.conftest import CLASSES, copy_of


@pytest.fixture(scope="module")
def written(made, tmp_path_factory) -> Path:
    """map.html of a project with 30 answers and the quick layout."""
    here = tmp_path_factory.mktemp("one file")
    project = Project(copy_of(made, here))
    project.settings.set("classes", CLASSES)
    project.choose("random", k=30)
    project.ask_truth()
    assert (DIST / "offline.js").is_file(), "the page is not built: make page"
    write_map(project.folder, here / "map.html")
    return here / "map.html"


@pytest.fixture
def tab(browser, written):
    """The file in a tab; a request, an error or a breach of the policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    wrong: list[str] = []
    found.on("request", lambda asked: asked.url.startswith(("data:", "blob:")) or wrong.append(f"asked {asked.url}"))
    found.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    found.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    found.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")
    found.set_default_timeout(15_000)
    found.goto(written.as_uri())
    wrong.remove(f"asked {written.as_uri()}")  # the file itself
    found.wait_for_selector("html[data-map-drawn]", state="attached", timeout=30_000)
    yield found
    context.close()
    graphics = re.compile("GL Driver Message|WebGL")  # what the drawing without a graphics card tells of itself
    wrong = [line for line in wrong if not graphics.search(line)]
    assert not wrong, wrong


def many(entry) -> int:
    found = re.search(r"\((\d+)\)", entry.inner_text())
    assert found
    return int(found[1])


def inked(tab) -> int:
    """How many bytes the picture of the map has: an empty one has few."""
    return len(tab.locator(".map-plot").screenshot())


def test_all_points_are_drawn_from_the_file_alone_and_it_says_where_they_come_from(tab):
    assert tab.locator("html").get_attribute("data-map-drawn") == "360"
    expect(tab.get_by_role("heading", level=1)).to_have_text("photos")
    expect(tab.locator(".map-provenance")).to_have_text("360 of 360 points")
    expect(tab.get_by_text("30 of 288 items labelled")).to_be_visible()
    canvas = tab.locator(".map-plot canvas").first.bounding_box()
    assert canvas["width"] > 400 and canvas["height"] > 300
    full = inked(tab)
    states = tab.get_by_role("region", name="States")
    for entry in states.locator(".map-entry").all():
        entry.click()
        tab.wait_for_timeout(600)  # the next click is no double click
    expect(tab.locator(".map-provenance")).to_contain_text("0 of 360 points, 360 hidden by the legend")
    assert inked(tab) < full / 2


def test_the_legend_hides_a_class_and_brings_it_back(tab):
    tab.get_by_label("color", exact=True).select_option("class")
    classes = tab.get_by_role("region", name=re.compile("^Colors: "))
    entry = classes.get_by_role("button", name=re.compile(r"^3 ?\("))
    expect(entry).to_have_attribute("aria-pressed", "true")
    some = many(entry)
    assert 0 < some < 30
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    expect(tab.locator(".map-provenance")).to_contain_text(f"{360 - some} of 360 points, {some} hidden")
    tab.wait_for_timeout(600)
    entry.click()
    expect(tab.locator(".map-provenance")).to_have_text("360 of 360 points")


def test_names_of_a_class_are_listed_and_copied_from_a_file(tab):
    tab.get_by_label("color", exact=True).select_option("folder")
    classes = tab.get_by_role("region", name=re.compile("^Colors: "))
    sevens = many(classes.get_by_role("button", name=re.compile(r"^7 ?\(")))
    classes.get_by_role("button", name=re.compile("points: 7$")).click()
    expect(tab.get_by_role("heading", name=re.compile("Selected"))).to_have_text(f"Selected {sevens} of 360")
    names = tab.get_by_label("Names of the selected items").input_value().split("\n")
    assert len(names) == len(set(names)) == sevens and all(name.startswith("7/") for name in names)
    tab.get_by_role("button", name="copy their names").click()
    expect(tab.get_by_role("status")).to_have_text(
        re.compile(rf"copied {sevens} names|all names are selected below: copy them with Ctrl\+C")
    )
    tab.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}))")
    tab.locator("#pasted").focus()
    tab.keyboard.press("Control+V")
    assert tab.locator("#pasted").input_value().split("\n") == names


def test_the_keyboard_colors_selects_shows_pictures_and_clears(tab):
    color = tab.get_by_label("color", exact=True)
    before = color.input_value()
    tab.keyboard.press("c")
    expect(color).not_to_have_value(before)
    tab.keyboard.press("h")
    picture = tab.locator(".map-thumbs img").first
    picture.wait_for()
    assert picture.get_attribute("src").startswith("data:image/png") and picture.evaluate("one => one.naturalWidth") > 0
    tab.keyboard.press("h")
    tab.keyboard.press("l")
    expect(tab.get_by_role("button", name=re.compile("^lasso"))).to_have_attribute("aria-pressed", "true")
    box = tab.locator(".map-plot").bounding_box()
    tab.mouse.move(box["x"] + 2, box["y"] + 2)
    tab.mouse.down()
    for u, v in ((1, 0), (1, 1), (0, 1)):
        tab.mouse.move(box["x"] + 2 + u * (box["width"] - 4), box["y"] + 2 + v * (box["height"] - 4), steps=4)
    tab.mouse.up()
    expect(tab.get_by_role("heading", name=re.compile("Selected"))).to_have_text("Selected 360 of 360")
    tab.keyboard.press("x")
    expect(tab.get_by_role("heading", name=re.compile("Selected"))).to_have_text("Selected 0 of 360")

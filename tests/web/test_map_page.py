"""The map page in a real browser: points are there, can be pointed at, selected, answered together, and compared."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.web.acts import comes_true
from tests.web.test_maps import done, until

WHOLE = 0.95  # of half the smaller side of the map, as in page/src/map/camera.ts


class OnMap:
    """The map of a project in a tab, and where its items are on the screen."""

    def __init__(self, page, server):
        self.page, self.server = page, server
        page.goto(server.address + "/map")
        page.wait_for_selector("html[data-map-drawn]", state="attached", timeout=30_000)
        said = page.locator(".map-provenance").filter(has_not_text="…")
        said.wait_for(timeout=30_000)  # the quick layout is followed by the final one
        page.wait_for_timeout(1200)  # it glides there
        self.rows = np.frombuffer(server.get("/api/map/rows.bin").content, "<i4")
        self.xy = np.frombuffer(server.get("/api/map/points.bin").content, "<f4").reshape(-1, 2)

    def at(self, point: int) -> tuple[float, float]:
        box = self.page.locator(".map-plot canvas").first.bounding_box()
        k = min(box["width"], box["height"]) / 2 * WHOLE
        x, y = (float(value) for value in self.xy[point])
        return box["x"] + box["width"] / 2 + x * k, box["y"] + box["height"] / 2 - y * k

    def alone(self) -> int:
        """A point of the pool with most room around it."""
        record = self.server.get("/map.json").json()
        apart = np.linalg.norm(self.xy[:, None] - self.xy[None], axis=2) + 9 * np.eye(len(self.xy))
        return int(apart.min(axis=1)[: record["pool"]].argmax())

    def lasso(self, left: float, top: float, right: float, bottom: float) -> None:
        """A line around a part of the map, in shares of its sides."""
        box = self.page.locator(".map-plot").first.bounding_box()
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in corners]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=5)
        self.page.mouse.up()

    def selected(self) -> int:
        return int(
            re.search(r"Selected ([\d,]+)", self.page.locator(".map-selection h2").inner_text())[1].replace(",", "")
        )


@pytest.fixture
def on_map(page, here) -> OnMap:
    return OnMap(page, here)


def test_all_points_are_drawn_and_the_page_says_from_what(on_map):
    said = on_map.page.locator(".map-provenance").inner_text()
    assert on_map.page.locator("html").get_attribute("data-map-drawn") == "360"
    assert "360 of 360 points" in said and "vae" in said and "quality 0." in said
    assert on_map.page.evaluate("() => performance.getEntriesByName('map-first-picture').length") == 1


def test_pointing_at_an_item_tells_what_it_is_and_a_click_its_neighbours_in_the_full_space(on_map):
    point = on_map.alone()
    item = on_map.server.get(f"/api/items/{on_map.rows[point]}?n=8").json()
    on_map.page.mouse.move(*on_map.at(point))
    on_map.page.locator(".map-hovered-item").get_by_text(item["item"]["name"]).wait_for()
    on_map.page.mouse.click(*on_map.at(point))
    on_map.page.get_by_role("heading", name=item["item"]["name"]).wait_for()
    pictures = on_map.page.locator(".map-item .map-picture")
    pictures.nth(7).wait_for()
    assert item["neighbours"][0]["item"]["name"] in pictures.first.get_attribute("aria-label")


def test_a_lasso_selects_shift_adds_and_one_key_answers_what_was_looked_at(on_map):
    page = on_map.page
    page.keyboard.press("l")
    on_map.lasso(0.3, 0, 0.7, 0.5)
    page.locator(".map-selection .map-picture").nth(5).wait_for()
    some = on_map.selected()
    assert 20 < some < 340
    page.keyboard.down("Shift")
    on_map.lasso(0, 0, 1, 1)
    page.keyboard.up("Shift")
    page.get_by_text("Selected 360").wait_for()
    page.get_by_role("button", name=re.compile("^clear")).click()
    on_map.lasso(0.3, 0, 0.7, 0.5)
    pictures = page.locator(".map-selection .map-picture")
    pictures.nth(11).wait_for()
    pictures.nth(0).click()  # this one is something else
    expect(pictures.nth(0)).to_have_attribute("aria-pressed", "true")
    before = on_map.server.get("/state.json").json()["labeled"]
    with page.expect_response(lambda answer: "/api/bulk" in answer.url) as sent:
        page.keyboard.press("3")
    order, done = sent.value.request.post_data_json, sent.value.json()
    assert sent.value.ok, done
    assert order["answer"] == "3" and len(order["looked"]) == 12 and len(order["wrong"]) == 1
    assert on_map.server.get("/state.json").json()["labeled"] == before + done["recorded"] > before
    page.get_by_text("Selected 0").wait_for()
    page.keyboard.press("z")
    page.wait_for_timeout(800)
    assert on_map.server.get("/state.json").json()["labeled"] == before


def test_nothing_is_answered_before_the_sample_is_there_and_the_page_says_so(on_map):
    page = on_map.page
    page.route("**/api/sample", lambda route: None)
    page.keyboard.press("a")
    page.get_by_text("Selected 360").wait_for()
    page.keyboard.press("1")
    expect(page.locator(".toasts")).to_contain_text("the sample to look at is on its way")
    page.get_by_role("button", name="keep view").click()
    expect(page.locator(".toasts")).to_contain_text("write one first")


def test_the_legend_hides_isolates_and_selects(on_map):
    page = on_map.page
    states = page.get_by_role("region", name="States")
    entry = states.get_by_role("button", name=re.compile(r"^yardstick"))
    yardstick = int(re.search(r"\((\d+)\)", entry.inner_text())[1])
    assert yardstick == on_map.server.get("/state.json").json()["yardstick"]
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    page.get_by_text(f"{360 - yardstick} of 360 points").wait_for()
    page.wait_for_timeout(700)  # the next click is no double click
    entry.click()
    page.get_by_text("360 of 360 points").wait_for()
    page.wait_for_timeout(700)
    entry.dblclick()
    page.get_by_text(f"{yardstick} of 360 points").wait_for()
    page.wait_for_timeout(700)
    entry.dblclick()  # it was alone already: all of them are back
    page.get_by_text("360 of 360 points").wait_for()
    labeled = re.search(r"\((\d+)\)", states.get_by_role("button", name=re.compile(r"^labelled")).inner_text())[1]
    assert int(labeled) >= 30  # other tests on this server gave some and took some back
    page.get_by_role("button", name=re.compile("points: labelled")).click()
    page.get_by_text(f"Selected {labeled} ").wait_for()


def test_the_keyboard_alone_zooms_colors_and_opens(on_map):
    page = on_map.page
    page.locator(".map-plot").focus()
    before = page.get_by_label("color", exact=True).input_value()
    page.keyboard.press("c")
    assert page.get_by_label("color", exact=True).input_value() != before
    page.keyboard.press("a")
    page.get_by_text("Selected 360").wait_for()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    page.wait_for_timeout(500)
    page.keyboard.press("a")
    comes_true(page, lambda: on_map.selected() < 360)  # fewer are in view


def test_a_second_space_lies_beside_the_first_and_shares_the_selection(on_map):
    page = on_map.page
    page.get_by_label("compare", exact=True).select_option("quick")
    page.locator(".map-plot").nth(1).wait_for(timeout=30_000)
    page.keyboard.press("a")
    page.get_by_text("Selected 360").wait_for()
    expect(page.locator(".map-plot")).to_have_count(2)
    expect(page.locator(".map-provenance")).to_have_count(2)


def test_a_slider_leads_through_the_maps_of_all_spaces_and_back(page, here):
    until(here, done)
    until(here, done, "/map.json?space=quick")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    on_map = OnMap(page, here)
    run = here.get("/map.json").json()["space"]["name"]
    time = page.get_by_label("time, from the oldest map to the newest")
    expect(time).to_have_attribute("aria-valuetext", run)
    assert not any("space=quick" in url for url in asked)  # before anybody wants to go there

    time.press("ArrowLeft")
    expect(time).to_have_attribute("aria-valuetext", f"90 % of the way from quick map to {run}")
    time.press("PageDown")
    expect(time).to_have_attribute("aria-valuetext", "quick map")
    there = np.frombuffer(here.get("/api/map/points.bin?space=quick").content, "<f4").reshape(-1, 2)
    rows = np.frombuffer(here.get("/api/map/rows.bin?space=quick").content, "<i4")
    place = np.empty_like(rows)
    place[rows] = np.arange(len(rows))
    home, on_map.xy = on_map.xy, there[place[on_map.rows]]
    hovered = page.locator(".map-hovered-item")

    def pointed_at(point: int) -> None:
        """The pointer is where the item should be, and the page says that it is."""
        name = here.get(f"/api/items/{on_map.rows[point]}").json()["item"]["name"]
        page.mouse.move(*on_map.at(point))
        expect(hovered).to_contain_text(name)

    pointed_at(on_map.alone())
    time.press("ArrowRight")
    expect(time).to_have_attribute("aria-valuetext", f"10 % of the way from quick map to {run}")
    time.press("End")
    expect(time).to_have_attribute("aria-valuetext", run)
    on_map.xy = home
    pointed_at(on_map.alone())
    assert sum("points.bin" in url and "space=quick" in url for url in asked) == 1
    assert "360 of 360 points" in page.locator(".map-provenance").inner_text()


def test_the_decoder_walks_between_two_items_and_shows_the_nearest_real_ones(on_map):
    page = on_map.page
    page.mouse.click(*on_map.at(on_map.alone()))
    page.get_by_alt_text("reconstruction").wait_for()
    page.keyboard.press("i")
    page.get_by_role("button", name="mark the end of a walk").wait_for()
    other = page.locator(".map-item .map-picture").nth(3)
    name = other.get_attribute("aria-label").removeprefix("Open ").partition(", distance")[0]
    other.click()
    page.get_by_role("heading", name=name).wait_for()
    page.locator(".map-plot").first.dispatch_event("pointerleave")
    expect(page.locator(".map-hovered-item")).to_have_count(0)  # else it is meant, and not the one that is open
    page.keyboard.press("i")
    page.get_by_role("heading", name="Walk in 9 steps").wait_for()
    assert (
        page.get_by_role("list", name="Walk in 9 steps").get_by_role("button", name=re.compile("Nearest real")).count()
        == 9
    )
    page.get_by_label(re.compile("^Direction 1,")).press("Home")
    page.get_by_label(re.compile("^Direction 1,")).press("End")
    page.get_by_alt_text("moved along").wait_for()


def test_a_view_is_kept_by_name_and_comes_back(on_map):
    page = on_map.page
    page.get_by_label("color", exact=True).select_option("density")
    page.get_by_label("Name of this view").fill("crowded places")
    page.get_by_role("button", name="keep view").click()
    page.get_by_role("button", name='delete "crowded places"').wait_for()
    assert [one["name"] for one in on_map.server.get("/api/views").json()] == ["crowded places"]
    page.reload()
    page.wait_for_selector("html[data-map-drawn]", state="attached")
    page.get_by_label("color", exact=True).select_option("class")
    page.get_by_label("views", exact=True).select_option("crowded places")
    assert page.get_by_label("color", exact=True).input_value() == "density"


def test_a_selection_goes_to_the_grid(on_map):
    page = on_map.page
    page.keyboard.press("a")
    page.get_by_role("button", name="send to grid").click()
    page.wait_for_url("**/grid?rows=selection")
    assert len(json.loads(page.evaluate("() => sessionStorage.getItem('tacit.selection')"))) == 360


def test_what_is_drawn_stays_when_the_server_goes(page, learned_server):
    on_map = OnMap(page, learned_server)
    on_map.server.stop()
    on_map.page.get_by_text("The server does not answer").wait_for()
    on_map.page.keyboard.press("ArrowUp")
    assert on_map.page.locator(".map-plot canvas").count() == 1
    assert "360 of 360 points" in on_map.page.locator(".map-provenance").inner_text()


def test_without_webgl_the_map_is_drawn_all_the_same_and_says_so(page, here):
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        "  return kind.startsWith('webgl') ? null : real.call(this, kind, ...more); };"
    )
    on_map = OnMap(page, here)
    page.get_by_text("This browser has no WebGL 2").wait_for()
    colors = page.evaluate(
        """() => { const canvas = document.querySelector('.map-plot canvas');
        const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
        return new Set(pixels).size; }"""
    )
    assert colors > 3
    page.mouse.move(*on_map.at(on_map.alone()))
    page.locator(".map-hovered-item").wait_for()

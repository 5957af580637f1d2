"""What else the map does, in a real browser: files shown to it, halves, flags, views, and answers taken back."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tacit.project import Project
from tests.web.acts import comes_true
from tests.web.conftest import Server

DROP = """([bytes, name]) => {
  const what = new DataTransfer();
  what.items.add(new File([Uint8Array.from(bytes)], name));
  const on = document.querySelector(".map-plots");
  for (const kind of ["dragover", "drop"])
    on.dispatchEvent(new DragEvent(kind, { dataTransfer: what, bubbles: true, cancelable: true }));
}"""
SEARCH = "Search by a file: where would it lie?"


def drawn(page) -> None:
    page.wait_for_selector("html[data-map-drawn]", state="attached", timeout=60_000)
    page.locator(".map-provenance").filter(has_not_text="…").wait_for(timeout=60_000)


@pytest.fixture
def on_map(page, here):
    page.goto(here.address + "/map")
    drawn(page)
    return page


def photo(server: Server) -> tuple[dict, Path]:
    """An item of the pool without an answer, and its file."""
    item = server.get("/grid.json?state=unlabelled&order=random&size=1").json()["items"][0]
    return item, server.folder.parent / "photos" / item["name"]


def unlabelled(server: Server, n: int) -> list[int]:
    """The first n rows of the pool without an answer."""
    items = server.get("/grid.json?state=unlabelled&size=200").json()["items"]
    rows = [item["row"] for item in items if item["side"] == "pool"]
    assert len(rows) >= n
    return rows[:n]


def selected(page, n: int) -> None:
    expect(page.locator(".map-selection h2")).to_have_text(re.compile(rf"^Selected {n}\b"))


def on_map_with(page, server: Server, rows: list[int]) -> None:
    page.goto(f"{server.address}/map?rows={','.join(map(str, rows))}")
    drawn(page)
    selected(page, len(rows))


def test_a_file_shown_to_the_search_gets_its_place_and_its_neighbours(on_map, here):
    item, file = photo(here)
    with on_map.expect_response(lambda answer: "/api/search" in answer.url) as sent:
        on_map.get_by_label(SEARCH).set_input_files(file)
    found = sent.value.json()
    assert sent.value.ok and found["place"] is not None
    on_map.get_by_role("heading", name="Found 12").wait_for()
    panel = on_map.get_by_role("region", name="Found")
    expect(panel).to_contain_text(f"the 12 of 288 items nearest to {file.name}")
    nearest = panel.locator(".map-picture").first
    assert nearest.get_attribute("aria-label") == f"Open {item['name']}"
    expect(panel.locator("small").first).to_have_text("0.00")
    expect(on_map.locator(".map-plot").get_by_text("the file")).to_be_visible()
    panel.get_by_role("button", name="Select these").click()
    selected(on_map, 12)
    on_map.get_by_role("button", name="clear search").click()
    expect(panel).to_have_count(0)
    expect(on_map.locator(".map-plot").get_by_text("the file")).to_have_count(0)


def test_a_file_dropped_on_the_map_moves_the_map_to_its_place(on_map, here):
    item, file = photo(here)
    on_map.locator(".map-plot").focus()
    for _ in range(4):
        on_map.keyboard.press("ArrowUp")
    on_map.evaluate(DROP, [list(file.read_bytes()), "a photo of mine.png"])
    panel = on_map.get_by_role("region", name="Found")
    expect(panel).to_contain_text("nearest to a photo of mine.png")
    assert panel.locator(".map-picture").first.get_attribute("aria-label") == f"Open {item['name']}"
    mark, plot = on_map.locator(".map-plot").get_by_text("the file"), on_map.locator(".map-plot")
    expect(mark).to_be_visible()

    def in_the_middle() -> bool:
        at, around = mark.bounding_box(), plot.bounding_box()
        return all(abs(at[a] - around[a] - around[side] / 2) < 80 for a, side in (("x", "width"), ("y", "height")))

    comes_true(on_map, in_the_middle)  # the map glides there


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("notes.png", b"this is no picture at all", "notes.png"),
        ("song.mp3", b"ID3" + bytes(100), "song.mp3 is no image, and the items here are images"),
        ("empty.png", b"", "empty.png"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence_however_it_comes(on_map, tmp_path, name, body, words):
    (tmp_path / name).write_bytes(body)
    said = on_map.locator(".toast.error").get_by_text(words)
    on_map.get_by_label(SEARCH).set_input_files(tmp_path / name)
    expect(said.first).to_be_visible()
    assert str(tmp_path) not in said.first.inner_text() and "Traceback" not in said.first.inner_text()
    on_map.evaluate(DROP, [list(body), f"dropped-{name}"])
    expect(on_map.locator(".toast.error").get_by_text(f"dropped-{name}").first).to_be_visible()
    expect(on_map.get_by_role("region", name="Found")).to_have_count(0)
    assert on_map.locator("html").get_attribute("data-map-drawn") == "360"


def test_a_selection_is_split_into_two_halves_that_can_be_taken_in_turn(page, here):
    rows = unlabelled(here, 120)
    on_map_with(page, here, rows)
    page.locator("body").press("k")
    halves = page.get_by_role("group", name="The two halves")
    halves.wait_for()
    sizes = []
    for name in ("first", "second"):
        button = halves.get_by_role("button", name=re.compile(f"^{name}: "))
        sizes.append(int(re.search(r"\d+", button.inner_text())[0]))
        button.click()
        selected(page, sizes[-1])
        expect(button).to_have_attribute("aria-pressed", "true")
    assert sum(sizes) == 120 and min(sizes) > 0
    page.get_by_role("button", name=re.compile("^clear")).click()
    selected(page, 0)
    expect(halves).to_have_count(0)


def test_an_item_is_flagged_with_a_note_and_the_flag_is_taken_away(page, here):
    item, _ = photo(here)
    page.goto(here.address + "/map")
    drawn(page)
    page.get_by_label("Search names and answers").fill(item["name"])
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Found").get_by_role("button", name=f"Open {item['name']}").click()
    panel = page.get_by_role("region", name=f"Item {item['name']}")
    panel.wait_for()
    page.locator(".map-plot").focus()
    page.keyboard.press("f")
    note = panel.get_by_label("Note for the flag")
    expect(note).to_be_focused()
    expect(note).to_have_value("")
    before = len(Project(here.folder).labels.history())
    page.keyboard.type("1 upside down, z")
    page.keyboard.press("Enter")
    expect(panel.locator(".map-facts")).to_contain_text("1 upside down, z")
    assert Project(here.folder).labels.flags()[item["id"]][1] == "1 upside down, z"
    assert not [event for event in Project(here.folder).labels.history()[before:] if event.answer]
    panel.get_by_role("button", name="take the flag away").click()
    expect(panel.locator(".map-facts")).not_to_contain_text("upside down")
    assert item["id"] not in Project(here.folder).labels.flags()


def test_one_undo_takes_back_a_class_given_to_many_and_redo_brings_it_back(page, here):
    rows = unlabelled(here, 60)
    ids = {item["id"] for item in here.get(f"/api/items?rows={','.join(map(str, rows))}").json()}
    before = Project(here.folder).labels.answers()
    on_map_with(page, here, rows)
    page.locator(".map-selection .map-picture").nth(11).wait_for()
    with page.expect_response(lambda answer: "/api/bulk" in answer.url) as sent:
        page.keyboard.press("5")
    assert sent.value.ok and sent.value.json()["recorded"] == 60
    now = Project(here.folder).labels.answers()
    assert {item for item, answer in now.items() if item not in before} == ids and now[min(ids)] == "5"
    states = page.get_by_role("region", name="States").get_by_role("button", name=re.compile(r"^labelled"))
    expect(states).to_contain_text(f"({len(before) + 60})")
    page.keyboard.press("z")
    expect(states).to_contain_text(f"({len(before)})")
    assert Project(here.folder).labels.answers() == before
    page.keyboard.press("Shift+Z")
    expect(states).to_contain_text(f"({len(before) + 60})")
    assert Project(here.folder).labels.answers() == now
    page.keyboard.press("z")
    expect(states).to_contain_text(f"({len(before)})")


def test_a_view_brings_back_what_was_hidden_and_where_one_looked_after_a_reload(on_map, here):
    page = on_map
    page.get_by_label("color", exact=True).select_option("cluster")
    yardstick = page.get_by_role("region", name="States").get_by_role("button", name=re.compile("^yardstick"))
    yardstick.click()
    expect(page.locator(".map-provenance")).to_contain_text("288 of 360 points")
    page.locator(".map-plot").focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    page.wait_for_timeout(800)
    page.keyboard.press("a")
    expect(page.locator(".map-selection h2")).not_to_have_text(re.compile(r"^Selected 0\b"))
    seen = page.locator(".map-selection h2").inner_text()
    page.get_by_label("Name of this view").fill("close <b>& hidden</b>")
    page.get_by_role("button", name="keep view").click()
    page.get_by_role("button", name='delete "close <b>& hidden</b>"').wait_for()
    page.reload()
    drawn(page)
    page.get_by_label("color", exact=True).select_option("class")
    page.get_by_label("views", exact=True).select_option("close <b>& hidden</b>")
    expect(page.get_by_label("color", exact=True)).to_have_value("cluster")
    expect(yardstick).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".map-provenance")).to_contain_text("288 of 360 points")
    page.wait_for_timeout(800)  # it glides there
    page.locator(".map-plot").focus()
    page.keyboard.press("a")
    expect(page.locator(".map-selection h2")).to_have_text(seen.replace("\n", " "))
    page.get_by_role("button", name=re.compile("^delete")).click()
    expect(page.get_by_label("views", exact=True)).to_have_count(0)
    assert here.get("/api/views").json() == []


def test_a_range_of_numbers_hides_the_rest_by_keyboard_and_a_view_keeps_it(on_map, here):
    page = on_map
    page.get_by_label("color", exact=True).select_option("confidence")
    values = np.frombuffer(here.get("/api/map/column.bin?name=confidence").content, "<f4").astype(np.float64)
    numbers = page.get_by_role("group", name="Range of confidence")
    least, most = numbers.get_by_label("lowest confidence shown"), numbers.get_by_label("highest confidence shown")
    expect(numbers).to_contain_text(f"{np.isfinite(values).sum()} of 360 points within")
    bars = numbers.get_by_role("table", name="How many points have which confidence").get_by_role("cell")
    assert sum(int(bar) for bar in bars.all_inner_texts()) == np.isfinite(values).sum()
    everything = page.locator(".map-provenance")
    expect(everything).to_contain_text("360 of 360 points")
    ends = [one.get_attribute("aria-valuetext") for one in (least, most)]
    least.press("PageUp")
    least.press("ArrowRight")
    most.press("ArrowLeft")
    for one, end in zip((least, most), ends, strict=True):
        expect(one).not_to_have_attribute("aria-valuetext", end)
    low, high = (float(one.get_attribute("aria-valuetext")) for one in (least, most))
    within = int(((values >= low) & (values <= high)).sum())
    assert np.nanmin(values) < low < high < np.nanmax(values) and 0 < within < np.isfinite(values).sum()
    expect(numbers).to_contain_text(f"{within} of 360 points within {low:g} to {high:g}")
    expect(everything).to_contain_text(f"{within} of 360 points, {360 - within} hidden by the legend")
    numbers.get_by_role("button", name="select them").click()
    selected(page, within)

    page.get_by_label("Name of this view").fill("hardly sure")
    page.get_by_role("button", name="keep view").click()
    page.get_by_role("button", name='delete "hardly sure"').wait_for()
    numbers.get_by_role("button", name="take the range back").click()
    expect(everything).to_contain_text("360 of 360 points")
    page.reload()
    drawn(page)
    page.get_by_label("views", exact=True).select_option("hardly sure")
    expect(everything).to_contain_text(f"{within} of 360 points")
    expect(least).to_have_attribute("aria-valuetext", f"{low:g}")
    least.press("End")  # no further than the other handle
    expect(least).to_have_attribute("aria-valuetext", f"{high:g}")
    page.get_by_label("color", exact=True).select_option("density")
    expect(everything).to_contain_text("360 of 360 points")
    expect(page.get_by_role("button", name="take the range back")).to_be_disabled()
    page.get_by_role("button", name=re.compile("^delete")).click()
    expect(page.get_by_label("views", exact=True)).to_have_count(0)


def test_both_handles_moved_before_the_next_picture_stay_where_they_were_moved(on_map):
    on_map.get_by_label("color", exact=True).select_option("density")
    numbers = on_map.get_by_role("group", name="Range of density")
    numbers.wait_for()
    on_map.evaluate(
        "[...document.querySelectorAll('.map-histogram input')].forEach((handle, k) => {"
        "  handle.value = [20, 180][k];"
        "  handle.dispatchEvent(new Event('input', { bubbles: true })); })"
    )
    expect(numbers.get_by_role("button", name="take the range back")).to_be_enabled()
    expect(numbers.get_by_label("lowest density shown")).to_have_js_property("value", "20")
    expect(numbers.get_by_label("highest density shown")).to_have_js_property("value", "180")
    expect(on_map.locator(".map-provenance")).to_contain_text("hidden by the legend")

"""The Grid page and the People page in a real browser."""

import csv
import io
import json
import re
import shutil

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tacit.project import Project
from tests.web.acts import OURS, arrived, history
from tests.web.conftest import Server, start

CELL = ".cell[data-row]"


def opened(page, server: Server, query: str = "") -> None:
    page.goto(f"{server.address}/grid{query}")
    page.wait_for_selector(CELL)


def selected(page, n: int) -> None:
    page.get_by_role("heading", name=f"Selected {n}", exact=False).wait_for()


def test_arrows_move_shift_extends_and_a_key_answers_what_is_seen(page, here):
    opened(page, here, "?state=unlabelled")
    page.wait_for_timeout(300)
    before = len(history(here))
    page.keyboard.press("ArrowRight")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    selected(page, 3)
    page.keyboard.press("4")
    events = arrived(page, here, before + 3)[before:]
    assert [event.answer for event in events] == ["4"] * 3
    assert len({event.item for event in events}) == 3
    page.locator(".cell[aria-selected=true] .tag", has_text="4").first.wait_for()
    page.keyboard.press("z")  # one act, one undo
    assert [event.kind for event in arrived(page, here, before + 6)[before + 3 :]] == ["undo"] * 3
    page.keyboard.press("x")
    selected(page, 0)


def test_many_are_answered_through_a_sample_that_was_looked_at(page, here):
    opened(page, here, "?state=unlabelled")
    before = len(history(here))
    page.keyboard.press("a")
    page.get_by_role("region", name="A sample of the selection").wait_for()
    shown = page.locator(".samples button")
    shown.first.wait_for()
    of = int(page.locator(".side h2").inner_text().split()[1])
    expect(shown).to_have_count(12)
    shown.first.click()  # something else
    page.keyboard.press("2")
    events = arrived(page, here, before + 1)[before:]
    assert len(events) == of - 1
    assert {(event.answer, event.source) for event in events} == {("2", "bulk")}
    page.locator(".toast", has_text="12 looked at, 1 of them left out, estimated purity").wait_for()
    page.keyboard.press("z")
    assert len(arrived(page, here, before + 2 * len(events))) == before + 2 * len(events)


def first_of(page, held: list):
    """The first request that was held back, once it came."""
    for _ in range(300):
        if held:
            return held[0]
        page.wait_for_timeout(50)
    raise AssertionError("nothing was asked for")


def test_what_is_marked_while_others_are_drawn_stays_marked(page, here):
    opened(page, here, "?state=unlabelled")
    page.keyboard.press("a")
    shown = page.locator(".samples button")
    expect(shown).to_have_count(12)
    held = []
    page.route("**/api/sample", lambda route: held.append(route))
    page.keyboard.press("r")
    shown.first.click()  # something else
    first_of(page, held).continue_()
    expect(page.get_by_role("region", name="A sample of the selection")).to_contain_text(
        re.compile(r"(1[3-9]|2\d) of [\d,]+ looked at, 1 of them something else")
    )


def test_an_answer_is_for_the_item_that_is_seen(page, here):
    opened(page, here, "?state=unlabelled")
    before = len(history(here))
    page.keyboard.press("Enter")
    near = page.get_by_role("dialog").locator(".neighbours button").first
    near.wait_for()
    held = []
    page.route("**/api/items/*", lambda route: held.append(route))
    near.click()
    page.keyboard.press("4")
    expect(page.locator(".toasts")).to_contain_text("this item is on its way")
    first_of(page, held).continue_()
    page.get_by_role("button", name="Back to the item before").wait_for()
    assert len(history(here)) == before


def test_space_accepts_the_suggestions_of_all_that_are_selected(page, here):
    opened(page, here, "?state=unlabelled&order=confidence")
    before = len(history(here))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_timeout(200)
    n = page.locator(".cell[aria-selected=true]").count()
    assert n > 2
    page.keyboard.press("Space")
    events = arrived(page, here, before + n)[before:]
    assert all(event.answer == event.suggestion for event in events)
    page.keyboard.press("z")
    assert len(arrived(page, here, before + 2 * n)) == before + 2 * n


def test_a_selection_splits_in_two_and_goes_to_labelling(page, here):
    opened(page, here)
    page.keyboard.press("a")
    page.keyboard.press("k")
    groups = page.get_by_role("group", name="The two groups")
    groups.wait_for()
    sizes = [int(name.split()[-1]) for name in groups.locator("button").all_inner_texts()]
    assert sum(sizes) == 288
    selected(page, sizes[0])
    groups.locator("button").nth(1).click()
    selected(page, sizes[1])
    page.get_by_role("button", name="Label one by one").click()
    page.wait_for_selector(".stage img")
    expect(page.locator(".why")).to_contain_text(f"{sizes[1]} items chosen by hand")


def test_filters_are_in_the_address_and_enter_opens_an_item(page, here):
    opened(page, here)
    page.get_by_label("Show").select_option("yardstick")
    expect(page).to_have_url(re.compile("state=yardstick"))
    page.get_by_text("72 of 72 items of the yardstick").wait_for()
    page.get_by_label("Name has").fill("no such name")
    page.get_by_text("No item is like that.").wait_for()
    page.get_by_role("button", name="All items").click()
    page.wait_for_selector(CELL)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text("Neighbours in the full space").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_of_a_million_items_only_those_in_sight_are_in_the_document(page, here):
    items = here.get("/grid.json?size=200").json()["items"]

    page.set_default_timeout(60_000)  # it is a lot to hand to a browser
    many = json.dumps({"total": 1_000_000, "rows": list(range(1_000_000)), "items": items, "said": "a million"})
    page.route("**/grid.json*", lambda route: route.fulfill(body=many, content_type="application/json", headers=OURS))
    page.route("**/api/items?*", lambda route: route.fulfill(json=[], headers=OURS))
    opened(page, here)
    for key in ("End", "PageUp", "ArrowUp", "Home"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
        places = page.locator(".cell").evaluate_all("cells => cells.map(cell => Number(cell.ariaPosInSet))")
        assert len(places) < 120
        here_now = page.locator(".cell.here")
        assert here_now.count() == 1
        if key == "End":
            assert max(places) == 1_000_000
            box, cells = here_now.bounding_box(), page.locator(".cells").bounding_box()
            assert cells["y"] <= box["y"]
            assert box["y"] + box["height"] <= cells["y"] + cells["height"] + 8
    page.keyboard.press("a")
    selected_text = page.locator(".side h2").inner_text()
    assert "1,000,000" in selected_text


def test_near_copies_are_kept_once_with_one_key(page, made, tmp_path):
    shutil.copytree(made / "photos", tmp_path / "photos")
    some = sorted((tmp_path / "photos" / "3").glob("*.png"))[:4]
    for path in some:
        pixels = np.asarray(Image.open(path)).copy()
        pixels[0, 0] ^= 1
        Image.fromarray(pixels).save(path.with_stem(path.stem + "-copy"))
    Project.create(tmp_path / "photos", truth="folders")
    server = start(tmp_path / "photos.tacit")
    try:
        n = len(server.get("/api/duplicates?n=50").json()["groups"])  # some copies may lie in the yardstick
        assert n >= 2
        page.goto(server.address + "/grid")
        page.wait_for_selector(CELL)
        page.keyboard.press("d")
        groups = page.get_by_role("list", name="Groups of near copies").locator("> li")
        page.get_by_role("button", name=f"Keep one of each: {n} groups").wait_for()
        expect(groups).to_have_count(n)
        page.keyboard.press("Enter")
        events = arrived(page, server, n)
        assert [event.answer for event in events] == ["?"] * n
        page.get_by_text("nothing has to be set aside").wait_for()
        page.keyboard.press("z")
        assert len(arrived(page, server, 2 * n)) == 2 * n
        groups.nth(n - 1).wait_for()
    finally:
        server.stop()


def test_people_see_where_they_disagree_and_settle_it(page, learned_server, tmp_path):
    project = Project(learned_server.folder)
    ids = [str(id_) for id_ in project.pool.ids[:6]]
    project.labels.record(ids, ["1", "1", "1", "2", "2", "2"], who="ann")
    project.labels.record(ids, ["1", "1", "1", "2", "2", "3"], who="bea")
    page.goto(learned_server.address + "/people")
    page.get_by_role("rowheader", name="ann").wait_for()
    expect(page.locator(".kappa")).to_contain_text("substantial agreement, by the interval")
    before = len(history(learned_server))
    settle = page.locator(".disagreements li").filter(has_text="bea: 3")
    settle.get_by_role("button", name="2", exact=True).click()
    event = arrived(page, learned_server, before + 1)[-1]
    assert (event.item, event.answer) == (ids[5], "2")
    with page.expect_download() as got:
        page.get_by_role("link", name="table (CSV)").click()
    rows = list(csv.reader(io.StringIO(got.value.path().read_text(encoding="utf-8"))))
    assert len(rows) > 6
    page.get_by_label("File", exact=True).set_input_files(got.value.path())  # which is kept without its name
    expect(page.get_by_role("alert")).to_contain_text(".csv")
    again = tmp_path / got.value.suggested_filename
    got.value.save_as(again)
    page.get_by_label("File", exact=True).set_input_files(again)
    expect(page.get_by_role("status").filter(has_text="recorded")).to_contain_text(f"recorded {len(rows) - 1} answers")
    expect(page.get_by_role("alert")).to_have_count(0)

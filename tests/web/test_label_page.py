"""The Label page in a real browser: one key a label, nothing lost, everything to be taken back."""

import re

from playwright.sync_api import expect

from tacit.project import Project
from tacit.project.settings import Settings
from tests.web.acts import SHOWN, STAGE, arrived, at, comes_true, history, opened, press_on
from tests.web.conftest import Server, copy_of, own_port, start


def id_of(server: Server, row: int) -> str:
    return server.get(f"/api/items?rows={row}").json()[0]["id"]


def test_a_label_is_one_key_and_the_next_item_is_there_at_once(page, here):
    opened(page, here)
    page.wait_for_timeout(300)
    before, rows = len(history(here)), []
    for key in "1234567890":
        rows.append(at(page))
        press_on(page, key)
    events = arrived(page, here, before + 10)[before:]
    assert [event.item for event in events] == [id_of(here, row) for row in rows]
    assert [event.answer for event in events] == list("1234567890")
    assert all(event.suggestion is not None and event.seconds is not None for event in events)


def test_space_accepts_and_everything_can_be_undone_and_brought_back(page, here):
    opened(page, here)
    before, first = len(history(here)), at(page)
    guess = page.locator(".ghost-guess strong").inner_text()
    press_on(page, "Space")
    event = arrived(page, here, before + 1)[before]
    assert (event.answer, event.suggestion) == (guess, guess)
    expect(page.locator(".last")).to_have_text(re.compile(f"^{guess}"))
    page.keyboard.press("z")
    assert arrived(page, here, before + 2)[-1].kind == "undo"
    assert at(page) == first
    press_on(page, "Shift+Z")
    assert arrived(page, here, before + 3)[-1].kind == "redo"
    for _ in range(3):  # further back than this page was open
        page.keyboard.press("Backspace")
    events = arrived(page, here, before + 6)
    assert [event.kind for event in events[-3:]] == ["undo"] * 3


def test_nobody_is_led_about_the_yardstick(page, here):
    before = len(history(here))
    opened(page, here, "yardstick")
    assert page.locator(".ghost-guess").count() == 0
    page.keyboard.press("Space")
    press_on(page, "3")
    (event,) = arrived(page, here, before + 1)[before:]
    assert (event.answer, event.suggestion) == ("3", None)
    expect(page.locator(".progress")).to_contain_text("of 40")


def test_skipped_items_come_back_and_cannot_tell_is_an_answer(page, here):
    opened(page, here)
    before, first = len(history(here)), at(page)
    press_on(page, "x")
    second = at(page)
    press_on(page, "u")
    assert arrived(page, here, before + 1)[-1].answer == "?"
    page.keyboard.press("ArrowLeft")
    expect(page.locator(STAGE)).to_have_attribute("data-row", str(second))
    for _ in range(40):
        if at(page) == first:
            break
        press_on(page, "ArrowRight")
    assert at(page) == first
    assert len(history(here)) == before + 1


def test_keys_are_letters_while_somebody_types_and_flags_have_notes(page, here):
    opened(page, here)
    before, row = len(history(here)), at(page)
    page.keyboard.press("f")
    expect(page.get_by_label("What about it?")).to_be_focused()
    page.keyboard.type("12 z wrong way up")
    page.keyboard.press("Enter")
    page.wait_for_selector(".flagged")
    expect(page.locator(".flagged")).to_contain_text("12 z wrong way up")
    assert at(page) == row
    assert len(history(here)) == before
    assert "12 z wrong way up" in [note for _, note in Project(here.folder).labels.flags().values()]


def test_a_class_is_given_by_the_first_letters_of_its_name(page, here):
    opened(page, here)
    before = len(history(here))
    page.keyboard.press("/")
    expect(page.get_by_label("Name of a class")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert [event.answer for event in arrived(page, here, before + 1)[before:]] == ["7"]


def test_details_show_neighbours_and_history_and_take_a_correction(page, here):
    opened(page, here)
    before, row = len(history(here)), at(page)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.locator(".neighbours li").nth(11).wait_for(timeout=60_000)  # the space is loaded first
    expect(dialog.locator(".neighbours li")).to_have_count(12)
    page.keyboard.press("4")
    event = arrived(page, here, before + 1)[-1]
    assert (event.answer, event.item) == ("4", id_of(here, row))
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_two_tabs_have_different_items(page, here):
    other = page.context.new_page()
    opened(page, here)
    opened(other, here)
    rows: list[set[int]] = []
    for tab in (page, other):
        rows.append(set())
        for _ in range(8):
            rows[-1].add(at(tab))
            tab.keyboard.press("ArrowRight")
            tab.wait_for_timeout(20)
    assert not rows[0] & rows[1]


def test_a_file_that_is_gone_is_shown_as_it_was_packed(page, here):
    item = here.get("/grid.json?state=unlabelled&order=random&size=1").json()["items"][0]
    place = here.folder.parent / "photos" / item["name"]
    away = place.rename(place.with_suffix(".away"))
    page.add_init_script(f"sessionStorage.setItem('tacit.selection', '[{item['row']}]')")
    try:
        opened(page, here, "rows")
        page.get_by_text("The file is gone").wait_for()
        comes_true(page, lambda: page.evaluate(f"document.querySelector('{SHOWN}').naturalWidth > 0"))
        assert "/thumb" in page.locator(SHOWN).get_attribute("src")
    finally:
        away.rename(place)


def test_labels_survive_a_server_that_dies_and_a_tab_that_is_closed(browser, learned, tmp_path):
    port = own_port()
    server = start(copy_of(learned, tmp_path), port=port)
    context = browser.new_context()
    try:
        page = context.new_page()
        opened(page, server)
        before = len(history(server))
        with page.expect_response(lambda answer: "/api/answers" in answer.url) as told:
            press_on(page, "1")
        told.value.finished()  # the whole of it: else the page asks again
        server.process.kill()
        server.process.wait()
        for key in "23456":
            press_on(page, key)
        page.get_by_text("The server does not answer").wait_for()
        expect(page.locator(".banner.warning")).to_contain_text("5 answers")
        page.keyboard.press("z")  # of an answer that was never sent
        page.get_by_text("4 answers").wait_for()
        server = start(server.folder, port=port)
        answers = [event.answer for event in arrived(page, server, before + 5)[before:]]
        assert answers == ["1", "2", "3", "4", "5"]

        server.process.kill()
        server.process.wait()
        press_on(page, "7")
        press_on(page, "8")
        page.close()
        server = start(server.folder, port=port)
        page = context.new_page()
        page.goto(server.address + "/progress")
        answers = [event.answer for event in arrived(page, server, before + 7)[before:]]
        assert answers == ["1", "2", "3", "4", "5", "7", "8"]
    finally:
        context.close()
        server.stop()


def test_no_answer_goes_to_another_project_at_the_same_address(page, learned, tmp_path):
    port = own_port()
    started = [server := start(copy_of(learned, tmp_path / "one"), port=port)]
    before = len(history(server))
    try:
        opened(page, server)
        server.stop()
        press_on(page, "2")
        started.append(other := start(copy_of(learned, tmp_path / "other"), port=port))
        Settings(other.folder).set("name", "owls")
        page.get_by_text("This page shows photos, but owls is served at this address now.").wait_for()
        press_on(page, "3")
        expect(page.locator(".banner.warning")).to_contain_text("2 answers will be kept")
        page.get_by_role("button", name="Show owls").click()
        page.get_by_text("2 answers to another project wait in this browser").wait_for()
        press_on(page, "4")
        assert [event.answer for event in arrived(page, other, before + 1)[before:]] == ["4"]
        other.stop()
        started.append(server := start(server.folder, port=port))
        opened(page, server)
        assert [event.answer for event in arrived(page, server, before + 2)[before:]] == ["2", "3"]
        assert len(history(other)) == before + 1
    finally:
        for one in started:
            one.stop()


def test_answers_arrive_also_where_the_database_of_the_browser_never_says_a_word(page, server):
    Settings(server.folder).set("classes", ["heron", "gull"])
    page.add_init_script("IDBFactory.prototype.open = () => ({})")
    opened(page, server)
    press_on(page, "1")
    press_on(page, "2")
    assert [event.answer for event in arrived(page, server, 2)] == ["heron", "gull"]


def test_no_answer_goes_to_another_program_at_the_same_address(page, server):
    Settings(server.folder).set("classes", ["heron", "gull"])
    opened(page, server)
    known = {"status": 200, "json": {"project": "another"}}
    for answer in (
        {"status": 404, "body": "no"},
        {"status": 200, "body": "<p>Welcome", "content_type": "text/html"},
        known,
    ):
        page.route("**/*", lambda route, _, answer=answer: route.fulfill(**answer))
        press_on(page, "1")
        page.get_by_text("The server does not answer. Go on labelling").wait_for()
        page.unroute_all()
        page.get_by_text("The server does not answer").wait_for(state="detached")
    assert [event.answer for event in arrived(page, server, 3)] == ["heron"] * 3


def test_a_new_project_asks_for_classes_and_gives_them_keys(page, server):
    page.goto(server.address + "/label")
    page.get_by_role("button", name="Name your classes").wait_for()
    page.keyboard.press("+")
    page.get_by_label("Names of new classes").wait_for()
    page.keyboard.type("heron, gull")
    page.keyboard.press("Enter")
    page.keyboard.type("other")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_role("group", name="Classes", exact=True).get_by_text("gull").wait_for()
    page.wait_for_selector(SHOWN)
    assert Project(server.folder).classes == ("heron", "gull", "other")
    server.post("/api/settings", {"keys": {"class-2": "j"}})
    page.get_by_role("button", name="gull J").wait_for()
    press_on(page, "j")
    assert arrived(page, server, 1)[0].answer == "gull"


def test_classes_are_named_on_any_page_and_what_was_typed_stays(page, server):
    page.goto(server.address + "/progress")
    page.get_by_role("heading", name="Progress").wait_for()
    page.keyboard.press("+")
    names = page.get_by_label("Names of new classes")
    expect(names).to_be_focused()
    page.keyboard.type("heron, ?")
    box = names.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(3, 400)  # text was marked, and the hand came to rest beside the dialog
    page.mouse.up()
    expect(names).to_have_value("heron, ?")
    page.get_by_role("button", name="Make").click()
    expect(page.locator(".toast.error")).to_contain_text("no name for a class")
    expect(page.get_by_label("Classes that will be made").get_by_role("listitem")).to_have_count(1)  # the one refused
    assert Project(server.folder).classes == ("heron",)
    page.mouse.click(3, 400)
    expect(names).to_have_count(0)


def test_a_long_name_is_told_whole(page, server):
    name = "W" * 99
    page.goto(server.address + "/label")
    page.get_by_role("button", name="Name your classes").click()
    page.keyboard.type(f"{name}1, {name}2")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    toast = page.locator(".toast").bounding_box()
    assert toast["x"] + toast["width"] <= 1280
    shown = page.locator(".class-button .what")
    expect(shown).to_have_count(2)
    assert shown.evaluate_all("all => all.every(one => one.scrollWidth <= one.clientWidth)")
    inside = page.locator(".toast").evaluate("one => one.scrollWidth <= one.clientWidth")
    assert inside


def test_without_storage_the_page_still_labels(page, here):
    page.add_init_script("delete window.indexedDB; Object.defineProperty(window, 'indexedDB', { value: undefined })")
    opened(page, here)
    before = len(history(here))
    with page.expect_response(lambda answer: "/api/answers" in answer.url):
        press_on(page, "1")
    assert arrived(page, here, before + 1)[-1].answer == "1"
    kept = "Object.keys(localStorage).filter(name => name.startsWith('tacit.outbox.')).length"
    comes_true(page, lambda: page.evaluate(kept) == 0)

"""Tabs beside one another, and a tab that does not know yet what happened to the classes meanwhile."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tacit.project import Project
from tests.web.acts import OURS, STAGE, arrived, at, history, opened, press_on
from tests.web.conftest import Server, copy_of, start


@pytest.fixture(scope="module")
def here(made, tmp_path_factory) -> Iterator[Server]:
    """One server for all of this file: every test has items, and where it changes them, classes of its own."""
    folder = copy_of(made, tmp_path_factory.mktemp("tabs"))
    Project(folder).settings.set("classes", ["heron", "gull"])
    found = start(folder)
    yield found
    found.stop()


@pytest.fixture
def fresh(made, tmp_path) -> Iterator[Server]:
    """A server where no tab has borrowed items before."""
    folder = copy_of(made, tmp_path)
    Project(folder).settings.set("classes", ["heron", "gull"])
    found = start(folder)
    yield found
    found.stop()


def new_class(server: Server, name: str) -> str:
    """Make a class; its key."""
    change(server, add=name)
    names = [one["name"] for one in server.get("/state.json").json()["classes"]]
    return str(names.index(name) + 1)


def change(server: Server, **what: object) -> None:
    done = server.post("/api/classes", {"who": "me", **what})
    assert done.status_code == 200, done.text


def stale(page) -> None:
    """From now on this tab hears nothing new of the project, as one whose next look is still to come."""
    heard = page.evaluate("() => fetch('/state.json').then((answer) => answer.text())")
    page.route("**/state.json*", lambda route: route.fulfill(body=heard, content_type="application/json", headers=OURS))


def buttons(page) -> list[str]:
    return page.get_by_role("group", name="Classes", exact=True).locator(".what").all_inner_texts()


def test_two_tabs_answer_different_items_and_each_counts_once(page, here):
    other = page.context.new_page()
    opened(page, here)
    opened(other, here)
    before = len(history(here))
    for _ in range(6):
        press_on(page, "1")
        press_on(other, "2")
    events = arrived(page, here, before + 12)[before:]
    assert len(events) == 12 and len({event.item for event in events}) == 12
    assert sorted(event.answer for event in events) == ["gull"] * 6 + ["heron"] * 6


def test_a_duplicate_of_a_tab_is_a_tab_of_its_own_and_a_reload_is_not(page, here):
    def session(tab) -> str:
        with tab.expect_request("**/api/queue") as asked:
            tab.goto(f"{here.address}/label?kind=suggest")
        return asked.value.post_data_json["session"]

    first = session(page)
    with page.expect_popup() as opening:
        page.evaluate("() => void window.open('/label')")  # it copies what is kept for the session, as duplicating does
    assert session(opening.value) != first == session(page)


def test_an_undo_takes_back_the_latest_answer_of_a_person_and_both_tabs_show_what_counts(page, here):
    other = page.context.new_page()
    opened(page, here)
    opened(other, here)
    before, row = len(history(here)), at(page)
    heron = page.get_by_role("button", name="heron 1")
    press_on(page, "1")
    mine = arrived(page, here, before + 1)[-1].item
    press_on(other, "2")
    theirs = arrived(other, here, before + 2)[-1].item
    page.keyboard.press("z")
    taken = arrived(page, here, before + 3)[-1]
    assert (taken.kind, taken.item) == ("undo", theirs)
    expect(page.locator(".toast").get_by_text("took back gull for ")).to_be_visible()
    expect(page.locator(STAGE)).to_have_attribute("data-row", str(row))
    expect(heron).to_have_attribute("aria-pressed", "true")  # it still counts
    current = Project(here.folder).labels.answers()
    assert current[mine] == "heron" and theirs not in current
    page.keyboard.press("z")
    assert arrived(page, here, before + 4)[-1].item == mine
    expect(heron).to_have_attribute("aria-pressed", "false")
    assert mine not in Project(here.folder).labels.answers()


def test_a_class_made_in_one_tab_has_its_key_in_the_other(page, here):
    other = page.context.new_page()
    opened(page, here)
    opened(other, here)
    before = len(history(here))
    page.keyboard.press("+")
    page.get_by_label("Names of new classes").wait_for()
    page.keyboard.type("wader")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    button = other.get_by_role("button", name="wader ")
    expect(button).to_be_visible()
    press_on(other, button.locator("kbd").inner_text())
    assert arrived(other, here, before + 1)[-1].answer == "wader"


def test_a_class_renamed_meanwhile_is_recorded_by_its_new_name_and_that_is_said(page, here):
    key = new_class(here, "plover")
    opened(page, here)
    stale(page)
    change(here, rename=["plover", "golden plover"])
    before = len(history(here))
    assert "plover" in buttons(page)
    press_on(page, key)
    said = page.get_by_text("The class plover is called golden plover by now; your answer counts for it.")
    expect(said.first).to_be_visible()
    assert [event.answer for event in arrived(page, here, before + 1)[before:]] == ["golden plover"]


def test_a_class_removed_meanwhile_is_refused_in_words_and_its_item_comes_back(page, fresh):
    key = new_class(fresh, "snipe")
    opened(page, fresh)
    stale(page)
    change(fresh, remove="snipe")
    before, row = history(fresh), at(page)
    page.keyboard.press(key)
    said = page.get_by_text(
        "snipe was not taken: there is no class called 'snipe' (any more); the classes are: heron, gull"
    )
    expect(said.first).to_be_visible()
    assert history(fresh) == before
    name = fresh.get(f"/api/items?rows={row}").json()[0]["name"]
    page.get_by_role("button", name=f"{name}, next", exact=True).click()  # the strip has it as open again
    expect(page.locator(STAGE)).to_have_attribute("data-row", str(row))
    expect(page.get_by_role("group", name="Classes", exact=True).locator("[aria-pressed=true]")).to_have_count(0)
    press_on(page, "1")
    assert [event.answer for event in arrived(page, fresh, len(before) + 1)[len(before) :]] == ["heron"]


def test_a_tab_that_hears_again_shows_the_classes_as_they_are(page, here):
    new_class(here, "tern")
    opened(page, here)
    expect(page.get_by_role("button", name="tern ")).to_be_visible()
    stale(page)
    change(here, rename=["tern", "roseate"])
    page.wait_for_timeout(2000)
    assert "tern" in buttons(page)
    page.unroute("**/state.json*")
    expect(page.get_by_role("button", name="roseate ")).to_be_visible()
    assert "tern" not in buttons(page)

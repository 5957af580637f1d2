"""Progress, Train, Look, Runs and Settings, as a person uses them."""

import re

from playwright.sync_api import expect

from tests.web.acts import OURS


def test_progress_draws_the_curve_and_says_what_to_do(page, learned_server):
    page.goto(f"{learned_server.address}/progress")
    expect(page.locator(".advice")).not_to_be_empty()
    expect(page.get_by_role("img", name="Accuracy on the yardstick")).to_be_visible()
    page.get_by_text("The same as a table").first.click()
    expect(page.locator("details table td").filter(has_text=re.compile(r"%\s\[")).first).to_be_visible()


def test_a_training_is_started_followed_and_listed(page, learned_server):
    page.goto(f"{learned_server.address}/train")
    form = page.locator(".method-form").first
    form.get_by_role("combobox").select_option("supervised")
    form.get_by_text(re.compile("^Settings")).click()
    form.get_by_label("steps", exact=True).fill("30")
    form.get_by_role("button", name="Train").click()
    expect(page.locator(".job-list")).to_contain_text("finished", timeout=60_000)
    expect(page.get_by_role("rowheader", name=re.compile(r"003-supervised"))).to_be_visible(timeout=20_000)


def test_a_space_is_learned_by_what_learns_and_a_classifier_trained_by_what_classifies(page, learned_server):
    page.goto(f"{learned_server.address}/train")
    train, learn = (page.locator(".method-form").nth(i).get_by_role("combobox") for i in (0, 1))
    expect(learn).to_be_visible()
    offered = [set(form.locator("option").all_inner_texts()) for form in (train, learn)]
    assert {"auto", "supervised", "mixmatch"} <= offered[0] and {"auto", "vae", "simclr"} <= offered[1]
    assert offered[0] & offered[1] == {"auto"}
    train.select_option("enaet")
    page.locator(".method-form").first.get_by_text(re.compile("^Settings")).click()
    expect(page.get_by_role("checkbox", name="mosaic")).to_be_checked()  # as its signature has it
    learn.select_option("autoencoder")
    page.locator(".method-form").nth(1).get_by_text(re.compile("^Settings")).click()
    page.locator(".method-form").nth(1).get_by_label("steps", exact=True).fill("20")
    page.get_by_role("button", name="Learn").click()
    expect(page.locator(".toasts")).to_contain_text("started: tacit learn autoencoder")


def test_a_setting_that_is_none_is_refused_in_words(page, learned_server):
    page.goto(f"{learned_server.address}/train")
    form = page.locator(".method-form").first
    form.get_by_role("combobox").select_option("supervised")
    form.get_by_text(re.compile("^Settings")).click()
    form.get_by_label("steps", exact=True).fill("many")
    form.get_by_role("button", name="Train").click()
    expect(page.locator(".toast.error")).to_contain_text("steps")


def test_look_tells_of_files_that_are_gone(page, learned_server):
    photos = learned_server.folder.parent / "photos"
    next(photos.glob("*/*.png")).unlink()
    page.goto(f"{learned_server.address}/look")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("heading", name="1 file gone from the disk")).to_be_visible(timeout=20_000)
    assert page.request.get(f"{learned_server.address}/state.json").json()["items"] == 360  # the item stays


def test_runs_are_compared_side_by_side(page, learned_server):
    page.goto(f"{learned_server.address}/runs")
    page.get_by_label("Show 001-vae").check()
    page.get_by_label("Show 002-supervised").check()
    expect(page.get_by_role("img", name="Loss of 001-vae by step")).to_be_visible()
    assert "runs=001-vae" in page.url
    page.reload()
    expect(page.get_by_role("heading", name="002-supervised")).to_be_visible()


def test_a_key_is_changed_printed_and_works(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    page.get_by_role("button", name="Key of map: M").click()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Key of map: J")).to_be_visible()
    expect(page.locator("header nav").get_by_text("J", exact=True)).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("j")
    page.wait_for_url("**/map")


def test_a_key_is_not_changed_by_whoever_goes_on(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    key = page.get_by_role("button", name="Key of map: M")
    key.click()
    page.keyboard.press("Tab")
    expect(key).not_to_be_focused()
    expect(key).to_have_attribute("aria-pressed", "false")
    key.click()
    page.get_by_label("New class").click()
    page.keyboard.type("j")  # a letter of a name, and no key
    expect(page.get_by_label("New class")).to_have_value("j")
    assert learned_server.get("/settings.json").json()["keys"]["map"] == "m"


def test_an_emptied_field_says_again_what_holds(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    for name, held in (("Who labels here", "me"), ("Name", "photos")):
        field = page.get_by_label(name, exact=True)
        field.fill("")
        field.press("Tab")
        expect(field).to_have_value(held)


def test_the_page_stays_where_it_is_when_something_runs(page, learned_server):
    page.goto(f"{learned_server.address}/train")
    page.get_by_role("heading", name="Train", exact=True).wait_for()
    before = page.locator("main").bounding_box()
    now = learned_server.get("/state.json").json()
    job = {
        "id": 1,
        "verb": "train",
        "words": ["train"],
        "status": "running",
        "began": 0,
        "ended": None,
        "run": "009-supervised",
        "step": 1,
        "steps": 200,
        "eta": 60,
        "said": "",
        "error": "",
        "name": "",
    }
    page.route("**/state.json*", lambda route: route.fulfill(json={**now, "jobs": [job]}, headers=OURS))
    expect(page.locator("header")).to_contain_text("009-supervised")
    assert page.locator("main").bounding_box()["y"] == before["y"]


def test_a_key_for_two_things_is_refused(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    page.get_by_role("button", name="Key of map: M").click()
    page.keyboard.press("g")
    expect(page.locator(".toast.error")).to_contain_text("two things")


def test_classes_are_added_renamed_and_removed(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    page.get_by_label("New class").fill("heron")
    page.get_by_role("button", name="Add").click()
    name = page.get_by_label("Name of class heron")
    expect(name).to_be_visible()
    name.fill("grey heron")
    name.press("Enter")
    expect(page.get_by_label("Name of class grey heron")).to_be_visible()
    page.get_by_role("button", name="Remove grey heron").click()
    expect(page.get_by_label("Name of class grey heron")).to_have_count(0)
    page.get_by_role("button", name="Remove 3").click()  # answered items: asks what they shall be
    page.get_by_role("dialog").get_by_role("button", name="Remove 3").click()
    expect(page.get_by_label("Name of class 3")).to_have_count(0)


def test_dark_and_light_are_remembered(page, learned_server):
    page.goto(f"{learned_server.address}/settings")
    page.get_by_label("Colors").select_option("dark")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    page.wait_for_selector("main h1")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper == "rgb(21, 23, 27)"


def test_columns_of_a_table_join_the_colors_of_the_map(page, learned_server, tmp_path):
    names = [
        path.relative_to(path.parents[1]) for path in sorted((learned_server.folder.parent / "photos").glob("*/*.png"))
    ]
    (tmp_path / "more.csv").write_text("path,camera\n" + "".join(f"{name},{i % 3}x\n" for i, name in enumerate(names)))
    page.goto(f"{learned_server.address}/look")
    page.get_by_label("Bring a table").set_input_files(tmp_path / "more.csv")
    expect(page.get_by_role("status").filter(has_text="camera")).to_contain_text("360 items")
    (tmp_path / "none.csv").write_text("nothing\n1\n")
    page.get_by_label("Bring a table").set_input_files(tmp_path / "none.csv")
    expect(page.locator(".toast.error")).to_be_visible()
    page.goto(f"{learned_server.address}/map")
    page.get_by_label("color", exact=True).first.select_option(label="camera")
    expect(page.get_by_role("button", name="1x (120)")).to_be_visible()

"""The first ten minutes, as a newcomer has them: from a folder of pictures to a model, in a real browser.

With TACIT_SCREENSHOTS=FOLDER the pictures of the documents are taken on the way.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.warm import run

NAMES = ("zero", "one", "two", "three")
YARDSTICK, BATCH = 40, 20
STEPS = 400  # of learning


@pytest.fixture
def photos(tmp_path, digits) -> Path:
    """Real digits of four classes as PNG files; only the file name tells a test which."""
    x, y = digits
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in np.flatnonzero(y < len(NAMES)):
        Image.fromarray(np.kron(x[i, 0], np.ones((3, 3), np.uint8))).save(folder / f"{i:04d}-{NAMES[y[i]]}.png")
    return folder


class Person:
    """Somebody at the keyboard who sees what an item is."""

    def __init__(self, page) -> None:
        self.page, self.keys, self.answered = page, 0, 0

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)

    def item(self) -> str:
        return self.page.locator(".hint .what strong").inner_text()

    def truth(self) -> str:
        found = re.search(r"-(\w+)\.png", self.item())
        assert found
        return found[1]

    def label(self, n: int) -> int:
        """Label n items, one key each; how many of them by accepting the suggestion."""
        accepted = 0
        for _ in range(n):
            before = self.item()
            guess = self.page.locator(".ghost-guess strong")
            if guess.count() and guess.inner_text() == self.truth():
                self.press("Space")
                accepted += 1
            else:
                self.press(str(NAMES.index(self.truth()) + 1))
            self.answered += 1
            expect(self.page.locator(".hint .what strong", has_text=before)).to_have_count(0)
        return accepted


def tacit(folder: Path, *words: str) -> dict:
    done = run([*words, "--json"], cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def gone(photos):
    """`tacit go photos`, and the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit", "go", str(photos), "--no-browser", "--method", "vae", "--steps", str(STEPS)],
        cwd=photos.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "http://" in line:
            break
    found = re.search(r"http://\S+", "".join(lines[-1:]))
    assert found, "".join(lines)
    yield found[0].rstrip("/"), "".join(lines)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def take_pictures(page, name: str) -> None:
    """docs/page-NAME-light.png and -dark.png, where they are asked for."""
    folder = os.environ.get("TACIT_SCREENSHOTS")
    for scheme in ("light", "dark") if folder else ():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"page-{name}-{scheme}.png")


def finds_an_item(page, box: dict, x: float, y: float) -> bool:
    """Whether there is an item at this share of the map; then the mouse rests on it."""
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.wait_for_timeout(50)
    return page.locator(".map-over .hovered").count() > 0


@pytest.mark.long
def test_the_first_ten_minutes(page, gone, photos):
    address, said = gone
    assert f"{len(list(photos.iterdir()))} images" in said
    person = Person(page)
    project = photos.parent / "photos.tacit"

    # the quick map, usable while learning runs
    page.goto(address)
    page.wait_for_selector("html[data-map-drawn]", timeout=60_000)
    assert int(page.locator("html").get_attribute("data-map-drawn")) == len(list(photos.iterdir()))
    expect(page.get_by_text("Quick map")).to_be_visible()
    canvas = page.locator(".map-plots canvas").first
    box = canvas.bounding_box()
    spots = [(x, y) for y in np.linspace(0.3, 0.7, 9) for x in np.linspace(0.25, 0.75, 17)]
    assert any(finds_an_item(page, box, *spot) for spot in spots)
    expect(page.get_by_label("Under the pointer").locator(".thumb")).to_be_visible()

    # near copies
    page.keyboard.press("d")
    page.wait_for_url("**/grid?show=duplicates")
    expect(page.locator("main")).to_contain_text(re.compile("cop|duplicate", re.I))

    # three class names, and one more
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Name your classes")).to_be_visible()
    page.keyboard.press("+")
    page.get_by_role("dialog").get_by_role("textbox").fill(", ".join(NAMES))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^zero"))).to_be_visible()

    # the yardstick: forty random items, one key each
    page.keyboard.press("y")
    page.wait_for_url("**/label?kind=yardstick")
    expect(page.locator(".hint .what strong")).to_be_visible()
    keys = person.keys
    person.label(YARDSTICK)
    assert person.keys - keys == YARDSTICK  # one keystroke a label

    # twenty suggestions, the first by typicality because there is no model
    page.keyboard.press("s")
    page.wait_for_url("**/label")
    why = page.locator(".why")
    for _ in range(20):
        expect(why).to_contain_text(re.compile("no model|being chosen"))
        if "no model" in why.inner_text():
            break
        page.reload()  # a slow machine has handed out a few random ones meanwhile
    expect(why).to_contain_text("no model")
    expect(page.locator(".reason")).not_to_be_empty()
    keys = person.keys
    person.label(BATCH)
    assert person.keys - keys == BATCH

    # a small model is trained behind, and its suggestions are there
    expect(page.locator(".toasts")).to_contain_text("is live", timeout=90_000)
    person.label(1)  # the item that was on the page already
    expect(page.locator(".ghost-guess")).to_be_visible()
    accepted = person.label(BATCH)
    assert accepted >= BATCH // 2, "most are confirmations"

    take_pictures(page, "label")

    # undo brings the item back, redo the answer
    before = 2 * BATCH + 1
    expect(page.locator("header .counts")).to_contain_text(f"{before} labelled")
    page.keyboard.press("z")
    expect(page.locator("header .counts")).to_contain_text(f"{before - 1} labelled")
    undone = person.item()
    page.keyboard.press("Shift+Z")
    expect(page.locator("header .counts")).to_contain_text(f"{before} labelled")
    assert person.item() != undone

    # the learned map glides in
    page.keyboard.press("m")
    page.wait_for_url("**/map")
    expect(page.locator("main")).to_contain_text("001-vae", timeout=120_000)

    # a group of the map in bulk, after a look at twelve of it
    page.get_by_text(re.compile(r"^Clusters \(")).click()
    page.locator(".map-clusters button").first.click()
    expect(page.locator("aside")).to_contain_text("Selected")
    shown = page.get_by_label("A random part of the selection").locator(".thumb")
    expect(shown.first).to_be_visible()
    truths = [re.search(r"-(\w+)\.png", name)[1] for name in shown.evaluate_all("all => all.map(one => one.title)")]
    take_pictures(page, "map")
    majority = Counter(truths).most_common(1)[0][0]
    page.keyboard.press(str(NAMES.index(majority) + 1))
    expect(page.locator("aside")).to_contain_text(re.compile(r"labell?ed in bulk, \d+ looked at"))

    # what came of it
    page.keyboard.press("p")
    page.wait_for_url("**/progress")
    expect(page.get_by_role("img", name="Accuracy on the yardstick")).to_be_visible()
    page.keyboard.press("t")
    page.wait_for_url("**/train")
    expect(page.locator("table").last).to_contain_text("%")

    state = page.request.get(f"{address}/state.json").json()
    assert state["yardstick_labeled"] == YARDSTICK and state["labeled"] >= 2 * BATCH
    assert tacit(photos.parent, "report", "-p", str(project))["path"]
    deadline = time.monotonic() + 60
    while not any(job["status"] == "finished" for job in state["jobs"]) and time.monotonic() < deadline:
        time.sleep(1)
    exported = tacit(photos.parent, "export", "-p", str(project))
    assert exported["onnx"]["items"] > 0

"""What a person does on the page in a browser, and what is in the ledger then."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tacit.data.events import Event
from tacit.project import Project
from tests.web.conftest import Server

STAGE = ".stage"
SHOWN = ".stage img"
OURS = {"served-by": "tacit"}  # headers without which the page takes an answer for another program's
PATIENCE = 15_000  # milliseconds; machines that run tests are busy


def opened(page: Page, server: Server, kind: str = "suggest") -> None:
    """The Label page, with an item on it."""
    page.goto(f"{server.address}/label?kind={kind}")
    page.wait_for_selector(SHOWN)


def at(page: Page) -> int:
    """The row that is shown."""
    return int(page.locator(STAGE).get_attribute("data-row") or -1)


def press_on(page: Page, key: str) -> None:
    """Press, and wait for the next item."""
    before = at(page)
    page.keyboard.press(key)
    expect(page.locator(STAGE)).not_to_have_attribute("data-row", str(before))


def comes_true(page: Page, wanted: Callable[[], bool]) -> None:
    """Wait for this; the browser's own `wait_for_function` needs eval, which the page forbids."""
    for _ in range(PATIENCE // 50):
        if wanted():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come true")


def history(server: Server) -> list[Event]:
    return Project(server.folder).labels.history()


def arrived(page: Page, server: Server, n: int) -> list[Event]:
    """The ledger, once it has n events or more; the page may take its time."""
    for _ in range(PATIENCE // 50):
        if len(found := history(server)) >= n:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(found)} of {n} events arrived")

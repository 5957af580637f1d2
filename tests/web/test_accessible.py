"""Everything can be reached, named and told apart: axe's rules (WCAG 2.1 A and AA) on every page, light and dark."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "page" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("map", "label", "grid", "progress", "train", "people", "look", "runs", "settings")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe(browser, learned_server, scheme):
    if not AXE.is_file():
        pytest.skip("needs axe-core: make page")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    wrong = []
    for name in PAGES:
        tab.goto(f"{learned_server.address}/{name}")
        tab.wait_for_selector("main h1, main canvas", timeout=30_000)
        if name == "map":
            tab.wait_for_selector("html[data-map-drawn]", timeout=30_000)
        tab.wait_for_timeout(600)
        tab.add_script_tag(path=str(AXE))
        found = tab.evaluate("rules => axe.run(document, rules)", RULES)
        wrong += [
            f"{name}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]} {one['nodes'][0]['failureSummary'][:200]}"
            for one in found["violations"]
        ]
    context.close()
    assert not wrong, "\n".join(wrong)


def test_the_pages_work_at_the_width_of_a_phone(browser, learned_server):
    context = browser.new_context(viewport={"width": 360, "height": 800})
    tab = context.new_page()
    for name in PAGES:
        tab.goto(f"{learned_server.address}/{name}")
        tab.wait_for_selector("main h1, main canvas", timeout=30_000)
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= 362, f"{name} is {wide} pixels wide on a screen of 360"
    context.close()


def test_the_keys_are_on_one_sheet_and_the_sheet_closes(page, learned_server):
    page.goto(f"{learned_server.address}/progress")
    page.wait_for_selector("main h1")
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("accept the guess").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")

"""Documents stay true: every file has its line in the README's tree, every page its place, every link its target."""

import re
from pathlib import Path

import pytest

import tacit
from tacit.methods import CATALOGUE as METHODS
from tacit.select import CATALOGUE as STRATEGIES

ROOT = Path(tacit.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [p for p in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md"))]


def tree() -> set[str]:
    """Paths of the tree in the README, relative to the package."""
    lines = README[README.index("```\ntacit/\n") :].split("```")[1].splitlines()[2:]
    found, room = set(), ""
    for line in lines:
        name = re.sub(r"^[│├└─\s]+", "", line).split()[0]
        if not line.startswith(("│", " ")):
            room = name if name.endswith("/") else ""
            if not room:
                found.add(name)
        else:
            found.add(room + name)
    return found


def test_the_tree_in_the_readme_is_the_tree_on_disk():
    package = ROOT / "tacit"
    files = {str(p.relative_to(package)) for p in package.rglob("*.py") if p.name != "__init__.py"}
    assert tree() == files


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_page_that_says_how_to_run_it(name):
    page = (ROOT / "docs" / "methods" / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(r"tacit (learn|train)\b", page) and "Use it when" in page and "## Departures" in page


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_has_a_page_and_a_line_in_the_overview(name):
    assert (ROOT / "docs" / "strategies" / f"{name}.md").is_file()
    assert f"{name}.md" in (ROOT / "docs" / "strategies" / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_method_shown_to_contributors_passes_the_suite_of_all_methods(tmp_path):
    from tacit.methods import find
    from tacit.methods.checks import run_all

    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    (tmp_path / "my_method.py").write_text(next(block for block in blocks if "class LinearCode(Method)" in block))
    run_all(find(f"{tmp_path}/my_method.py:LinearCode"))

"""The report: one file that needs nothing else, works from a disk, prints, and asks no host for anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.disk import write_atomic
from tacit.report.style import sheet
from tacit.report.svg import tag
from tacit.report.words import sentence, text

# the browser itself refuses scripts and other hosts, whatever a class or a file is called
POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Section:
    """A heading, one sentence that says what the picture shows and how to read it, and the picture as markup.

    `title` and `sentence` are plain text; `body` is what the functions of `figures.py` return, one after another.
    """

    title: str
    sentence: str
    body: str


def render(title: str, facts: Sequence[tuple[str, object]], sections: Sequence[Section], footer: str = "") -> str:
    """The whole page. Facts are name and value, shown at the top; all but a section's body is escaped here."""
    numbered = list(enumerate(sections, start=1))
    contents = [
        tag("li", tag("a", tag("span", str(i), class_="number"), text(one.title), href=f"#section-{i}"))
        for i, one in numbered
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", text(title)),
        tag("style", sheet()),
    ]
    top = [tag("h1", text(title))]
    if facts:
        pairs = (tag("div", tag("dt", text(name)), tag("dd", tag("bdi", text(value)))) for name, value in facts)
        top.append(tag("dl", *pairs, class_="facts"))
    if len(sections) > 2:
        top.append(tag("nav", tag("ol", *contents), aria_label="Contents"))
    body = [_section(i, one) for i, one in numbered] or [sentence("There is nothing to report yet.")]
    end = tag("footer", tag("p", text_lines(footer))) if footer else ""
    page = tag("html", tag("head", *head), tag("body", tag("header", *top), tag("main", *body), end), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def text_lines(words: str) -> str:
    """Text that keeps its line breaks."""
    return "\n".join(text(line) for line in words.splitlines())


def _section(i: int, one: Section) -> str:
    heading = tag("h2", tag("span", str(i), class_="number"), text(one.title))
    said = tag("p", text(one.sentence), class_="sentence") if one.sentence else ""
    return tag("section", heading, said, one.body, id=f"section-{i}")


def write(path: Path | str, html: str) -> None:
    """The page as a file that is either whole or not there."""
    write_atomic(path, html)

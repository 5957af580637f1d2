"""Numbers in rows."""

from collections.abc import Sequence

from tacit.errors import WrongUsage
from tacit.evaluate.intervals import Interval
from tacit.report.svg import tag
from tacit.report.words import sentence, show, text


def table(
    rows: Sequence[Sequence[object]], header: Sequence[str], *, title: str = "", as_percent: Sequence[str] = ()
) -> str:
    """Rows under their header; numbers are aligned, and an `Interval` is written with its ends.

    Columns named in `as_percent` hold shares in [0, 1]. None is a dash.
    """
    if not rows:
        return sentence("There is nothing to list yet.")
    if any(len(row) != len(header) for row in rows):
        raise WrongUsage(f"a table with {len(header)} columns has rows of {sorted({len(row) for row in rows})} cells")
    shares = [name in as_percent for name in header]
    numeric = [all(_is_number(row[c]) or row[c] is None for row in rows) for c in range(len(header))]
    align = ["n" if is_number else None for is_number in numeric]
    head = [tag("th", text(name), scope="col", class_=a) for name, a in zip(header, align, strict=True)]
    body = [
        tag("tr", *(_cell(value, share, a) for value, share, a in zip(row, shares, align, strict=True))) for row in rows
    ]
    named = [tag("caption", text(title))] if title else []
    whole = tag("table", *named, tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="wide table", tabindex=0, role="region", aria_label=title or "Table")


def _is_number(value: object) -> bool:
    return isinstance(value, Interval | float | int) and not isinstance(value, bool)


def _cell(value: object, as_percent: bool, align: str | None) -> str:
    if value is None:
        return tag("td", "–", class_=align)
    if isinstance(value, bool):
        return tag("td", "yes" if value else "no")
    if isinstance(value, Interval | float | int):
        return tag("td", text(show(value, as_percent)), class_=align)
    return tag("td", tag("bdi", text(value)), class_=align)

"""Words and numbers as the report prints them.

Class names and file names come from people and from disks: everything that is printed goes through `text`.
"""

import html
import math
import unicodedata
from collections.abc import Sequence

import numpy as np

from tacit.evaluate.intervals import Interval

Value = Interval | float | int

NARROW_SPACE = "\u202f"  # between thousands, and before a percent sign
JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}  # glue inside one emoji; the text is not cut beside them


def clean(value: object) -> str:
    """One line without characters that XML forbids, that hide, or that turn the text around them."""
    return "".join(_visible(character) for character in str(value))


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\t\n\r\v\f":
        return " "
    # controls, halves of a pair (undecodable file names), and marks that reverse what follows them
    if unicodedata.category(character) in ("Cc", "Cs") or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "\ufffd"
    return "\ufffd" if code & 0xFFFE == 0xFFFE else character


def text(value: object) -> str:
    """Anything as harmless markup, in content and in quoted attributes."""
    return html.escape(clean(value), quote=True)


def shorten(value: object, limit: int) -> str:
    """At most `limit` characters, not escaped; an ellipsis says that something is missing."""
    words = clean(value)
    if len(words) <= limit:
        return words
    end = max(limit - 1, 1)
    while end > 1 and (words[end] in JOINERS or words[end - 1] in JOINERS or unicodedata.combining(words[end])):
        end -= 1
    return words[:end].rstrip() + "…"


def width(value: object) -> float:
    """Roughly how wide a line is, in ems of a sans-serif font: there is no font to ask."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in clean(value))


def number(value: float | int | np.number) -> str:
    """1 797, 0.0312, 12.4; a dash where there is no number."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", NARROW_SPACE)
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.2e}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}".replace(",", NARROW_SPACE)


def percent(value: float, sign: bool = True) -> str:
    """A share in [0, 1] as 88.1 %."""
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.1f}" + (f"{NARROW_SPACE}%" if sign else "")


def show(value: Value, as_percent: bool = False) -> str:
    """A number, with its interval where it has one: 88.1 % [85.2, 90.6]."""
    point, low, high = bounds(value)
    main = percent(point) if as_percent else number(point)
    if not isinstance(value, Interval) or not (math.isfinite(low) and math.isfinite(high)):
        return main
    ends = (percent(low, sign=False), percent(high, sign=False)) if as_percent else (number(low), number(high))
    return f"{main} [{', '.join(ends)}]"


def bounds(value: Value) -> tuple[float, float, float]:
    """Value, low and high; all three the same for a bare number."""
    if isinstance(value, Interval):
        return float(value.value), float(value.low), float(value.high)
    return float(value), float(value), float(value)


def count(n: int | np.integer, thing: str) -> str:
    """1 item, 12 items; `thing` is a noun whose plural ends in s."""
    return f"{number(n)} {thing}" if n == 1 else f"{number(n)} {thing}s"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def sentence(words: str) -> str:
    """A paragraph in place of a picture that cannot be drawn; `words` are plain text."""
    return f'<p class="empty">{text(words)}</p>'

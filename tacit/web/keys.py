"""Which key does what. All are printed on the buttons, and all can be changed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tacit.errors import BadData, WrongUsage

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject

DEFAULTS = {
    "class-1": "1", "class-2": "2", "class-3": "3", "class-4": "4", "class-5": "5", "class-6": "6", "class-7": "7",
    "class-8": "8", "class-9": "9", "class-10": "0", "class-11": "q", "class-12": "w", "class-13": "e",
    "more-classes": "/", "accept": "Space", "undo": "z", "undo-2": "Backspace", "redo": "Shift+Z", "skip": "x",
    "cannot-tell": "u", "flag": "f", "new-class": "+", "previous": "ArrowLeft", "next": "ArrowRight",
    "zoom-in": "ArrowUp", "zoom-out": "ArrowDown", "details": "Enter", "back": "Escape", "grid": "g", "map": "m",
    "progress": "p", "suggest": "s", "yardstick": "y", "neighbours": "n", "duplicates": "d", "select-all": "a",
    "lasso": "l", "color": "c", "thumbnails": "h", "walk": "i", "variations": "v", "train": "t", "play": ".",
    "resample": "r", "split": "k", "help": "?",
}  # fmt: skip
DIGITS = tuple("1234567890")  # of the first ten classes, in their order


def defaults(classes: Sequence[str]) -> dict[str, str]:
    """Action -> key at first. A class that is called by a digit has that key, the others share what is left."""
    first = classes[: len(DIGITS)]
    left = iter([digit for digit in DIGITS if digit not in first])
    keys = [*(name if name in DIGITS else next(left) for name in first), *left]
    return DEFAULTS | {f"class-{i}": key for i, key in enumerate(keys, start=1)}


def bindings(desk: "OpenProject", classes: Sequence[str]) -> dict[str, str]:
    """Action -> key: the defaults, and over them what project.toml says under [keys]; "" where that took the key away."""
    changed: Any = desk.project.settings.get("keys", {})
    if not isinstance(changed, dict):
        raise BadData(f'{desk.project.settings.path}: keys must be a table, like [keys] then skip = "j"')
    changed = {action: key for action, key in changed.items() if action in DEFAULTS and isinstance(key, str)}
    taken = set(changed.values())
    return {action: "" if key in taken else key for action, key in defaults(classes).items()} | changed


def checked(keys: dict[str, str], classes: Sequence[str]) -> dict[str, str]:
    """These changes, if every action is one and no key does two things."""
    before = defaults(classes)
    strange = sorted(set(keys) - set(DEFAULTS))
    if strange:
        raise WrongUsage(f"there is no action called {strange[0]!r}\n  known: {', '.join(DEFAULTS)}")
    by_key: dict[str, str] = {}
    for action, key in (before | keys).items():
        if not key or len(key) > 20:
            raise WrongUsage(f"{action} needs a key, such as j, Enter or Shift+J")
        if key in by_key:
            raise WrongUsage(f"the key {key!r} would do two things: {by_key[key]} and {action}\n  give one another key")
        by_key[key] = action
    return {action: key for action, key in keys.items() if key != before[action]}

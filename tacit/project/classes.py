"""The verbs of classes: a new one, another name, one less, another order.

The ledger forgets nothing, so a class gets another name by new answers, and goes by answers taken back or given anew;
all of it can be undone. What a class was called before is kept in project.toml, under [renamed]: somebody may still use
the old name, in a browser that has been open since yesterday.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from tacit.data.crowd import changes, name_now
from tacit.data.events import CANNOT_TELL, REMOVED, RENAMED, Event
from tacit.errors import BadData, WrongUsage, unknown_name
from tacit.outcome import Outcome
from tacit.project.home import Home
from tacit.project.settings import Settings

LONGEST = 100  # characters of a name


def add(project: Home, name: str) -> Outcome:
    """One more class, behind the others."""
    classes, name = now(project), checked(name)
    if name in classes:
        raise WrongUsage(f"there is a class called {name!r} already")
    distinct(name, classes)
    near = alike(name, classes)
    write(project, [*classes, name], without(former_names(project.settings), name))
    said = f"added {name!r}, class {len(classes) + 1}"
    return Outcome(
        {"classes": [*classes, name], "near": near}, [said + (f"; mind that there is {near!r}" if near else "")]
    )


def rename(project: Home, old: str, new: str, *, who: str = "me") -> Outcome:
    """Another name in the same place; every item that has the old one is answered anew, all in one batch."""
    classes, new = now(project), checked(new)
    known(old, classes)
    # whether the file has it already, and something kept it from the answers
    begun = new in classes and former_names(project.settings).get(old) == new
    if new in classes and not begun:
        how = "it is called that already" if new == old else f"to join them, remove {old!r} and give its items {new!r}"
        raise WrongUsage(f"there is a class called {new!r} already\n  {how}")
    if not begun:
        distinct(new, [name for name in classes if name != old])
        write_renamed(project, old, new)
    items = having(project, old)
    project.labels.record(items, [new] * len(items), who=who, source="bulk", note=f"{RENAMED}{old}")
    return Outcome({"items": len(items)}, [f"{old!r} is called {new!r} now, in {count(len(items), 'answer')}"])


def remove(project: Home, name: str, instead: str | None = None, *, who: str = "me") -> Outcome:
    """One class less. Its items get the class `instead`, or lose their answers where that is ""."""
    classes = now(project)
    known(name, classes)
    items = having(project, name)
    if items and instead is None:
        pool = int((project.pool.find(items) >= 0).sum())
        raise WrongUsage(
            f"{count(pool, 'item')} of the pool and {len(items) - pool} of the yardstick are {name!r}\n"
            "  say which class they get instead, or that their answers are taken back"
        )
    if instead == name:
        raise WrongUsage(f"{name!r} cannot take the place of itself\n  name another class")
    if instead and instead != CANNOT_TELL:
        known(instead, classes)
    gone = [c for c in classes if c != name]
    write(project, gone, {old: new for old, new in former_names(project.settings).items() if new != name})
    if instead:
        project.labels.record(items, [instead] * len(items), who=who, source="bulk", note=f"{REMOVED}{name}")
        said = f"removed {name!r}; {count(len(items), 'item')} got {instead!r} instead"
    else:  # older answers too, or they would count again
        undone = project.labels.take_back(name, who=who)
        said = f"removed {name!r}" + (
            f" and took back {count(len(undone), 'answer')}; redo brings them back" if undone else ""
        )
    return Outcome({"items": len(items)}, [said])


def order(project: Home, names: list[str]) -> Outcome:
    """The same classes in another order, and so with other keys."""
    classes = now(project)
    if sorted(names) != sorted(classes):
        raise WrongUsage(
            f"the new order must have every class once\n  the classes are: {', '.join(map(repr, classes)) or 'none yet'}"
        )
    write(project, names, former_names(project.settings))
    return Outcome({"classes": names}, [f"the order of the classes is {', '.join(names)}"])


def after_undo(project: Home, answer: Event) -> None:
    """The file follows where a renaming was undone: `answer` is one of those it gave."""
    old, new = (answer.note or "").removeprefix(RENAMED), answer.answer
    if having(project, new):  # others have used the new name since: both stay
        classes = now(project)
        if old in classes and new in project.settings.classes:
            rest = [c for c in classes if c != old]
            at = rest.index(new)
            write(project, [*rest[:at], old, *rest[at:]], without(former_names(project.settings), old))
    else:
        write_renamed(project, new, old)


def after_redo(project: Home, answer: Event) -> None:
    """The file follows where a renaming was done again."""
    write_renamed(project, (answer.note or "").removeprefix(RENAMED), answer.answer)


def reword(project: Home, items: Sequence[str]) -> None:
    """Of these items, answers that count again since something was taken back or brought back: where their class is
    called something else by now, or has another in its place, they are given anew as that."""
    declared = Settings(project.folder).classes  # all that is needed as a rule; what follows asks the whole ledger
    strange = [e for e in project.labels.about(items).values() if e.answer not in (*declared, CANNOT_TELL)]
    if not strange or not declared:
        return
    classes, renamed, changed = now(project), former_names(project.settings), changes(project.labels.path)
    new = [follow(name_now(event, changed), renamed) for event in strange]
    found = [
        (event, name) for event, name in zip(strange, new, strict=True) if name != event.answer and name in classes
    ]
    if found:
        project.labels.reword([event for event, _ in found], [name for _, name in found])


def is_renaming(answer: Event) -> bool:
    return answer.source == "bulk" and (answer.note or "").startswith(RENAMED)


def now(project: Home) -> tuple[str, ...]:
    """The classes by the file as it stands: another process may have written it since."""
    project.settings = Settings(project.folder)
    return project.classes


def former_names(settings: Settings) -> dict[str, str]:
    """What classes were called before -> what they are called since."""
    found: Any = settings.get("renamed", {})
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise BadData(f'{settings.path}: renamed must be a table of names, like [renamed] then gull = "seagull"')
    return dict(found)


def follow(name: str, renamed: dict[str, str]) -> str:
    """What a class of this name is called by now, through several renamings; a circle ends where it began."""
    seen = {name}
    while (name := renamed.get(name, name)) not in seen:
        seen.add(name)
    return name


def write_renamed(project: Home, old: str, new: str) -> None:
    """Put `new` in the place of `old` in project.toml, and remember what it was called."""
    classes = [name for name in now(project) if name != new or old not in project.settings.classes]
    renamed = {was: new if now_ == old else now_ for was, now_ in former_names(project.settings).items()}
    write(project, [new if name == old else name for name in classes], without(renamed, new) | {old: new})


def without(renamed: dict[str, str], name: str) -> dict[str, str]:
    """A name that is in use again is no former name."""
    return {old: new for old, new in renamed.items() if old != name}


def write(project: Home, classes: list[str], renamed: dict[str, str]) -> None:
    """Both into project.toml, in one go."""
    settings = project.settings
    former = {} if renamed == former_names(settings) else {"renamed": renamed}
    settings.change({**former, "classes": classes})


def having(project: Home, name: str) -> list[str]:
    """Ids of the items whose answer this is as of now."""
    return [item for item, answer in project.labels.answers().items() if answer == name]


def checked(name: str) -> str:
    """A name that a class can have, without the white space around it."""
    name = name.strip()
    if not name or name == CANNOT_TELL:
        raise WrongUsage(f"{name!r} is no name for a class; {CANNOT_TELL!r} is the answer for cannot tell")
    if len(name) > LONGEST:
        raise WrongUsage(f"the name of a class has at most {LONGEST} characters; this one has {len(name)}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise WrongUsage(f"{name!r} has a character that cannot be shown\n  type the name by hand")
    return name


def distinct(name: str, classes: Iterable[str]) -> None:
    """Nobody can tell two names apart that are the same letters in other bytes: é is one character, or two."""
    letters = unicodedata.normalize("NFC", name)
    if any(unicodedata.normalize("NFC", other) == letters for other in classes):
        raise WrongUsage(f"there is a class that looks the same as {name!r}\n  choose another name")


def known(name: str, classes: tuple[str, ...]) -> None:
    if name not in classes:
        raise unknown_name("class", name, classes)


def alike(name: str, classes: tuple[str, ...]) -> str | None:
    """A class that may be meant by the same name: other capitals, another ending, a slip of the finger."""
    by_letters = {c.casefold(): c for c in classes}
    near = difflib.get_close_matches(name.casefold(), by_letters, n=1, cutoff=0.75)
    return by_letters[near[0]] if near else None


def count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")

"""The signature of a strategy is its configuration: what can be set, and whether a value fits."""

import inspect
from typing import Any, Literal, get_args, get_origin

from tacit.errors import UnknownName, WrongUsage
from tacit.methods.settings import convert, flag
from tacit.select.picks import Choose

GIVEN = ("space", "labels", "k", "seed", "model", "latest")  # by whoever runs the loop


def settings(strategy: Choose) -> dict[str, inspect.Parameter]:
    """What can be set: name -> parameter, with its default and its type."""
    return {name: p for name, p in inspect.signature(strategy).parameters.items() if name not in GIVEN}


def takes(strategy: Choose, given: str) -> bool:
    """Whether a strategy wants one of the things that only the loop can give it."""
    return given in inspect.signature(strategy).parameters


def use_when(strategy: Choose) -> str:
    """The line that completes "use it when ..."."""
    return (inspect.getdoc(strategy) or "").partition("\n")[0]


def bind(name: str, strategy: Choose, options: dict[str, Any]) -> dict[str, Any]:
    """All settings of a strategy: the defaults, changed by `options`, whose values may be text from a command line.

    Raises `UnknownName` and `WrongUsage`.
    """
    known = settings(strategy)
    if options and not known:
        raise UnknownName(f"{name} has no settings; it was given {', '.join(flag(option) for option in options)}")
    changed = convert(options, {option: p.annotation for option, p in known.items()})
    for option, value in changed.items():
        kind = known[option].annotation
        if get_origin(kind) is Literal and value not in get_args(kind):
            raise WrongUsage(f"{flag(option)} is {value!r}; it can be {' or '.join(get_args(kind))}")
        if kind is int and isinstance(value, int) and value < 1:
            raise WrongUsage(f"{flag(option)} is {value}; it counts something, so 1 is the least")
    return {option: changed.get(option, p.default) for option, p in known.items()}

"""The signature of a strategy is its configuration: what can be set, and whether a value fits."""

import inspect
from typing import Any, Literal, get_args, get_origin

from tacit.errors import UnknownName, WrongUsage, unknown_name
from tacit.select.picks import Choose

GIVEN = ("space", "labels", "k", "seed", "model")  # by whoever runs the loop
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def settings(strategy: Choose) -> dict[str, inspect.Parameter]:
    """What can be set: name -> parameter, with its default and its type."""
    return {name: p for name, p in inspect.signature(strategy).parameters.items() if name not in GIVEN}


def takes_model(strategy: Choose) -> bool:
    return "model" in inspect.signature(strategy).parameters


def use_when(strategy: Choose) -> str:
    """The line that completes "use it when ..."."""
    return (inspect.getdoc(strategy) or "").partition("\n")[0]


def bind(name: str, strategy: Choose, options: dict[str, Any]) -> dict[str, Any]:
    """All settings of a strategy: the defaults, changed by `options`. Text, as from a command line, is converted."""
    known = settings(strategy)
    if unknown := [option for option in options if option not in known]:
        if not known:
            raise UnknownName(f"{name} has nothing to set; it was given {', '.join(unknown)}")
        raise UnknownName("\n".join(str(unknown_name(f"setting of {name}", option, known)) for option in unknown))
    changed = {option: _fit(f"{name}: {option}", value, known[option].annotation) for option, value in options.items()}
    return {option: changed.get(option, p.default) for option, p in known.items()}


def _fit(what: str, value: Any, kind: Any) -> Any:
    """The value as its type has it, or `WrongUsage`."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise WrongUsage(f"{what} is {value!r}; it can be {' or '.join(get_args(kind))}")
        return value
    if kind is bool:
        if str(value).lower() not in YES + NO:
            raise WrongUsage(f"{what} is {value!r}; it can be true or false")
        return str(value).lower() in YES
    try:
        fitted = kind(value)
    except (TypeError, ValueError):
        raise WrongUsage(f"{what} is {value!r}; expected a number") from None
    if kind is int and (fitted < 1 or fitted != float(value)):
        raise WrongUsage(f"{what} is {value!r}; expected a whole number from 1 on")
    return fitted

"""Settings by name: what a person typed or a page's form holds, checked and converted by a method's signature."""

import dataclasses
import difflib
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tacit.errors import UnknownName, WrongUsage
from tacit.methods.method import Method, Recipe


def method_options(cls: type[Method]) -> dict[str, inspect.Parameter]:
    """The hyperparameters of a method by name: their `annotation` and `default` are all there is to know."""
    signature = inspect.signature(cls.__init__, eval_str=True)
    return {name: option for name, option in signature.parameters.items() if name not in ("self", "spec")}


def split_settings(cls: type[Method], settings: Mapping[str, object]) -> tuple[dict[str, object], Recipe]:
    """The method's own options, and its recipe with the training settings among them replaced.

    Names are taken with dashes or underscores, values as they are or as strings. Raises one error for all that does
    not fit: UnknownName where a name is not known, else WrongUsage.
    """
    options = {name: option.annotation for name, option in method_options(cls).items()}
    recipe = {field.name: field.type for field in dataclasses.fields(Recipe)}
    values = convert(settings, {**recipe, **options})
    own = {name: values.pop(name) for name in options if name in values}
    changes: dict[str, Any] = values
    return own, dataclasses.replace(cls.recipe, **changes)


def settings_of_each(classes: Sequence[type[Method]], settings: Mapping[str, object]) -> list[dict[str, object]]:
    """Of settings meant for several methods, those that each of them knows.

    An error where one is known to none, or no method could read it.
    """
    recipe = {field.name: field.type for field in dataclasses.fields(Recipe)}
    known = [recipe | {name: option.annotation for name, option in method_options(cls).items()} for cls in classes]
    plain = {key.lstrip("-").replace("-", "_"): value for key, value in settings.items()}
    unread = {
        name: value
        for name, value in plain.items()
        if not any(_fits(value, each[name]) for each in known if name in each)
    }
    convert(unread, {name: kind for each in known for name, kind in each.items()})
    return [{name: value for name, value in plain.items() if name in each} for each in known]


def convert(settings: Mapping[str, object], known: Mapping[str, Any]) -> dict[str, object]:
    """Settings as their types (`known`: name -> annotation) say: int, float, bool, str, each also with `| None`."""
    values: dict[str, object] = {}
    unknown: list[tuple[str, str]] = []
    wrong: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = key.lstrip("-").replace("-", "_")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            unknown.append((name, f"did you mean {flag(close[0])}?" if close else "nothing is called so"))
            continue
        if name in values:
            wrong.append((name, "is given twice"))
            continue
        try:
            values[name] = _value(value, known[name])
        except ValueError as expected:
            wrong.append((name, f"needs {expected}, not {value!r}"))
    if not unknown and not wrong:
        return values
    count, verb = len(unknown) + len(wrong), "not known" if not wrong else "wrong"
    title = f"1 setting is {verb}" if count == 1 else f"{count} settings are {verb}"
    width = max(len(flag(name)) for name, _ in unknown + wrong)
    lines = [f"  {flag(name):{width}}  {said}" for name, said in unknown + wrong]
    if unknown:
        lines.append(f"  known: {', '.join(flag(name) for name in sorted(known))}")
    raise (UnknownName if unknown else WrongUsage)("\n".join([title, *lines]))


def _fits(value: object, annotation: Any) -> bool:
    try:
        _value(value, annotation)
    except ValueError:
        return False
    return True


def flag(name: str) -> str:
    """A setting as it is typed: latent_dim -> --latent-dim."""
    return "--" + name.replace("_", "-")


def _value(value: object, annotation: Any) -> object:
    """The value as the annotation says; a ValueError that says what was expected where it does not fit."""
    kinds = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    optional = type(None) in kinds
    kind = next(kind for kind in kinds if kind is not type(None))
    if optional and (value is None or value == "none"):
        return None
    if kind not in READ:
        return value  # a type of someone else's method: it is theirs to check
    read, expected = READ[kind]
    try:
        return read(value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise ValueError(f"{expected} or none" if optional else expected) from None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (not isinstance(value, str) and int(value) != value):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _yes_or_no(value: Any) -> bool:
    return value if isinstance(value, bool) else YES_NO[str(value).lower()]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


YES_NO = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
READ: dict[Any, tuple[Callable[[Any], object], str]] = {
    int: (_whole, "a whole number"),
    float: (_number, "a number"),
    bool: (_yes_or_no, "yes or no"),
    str: (_text, "text"),
}

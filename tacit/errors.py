"""Errors that speak to the person: what happened, what was expected, what to type next.

The doors print the sentence alone and leave with the code; nobody has to read a traceback.
"""

import difflib
from collections.abc import Iterable


class TacitError(Exception):
    """Any failure a person can do something about."""

    exit_code = 1


class WrongUsage(TacitError):
    """A command or an argument that does not fit."""

    exit_code = 2


class UnknownName(WrongUsage):
    """A method, strategy or setting that does not exist."""


class BadData(TacitError):
    """Items, labels or files that cannot be used as they are."""

    exit_code = 3


class NotEnoughLabels(BadData):
    """Fewer labels than the work at hand needs."""


class BadEnvironment(TacitError):
    """The machine: a missing package, a full disk, a project of a newer version."""

    exit_code = 4


class TrainingFailed(TacitError):
    """A training that cannot go on: the loss is no longer a number, say."""

    exit_code = 5


class Stopped(TacitError):
    """A person pressed Ctrl-C; what was done so far is saved."""

    exit_code = 130


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a misspelt name: the nearest one first, then all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"\n  did you mean: {close[0]}?" if close else ""
    return UnknownName(f"there is no {what} called {name!r}{meant}\n  known: {', '.join(known)}")

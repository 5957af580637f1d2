"""Which run a classifier begins with (`tacit train mixmatch --trunk-of RUN`)."""

from typing import Any

from tacit import methods
from tacit.deploy.export import load
from tacit.errors import WrongUsage
from tacit.methods.method import Method
from tacit.project.home import Home


def begin_with(project: Home, method: str, name: str | None) -> tuple[str, Method] | tuple[None, None]:
    """The run that this method is to begin with, and what was learned there: the named, or for a method that cannot do
    without one the latest of `learn`. Nothing for a method that begins anew."""
    cls = methods.find(method)
    if name is not None and not hasattr(cls, "take_over"):
        raise WrongUsage(
            f"--trunk-of {name} was given, and {method} begins anew\n  try: tacit train finetune --trunk-of {name}"
        )
    if name is None and not cls.needs_trunk:
        return None, None
    run = project.run(name, "learn")
    if not run.finished:
        raise WrongUsage(f"run {run.name} is not finished, so nothing can begin with it\n  try: tacit learn --resume")
    return run.name, load(run.folder, trust_code=True)


def take_over(project: Home, method: Any, name: str | None) -> None:
    """Hand a method that is resumed the trunk of the run its record names, where it names one."""
    if name is not None:
        method.take_over(load(project.run(name, "learn").folder, trust_code=True))

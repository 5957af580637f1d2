"""Which run teaches a student (`tacit train distil --teacher RUN`)."""

from typing import Any

from tacit import methods
from tacit.deploy.export import load
from tacit.engine.device import channels_last
from tacit.errors import WrongUsage
from tacit.methods.method import Method
from tacit.project.home import Home


def teacher_of(project: Home, method: str, name: str | None) -> tuple[str, Method] | tuple[None, None]:
    """The run that teaches this method, and what was trained there: the named, or the latest of `train`. Nothing for a
    method that learns without a teacher."""
    if not hasattr(methods.find(method), "learn_from"):
        if name is not None:
            raise WrongUsage(
                f"--teacher {name} was given, and {method} has no teacher\n  try: tacit train distil --teacher {name}"
            )
        return None, None
    run = project.run(name, "train")
    if not run.finished:
        raise WrongUsage(f"run {run.name} is not finished, so it teaches nothing yet\n  try: tacit train --resume")
    teacher = load(run.folder, trust_code=True)
    channels_last(teacher)
    return run.name, teacher


def learn_from(project: Home, method: Any, name: str | None) -> None:
    """Hand a method that is resumed the teacher that its record names, where it names one."""
    if name is not None:
        method.learn_from(teacher_of(project, "distil", name)[1])

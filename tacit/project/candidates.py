"""Which classifiers `train auto` compares: those that fit the items, the settings and what has been learned so far."""

from dataclasses import dataclass, replace
from typing import Any

from tacit import methods
from tacit.compare import LEAST, in_a_line
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.deploy.export import load
from tacit.engine.device import Device
from tacit.errors import TacitError, WrongUsage
from tacit.methods.beginning import options_of
from tacit.methods.method import Method, Recipe
from tacit.methods.relatives import wants_relatives
from tacit.project.home import Home
from tacit.project.starting import Watch
from tacit.rounds import Train, trainer

STEPS = 600  # of a training in the comparison, unless --steps says otherwise: minutes, not hours, on two cores
ORDER = {  # the simplest first: ties go to it
    "image": ("supervised", "linear", "finetune", "mixmatch", "fixmatch"),
    "sound": ("supervised", "linear", "finetune", "mixmatch", "fixmatch"),
    "vector": ("supervised", "linear", "finetune", "pseudo_label", "mixmatch"),
}
WITH_TRUNK = "fixmatch"  # which is tried with the learned trunk as well


@dataclass(frozen=True)
class Candidate:
    """A classifier as it would be trained on all answers."""

    name: str
    method: str
    options: dict[str, Any]
    recipe: Recipe
    learned: Method | None = None

    def train(self, steps: int, where: Device, watch: Watch | None) -> Train:
        """The same with another number of steps, for the comparison."""
        recipe = replace(self.recipe, steps=steps)
        return trainer(self.method, learned=self.learned, recipe=recipe, device=where, watch=watch, **self.options)


def candidates(
    pool: Pool, settings: dict[str, str], learned: Method | None
) -> tuple[list[Candidate], list[dict[str, str]]]:
    """What can be trained on these items, the simplest first; and what cannot, each with the reason."""
    names = [name for name in ORDER[pool.spec.kind] if name in methods.CATALOGUE]
    classes = [methods.find(name) for name in names]
    found, refused = [], []
    for name, cls, typed in zip(names, classes, methods.settings_of_each(classes, settings), strict=True):
        ways = [(name, learned if cls.needs_trunk else None)]
        if name == WITH_TRUNK and learned:
            ways.append((f"{name} with the trunk", learned))
        for title, trunk in ways:
            try:
                found.append(candidate(title, name, pool, typed, trunk))
            except TacitError as error:
                if name == names[0]:
                    raise
                refused.append({"candidate": title, "reason": in_a_line(error)})
    return found, refused


def candidate(title: str, name: str, pool: Pool, typed: dict[str, object], learned: Method | None) -> Candidate:
    """A candidate that was built once, so that what does not fit is known before anything is trained."""
    cls: Any = methods.find(name)
    if cls.needs_trunk and learned is None:
        raise WrongUsage("no space with a trunk to begin with has been learned yet (tacit learn)")
    options, recipe = methods.split_settings(cls, typed)
    method: Any = methods.build(name, pool.spec, **{**(cls.options_of(learned) if learned else {}), **options})
    if wants_relatives(method) is not None:
        raise WrongUsage(
            f"relatives of items are for one method at a time\n  try: tacit train {name} --augment exemplar"
        )
    if learned:
        method.take_over(learned)
    method.check(pool, recipe)
    return Candidate(title, name, method.options, recipe, learned)


def steps_of(one: Candidate, settings: dict[str, str]) -> int:
    return one.recipe.steps if "steps" in settings else min(STEPS, one.recipe.steps)


def uncompared(found: list[Candidate], kind: str) -> tuple[str, str]:
    """What is trained where too few answers can be held out, and the sentence that says why."""
    names = [one.name for one in found]
    why = f"too few labels to compare: fewer than {LEAST} are of a class with two labels or more"
    for name in ("linear", "finetune"):
        if name in names:
            return name, f"{why}; {name} is taken, because a learned space needs the fewest"
    if kind == "image" and "fixmatch" in names:
        return "fixmatch", f"{why}; fixmatch is taken, because it learns from the other items too"
    return names[0], f"{why}; {names[0]} is taken, the baseline"


def usable_trunk(project: Home, spec: ItemSpec) -> tuple[str, Method] | tuple[None, None]:
    """The latest finished run of `learn` whose trunk a classifier of these items can begin with."""
    for run in reversed(project.runs):
        if run.record.get("task") != "learn" or not run.finished:
            continue
        learned = load(run.folder, trust_code=True)
        try:
            options_of(learned)
        except WrongUsage:
            continue
        if learned.spec.with_classes(()) == spec.with_classes(()):
            return run.name, learned
    return None, None

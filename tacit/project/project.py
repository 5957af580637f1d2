"""A project: one folder on disk, and the verbs a person uses on it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tacit.outcome import Outcome
from tacit.project import (
    asking,
    choosing,
    classes,
    comparing,
    learning,
    making,
    measuring,
    reporting,
    simulating,
    taking,
    training,
    turning,
    viewing,
)
from tacit.project.home import Home

Watch = Callable[[dict[str, Any]], None]


class Project(Home):
    """Items, answers, runs, spaces and reports in one folder.

    >>> project = Project.create("photos/")           # tacit init photos/
    >>> project.learn("vae", steps=3000)              # tacit learn vae --steps 3000
    >>> project.choose("typical", k=20)               # tacit choose typical -k 20
    >>> project.import_labels("answers.csv")          # tacit label --import answers.csv
    >>> project.train()                               # tacit train
    >>> print(project.evaluate())                     # tacit evaluate
    """

    def found(self) -> Outcome:
        """What the latest scan found: what `create` has just read."""
        return measuring.found(self)

    def look(self) -> Outcome:
        """What is in the source now, after a fresh scan."""
        return measuring.look(self)

    def look_at_views(self, method: str | None = None, **settings: Any) -> Outcome:
        """A picture of what a method sees of some items while it learns: `reports/views.png`."""
        return viewing.look_at_views(self, method, settings)

    def learn(
        self, method: str = "auto", *, resume: bool = False, watch: Watch | None = None, **settings: Any
    ) -> Outcome:
        """Learn a latent space from all items of the pool, without a label."""
        return learning.learn(self, method, resume=resume, watch=watch, settings=settings)

    def choose(self, strategy: str = "auto", *, k: int = 20, **options: Any) -> Outcome:
        """Choose the next items to label, each with a reason, and remember the choice as a round."""
        return choosing.choose_next(self, strategy, k, options)

    def round(self, k: int = 20, run: str | None = None, *, watch: Watch | None = None) -> Outcome:
        """One turn of the loop: a quick model of the answers so far, its guesses, and the next k items by it; or by `run`."""
        return turning.turn(self, k, run, watch=watch)

    def import_labels(self, path: str | Path, **options: Any) -> Outcome:
        return asking.import_answers(self, Path(path), **options)

    def export_labels(self, path: str | Path, **options: Any) -> Outcome:
        return asking.export_answers(self, Path(path), **options)

    def add_class(self, name: str) -> Outcome:
        return classes.add(self, name)

    def rename_class(self, old: str, new: str, *, who: str = "me") -> Outcome:
        """Give a class another name in all its answers; undone like one answer."""
        return classes.rename(self, old, new, who=who)

    def remove_class(self, name: str, instead: str | None = None, *, who: str = "me") -> Outcome:
        """Remove a class; its items get the class `instead`, or with "" lose their answers."""
        return classes.remove(self, name, instead, who=who)

    def order_classes(self, names: list[str]) -> Outcome:
        """Put the classes in another order, and so on other keys."""
        return classes.order(self, names)

    def todo(self, path: str | Path, *, yardstick: int = 0, overwrite: bool = False) -> Outcome:
        """Write the items to be answered now (the latest round, or n yardstick items) as a table to fill in."""
        return asking.todo(self, Path(path), yardstick=yardstick, overwrite=overwrite)

    def ask_truth(self, *, yardstick: bool = False) -> Outcome:
        """Let the hidden truth answer the latest round (or the whole yardstick), as an annotator would."""
        return asking.ask_truth(self, yardstick=yardstick)

    def undo(self) -> Outcome:
        return asking.undo(self)

    def train(
        self, method: str = "supervised", *, resume: bool = False, watch: Watch | None = None, **settings: Any
    ) -> Outcome:
        """Train a classifier on the answers there are; `auto` compares several on them and keeps the best."""
        if comparing.concerns(self, method, resume):
            return comparing.train_best(self, resume=resume, watch=watch, settings=settings)
        return training.train(self, method, resume=resume, watch=watch, settings=settings)

    def evaluate(self, run: str | None = None) -> Outcome:
        """How good, on the yardstick only, with intervals."""
        return measuring.evaluate_run(self, run)

    def evaluate_space(self, run: str | None = None, *, layer: str | None = None) -> Outcome:
        """What the learned space (and another `layer`, or `all`) knows: neighbours' vote and linear probe beside raw items,
        clusters, health, how codes lie on the sphere."""
        return measuring.evaluate_space(self, run, layer)

    def simulate(self, strategies: list[str], **options: Any) -> Outcome:
        """Strategies x learners x seeds against hidden labels (`learner="supervised,fixmatch"`); random always runs beside
        them."""
        return simulating.simulate_strategies(self, strategies, **options)

    def export(self, run: str | None = None, to: str | Path | None = None, *, onnx: bool = True) -> Outcome:
        return taking.export_run(self, run, Path(to) if to else None, onnx=onnx)

    def predict(self, source: str | Path | None = None, **options: Any) -> Outcome:
        return taking.predict_items(self, Path(source) if source else None, **options)

    def generate(self, items: Sequence[str | Path] = (), n: int = 16, **options: Any) -> Outcome:
        """n new items like each of some items (of the project, or from files), or n from the prior; see `making.py`."""
        return making.generate(self, [str(item) for item in items], n, **options)

    def report(self, to: str | Path | None = None, *, overwrite: bool = False) -> Outcome:
        """One self-contained HTML file."""
        return reporting.report(self, Path(to) if to else None, overwrite=overwrite)

    def picture(self, to: str | Path | None = None) -> Outcome:
        """One SVG file: the map with its picks, and the curve of the latest simulation."""
        return reporting.write_picture(self, Path(to) if to else None)

"""What there is to choose from, and what was run."""

import inspect
from dataclasses import asdict

from tacit import methods
from tacit.errors import UnknownName
from tacit.evaluate.classify import percent
from tacit.evaluate.intervals import Interval
from tacit.outcome import Outcome, table
from tacit.project.home import Home
from tacit.select import CATALOGUE as STRATEGIES
from tacit.select.settings import settings, use_when


def catalogue(name: str | None) -> Outcome:
    """The use-it-when table; or the settings of one method or strategy, read from its signature."""
    if name is not None:
        return strategy_settings(name) if name in STRATEGIES else method_settings(name)
    learners = {n: m for n, m in methods.CATALOGUE.items() if not hasattr(m, "logits")}
    classifiers = {n: m for n, m in methods.CATALOGUE.items() if hasattr(m, "logits")}
    lines = ["tacit learn ...   use it when"]
    lines += table([[n, m.use_when] for n, m in learners.items()])
    lines += ["", "tacit train ...   use it when", *table([[n, m.use_when] for n, m in classifiers.items()])]
    lines += ["", "tacit choose ...  use it when", *table([[n, use_when(f)] for n, f in STRATEGIES.items()])]
    lines += ["", "settings of one: tacit methods NAME"]
    record = {
        "methods": {
            n: {"use_when": m.use_when, "paper": m.paper, "classifies": hasattr(m, "logits")}
            for n, m in methods.CATALOGUE.items()
        },
        "strategies": {n: {"use_when": use_when(f)} for n, f in STRATEGIES.items()},
    }
    return Outcome(record, lines)


def method_settings(name: str) -> Outcome:
    try:
        cls = methods.find(name)
    except UnknownName as error:
        raise UnknownName(f"{error}\n  strategies: {', '.join(sorted(STRATEGIES))}") from None
    options = keyword_defaults(cls.__init__)
    recipe = asdict(cls.recipe)
    lines = [f"{name}: use it when {cls.use_when}", f"  {cls.paper}", "settings (--name value):"]
    lines += table([[f"--{k.replace('_', '-')}", str(v)] for k, v in options.items()])
    lines += ["training:", *table([[f"--{k.replace('_', '-')}", str(v)] for k, v in recipe.items()])]
    lines += ["anywhere:", *table([["--seed", "the project's"], ["--device", "auto"], ["--precision", "auto"]])]
    return Outcome({"name": name, "options": options, "recipe": recipe, "paper": cls.paper}, lines)


def strategy_settings(name: str) -> Outcome:
    function = STRATEGIES[name]
    options = {k: p.default for k, p in settings(function).items()}
    lines = [f"{name}: use it when {use_when(function)}", "settings (--name value):"]
    lines += table([[f"--{k.replace('_', '-')}", str(v)] for k, v in options.items()]) or ["  none"]
    return Outcome({"name": name, "options": options}, lines)


def keyword_defaults(function: object) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}


def list_runs(project: Home) -> Outcome:
    """Every run: what was called, how it ended."""
    runs = project.runs
    rows = [["run", "task", "status", "seconds", "labels", "accuracy"]]
    for run in runs:
        r = run.record
        accuracy = percent(Interval(*r["accuracy"])) if "accuracy" in r else ""
        rows.append(
            [run.name, r.get("task", ""), r["status"], str(r.get("seconds", "")), str(r.get("labels", "")), accuracy]
        )
    lines = table(rows) if runs else ["nothing has been run yet", "next: tacit learn"]
    return Outcome({"runs": [{"name": run.name, **run.record} for run in runs]}, lines)

"""What a job is asked to do, checked before anything starts: the order of a page as words behind `tacit`.

Names and settings are those the verbs know. Nothing here may run code or write where a page says: that is for the shell.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tacit.errors import BadEnvironment, WrongUsage
from tacit.web.schemas import JobOrder

if TYPE_CHECKING:
    from tacit.project import Project

LONGEST = 200  # characters of a value
ANYWHERE = {"seed": int, "device": str, "precision": str}  # settings that every training has
RUNS = {"generator": "learn", "trunk_of": "learn", "teacher": "train"}  # settings that name a run, and of which task
SIMULATION = {"first": int, "k": int, "rounds": int, "seeds": int, "image": str, "learner": str, "steps": int}


def words_of(order: JobOrder, project: "Project") -> list[str]:
    """The order as it is typed in a shell; WrongUsage or UnknownName, in words, where it does not fit."""
    typed = {key.replace("-", "_"): plain(key, value) for key, value in order.settings.items()}
    if len(typed) < len(order.settings):
        raise WrongUsage("a setting is given twice, once with dashes and once with underscores")
    if order.resume:
        return resumed(order, project)
    return [order.verb, *WORDS[order.verb](order.name, typed, project)]


def plain(key: str, value: str) -> str:
    """A value that is one line of text."""
    if not value.isprintable() or len(value) > LONGEST:
        raise WrongUsage(f"the value of {key[:50]!r} must be one line of at most {LONGEST} characters")
    return value


def resumed(order: JobOrder, project: "Project") -> list[str]:
    from tacit.project.starting import interrupted

    if order.verb not in ("learn", "train"):
        raise WrongUsage(f"{order.verb} cannot be resumed\n  start it again")
    if order.name or order.settings:
        raise WrongUsage(f"a resumed {order.verb} goes on as it began\n  leave out its name and settings")
    interrupted(project, order.verb)
    return [order.verb, "--resume"]


def learn(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    from tacit import methods
    from tacit.project.learning import automatic
    from tacit.project.starting import refuse_to_forget

    name = no_code("learn", name or "auto")
    if name == "auto":
        refuse_to_forget(project, "learn")
    cls = methods.find(automatic(project.pool)[0] if name == "auto" else name)
    if hasattr(cls, "logits"):
        raise WrongUsage(f"{name} needs labels: it classifies\n  train it instead")
    methods.split_settings(cls, own(typed))
    return [name, *flags(typed)]


def train(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    from tacit import methods
    from tacit.methods.settings import convert
    from tacit.project.candidates import ORDER
    from tacit.project.training import check_labels

    name = no_code("train", name or "supervised")
    if name != "auto" and not hasattr(methods.find(name), "logits"):
        raise WrongUsage(f"{name} does not classify: it learns without labels\n  learn it instead")
    pool = project.pool
    rest = own(typed)
    convert({"calibrate": rest.pop("calibrate", "no")}, {"calibrate": bool})
    named = {key: rest.pop(key) for key in RUNS if key in rest and (name != "auto" or key == "trunk_of")}
    if name == "auto":
        classes = [methods.find(one) for one in ORDER[pool.spec.kind] if one in methods.CATALOGUE]
        methods.settings_of_each(classes, rest)
    else:
        methods.split_settings(methods.find(name), rest)
    for key, run in named.items():
        project.run(run, RUNS[key])
    check_labels(project.answers(pool), pool)
    return [name, *flags(typed)]


def round_(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    values = known(typed, {"k": int, "with": str})
    run, k = name or values.get("with"), values.get("k", 20)
    if not 1 <= k <= 500:
        raise WrongUsage(f"k is {k}; a round asks about 1 to 500 items")
    return ["-k", str(k), *([f"--with={project.run(run, 'train').name}"] if run else [])]


def evaluate(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    values = known(typed, {"space": bool, "layer": str})
    task = "learn" if values.get("space") else "train"
    if "layer" in values and task == "train":
        raise WrongUsage("a layer is one of a space\n  set space to yes, or leave out the layer")
    words = [f"--run={project.run(name, task).name}"]
    return words + (["--space"] if task == "learn" else []) + flags({k: v for k, v in typed.items() if k == "layer"})


def report(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    known(typed, {})
    if name:
        raise WrongUsage("a report is of the whole project\n  leave out the name")
    return []


def export(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    values = known(typed, {"onnx": bool})
    run = project.run(name, "train" if name is None else "")
    return [f"--run={run.name}", *([] if values.get("onnx", True) else ["--no-onnx"])]


def simulate(name: str | None, typed: dict[str, str], project: "Project") -> list[str]:
    from tacit import methods
    from tacit.project.simulating import learner_names, plans_of

    values = known(typed, SIMULATION)
    strategies = [one for one in (name or "auto").replace(",", " ").split() if one]
    learners = [no_code("simulate", one) for one in learner_names(values.get("learner", "supervised"))]
    for one in learners:
        methods.find(one)
    plans_of(strategies, learners, values.get("image", "real"))
    if small := [key for key, value in values.items() if isinstance(value, int) and value < 1]:
        raise WrongUsage(f"{small[0]} is {values[small[0]]}; it counts something, so 1 is the least")
    project.truth(project.pool)
    k = ["-k", typed["k"]] if "k" in typed else []
    return [*strategies, *k, *flags({key: value for key, value in typed.items() if key != "k"})]


WORDS: dict[str, Callable[[str | None, dict[str, str], "Project"], list[str]]] = {
    "learn": learn,
    "train": train,
    "round": round_,
    "evaluate": evaluate,
    "report": report,
    "export": export,
    "simulate": simulate,
}


def no_code(verb: str, name: str) -> str:
    """A name of the catalogue: a method of one's own is code, which a page must not be able to run."""
    if ":" in name or name.endswith(".py"):
        raise WrongUsage(f"a method in a file of your own is started from the shell\n  tacit {verb} file.py:Class")
    return name


def own(typed: dict[str, str]) -> dict[str, str]:
    """The settings of the method itself, the others checked."""
    from tacit.engine.device import pick

    values = known({key: value for key, value in typed.items() if key in ANYWHERE}, ANYWHERE)
    if "device" in values or "precision" in values:
        try:
            pick(values.get("device", "auto"), values.get("precision", "auto"))
        except BadEnvironment as error:  # it was asked for: nothing is wrong with the server
            raise WrongUsage(str(error)) from error
    return {key: value for key, value in typed.items() if key not in ANYWHERE}


def known(typed: dict[str, str], kinds: dict[str, Any]) -> dict[str, Any]:
    from tacit.methods.settings import convert

    if typed and not kinds:
        raise WrongUsage(f"there is no setting called {next(iter(typed))!r} here: this takes none")
    return convert(typed, kinds)


def flags(typed: dict[str, str]) -> list[str]:
    """Name and value in one word, so that a value cannot begin an option of its own."""
    return [f"--{key.replace('_', '-')}={value}" for key, value in typed.items()]

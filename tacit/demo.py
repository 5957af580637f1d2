"""The whole main job on real digits, in about a minute: learn, choose, ask, train, report, with random beside it."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tacit.errors import WrongUsage
from tacit.outcome import Outcome
from tacit.project import Project

FIRST, STEP = 20, 20  # labels at the start, and a round
SEEDS = 5


def demo(
    folder: Path, *, strategy: str = "auto", budget: int = 100, seed: int = 0, say: Callable[[str], None] = print
) -> Outcome:
    """Leave a project and a report; the record holds the accuracy of the strategy and of random at the same budget."""
    began = time.perf_counter()
    if budget < FIRST or budget % STEP:
        raise WrongUsage(
            f"--labels is {budget}; labels are bought {STEP} at a time, so expected {FIRST}, {FIRST + STEP}, ..."
        )
    folder = unused(folder)
    source = write_digits(folder)
    say("tacit demo: 1,797 real handwritten digits, 8x8 pixels; their labels are hidden and answer when asked")
    project = Project.create(source, folder, seed=seed)
    say(str(project.found()))

    say("\nlearn: a latent space from the items alone")
    say(str(project.learn("vae", steps=3000)))

    say("\nchoose, ask, train: in rounds")
    for round_number in range(budget // STEP):
        chosen = project.choose(strategy, k=STEP)
        project.ask_truth()
        trained = project.train()
        say(
            f"  round {round_number + 1} ({chosen.record['strategy']}): {trained.record['labels']} labels, {accuracy_of(trained)}"
        )

    say(f"\nsimulate: the same loop and random choice side by side, {SEEDS} seeds, same budget, same training")
    simulated = project.simulate([strategy], first=FIRST, k=STEP, count=budget // STEP, seeds=SEEDS)
    say(str(simulated))

    exported = project.export(onnx=False)
    report = project.report().record["path"]
    picture = project.picture().record["path"]
    random, ours = simulated.record["curves"]
    seconds = round(time.perf_counter() - began, 1)
    record = {
        "labels": budget,
        "accuracy": round(ours["last"][0], 4),
        "interval": [round(v, 4) for v in ours["last"][1:]],
        "random_accuracy": round(random["last"][0], 4),
        "random_interval": [round(v, 4) for v in random["last"][1:]],
        "strategy": ours["strategy"],
        "seconds": seconds,
        "project": str(folder),
        "export": exported.record["folder"],
        "picture": picture,
        "report": report,
    }
    lines = [
        f"{budget} labels chosen by {ours['strategy']}: {record['accuracy']:.1%}; at random: {record['random_accuracy']:.1%}   ({seconds:.0f} s)",
        f"look around: tacit look -p {folder}, tacit methods, tacit report -p {folder}",
        f"report: {report}",
    ]
    return Outcome(record, lines)


def accuracy_of(trained: Outcome) -> str:
    value, (low, high) = trained.record["accuracy"]["value"], trained.record["accuracy"]["interval"]
    return f"accuracy {value:.1%} [{low:.1%}, {high:.1%}]"


def unused(folder: Path) -> Path:
    """The folder itself, or the same name with the next free number: nothing is ever overwritten."""
    if not folder.exists():
        return folder
    number = 2
    while folder.with_name(f"{folder.name}-{number}").exists():
        number += 1
    return folder.with_name(f"{folder.name}-{number}")


def write_digits(folder: Path) -> Path:
    """The digits that ship with scikit-learn (UCI Optical Recognition of Handwritten Digits, test part) as an array file."""
    from sklearn.datasets import load_digits

    data = load_digits()
    folder.mkdir(parents=True)
    path = folder / "digits.npz"
    np.savez_compressed(path, x=np.round(data.images * (255 / 16)).astype(np.uint8), y=data.target)
    return path

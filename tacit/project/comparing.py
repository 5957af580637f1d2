"""The verb `train auto`: classifiers compared on the answers there are, and the best trained on all of them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacit.compare import PARTS, Answered, Row, best_of, compare, parts_of, rows_of, uneven
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED
from tacit.deploy.export import load
from tacit.disk import write_atomic
from tacit.engine import distributed
from tacit.engine.device import pick
from tacit.engine.run import Run
from tacit.errors import Stopped, WrongUsage
from tacit.evaluate.calibration import parts as calibration_parts
from tacit.evaluate.classify import percent
from tacit.evaluate.intervals import Interval
from tacit.methods.settings import convert
from tacit.outcome import Outcome, table
from tacit.project import training
from tacit.project.candidates import Candidate, candidates, steps_of, uncompared, usable_trunk
from tacit.project.home import Home
from tacit.project.starting import Watch, circumstances, interrupted
from tacit.project.trunks import begin_with

AUTO = "auto"
ANSWERS = "answers.jsonl"  # in the run's folder: a line for every training of the comparison that is finished


def concerns(project: Home, method: str, resume: bool) -> bool:
    """Whether a call of `train` is about a comparison: one asked for, or one to go on with."""
    if not resume:
        return method == AUTO
    last = latest(project)
    return last is not None and not last.finished and "comparison" in last.record


def train_best(project: Home, *, resume: bool, watch: Watch | None, settings: dict[str, Any]) -> Outcome:
    """Compare, keep the best, train it on all answers: one run, which goes on wherever it was stopped."""
    run = interrupted(project, "train") if resume else begin(project, settings)
    if run.record["method"] == AUTO:
        decide(project, run, watch)
    trained = training.train(project, AUTO, resume=True, watch=watch, settings={})
    if not distributed.world().first:
        return Outcome()
    compared = Run.open(run.folder).record["compared"]
    return Outcome(trained.record | {"compared": compared}, [*lines_of(compared), *trained.lines])


def begin(project: Home, settings: dict[str, Any]) -> Run:
    """Check every setting and make the run's folder; or find the run where the same was begun and not finished."""
    pool = project.pool
    labels = project.answers(pool)
    training.check_labels(labels, pool)
    typed = {key.replace("-", "_"): "none" if value is None else str(value) for key, value in settings.items()}
    seed = int(typed.pop("seed", project.seed))
    where = pick(typed.pop("device", "auto"), typed.pop("precision", "auto"))
    calibrated = convert({"calibrate": typed.pop("calibrate", "no")}, {"calibrate": bool})["calibrate"]
    if calibrated:
        calibration_parts(labels, seed)  # an error now where there are too few
    named = typed.pop("trunk_of", None)
    learner, learned = begin_with(project, "finetune", named) if named else usable_trunk(project, pool.spec)
    candidates(pool, typed, learned)
    comparison = {"labels": digest(pool, labels), "trunk_of": learner or "", "settings": typed}
    world = distributed.world()
    full = {
        **circumstances("train", seed, where, pool),
        "classes": list(pool.spec.classes),
        "labels": int((labels >= 0).sum()),
        "calibrate": calibrated or None,  # the one that is kept
        "comparison": comparison,
    }
    folder = None
    if world.first:
        last, same = latest(project), ("comparison", "seed", "calibrate")
        again = last and not last.finished and all(last.record.get(key) == full[key] for key in same)
        folder = str((last if last and again else Run.create(project.folder / "runs", AUTO, full)).folder)
    return Run.open(Path(str(world.share(folder))))


def decide(project: Home, run: Run, watch: Watch | None) -> None:
    """Compare the candidates, and write down in the run what won and why."""
    asked, seed = run.record["comparison"], run.record["seed"]
    pool = project.pool
    labels = project.answers(pool)
    if digest(pool, labels) != asked["labels"]:
        raise WrongUsage(
            f"labels have changed since {run.name} began to compare\n  compare on those of today: tacit train auto"
        )
    learner = asked["trunk_of"]
    learned = load(project.run(learner, "learn").folder, trust_code=True) if learner else None
    found, refused = candidates(pool, asked["settings"], learned)
    parts = parts_of(labels, seed)
    if parts:
        steps = {one.name: steps_of(one, asked["settings"]) for one in found}
        answered = answers_of(project, run, found, pool, labels, parts, steps, watch)
        refused += [{"candidate": one.candidate, "reason": one.refused} for one in answered if one.refused]
        rows = rows_of(answered, labels, parts, seed=seed)
        kept = best_of(rows).name
        compared = record_of(rows, pool, labels, parts) | {"steps": max(steps.values()), "verdict": verdict(rows)}
    else:
        kept, why = uncompared(found, pool.spec.kind)
        compared = {"held_out": 0, "verdict": why}
    world = distributed.world()
    kept = str(world.share(kept))
    chosen = next(one for one in found if one.name == kept)
    run.record |= {
        "method": chosen.method,
        "options": chosen.options,
        "recipe": asdict(chosen.recipe),
        "compared": compared | {"kept": kept, "left_out": refused},
        **({"trunk_of": learner} if chosen.learned else {}),
    }
    if world.first:
        run.write()
    world.any(False)  # nobody reads the record before it is written


def answers_of(
    project: Home,
    run: Run,
    found: list[Candidate],
    pool: Pool,
    labels: Tensor,
    parts: list[Tensor],
    steps: dict[str, int],
    watch: Watch | None,
) -> list[Answered]:
    """Every candidate's answers for every part; each training is on disk as soon as it is finished."""
    where = pick(run.record["device"], run.record["precision"])
    path, first = run.folder / ANSWERS, distributed.world().first
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = [Answered(**json.loads(line)) for line in lines]
    total = len(found) * len(parts)

    def told(name: str) -> Watch | None:
        return watch and (lambda record: watch({**record, "of": f"{name}, training {len(done) + 1} of {total}"}))

    trains = {one.name: one.train(steps[one.name], where, told(one.name)) for one in found}
    try:
        for one in compare(trains, pool, labels, parts, seed=run.record["seed"], done=list(done)):
            done.append(one)
            if first:
                write_atomic(path, "".join(json.dumps(asdict(each)) + "\n" for each in done))
    except KeyboardInterrupt:
        raise Stopped(
            f"stopped in training {len(done) + 1} of {total} of the comparison; those before are kept\n"
            "  go on: tacit train auto --resume"
        ) from None
    return done


def latest(project: Home) -> Run | None:
    runs = [r for r in project.runs if r.record.get("task") == "train"]
    return runs[-1] if runs else None


def digest(pool: Pool, labels: Tensor) -> str:
    """A short name of these answers about these items."""
    told = (labels != UNLABELED).nonzero().flatten()
    said = f"{len(pool)} {pool.ids[told.numpy()].tolist()} {labels[told].tolist()} {pool.spec.classes}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


# what is told of it


def record_of(rows: list[Row], pool: Pool, labels: Tensor, parts: list[Tensor]) -> dict[str, Any]:
    counts = torch.bincount(labels[labels >= 0], minlength=len(pool.spec.classes))
    return {
        "held_out": sum(len(held) for held in parts[:PARTS]),
        "repeats": len(parts) // PARTS,
        "uneven": uneven(labels),
        "alone": [name for name, n in zip(pool.spec.classes, counts.tolist(), strict=True) if n == 1],
        "rows": [
            {
                "candidate": row.name,
                "accuracy": list(ends(row.accuracy)),
                "balanced": list(ends(row.balanced)),
                "above": list(ends(row.above)),
                "seconds": round(row.seconds, 1),
            }
            for row in rows
        ],
    }


def ends(interval: Interval) -> tuple[float, float, float]:
    return round(interval.value, 4), round(interval.low, 4), round(interval.high, 4)


def verdict(rows: list[Row]) -> str:
    """What won, and whether by more than chance."""
    best, base = best_of(rows), rows[0]
    if best is base:
        return f"nothing beats {base.name} on these labels: {base.name} is kept"
    gain = above(best.above)
    if best.above.low > 0:
        return f"{best.name} beats {base.name} by {gain}, more than chance explains: it is kept"
    return (
        f"nothing beats {base.name} by more than chance explains; "
        f"{best.name} is ahead by {gain} and is kept as the best guess"
    )


def above(gain: Interval) -> str:
    value, low, high = (100 * end for end in (gain.value, gain.low, gain.high))
    return f"{value:+z.1f} points [{low:+z.1f}, {high:+z.1f}]"


def lines_of(compared: dict[str, Any]) -> list[str]:
    """The one table, what was done to get it, and what follows from it."""
    left_out = compared["left_out"]
    if not compared["held_out"]:
        return [compared["verdict"]]
    twice = ", twice" if compared["repeats"] > 1 else ""
    lines = [
        f"compared on {compared['held_out']} labels, held out in {PARTS} parts{twice}: models that learned from the others in"
        f" {compared['steps']} steps answer a part",
        "  (fewer steps where a method has fewer; what is held out stays among the unlabelled items, without its answer)",
    ]
    if compared["alone"]:
        lines.append(f"  (never held out, being alone in their class: the one label of {', '.join(compared['alone'])})")
    balanced = compared["uneven"]
    head = [
        "candidate",
        "accuracy",
        *(["balanced accuracy"] if balanced else []),
        "above supervised",
        "seconds a training",
    ]
    rows = [head]
    for i, row in enumerate(compared["rows"]):
        accuracy, even, gain = (Interval(*row[key]) for key in ("accuracy", "balanced", "above"))
        cells = [row["candidate"], percent(accuracy), *([percent(even)] if balanced else [])]
        rows.append([*cells, above(gain) if i else "", f"{row['seconds']:.1f}"])
    rows += [[one["candidate"], *[""] * (len(head) - 2), f"left out: {one['reason']}"] for one in left_out]
    lines += table(rows)
    if balanced:
        lines.append("labels are uneven over classes: balanced accuracy counts every class the same")
    return [
        *lines,
        compared["verdict"],
        "the best of several looks a little better here than it is: only the yardstick says how good",
    ]

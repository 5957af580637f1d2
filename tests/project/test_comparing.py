"""`tacit train auto`: what is compared on which answers, what is kept and said, and that it goes on after a stop."""

import json

import numpy as np
import pytest
import torch

from tacit.cli import main
from tacit.deploy.export import load
from tacit.engine.run import Run
from tacit.errors import NotEnoughLabels, Stopped, TrainingFailed, UnknownName, WrongUsage
from tacit.project import Project, candidates, choosing, comparing

CHEAP = {"trunk": "mlp", "width": 8, "steps": 2, "batch": 8, "precision": "fp32"}
SCRATCH = ["supervised", "mixmatch", "fixmatch"]


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:150, 0], y=digits[1][:150])
    return Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=30)


def answer(project, counts, aside=0):
    """Answers by the truth: so many of each class, and so many items set aside, which come back by their position."""
    truth, names = project.truth(project.pool)
    rows = [i for c, n in counts.items() for i in (truth == c).nonzero().flatten()[:n].tolist()]
    refused = [i for i in range(len(truth)) if i not in rows][:aside]
    ids = project.pool.ids
    project.labels.record([ids[i] for i in rows], [names[int(truth[i])] for i in rows])
    if refused:
        project.labels.record([ids[i] for i in refused], ["?"] * aside)
    return refused


@pytest.fixture
def perfect(monkeypatch):
    """Trainings that take no time: every candidate answers by a rule of its own."""
    rules = {}

    def use(**given):
        rules.update(given)

        def compare(trains, pool, labels, parts, *, seed, done):
            for i, held in enumerate(parts):
                for name in trains:
                    answers = rules.get(name.replace(" ", "_"), lambda y: y)(labels[held])
                    yield comparing.Answered(name, i, answers.tolist(), 1.0)

        monkeypatch.setattr(comparing, "compare", compare)

    return use


def wrong_at(n):
    """All right but the first n of every part."""
    return lambda y: torch.where(torch.arange(len(y)) < n, (y + 1) % 2, y)


def wrong_once():
    """All right but one item of the first part."""
    left = [1]
    return lambda y: wrong_at(left.pop() if left else 0)(y)


def test_candidates_are_compared_in_one_table_and_the_best_is_an_ordinary_run(project):
    refused = answer(project, {0: 6, 1: 6, 2: 1}, aside=2)
    seen, before = [], comparing.compare

    def watched(trains, pool, labels, parts, **more):
        seen.append((labels, parts))
        return before(trains, pool, labels, parts, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(comparing, "compare", watched)
        made = project.train("auto", **CHEAP)
    (labels, parts), record = seen[0], made.record["compared"]
    assert (labels[refused] == -2).all() and not set(torch.cat(parts).tolist()) & set(refused)
    assert record["held_out"] == 12 and record["repeats"] == 2 and record["alone"] == [project.classes[2]]
    assert [row["candidate"] for row in record["rows"]] == SCRATCH
    assert {one["candidate"] for one in record["left_out"]} == {"linear", "finetune"}
    best = max(record["rows"], key=lambda row: row["accuracy"][0])
    run = project.run(None, "train")
    assert record["kept"] == best["candidate"] == run.record["method"] and run.name == "001-auto" and run.finished
    assert run.record["compared"] == record and run.record["labels"] == 13 and run.record["recipe"]["steps"] == 2
    said = str(made)
    assert "left out: no space with a trunk" in said and "balanced accuracy" in said
    assert f"the one label of {project.classes[2]}" in said
    assert load(run.folder).logits(project.yardstick.floats(slice(0, 3))).shape == (3, len(project.classes))
    assert project.evaluate().record["run"] == "001-auto"
    assert "Classifiers compared" in project.report().record["sections"]


def test_a_learned_trunk_brings_more_candidates_and_the_winner_begins_with_it(project, perfect):
    answer(project, {0: 8, 1: 8})
    run = project.learn("simclr", width=4, steps=2, batch=10, precision="fp32").record["run"]
    perfect(supervised=wrong_at(2), linear=wrong_at(2), mixmatch=wrong_at(2), fixmatch=wrong_at(1))
    made = project.train("auto", steps=2, batch=8, precision="fp32")
    named = [row["candidate"] for row in made.record["compared"]["rows"]]
    assert named == ["supervised", "linear", "finetune", "mixmatch", "fixmatch", "fixmatch with the trunk"]
    assert made.record["method"] == "finetune" and made.record["trunk_of"] == run
    assert f"it began with the trunk of {run}" in made.lines and project.runs[-1].record["trunk_of"] == run
    left_out = project.train("auto", **CHEAP).record["compared"]["left_out"]  # no trunk of this kind was learned
    assert {one["candidate"] for one in left_out} == {"linear", "finetune", "fixmatch with the trunk"}
    assert all("leave out --trunk" in one["reason"] for one in left_out)


@pytest.mark.parametrize(
    "rules, kept, said",
    [
        ({"supervised": wrong_at(0)}, "supervised", "nothing beats supervised on these labels"),
        ({"supervised": wrong_at(20), "mixmatch": wrong_at(20)}, "fixmatch", "more than chance explains: it is kept"),
        ({"supervised": wrong_once(), "mixmatch": wrong_at(3)}, "fixmatch", "is kept as the best guess"),
    ],
)
def test_the_verdict_says_whether_it_is_more_than_chance(project, perfect, rules, kept, said):
    answer(project, {0: 10, 1: 10})
    perfect(**rules)
    compared = project.train("auto", **CHEAP).record["compared"]
    assert compared["kept"] == kept and said in compared["verdict"]


def test_one_label_a_class_leaves_nothing_to_compare_and_says_what_is_trained_instead(project):
    answer(project, {0: 1, 1: 1, 2: 1, 3: 1})
    made = project.train("auto", **CHEAP)
    assert made.record["compared"]["held_out"] == 0 and made.record["method"] == "fixmatch"
    assert made.lines[0].startswith("too few labels to compare") and "fixmatch is taken" in made.lines[0]
    project.learn("simclr", width=4, steps=2, batch=10, precision="fp32")
    made = project.train("auto", steps=2, precision="fp32")
    assert made.record["method"] == "linear" and made.record["trunk_of"] == "002-simclr"


def test_one_class_only_or_no_label_is_an_error_and_makes_no_run(project):
    with pytest.raises(NotEnoughLabels, match="there are no labels"):
        project.train("auto", **CHEAP)
    answer(project, {3: 12})
    with pytest.raises(NotEnoughLabels, match="a classifier needs two"):
        project.train("auto", **CHEAP)
    assert project.runs == []


def test_a_declared_class_without_a_label_is_named(project, perfect):
    project.settings.set("classes", ["0", "1", "7"])
    answer(project, {0: 8, 1: 8})
    perfect()
    assert "no label yet for 7: the model cannot answer these" in project.train("auto", **CHEAP).lines


def test_what_no_candidate_knows_is_refused_before_a_run_is_made(project, monkeypatch, capsys):
    answer(project, {0: 8, 1: 8})
    with pytest.raises(UnknownName, match="--stepps  did you mean --steps"):
        project.train("auto", stepps=3)
    with pytest.raises(WrongUsage, match="--steps  needs a whole number"):
        project.train("auto", steps="many")
    with pytest.raises(WrongUsage, match="one method at a time"):
        project.train("auto", augment="exemplar")
    with pytest.raises(WrongUsage, match="no run called '007'"):
        project.train("auto", trunk_of="007")
    monkeypatch.setattr("sys.argv", ["tacit", "train", "auto", "--stepps", "3", "-p", str(project.folder)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2 and "did you mean --steps" in capsys.readouterr().err
    assert project.runs == []


def test_a_setting_that_one_candidate_refuses_leaves_that_one_out(project, perfect):
    answer(project, {0: 8, 1: 8})
    perfect(fixmatch=wrong_at(1))
    compared = project.train("auto", **CHEAP, alpha=-1.0, threshold=0.5).record["compared"]
    assert [row["candidate"] for row in compared["rows"]] == ["supervised", "fixmatch"]
    assert "alpha" in next(one["reason"] for one in compared["left_out"] if one["candidate"] == "mixmatch")


def test_a_training_that_fails_leaves_its_candidate_out(project, monkeypatch):
    answer(project, {0: 6, 1: 6})
    before = candidates.trainer

    def trainer(name, **more):
        def failing(*_):
            raise TrainingFailed("the loss is no longer a number\n  try: --lr 0.1")

        return failing if name == "fixmatch" else before(name, **more)

    monkeypatch.setattr(candidates, "trainer", trainer)
    made = project.train("auto", **CHEAP)
    assert {"candidate": "fixmatch", "reason": "the loss is no longer a number; try: --lr 0.1"} in made.record[
        "compared"
    ]["left_out"]
    assert "left out: the loss is no longer a number" in str(made)


def stop_after(n, monkeypatch):
    """Ctrl-C in the training after the n-th."""
    before, calls = candidates.trainer, []

    def trainer(name, **more):
        train = before(name, **more)

        def counted(*words):
            if len(calls) == n:
                raise KeyboardInterrupt
            calls.append(name)
            return train(*words)

        return counted

    monkeypatch.setattr(candidates, "trainer", trainer)
    return calls


@pytest.mark.parametrize("resume", [True, False])
def test_a_stop_loses_the_running_training_alone_and_the_end_is_the_same(project, monkeypatch, resume):
    answer(project, {0: 6, 1: 6})
    whole = project.train("auto", **CHEAP).record
    with monkeypatch.context() as patched:
        stop_after(4, patched)
        with pytest.raises(Stopped, match=r"training 5 of 18 of the comparison(.|\n)*tacit train auto --resume"):
            project.train("auto", seed=project.seed, **CHEAP)
    run = project.runs[-1]
    told = (run.folder / comparing.ANSWERS).read_text(encoding="utf-8")
    assert run.name == "002-auto" and len(told.splitlines()) == 4
    assert project.run(None, "train").name == "001-auto"  # choose and evaluate take what is finished
    calls = stop_after(10**6, monkeypatch)
    again = project.train("auto", resume=resume, **({} if resume else CHEAP)).record
    assert len(calls) == 14 and [r.name for r in project.runs] == ["001-auto", "002-auto"]
    kept, same = whole["compared"], again["compared"]
    assert [row["accuracy"] for row in kept["rows"]] == [row["accuracy"] for row in same["rows"]]
    assert kept["kept"] == same["kept"]
    one, other = (load(r.folder).state_dict() for r in project.runs)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_labels_that_changed_since_are_not_mixed_with_what_was_compared(project, monkeypatch):
    answer(project, {0: 6, 1: 6})
    with monkeypatch.context() as patched:
        stop_after(4, patched)
        with pytest.raises(Stopped):
            project.train("auto", **CHEAP)
    answer(project, {0: 6, 1: 7})
    with pytest.raises(WrongUsage, match="labels have changed since 001-auto"):
        project.train("auto", resume=True)
    assert project.train("auto", **CHEAP).record["run"] == "002-auto"


def test_the_training_after_the_comparison_goes_on_too(project, monkeypatch, perfect):
    answer(project, {0: 6, 1: 6})
    perfect()
    with monkeypatch.context() as patched:
        patched.setattr("tacit.project.training.fit", lambda *_, **__: (_ for _ in ()).throw(Stopped("saved")))
        with pytest.raises(Stopped, match="saved"):
            project.train("auto", **CHEAP)
    run = Run.open(project.runs[-1].folder)
    assert run.record["method"] == "supervised" and not run.finished
    made = project.train(resume=True)
    assert made.record["run"] == "001-auto" and made.record["compared"]["kept"] == "supervised"
    assert json.loads(made.json())["compared"]["rows"] and "nothing beats supervised" in str(made)


def test_the_one_that_is_kept_can_be_calibrated(project, perfect):
    answer(project, {0: 6, 1: 6})
    with pytest.raises(NotEnoughLabels, match="calibrating takes"):
        project.train("auto", calibrate=True, **CHEAP)
    assert project.runs == []
    answer(project, {0: 11, 1: 11})
    perfect(mixmatch=wrong_at(1), fixmatch=wrong_at(1))
    made = project.train("auto", calibrate=True, **CHEAP)
    assert made.record["method"] == "supervised" and made.record["calibration"] is not None
    assert project.train("auto", **CHEAP).record["calibration"] is None


def test_vectors_have_candidates_of_their_own(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    np.savez(tmp_path / "v.npz", x=x, y=(x[:, 0] > 0).astype(int))
    project = Project.create(tmp_path / "v.npz", tmp_path / "v.tacit", yardstick=10)
    answer(project, {0: 7, 1: 7})
    project.learn("autoencoder", steps=2, latent_dim=2, width=8, batch=8)
    compared = project.train("auto", steps=2, batch=8, precision="fp32").record["compared"]
    named = [row["candidate"] for row in compared["rows"]] + [one["candidate"] for one in compared["left_out"]]
    assert sorted(named) == sorted(["supervised", "linear", "finetune", "pseudo_label", "mixmatch"])
    assert {"supervised", "pseudo_label", "mixmatch"} <= {row["candidate"] for row in compared["rows"]}


def test_choose_goes_by_whatever_classifier_was_trained_last(project, monkeypatch):
    answer(project, {0: 6, 1: 6})
    seen, before = [], choosing.choose

    def choose(*words, model, **more):
        seen.append(type(model).__name__)
        return before(*words, model=model, **more)

    monkeypatch.setattr(choosing, "choose", choose)
    for name in ("supervised", "mixmatch", "fixmatch"):
        project.train(name, **CHEAP)
        assert len(project.choose("margin", k=3).record["picks"]) == 3
    assert seen == ["Supervised", "MixMatch", "FixMatch"]

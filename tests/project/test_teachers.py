"""`tacit train distil`: which run teaches, what is written down, and that a training goes on."""

import numpy as np
import pytest
import torch

from tacit.cli import main
from tacit.deploy.export import load
from tacit.errors import Stopped, WrongUsage
from tacit.project import Project

CHEAP = {"steps": 20, "batch": 20, "precision": "fp32"}
TEACHER = {"steps": 6, "width": 8, "precision": "fp32"}


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:150, 0], y=digits[1][:150])
    project = Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=50)
    project.choose("random", k=40)
    project.ask_truth()
    return project


def model(project, run):
    return load(project.run(run, "train").folder)


def test_the_latest_classifier_teaches_unless_another_is_named_and_the_record_says_which(project):
    first, second = (project.train("supervised", seed=seed, **TEACHER).record["run"] for seed in (0, 1))
    made = project.train("distil", from_teacher=True, lr=0.0, **{**CHEAP, "steps": 1})
    assert made.record["teacher"] == second == project.runs[-1].record["teacher"]
    assert f"it learned what {second} answers" in made.lines
    assert project.runs[-1].record["options"]["width"] == 8, "a student has its teacher's network"
    student = model(project, made.record["run"]).state_dict()
    theirs = model(project, second).state_dict()
    for name, value in student.items():
        assert "running" in name or "tracked" in name or torch.equal(value, theirs[name]), name
    made = project.train("distil", teacher="001", width=4, **CHEAP)
    assert made.record["teacher"] == first
    again = model(project, made.record["run"])  # answers without its teacher
    assert again.options["width"] == 4 and again.teacher is None
    assert again.logits(project.yardstick.floats(slice(0, 3))).shape == (3, len(project.classes))
    assert project.train("supervised", **TEACHER).record["teacher"] is None


def test_a_student_may_begin_with_a_learned_trunk(project):
    project.learn("simclr", width=4, steps=3, batch=20, precision="fp32")
    project.train("supervised", **TEACHER)
    made = project.train("distil", trunk_of="001", **CHEAP)
    assert (made.record["trunk_of"], made.record["teacher"]) == ("001-simclr", "002-supervised")
    assert project.runs[-1].record["options"]["width"] == 4
    with pytest.raises(WrongUsage, match="begins with one trunk"):
        project.train("distil", trunk_of="001", from_teacher=True, **CHEAP)


def test_what_cannot_teach_is_refused_in_a_sentence_before_a_run_is_made(project, monkeypatch, capsys):
    with pytest.raises(WrongUsage, match="nothing has been trained yet"):
        project.train("distil", **CHEAP)
    assert project.runs == []
    project.learn("vae", steps=3, latent_dim=3)
    project.train("supervised", **TEACHER)
    for words, said in (
        (["distil", "--teacher", "007"], "no run called '007'"),
        (["distil", "--teacher", "001"], "VAE answers nothing"),
        (["distil", "--from-teacher", "yes", "--width", "4"], "leave out --from-teacher"),
        (["distil", "--calibrate", "yes"], "leave out --calibrate"),
        (["supervised", "--teacher", "002"], "try: tacit train distil --teacher 002"),
    ):
        monkeypatch.setattr("sys.argv", ["tacit", "train", *words, "-p", str(project.folder)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        assert left.value.code == 2 and shown.err.startswith("error: ") and said in shown.err and not shown.out
    run = project.runs[-1]
    run.record["status"] = "training"
    run.write()
    with pytest.raises(WrongUsage, match="002-supervised is not finished"):
        project.train("distil", teacher="002", **CHEAP)
    assert [r.name for r in project.runs] == ["001-vae", "002-supervised"]


@pytest.mark.parametrize("saved", [True, False])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(project, monkeypatch, saved):
    from tacit.engine import fit as module

    project.train("supervised", **TEACHER)
    whole = model(project, project.train("distil", teacher="001", **CHEAP).record["run"]).state_dict()

    class Pressed(module.StopSignals):
        """Ctrl-C during the 9th step."""

        @property
        def stop(self):
            self.asked = getattr(self, "asked", 0) + 1
            return self.asked >= 9

        @stop.setter
        def stop(self, value):
            pass

    with monkeypatch.context() as patched:
        patched.setattr(module, "StopSignals", Pressed)
        with pytest.raises(Stopped, match="saved at step 9 of 20"):
            project.train("distil", teacher="001", **CHEAP)
    if not saved:  # killed before the first checkpoint
        project.runs[-1].checkpoint.unlink()
    resumed = project.train("distil", resume=True)
    assert resumed.record["teacher"] == "001-supervised"
    again = model(project, resumed.record["run"]).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in whole.items())

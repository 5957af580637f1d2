"""`tacit train finetune`: which run it begins with, what is written down, and that a training goes on."""

import numpy as np
import pytest
import torch

from tacit.cli import main
from tacit.deploy.export import load
from tacit.errors import Stopped, WrongUsage
from tacit.project import Project

SMALL = {"width": 8, "steps": 6, "batch": 20, "precision": "fp32"}
CHEAP = {"steps": 30, "precision": "fp32"}


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:150, 0], y=digits[1][:150])
    project = Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=50)
    project.choose("random", k=40)
    project.ask_truth()
    return project


def weights(project, run):
    return load(project.run(run, "train").folder).state_dict()


def test_before_anything_is_learned_the_sentence_says_so_and_no_run_is_made(project):
    with pytest.raises(WrongUsage, match="nothing has been learned yet"):
        project.train("finetune", **CHEAP)
    assert project.runs == []


def test_it_begins_with_the_latest_run_unless_another_is_named_and_the_record_says_which(project):
    first, second = (project.learn("simclr", seed=seed, **SMALL).record["run"] for seed in (0, 1))
    made = project.train("finetune", layer=1, steps=1, lr=0.0, precision="fp32")
    assert made.record["trunk_of"] == second == project.runs[-1].record["trunk_of"]
    assert f"it began with the trunk of {second}" in made.lines
    assert project.runs[-1].record["options"]["width"] == 8 and project.runs[-1].record["options"]["layer"] == 1
    theirs, ours = load(project.run(second, "learn").folder), weights(project, made.record["run"])
    assert torch.equal(ours["encoder.0.0.weight"], theirs.state_dict()["encoder.0.weight"])
    assert torch.equal(ours["encoder.1.0.weight"], theirs.projector.hidden[0][0].weight)
    assert project.train("finetune", trunk_of="001", steps=1).record["trunk_of"] == first
    assert project.train("supervised", steps=1).record["trunk_of"] is None


def test_the_shell_prints_one_sentence_and_leaves_with_2_before_a_run_is_made(project, monkeypatch, capsys):
    project.learn("simclr", **SMALL)
    for words, said in (
        (["finetune", "--trunk-of", "007"], "no run called '007'"),
        (["finetune", "--layer", "3"], "try: --layer 2"),
        (["finetune", "--width", "16"], "leave out --trunk, --width"),
        (["supervised", "--trunk-of", "001"], "try: tacit train finetune --trunk-of 001"),
    ):
        monkeypatch.setattr("sys.argv", ["tacit", "train", *words, "-p", str(project.folder)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        assert left.value.code == 2 and shown.err.startswith("error: ") and said in shown.err and not shown.out
    run = project.runs[0]
    run.record["status"] = "training"
    run.write()
    with pytest.raises(WrongUsage, match="001-simclr is not finished"):
        project.train("finetune", trunk_of="001", **CHEAP)
    assert [r.name for r in project.runs] == ["001-simclr"]


@pytest.mark.parametrize("saved", [True, False])
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(project, monkeypatch, saved):
    from tacit.engine import fit as module

    project.learn("simclr", **SMALL)
    whole = weights(project, project.train("finetune", **CHEAP).record["run"])

    class Pressed(module.StopSignals):
        """Ctrl-C during the 13th step."""

        @property
        def stop(self):
            self.asked = getattr(self, "asked", 0) + 1
            return self.asked >= 13

        @stop.setter
        def stop(self, value):
            pass

    with monkeypatch.context() as patched:
        patched.setattr(module, "StopSignals", Pressed)
        with pytest.raises(Stopped, match="saved at step 13 of 30"):
            project.train("finetune", **CHEAP)
    if not saved:  # killed before the first checkpoint
        project.runs[-1].checkpoint.unlink()
    project.learn("simclr", seed=7, **SMALL)  # a later one is not what the run began with
    resumed = project.train("finetune", resume=True)
    assert resumed.record["trunk_of"] == "001-simclr"
    again = weights(project, resumed.record["run"])
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


def test_a_linear_layer_reads_the_codes_of_a_run_and_leaves_its_trunk_as_it_was(project):
    learned = project.learn("rotation", **SMALL).record["run"]
    made = project.train("linear", trunk_of="001", **CHEAP)
    assert made.record["trunk_of"] == learned and project.runs[-1].record["options"]["layer"] == "map.2"
    method, theirs = load(project.run(made.record["run"], "train").folder), load(project.run(learned, "learn").folder)
    assert all(torch.equal(value, method.encoder.state_dict()[k]) for k, value in theirs.encoder.state_dict().items())
    x = project.pool.floats(slice(None))
    assert torch.allclose(method.read(x), theirs.embed(x), atol=1e-5)
    assert method.seen == len(x) and torch.allclose(method.embed(x).mean(0), torch.zeros(()), atol=1e-4)

"""`tacit train --augment exemplar`: which generator is used, what is written down, and that a training goes on."""

import numpy as np
import pytest
import torch

from tacit.cli import main
from tacit.deploy.export import load
from tacit.errors import Stopped, WrongUsage
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.project import Project, simulating

CHEAP = {"steps": 30, "trunk": "mlp", "width": 16, "precision": "fp32"}
SMALL = {"exemplars": 20, "width": 16, "latent_dim": 4, "steps": 20, "precision": "fp32"}


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:200, 0], y=digits[1][:200])
    project = Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=50)
    project.choose("random", k=40)
    project.ask_truth()
    return project


def test_before_one_is_learned_the_sentence_says_what_to_do_and_no_run_is_made(project):
    with pytest.raises(WrongUsage, match="learn one first: tacit learn exemplar_vae"):
        project.train(augment="exemplar", **CHEAP)
    assert project.runs == []


def test_the_shell_prints_the_sentence_alone_and_leaves_with_2(project, monkeypatch, capsys):
    for words, said in (
        (["--augment", "exemplar"], "learn one first: tacit learn exemplar_vae"),
        (["--augment", "exemplar", "--generator", "003"], "no run called '003'"),
        (["--augment", "exmplar"], "did you mean: exemplar?"),
        (["--generator", "003"], "add: --augment exemplar"),
        (["--real-weight", "40"], "from 0 to 1"),
    ):
        monkeypatch.setattr("sys.argv", ["tacit", "train", "supervised", *words, "-p", str(project.folder)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        assert left.value.code == 2 and shown.err.startswith("error: ") and said in shown.err and not shown.out
    assert project.runs == []


def test_the_latest_finished_one_is_used_unless_another_is_named_and_the_record_says_which(project):
    first, second = (project.learn("exemplar_vae", seed=seed, **SMALL).record["run"] for seed in (0, 1))
    made = project.train(augment="exemplar", **CHEAP)
    assert made.record["generator"] == second == project.runs[-1].record["generator"]
    assert any(second in line for line in made.lines)
    assert project.train(augment="exemplar+light", generator="001", **CHEAP).record["generator"] == first
    assert project.train(**CHEAP).record["generator"] is None and "generator" not in project.runs[-1].record
    again = load(project.runs[-2].folder)  # answers without its generator
    assert again.logits(project.yardstick.floats(slice(0, 3))).shape == (3, len(project.classes))


def test_what_cannot_be_a_generator_is_refused_in_a_sentence_before_a_run_is_made(project, digits):
    with pytest.raises(WrongUsage, match="no run called '007'"):
        project.train(augment="exemplar", generator="007", **CHEAP)
    project.learn("vae", steps=5, latent_dim=3)
    with pytest.raises(WrongUsage, match="it cannot jitter"):
        project.train(augment="exemplar", generator="vae", **CHEAP)
    project.learn("exemplar_vae", **SMALL)
    with pytest.raises(WrongUsage, match="add: --augment exemplar"):
        project.train(generator="exemplar_vae", **CHEAP)
    run = project.runs[-1]
    run.record["status"] = "training"
    run.write()
    with pytest.raises(WrongUsage, match="002-exemplar_vae is not finished"):
        project.train(augment="exemplar", generator="002", **CHEAP)
    assert [r.name for r in project.runs] == ["001-vae", "002-exemplar_vae"]


def test_one_of_other_items_is_refused_with_both_shapes(project):
    from tacit.data.spec import ItemSpec
    from tacit.deploy.export import save

    project.learn("exemplar_vae", **SMALL)
    save(ExemplarVAE(ItemSpec((1, 12, 12)), exemplars=20), "exemplar_vae", project.runs[-1].folder)
    with pytest.raises(WrongUsage, match=r"shape \(1, 12, 12\), and these are images of shape \(1, 8, 8\)"):
        project.train(augment="exemplar", **CHEAP)


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(project, monkeypatch):
    from tacit.engine import fit as module

    project.learn("exemplar_vae", **SMALL)
    whole = load(project.run(project.train(augment="exemplar", **CHEAP).record["run"], "train").folder)

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
            project.train(augment="exemplar", **CHEAP)
    project.learn("exemplar_vae", seed=7, **SMALL)  # a later one is not what the run began with
    resumed = project.train(resume=True)
    assert resumed.record["generator"] == "001-exemplar_vae"
    again = load(project.run(resumed.record["run"], "train").folder)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_a_simulation_takes_one_too(project, monkeypatch):
    monkeypatch.setattr(simulating, "LEAST_STEPS", 20)
    project.learn("exemplar_vae", **SMALL)
    options = {"first": 10, "k": 5, "count": 2, "seeds": 1}
    cheap = {"trunk": "mlp", "width": 16, "precision": "fp32"}
    plain = project.simulate(["margin"], augment="none", **options, **cheap).record["curves"]
    with_relatives = project.simulate(["margin"], augment="exemplar", **options, **cheap).record["curves"]
    assert [c["accuracy"] for c in plain] != [c["accuracy"] for c in with_relatives]

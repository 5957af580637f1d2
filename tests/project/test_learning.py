"""What `learn` tells beside its codes: a probe on the labels there are, warnings, layers of what it made."""

import numpy as np
import pytest
import torch

from tacit.deploy.export import load
from tacit.engine.run import Run
from tacit.errors import UnknownName, WrongUsage
from tacit.project import Project

SMALL = {"width": 8, "steps": 10, "batch": 20, "precision": "fp32"}


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:200, 0], y=digits[1][:200])
    return Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=50)


def learned_weights(project, run):
    return load(project.run(run, "learn").folder).state_dict()


def test_labels_of_the_pool_are_probed_and_never_learned_from(project):
    before = project.learn("simclr", **SMALL)
    assert "probe" not in before.record and not any("probe" in r for r in project.runs[0].progress())
    project.ask_truth(yardstick=True)  # labels of the yardstick are no labels of the pool
    assert "probe" not in project.learn("simclr", **SMALL).record
    project.choose("random", k=80)
    project.ask_truth()
    after = project.learn("simclr", **SMALL)
    assert after.record["probe"]["labels"] == 80 and 0 < after.record["probe"]["accuracy"] <= 1
    assert any("on 80 labels in turn (chance" in line for line in after.lines)
    assert sum("probe" in r for r in project.runs[-1].progress()) == 5
    assert project.runs[-1].record["probe"] == after.record["probe"]
    one, other = (learned_weights(project, outcome.record["run"]) for outcome in (before, after))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_warnings_are_told_at_the_end_and_kept_with_the_run(project, tmp_path):
    (tmp_path / "stuck.py").write_text(
        '''
import torch
from torch import nn
from tacit.data.feeds import items
from tacit.methods.method import Method

class Stuck(Method):
    """A loss that stays at chance."""
    feed = staticmethod(items)
    paper, use_when = "none", "you try things"

    def __init__(self, spec, *, dim: int = 4):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, dim))

    def loss(self, x):
        return {"loss": 0 * self.embed(x).mean() + 3.0, "chance": torch.tensor(3.0)}

    def embed(self, x):
        return self.encoder(x)
'''
    )
    made = project.learn(f"{tmp_path}/stuck.py:Stuck", steps=120, batch=8)
    assert made.record["terms"] == {"loss": 3.0, "chance": 3.0}
    assert any(line.startswith("warning: loss has stayed at chance (3) for 100 steps") for line in made.lines)
    assert Run.open(project.runs[-1].folder).record["warnings"] == made.record["warnings"]
    assert "warnings" not in project.learn("simclr", **SMALL).record


def test_what_is_refused_where_training_begins_leaves_no_run(project):
    with pytest.raises(WrongUsage, match="not 5000"):
        project.learn("simclr", **{**SMALL, "batch": 5000})
    assert not project.runs and not list((project.folder / "runs").iterdir())
    assert project.learn("simclr", **SMALL).record["run"] == "001-simclr"


def test_a_space_is_measured_at_the_layers_asked_for(project):
    project.learn("simclr", **SMALL)
    project.choose("random", k=60)
    project.ask_truth()
    found = project.evaluate_space(layer="all")
    method = load(project.runs[-1].folder)
    names = ["codes", *method.layers(project.pool.floats(slice(0, 1)))]
    assert [row["name"] for row in found.record["rows"]][-len(names) :] == names and "projector.1" in names
    shape = found.record["geometry"]
    assert [row["name"] for row in shape["rows"]] == names and shape["n"] == 150 and shape["views"]
    assert 0 < shape["rows"][0]["alignment"] < 4 and shape["rows"][0]["uniformity"] < 0
    assert any(line.startswith("geometry of 150 items") for line in found.lines)
    assert [row["name"] for row in project.evaluate_space().record["geometry"]["rows"]] == ["codes"]
    with pytest.raises(UnknownName, match=r"did you mean: projector\.1\?"):
        project.evaluate_space(layer="projector1")


def test_a_layer_without_a_space_is_refused(project, monkeypatch, capsys):
    from tacit.cli import main

    monkeypatch.setattr("sys.argv", ["tacit", "evaluate", "--layer", "encoder", "-p", str(project.folder)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2 and "try: tacit evaluate --space --layer encoder" in capsys.readouterr().err


def test_a_layer_of_a_method_without_layers_is_refused(project):
    project.learn("autoencoder", steps=5, latent_dim=3)
    project.choose("random", k=60)
    project.ask_truth()
    with pytest.raises(WrongUsage, match="AutoEncoder names no layers"):
        project.evaluate_space(layer="encoder")

"""`tacit simulate --learner`: strategies and learners side by side in a project."""

import numpy as np
import pytest

from tacit.cli import main
from tacit.errors import UnknownName, WrongUsage
from tacit.project import Project, simulating

SMALL = {"first": 10, "k": 5, "count": 2, "seeds": 1}
CHEAP = {"trunk": "mlp", "width": 8, "precision": "fp32", "augment": "none"}


@pytest.fixture(scope="module")
def project(tmp_path_factory, digits):
    folder = tmp_path_factory.mktemp("simulated")
    np.savez(folder / "digits.npz", x=digits[0][:150, 0], y=digits[1][:150])
    return Project.create(folder / "digits.npz", folder / "d.tacit", yardstick=50)


def test_every_strategy_runs_with_every_learner_and_random_with_all_of_them(project):
    said = project.simulate(["margin"], learner=["supervised,mixmatch"], steps=2, **SMALL, **CHEAP)
    titles = ["random", "margin", "random + mixmatch", "margin + mixmatch"]
    assert [c["strategy"] for c in said.record["curves"]] == titles
    assert "every learner is trained for 2 steps" in said.lines and "above random + supervised" in str(said)


def test_the_baseline_stays_where_another_learner_is_asked_for(project):
    said = project.simulate(["random"], learner="fixmatch", steps=2, **SMALL, **CHEAP)
    assert [c["strategy"] for c in said.record["curves"]] == ["random", "random + fixmatch"]


def test_without_a_learner_it_is_as_it_was(project, monkeypatch):
    monkeypatch.setattr(simulating, "LEAST_STEPS", 2)
    said = project.simulate(["margin"], **SMALL, **CHEAP, epochs=1)
    assert [c["strategy"] for c in said.record["curves"]] == ["random", "margin"]
    assert "above random\n" in str(said) and "every learner" not in str(said)


def test_a_learner_on_a_trunk_takes_that_of_the_space(project):
    with pytest.raises(WrongUsage, match="learn it first: tacit learn"):
        project.simulate(["margin"], learner="finetune", steps=2, **SMALL)
    project.learn("simclr", width=4, steps=2, batch=10, precision="fp32")
    said = project.simulate(["margin"], learner="finetune", steps=2, precision="fp32", **SMALL)
    assert [c["strategy"] for c in said.record["curves"]] == ["random", "random + finetune", "margin + finetune"]


def test_what_is_no_learner_is_refused_in_a_sentence(project, monkeypatch, capsys):
    with pytest.raises(UnknownName, match="did you mean: fixmatch"):
        project.simulate(["margin"], learner="fixmach", **SMALL)
    with pytest.raises(WrongUsage, match="simclr does not classify"):
        project.simulate(["margin"], learner="simclr", **SMALL)
    with pytest.raises(WrongUsage, match="names no method"):
        project.simulate(["margin"], learner=",", **SMALL)
    with pytest.raises(WrongUsage, match="--steps must all be at least 1"):
        project.simulate(["margin"], steps=0, **SMALL)
    words = ["simulate", "margin", "--learner", "supervised", "--learner", "fixmach", "-p", str(project.folder)]
    monkeypatch.setattr("sys.argv", ["tacit", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2 and "did you mean: fixmatch" in capsys.readouterr().err

"""A turn of the loop: a quick model, its guesses, the next items."""

import numpy as np
import pytest

from tacit.errors import WrongUsage
from tacit.evaluate.guesses import Guesses
from tacit.project import Project
from tacit.project.turning import quick


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:300, 0], y=digits[1][:300])
    return Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=60)


def test_without_two_classes_nothing_is_trained_and_typical_items_are_chosen(project):
    first = project.round(k=5)
    assert first.record["strategy"] == "typical" and len(first.record["picks"]) == 5
    assert first.record["run"] is None and "no labels yet" in first.lines[0] and project.runs == []
    project.labels.record([pick["id"] for pick in first.record["picks"]], ["cat"] * 5)
    assert "all 5 labels are of one class" in project.round(k=3).lines[0]


def test_a_round_trains_guesses_about_the_whole_pool_and_chooses_by_that_model(project):
    project.choose("typical", k=40)
    project.ask_truth()
    turn = project.round(k=7)
    run = project.run(turn.record["run"], "train")
    guesses = Guesses.load(run.folder)
    assert len(guesses) == len(project.pool) and guesses.classes == project.classes
    truth, _ = project.truth(project.pool)
    assert (guesses.best == truth.numpy()).mean() > 0.6
    assert turn.record["strategy"] == "margin" and len(turn.record["picks"]) == 7 and project.labels.rounds() == 2
    assert "model torn between" in turn.record["picks"][0]["reason"]
    assert run.record["accuracy"][0] > 0.6  # measured on the hidden truth of the yardstick
    assert any("quick model: supervised (no space with a trunk" in line for line in turn.lines)


def test_a_round_after_the_last_answer_trains_and_asks_about_nothing(project):
    names = [str(i % 2) for i in range(len(project.pool))]
    project.labels.record([str(id_) for id_ in project.pool.ids], names, who="ada")
    turn = project.round(k=5)
    assert turn.record["picks"] == [] and turn.record["run"] == "001-supervised"
    assert "every item of the pool has an answer" in str(turn) and project.labels.rounds() == 0


def test_a_round_with_a_run_trains_nothing_and_says_what_that_run_thinks(project):
    project.choose("typical", k=30)
    project.ask_truth()
    first = project.train("supervised", steps=30).record["run"]
    project.round(k=4)
    runs = [run.name for run in project.runs]
    turn = project.round(k=4, run=first)
    assert [run.name for run in project.runs] == runs and turn.record["run"] == first and turn.record["trained"] is None
    assert (project.folder / "runs" / first / "guesses.npz").exists()
    with pytest.raises(WrongUsage, match="no run called 'nobody'"):
        project.round(run="nobody")


def test_the_quick_model_reads_a_space_that_tells_items_apart_and_not_one_that_rebuilds_pictures(project):
    assert quick(project)[0] == "supervised"
    project.learn("simclr", steps=2, batch=20, width=8)
    method, settings, why = quick(project)
    assert (method, settings["trunk_of"]) == ("linear", "001-simclr") and "001-simclr" in why
    project.learn("vae", steps=2, width=8)
    method, _, why = quick(project)
    assert method == "supervised" and "002-vae learned to rebuild pictures" in why
    project.choose("typical", k=30)
    project.ask_truth()
    assert project.round(k=2).record["trained"]["method"] == "supervised"


def test_a_round_by_a_model_of_a_space_begins_with_its_trunk(project):
    project.learn("simclr", steps=2, batch=20, width=8)
    project.choose("typical", k=30)
    project.ask_truth()
    assert project.round(k=2).record["trained"]["trunk_of"] == "001-simclr"


def test_a_run_that_cannot_guess_is_refused_in_words(project):
    project.learn("vae", steps=2, width=8)
    with pytest.raises(WrongUsage, match="no classifier that was trained to its end"):
        project.round(run="001")
    with pytest.raises(WrongUsage, match="at least one item"):
        project.round(k=0)

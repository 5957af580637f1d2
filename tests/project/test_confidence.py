"""Whether a model can be believed, which answers look wrong, and what the next ones are worth, through the project."""

import csv
import json

import numpy as np
import pytest
import torch

from tacit.deploy.export import load
from tacit.engine.apply import probabilities
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.project import Project

QUICK = {"steps": 15, "batch": 16, "trunk": "mlp", "precision": "fp32"}


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:400, 0], y=digits[1][:400])
    return Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=100)


def ask(project: Project, k: int) -> None:
    project.choose("random", k=k)
    project.ask_truth()


def test_a_calibrated_model_answers_at_its_temperature_wherever_it_goes(project, tmp_path):
    ask(project, 60)
    plain = project.train(**QUICK)
    made = project.train(calibrate=True, **QUICK)
    temperature = made.record["calibration"]["temperature"]
    assert temperature != 1 and made.record["calibration"]["n"] == 60 and made.record["calibration"]["twins"] == 5
    assert any(line.startswith(f"calibrated: temperature {temperature:.2f}, ") for line in made.lines)
    record = project.runs[-1].record
    assert record["calibration"]["temperature"] == temperature and record["calibrate"] is True
    assert plain.record["calibration"] is None and "calibration" not in project.runs[0].record

    first, second = (load(run.folder) for run in project.runs)
    x = project.pool.floats(slice(0, 40))
    assert torch.equal(first.logits(x), second.logits(x))  # the twins changed nothing but the temperature
    p = probabilities(second, project.pool, torch.arange(40))
    assert torch.allclose(p, (second.logits(x) / temperature).softmax(1), atol=1e-6)
    assert not torch.allclose(p, probabilities(first, project.pool, torch.arange(40)), atol=1e-4)

    before, after = (project.evaluate(run.name) for run in project.runs)
    assert after.record["ece"]["value"] < before.record["ece"]["value"]
    assert "off by more than chance   better: tacit train supervised --calibrate" in str(before)
    assert "--calibrate" not in str(after)

    folder = project.export(onnx=False).record["folder"]
    assert load(folder).confidence_temperature == temperature
    card = (project.folder / "exports" / made.record["run"] / "card.md").read_text()
    assert f"- confidence: calibrated, temperature {temperature:.2f} from 60 held-out labels" in card
    assert "(model.logits(model.spec.to_float(x)) / model.confidence_temperature).softmax(1)" in card
    project.predict(to=tmp_path / "p.csv")
    rows = {row["item"]: float(row["confidence"]) for row in csv.DictReader((tmp_path / "p.csv").open())}
    names = project.paths([str(i) for i in project.pool.ids[:40]])
    assert [rows[name] for name in names] == pytest.approx(p.max(1).values.tolist(), abs=1e-4)


def test_calibrating_is_refused_before_any_training_where_labels_are_too_few(project):
    ask(project, 15)
    with pytest.raises(NotEnoughLabels, match="calibrating takes 20 labels"):
        project.train(calibrate="true", **QUICK)
    assert not project.runs
    with pytest.raises(WrongUsage, match="--calibrate  needs yes or no"):
        project.train(calibrate="much", **QUICK)
    assert project.train(calibrate="false", **QUICK).record["calibration"] is None


def test_an_interrupted_calibration_is_made_up_for(project, monkeypatch):
    from tacit.project import training

    ask(project, 40)

    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "calibrate", stop)
        with pytest.raises(KeyboardInterrupt):
            project.train(calibrate=True, **QUICK)
    assert not project.runs[-1].finished
    resumed = project.train(resume=True)
    assert resumed.record["calibration"]["temperature"] == load(project.runs[-1].folder).confidence_temperature != 1


def test_wrong_answers_end_up_in_a_table_that_can_be_filled_in_and_imported(project, tmp_path):
    ask(project, 150)
    project.train(**QUICK)
    answers = project.answers(project.pool)
    rows = (answers >= 0).nonzero().flatten()[:8]
    ids = [str(i) for i in project.pool.ids[rows.numpy()]]
    project.labels.record(ids, [project.classes[(int(c) + 3) % 10] for c in answers[rows]], who="tired")

    found = project.predict(to=tmp_path / "p.csv", check=tmp_path / "check.csv")
    table = list(csv.DictReader((tmp_path / "check.csv").open()))
    assert found.record["worth_checking"] == len(table) and f"{len(table)} of 150 answers are worth checking" in str(
        found
    )
    caught = [row for row in table if row["id"] in ids]
    assert len(caught) >= 4 and len(table) <= 25 and all(row["label"] == "" for row in table)

    with (tmp_path / "check.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": row["rather"]} for row in caught)
    assert project.import_labels(tmp_path / "check.csv").record["recorded"] == len(caught)
    truth, _ = project.truth(project.pool)
    mended = project.answers(project.pool)[project.pool.find([row["id"] for row in caught])]
    assert int((mended == truth[project.pool.find([row["id"] for row in caught])]).sum()) >= len(caught) - 1

    with pytest.raises(WrongUsage, match=r"check\.csv is there already\n.*--check"):
        project.predict(to=tmp_path / "q.csv", check=tmp_path / "check.csv")
    with pytest.raises(WrongUsage, match=r"answers of the project, and .* has none"):
        project.predict(tmp_path / "digits.npz", to=tmp_path / "q.csv", check=tmp_path / "other.csv")
    assert not (tmp_path / "q.csv").exists()


def test_what_the_next_labels_are_worth_is_said_after_the_second_round(project, tmp_path):
    ask(project, 40)
    project.train(**QUICK)
    once = project.evaluate()
    assert once.record["next"] is None and "one measurement only" in str(once)
    ask(project, 40)
    project.train(**QUICK)
    twice = project.evaluate()
    worth = twice.record["next"]
    assert worth["measurements"] == 2 and worth["labels"] == 80 and 0 <= worth["gain"][1] <= worth["gain"][0]
    assert any(line.startswith("20 more labels: about +") for line in twice.lines)
    assert project.runs[-1].record["measured_on"] == 100
    page = tmp_path / "r.html"
    project.report(page)
    assert "By the trainings of supervised, 20 more labels: about +" in page.read_text()


def test_classes_that_a_model_never_heard_of_are_said_to_be_left_out(project):
    ask(project, 60)
    project.train(**QUICK)
    ids = [str(id_) for id_ in project.yardstick.ids[:30]]
    known = [str(i % 2) for i in range(28)]
    project.labels.record(ids, [*known, "x", "x"], who="ada")
    said = str(project.evaluate())
    assert "on 28 items" in said and "left out: the yardstick's x, which 001-supervised was never told of" in said
    project.train(**QUICK)
    assert "left out" not in str(project.evaluate())


def test_a_simulation_says_it_of_its_best_curve(project):
    found = project.simulate(["random"], first=20, k=15, count=2, seeds=1, trunk="mlp")
    assert found.record["next"]["strategy"] == "random" and found.record["next"]["labels"] == 35
    assert any(line.startswith("random: 15 more labels: about +") for line in found.lines)
    kept = json.loads((project.folder / "reports" / "simulation.json").read_text())
    assert kept["next"] == found.record["next"]

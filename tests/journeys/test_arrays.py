"""An array file in, a model, a report and predictions out, through the shell, verb by verb."""

import csv
import signal
import time

import numpy as np
import pytest
import torch

from tests.warm import Warm


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def source(tmp_path, digits):
    x, y = digits
    np.savez(tmp_path / "digits.npz", x=x[:600, 0], y=y[:600])
    return tmp_path / "digits.npz"


@pytest.mark.long
def test_the_whole_job_by_separate_verbs(tacit, source, tmp_path):
    made = tacit.json("init", source, "-p", "d.tacit", "--yardstick", "200")
    assert made["pool"] + made["yardstick"] == made["items"] and made["yardstick"] == 200 and made["shape"] == [1, 8, 8]
    assert "nothing changed" in tacit("look").stdout

    learned = tacit.json("learn", "vae", "--latent-dim", "8", "--steps", "300")
    assert learned["dim"] == 8 and 0 < learned["map"]["kept"] <= 1 and learned["health"]["word"] == "healthy"

    for strategy in ("auto", "margin", "uphill"):
        chosen = tacit.json("choose", strategy, "-k", "25")
        assert len(chosen["picks"]) == 25 and all(p["reason"] for p in chosen["picks"])
        assert tacit.json("label", "--oracle")["recorded"] == 25
        trained = tacit.json("train", "--steps", "150")
    assert trained["labels"] == 75 and trained["accuracy"]["items"] == 200

    measured = tacit.json("evaluate")
    assert measured["accuracy"]["low"] < measured["accuracy"]["value"] < measured["accuracy"]["high"]
    assert measured["accuracy"]["value"] > 0.6  # ten classes, 75 labels

    simulated = tacit.json("simulate", "margin", "--first", "20", "-k", "20", "--rounds", "2", "--seeds", "2")
    assert [c["strategy"] for c in simulated["curves"]] == ["random", "margin"]

    predicted = tacit.json("predict", "--to", "p.csv", "--abstain-below", "0.5")
    rows = table(tmp_path / "p.csv")
    assert len(rows) == predicted["rows"] == 600
    assert all(row["label"] or float(row["confidence"]) < 0.5 for row in rows)
    assert "is there already" in tacit.error(2, "predict", "--to", "p.csv")

    exported = tacit.json("export", "--to", "model")
    assert exported["onnx"]["largest_difference"] < 1e-4
    import tacit as package

    model = package.load(tmp_path / "model")
    assert model.logits(torch.zeros(1, 1, 8, 8)).shape == (1, 10)

    report = (tmp_path / tacit.json("report", "--to", "r.html")["path"]).read_text()
    for title in (
        "The map",
        "What labels buy",
        "Which classes are confused",
        "Can its confidence",
        "Reconstructions",
        "A walk from",
        "least sure",
        "What it cost",
    ):
        assert title in report, title
    assert "http://" not in report.replace("http://www.w3.org/", "") and "<script" not in report

    runs = tacit.json("runs")["runs"]
    assert [r["task"] for r in runs] == ["learn", "train", "train", "train"]
    assert all(r["status"] == "finished" for r in runs)


def test_a_person_answers_in_a_table_and_takes_one_back(tacit, source, tmp_path):
    tacit("init", source, "-p", "d.tacit")
    chosen = tacit("choose", "-k", "6")
    assert "no space has been learned yet" in chosen.stdout and "no model yet" in chosen.stdout
    tacit("label", "--todo", "todo.csv")
    rows = table(tmp_path / "todo.csv")
    with open(tmp_path / "done.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "label"])
        writer.writeheader()
        writer.writerows(
            {"id": r["id"], "label": label}
            for r, label in zip(rows, ["cat", "dog", "cat", "?", "", "dog"], strict=True)
        )
    told = tacit.json("label", "--import", "done.csv", "--who", "ada")
    assert told["recorded"] == 5 and told["labels"] == 4 and told["classes"] == ["cat", "dog"]
    assert tacit.json("label", "--undo")["labels"] == 3
    tacit("label", "--todo", "yard.csv", "--yardstick", "5")
    assert len(table(tmp_path / "yard.csv")) == 5
    tacit("label", "--export", "all.jsonl", "--history")
    assert (tmp_path / "all.jsonl").read_text().count("\n") == 6
    tacit("train", "--steps", "20")


def test_learning_again_after_ctrl_c_goes_on_where_it_was(tacit, source, tmp_path):
    tacit("init", source, "-p", "d.tacit")
    running = Warm(["learn", "autoencoder", "--steps", "100000"], cwd=tmp_path, OMP_NUM_THREADS="1")
    progress = tmp_path / "d.tacit" / "runs" / "001-autoencoder" / "progress.jsonl"
    wait_for(progress)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert running.wait(60) == 130 and time.monotonic() - began < 20
    assert running.stderr is not None and "tacit learn --resume" in running.stderr.read()
    assert "continue it" in tacit.error(2, "learn")
    running = Warm(["learn", "--resume"], cwd=tmp_path, OMP_NUM_THREADS="1")
    before = progress.stat().st_size
    while progress.stat().st_size == before:
        time.sleep(0.05)
    running.kill()  # kill -9: the checkpoint of the first stop is still there
    running.wait()
    assert (progress.parent / "checkpoint.pt").exists()
    assert "continue it" in tacit.error(2, "learn")


def wait_for(path):
    for _ in range(1200):
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")

"""What goes wrong is answered in one sentence, with what to type next and the documented exit code."""

import sqlite3

import numpy as np
import pytest

from tests.warm import Warm


@pytest.fixture
def project(tacit, tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:100, 0], y=digits[1][:100])
    tacit("init", "digits.npz", "-p", "d.tacit")
    return tmp_path / "d.tacit"


def test_nothing_here_yet(tacit):
    assert "tacit init SOURCE" in tacit.error(2, "look")
    assert "nowhere" in tacit.error(2, "init", "nowhere")


def test_an_empty_folder(tacit, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in tacit.error(3, "init", "empty")
    assert not (tmp_path / "empty.tacit").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("zero.npz", b""), ("text.npy", b"hello"), ("nan.csv", b"a,b\n1,2\n3,nan\n"), ("ragged.csv", b"a,b\n1,2\n3\n")],
)
def test_files_that_are_not_what_they_say(tacit, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert name in tacit.error(3, "init", name)


def test_pickled_objects_are_never_loaded(tacit, tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "object" in tacit.error(3, "init", "objects.npy")


def test_misspelt_methods_strategies_settings_and_commands(tacit, project):
    assert "did you mean: autoencoder?" in tacit.error(2, "learn", "autoencodr")
    assert "did you mean: margin?" in tacit.error(2, "choose", "margn")
    assert "did you mean: typical?" in tacit.error(2, "simulate", "typcal")
    said = tacit.error(2, "learn", "vae", "--latent-dmi", "3", "--step", "5")
    assert "latent" in said and "steps" in said  # all at once
    assert "tacit" in tacit.error(2, "lern")
    assert "--latent-dim" in tacit.error(2, "learn", "vae", "--latent-dim", "many").replace("_", "-")


def test_training_before_there_are_labels_and_with_one_class(tacit, project, tmp_path):
    assert "tacit choose" in tacit.error(3, "train")
    assert "tacit train" in tacit.error(2, "evaluate")
    assert "waiting" in tacit.error(2, "label", "--todo", "t.csv")
    tacit("choose", "-k", "3")
    tacit("label", "--todo", "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([lines[0], *(line.replace(",,", ",cat,", 1) for line in lines[1:])]))
    tacit("label", "--import", "t.csv")
    assert "a classifier needs two" in tacit.error(3, "train")


def test_answers_for_unknown_items_are_refused_whole(tacit, project, tmp_path):
    (tmp_path / "a.csv").write_text("id,label\ndigits.npz#3,cat\nnobody,dog\n")
    assert "nobody" in tacit.error(3, "label", "--import", "a.csv")
    assert tacit.json("look")["labels"] + tacit.json("look")["yardstick_labels"] == 0


def test_a_project_of_a_newer_version(tacit, project):
    settings = project / "project.toml"
    settings.write_text(settings.read_text().replace("version = 1", "version = 2"))
    assert "newer" in tacit.error(4, "look")
    settings.write_text(settings.read_text().replace("version = 2", "version = 1"))
    db = sqlite3.connect(project / "project.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    assert "newer" in tacit.error(4, "look")


def test_a_settings_file_someone_broke(tacit, project):
    (project / "project.toml").write_text("version = 1\nclasses = [")
    assert "project.toml" in tacit.error(3, "look")


def test_one_item_and_one_class_of_truth(tacit, tmp_path):
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 8, 8), np.uint8), y=np.zeros(1, int))
    tacit("init", "one.npz", "-p", "one.tacit")
    tacit("choose", "-k", "5", "-p", "one.tacit")
    tacit("label", "--oracle", "-p", "one.tacit")
    assert "one class" in tacit.error(3, "train", "-p", "one.tacit")


def test_more_threads_than_one_may_label_at_once(tacit, project, tmp_path):
    for part in range(4):
        rows = "\n".join(f"digits.npz#{i},class{part}" for i in range(part * 25, part * 25 + 25))
        (tmp_path / f"{part}.csv").write_text(f"id,label\n{rows}\n")
    running = [Warm(["label", "--import", f"{part}.csv"], cwd=tmp_path) for part in range(4)]
    assert [p.wait() for p in running] == [0] * 4
    look = tacit.json("look")
    assert look["labels"] + look["yardstick_labels"] == 100


def test_a_disk_that_is_full_while_saving(project, monkeypatch, tmp_path):
    """The same code path in this process: a write that fails leaves what was there."""
    import errno
    import os

    from tacit.errors import BadEnvironment
    from tacit.project import Project

    opened = Project(project)
    opened.choose("random", k=10)
    opened.ask_truth()
    before = opened.labels.answers()
    real = os.replace

    def full(source, target):
        if str(target).endswith("checkpoint.pt"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(BadEnvironment, match="disk is full"):
        opened.train(steps=5)
    monkeypatch.undo()
    assert Project(project).labels.answers() == before
    assert Project(project).train(steps=5).record["labels"] == 10

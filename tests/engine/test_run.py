import threading

import pytest

from tacit.engine.run import Run, all_runs
from tacit.errors import BadData, WrongUsage


def test_runs_are_numbered_and_come_back_in_order(tmp_path):
    Run.create(tmp_path / "runs", "vae", {"options": {"width": None, "depth": 2}})
    Run.create(tmp_path / "runs", "my/file.py:Class", {})
    assert [r.name for r in all_runs(tmp_path / "runs")] == ["001-vae", "002-my-file-py-Class"]
    assert all_runs(tmp_path / "runs")[0].record["options"] == {"depth": 2}
    assert all_runs(tmp_path / "nowhere") == []


def test_two_at_once_get_two_folders(tmp_path):
    made = []
    threads = [threading.Thread(target=lambda: made.append(Run.create(tmp_path, "vae", {}).name)) for _ in range(12)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(set(made)) == 12


def test_a_line_cut_short_by_a_kill_is_passed_over_and_a_later_telling_counts(tmp_path):
    run = Run.create(tmp_path, "vae", {})
    for step, loss in ((1, 5.0), (2, 4.0), (2, 3.0)):
        run.log({"step": step, "terms": {"loss": loss}})
    with open(run.folder / "progress.jsonl", "a") as file:
        file.write('{"step": 3, "ter')
    assert [(r["step"], r["terms"]["loss"]) for r in run.progress()] == [(1, 5.0), (2, 3.0)]


def test_finishing_drops_the_checkpoint(tmp_path):
    run = Run.create(tmp_path, "vae", {})
    run.checkpoint.write_bytes(b"x")
    assert not run.finished
    run.finish(seconds=1.5)
    again = Run.open(run.folder)
    assert again.finished and again.record["seconds"] == 1.5 and not run.checkpoint.exists()


def test_a_missing_or_broken_run_is_a_sentence(tmp_path):
    with pytest.raises(WrongUsage, match="tacit runs"):
        Run.open(tmp_path)
    (tmp_path / "run.toml").write_text("status = ")
    with pytest.raises(BadData, match="cannot be read"):
        Run.open(tmp_path)

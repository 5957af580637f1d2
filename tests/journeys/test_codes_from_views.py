"""From views to a classifier through the shell: look at them, learn codes, compare layers, go on with few labels."""

import numpy as np
import pytest

TINY = ("--width", "8", "--steps", "20", "--batch", "32", "--precision", "fp32")


@pytest.fixture
def project(tacit, tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:200, 0], y=digits[1][:200])
    tacit("init", "digits.npz", "-p", "d.tacit", "--yardstick", "50")
    return tmp_path / "d.tacit"


def test_from_views_to_a_classifier(tacit, project):
    drawn = tacit.json("look", "--views", "simclr", "--crop", "0.5")
    assert drawn["items"] == 8 and (project / "reports" / "views.png").stat().st_size > 1000

    tacit("choose", "random", "-k", "60")
    tacit("label", "--oracle")
    told = tacit("learn", "simclr", *TINY)
    assert "(chance 4.143)" in told.stderr and "labels in turn" in told.stderr and "labels in turn" in told.stdout

    measured = tacit.json("evaluate", "--space", "--layer", "projector.1")
    assert [row["name"] for row in measured["rows"]][-2:] == ["codes", "projector.1"]
    assert measured["geometry"]["n"] == 150

    trained = tacit.json("train", "finetune", "--layer", "1", "--steps", "20")
    assert trained["trunk_of"] == "001-simclr" and trained["accuracy"]["items"] == 50

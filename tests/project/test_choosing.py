import numpy as np

from tacit.project import Project
from tacit.project.choosing import choose_next, quick_space


def test_reasons_name_classes_that_were_made_after_the_space_was_loaded(tmp_path, digits):
    x, y = digits
    np.savez(tmp_path / "digits.npz", x=x[:200, 0])
    project = Project.create(tmp_path / "digits.npz", yardstick=0)
    space = quick_space(project)
    project.settings.set("classes", ["even", "odd"])
    where = project.pool.find(project.pool.ids)[:30]
    project.labels.record([str(i) for i in project.pool.ids[where]], [("even", "odd")[y[i] % 2] for i in where])
    project.train("supervised", steps=20)
    reasons = [pick["reason"] for pick in choose_next(project, "margin", 5, {}, space=space).record["picks"]]
    assert all("even" in reason and "odd" in reason for reason in reasons)

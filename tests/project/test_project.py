"""What the verbs promise, from Python: the same words as in the shell."""

import numpy as np
import pytest
import torch

from tacit.errors import WrongUsage
from tacit.project import Project


@pytest.fixture
def project(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", x=digits[0][:300, 0], y=digits[1][:300])
    return Project.create(tmp_path / "digits.npz", tmp_path / "d.tacit", yardstick=100)


def test_neither_strategies_nor_training_can_reach_the_yardstick(project):
    pool, yardstick = set(project.pool.ids), set(project.yardstick.ids)
    assert not pool & yardstick and len(yardstick) == 100
    for strategy in ("random", "typical", "k_center"):
        picked = {p["id"] for p in project.choose(strategy, k=30).record["picks"]}
        assert picked <= pool
    project.ask_truth(yardstick=True)  # answers about the yardstick are no labels to learn from
    assert int((project.answers(project.pool) >= 0).sum()) == 0


def test_hidden_labels_stay_hidden_until_they_are_asked(project):
    assert project.classes == () and project.pool.spec.classes == ()
    project.choose("random", k=5)
    project.ask_truth()
    assert int((project.answers(project.pool) >= 0).sum()) == 5


def test_answers_of_people_about_the_yardstick_come_before_the_hidden_truth(project):
    project.choose("random", k=60)
    project.ask_truth()
    project.train(steps=60)
    assert project.evaluate().record["from"] == "hidden labels"
    some = [str(i) for i in project.yardstick.ids[:10]]
    project.labels.record(some, ["0"] * 10)
    measured = project.evaluate().record
    assert measured["from"] == "answers in the ledger" and measured["n"] == 10


def test_a_space_is_measured_beside_what_raw_items_say(project):
    project.learn("vae", steps=150, latent_dim=8)
    project.choose("random", k=60)
    project.ask_truth()
    measured = project.evaluate_space().record
    assert {"raw items", "codes"} <= {row["name"] for row in measured["rows"]}
    assert measured["measured"] == 100 and measured["health"]["dim"] == 8 and -1 <= measured["clusters"]["ari"] <= 1


def test_a_class_that_comes_later_makes_the_old_model_step_back(project):
    project.choose("random", k=60)
    project.ask_truth()
    project.train(steps=30)
    ids = [str(i) for i in project.pool.ids[:1]]
    project.labels.record(ids, ["something new"])
    assert "something new" in project.classes
    outcome = project.choose("margin", k=3)  # the old model still knows the first ten classes
    assert len(outcome.record["picks"]) == 3
    assert project.train(steps=30).record["labels"] >= 60


def test_runs_can_be_named_by_number_name_or_method(project):
    first = project.learn("autoencoder", steps=20).record["run"]
    second = project.learn("vae", steps=20).record["run"]
    assert project.run("001", "learn").name == project.run("autoencoder", "learn").name == first
    assert project.run(None, "learn").name == second
    with pytest.raises(WrongUsage, match="known: 001-autoencoder, 002-vae"):
        project.run("003", "learn")


def test_one_way_of_saying_each_setting(project):
    with pytest.raises(WrongUsage, match="needs labels"):
        project.learn("supervised")
    with pytest.raises(WrongUsage, match="learns without labels"):
        project.choose("random", k=20)
        project.ask_truth()
        project.train("vae")


def test_the_space_of_a_run_comes_back_with_its_method(project):
    from tacit.project.choosing import current_space

    project.learn("vae", steps=40, latent_dim=5)
    space, notes = current_space(project)
    assert notes == [] and space.codes.shape == (200, 5) and space.can_decode
    assert torch.allclose(space.codes[:7], space.encode(project.pool.floats(slice(0, 7))), atol=1e-5)


def test_a_method_in_a_file_of_ones_own_needs_no_edit_of_the_package(project, tmp_path):
    (tmp_path / "mine.py").write_text(
        '''
from torch import nn
from tacit.data.feeds import items
from tacit.methods.method import Method

class Linear(Method):
    """Codes by one matrix."""
    feed = staticmethod(items)
    paper, use_when = "none", "you try things"

    def __init__(self, spec, *, dim: int = 4):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, dim))
        self.back = nn.Linear(dim, 64)

    def loss(self, x):
        return {"loss": (self.back(self.embed(x)) - x.flatten(1)).square().sum(1).mean()}

    def embed(self, x):
        return self.encoder(x)
'''
    )
    learned = project.learn(f"{tmp_path}/mine.py:Linear", steps=30, dim="3")
    assert learned.record["dim"] == 3
    assert len(project.choose("k_center", k=4).record["picks"]) == 4


def test_before_anything_is_learned_sounds_are_told_apart_by_their_cepstra(tmp_path):
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 3000, 40 * 500).astype(np.int16)
    np.savez(tmp_path / "s.npz", samples=samples, offsets=np.arange(0, 20001, 500), sample_rate=8000)
    project = Project.create(tmp_path / "s.npz", yardstick=0)
    from tacit.project.choosing import current_space

    space, (note,) = current_space(project)
    assert "the mean and deviation of MFCC" in note and space.codes.shape == (40, 40)
    assert space.codes.mean(0).abs().max() < 1e-4 and (space.codes.std(0, correction=0) - 1).abs().max() < 1e-3

"""Strategies side by side: same start, same budget, a yardstick nobody learns from."""

import pytest
import torch

from tacit.data.feeds import items
from tacit.data.pool import Yardstick
from tacit.latent.space import Space
from tacit.methods.method import Method
from tacit.rounds import supervised
from tacit.simulate import RANDOM, Budget, Curve, Plan, Row, Simulation, accuracy, simulate

CHEAP = {"trunk": "mlp", "width": 32, "norm": "none", "augment": "none"}


@pytest.fixture(scope="module")
def result(digits_pool, digits):
    truth = torch.from_numpy(digits[1])
    pool, rest = digits_pool.take(torch.arange(400)), torch.arange(400, 800)
    yardstick = Yardstick(digits_pool.spec, digits[0][400:800])
    space = Space(pool.floats(slice(None)).flatten(1), pool)
    train = supervised(epochs=10, least_steps=50, precision="fp32", **CHEAP)
    plans = [Plan("margin"), Plan("margin", start="typical", name="margin from typical")]
    return simulate(
        lambda seed: space,
        truth[:400],
        yardstick,
        truth[rest],
        train,
        plans,
        seeds=(0, 1, 2),
        budget=Budget(20, 10, 3),
    )


def test_random_runs_beside_whatever_is_asked_for(result):
    assert [c.title for c in result.curves] == ["random", "margin", "margin from typical"]
    assert all(c.accuracy.shape == (3, 3) and c.labels == [20, 30, 40] for c in result.curves)


def test_strategies_of_a_seed_share_their_first_model_unless_they_start_otherwise(result):
    random, margin, other = (c.accuracy[:, 0] for c in result.curves)
    assert torch.equal(random, margin) and not torch.equal(random, other)


def test_plans_call_learners_by_name_and_those_of_a_learner_share_their_first_model(digits_pool, digits):
    truth = torch.from_numpy(digits[1])
    pool = digits_pool.take(torch.arange(200))
    space = Space(pool.floats(slice(None)).flatten(1), pool)
    baseline, asked = supervised(epochs=0, least_steps=20, precision="fp32", **CHEAP), []

    def other(pool, labels, seed, previous=None):
        asked.append(int((labels >= 0).sum()))
        return baseline(pool, labels, seed + 1)

    got = simulate(
        lambda seed: space,
        truth[:200],
        Yardstick(digits_pool.spec, digits[0][400:500]),
        truth[400:500],
        baseline,
        [Plan("random", learner="other"), Plan("margin", learner="other"), Plan("margin")],
        seeds=(0,),
        budget=Budget(20, 10, 2),
        learners={"other": other},
    )
    assert [c.title for c in got.curves] == ["random", "random + other", "margin + other", "margin"]
    begin = [float(c.accuracy[0, 0]) for c in got.curves]
    assert begin[0] == begin[3] and begin[1] == begin[2] != begin[0]
    assert asked == [20, 30, 30]  # the first model of a learner is trained once
    assert got.random.title == "random" and "above_random" in got.to_dict()["curves"][1]


def test_gains_are_paired_by_seed():
    rows = [Row("random", s, [0.5, 0.5 + 0.1 * s], 0, {}) for s in range(4)]
    rows += [Row("margin", s, [0.5, 0.52 + 0.1 * s], 0, {}) for s in range(4)]
    gain = Simulation.of(rows, [10, 20]).gain(Simulation.of(rows, [10, 20]).curves[1])
    assert gain.value == pytest.approx(0.02, abs=1e-6) and gain.high - gain.low < 1e-5  # what seeds share cancels


def test_rows_may_come_in_any_order():
    rows = [Row("b", 1, [0.3], 0, {}), Row("random", 1, [0.1], 0, {}), Row("b", 0, [0.4], 2, {}), RANDOM_0]
    got = Simulation.of(rows, [10])
    assert [c.title for c in got.curves] == ["random", "b"] and got.curves[
        1
    ].accuracy.flatten().tolist() == pytest.approx([0.4, 0.3])
    assert got.curves[1].refused == 2


RANDOM_0 = Row(RANDOM.title, 0, [0.2], 0, {})


def test_the_area_of_a_flat_curve_is_its_height():
    assert Curve("flat", [10, 20, 40], torch.full((2, 3), 0.7)).area.tolist() == pytest.approx([0.7, 0.7])


def test_accuracy_leaves_out_items_without_an_answer(digits_pool, digits):
    yardstick = Yardstick(digits_pool.spec, digits[0][:4])

    class Three(Method):
        feed = staticmethod(items)
        paper, use_when = "none", "testing"

        def __init__(self, spec):
            super().__init__(spec)
            self.encoder = torch.nn.Linear(64, 1)

        def loss(self, batch):
            return {"loss": self.embed(batch).sum()}

        def embed(self, x):
            return self.encoder(x.flatten(1))

        def logits(self, x):
            return torch.nn.functional.one_hot(torch.full((len(x),), 3), 10).float()

    assert accuracy(Three(digits_pool.spec), yardstick, torch.tensor([3, 3, 1, -1])) == pytest.approx(2 / 3)

import json
import math

import pytest
import torch

from tacit.evaluate.next_labels import (
    FLOOR,
    SCATTER,
    Measured,
    NextLabels,
    beta_binomial,
    errors,
    grid,
    labels_for,
    next_labels,
    posterior,
    quantiles,
    rounded,
)


def law(n: float, a: float = 2.0, b: float = 0.5, c: float = 0.0) -> float:
    return c + a * n**-b


def curve(counts, items: int = 500, **of) -> list[Measured]:
    return [Measured(n, 1 - law(n, **of), items) for n in counts]


def test_the_likelihood_is_the_beta_binomial():
    from scipy.stats import betabinom

    got = beta_binomial(Measured(20, 0.85, 40), torch.tensor([[0.1], [0.3]], dtype=torch.float64))
    for i, error in enumerate((0.1, 0.3)):
        for j, s in enumerate(SCATTER.tolist()):
            ways = math.log(math.comb(40, 6))
            assert got[i, j].item() + ways == pytest.approx(
                betabinom(40, error * s, (1 - error) * s).logpmf(6), abs=1e-6
            )


def test_every_curve_falls_between_nothing_and_everything():
    before = errors(1.0)
    for times in (1.5, 4.0, 1e6):
        now = errors(times)
        assert (now <= before + 1e-15).all() and (now > 0).all() and (before < 1).all()
        before = now


def test_the_labels_for_an_aim_bring_it():
    e, b, f = grid()
    needed = labels_for(0.05, 60, 20)
    for i in range(0, len(e), 37):
        after = e[i] * (f[i] + (1 - f[i]) * ((60 + needed[i]) / 20) ** -b[i])
        if math.isfinite(needed[i]):
            assert float(errors(3.0)[i] - after) == pytest.approx(0.05, abs=1e-9)
        else:
            most = e[i] * (f[i] + (1 - f[i]) * (100_060 / 20) ** -b[i])
            assert float(errors(3.0)[i] - most) < 0.0501


def test_a_known_power_law_is_recovered_within_its_interval():
    found = next_labels(curve((20, 40, 60, 80, 100)))
    true = law(100) - law(120)
    assert isinstance(found, NextLabels) and found.gain.low <= true <= found.gain.high
    assert found.gain.value == pytest.approx(true, abs=0.006) and found.gain.high - found.gain.low < 0.03
    wanted = (2.0 / (law(100) - 0.05)) ** 2 - 100  # law(n) = law(100) - 0.05
    assert found.needed.low <= wanted <= found.needed.high and found.aim == 0.05


def test_more_measurements_and_more_items_narrow_the_interval():
    def width(counts, items: int) -> float:
        gain = next_labels(curve(counts, items)).gain
        return (gain.high - gain.low) / gain.value

    assert width((20, 40, 60, 80, 100), 500) < width((80, 100), 500)
    assert width((20, 40, 60, 80, 100), 2000) < width((20, 40, 60, 80, 100), 50)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    inside = 0
    for turn in range(40):
        e, b, f, rounds = uniform(0.2, 0.6), uniform(0.2, 0.8), uniform(0.0, 0.4), 2 + turn % 4

        def error(n: int, e: float = e, b: float = b, f: float = f) -> float:
            return e * (f + (1 - f) * (n / 20) ** -b)

        measured = []
        for n in range(20, 20 * rounds + 1, 20):
            own = error(n) + 0.01 * torch.randn((), generator=generator).item()  # this training, by a point up or down
            wrong = int((torch.rand(300, generator=generator) < own).sum())
            measured.append(Measured(n, 1 - wrong / 300, 300))
        gain = next_labels(measured).gain
        inside += gain.low <= error(20 * rounds) - error(20 * rounds + 20) <= gain.high
    assert inside >= 35  # 98 of 100 when this was written


@pytest.mark.parametrize("accuracies", [(0.8, 0.7), (0.8, 0.75, 0.7)])
def test_a_falling_curve_promises_little_and_excludes_little(accuracies):
    found = next_labels([Measured(20 * (i + 1), a, 100) for i, a in enumerate(accuracies)])
    assert 0 <= found.gain.low < 0.001 and found.gain.value < 0.01 < found.gain.high
    assert "[0.0, " in str(found) and "is not in sight" in str(found)


def test_nothing_wrong_at_all_leaves_nothing_to_gain_and_no_negative_error():
    found = next_labels([Measured(20, 0.98, 50), Measured(40, 1.0, 50)])
    assert 0 <= found.gain.low <= found.gain.high < 0.02 and found.aim is None and found.needed is None
    assert "to gain" not in str(found)


def test_one_number_of_labels_is_no_curve():
    assert next_labels([]) is None and next_labels([Measured(20, 0.5, 100)]) is None
    assert next_labels([Measured(20, 0.5, 100), Measured(20, 0.6, 100)]) is None
    assert next_labels([Measured(20, 0.5, 100), Measured(40, 0.6, 0)]) is None  # measured on nothing


def test_the_order_of_trainings_does_not_matter_and_more_labels_bring_more():
    points = curve((20, 60, 100))
    assert next_labels(points) == next_labels(points[::-1])
    assert next_labels(points, more=100).gain.value > next_labels(points, more=20).gain.value


def test_the_weights_sum_to_one_and_prefer_curves_that_fit():
    weight = posterior(curve((20, 80), 1000, a=1.5))
    assert weight.sum().item() == pytest.approx(1) and (weight >= 0).all()
    mean = float((weight * errors(1.0)).sum())
    assert mean == pytest.approx(law(20, a=1.5), abs=0.02) and FLOOR[0] == 0


def test_quantiles_are_those_of_weighted_values():
    found = quantiles(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0.2, 0.01, 0.79], dtype=torch.float64))
    assert (found.value, found.low, found.high) == (2.0, 2.0, 3.0)


@pytest.mark.parametrize(("n", "said"), [(0.2, 1), (7.4, 7), (46.0, 46), (183.0, 180), (1234.0, 1200)])
def test_numbers_of_labels_are_said_with_two_digits(n, said):
    assert rounded(n) == said


def test_it_is_said_in_words_and_as_json():
    found = next_labels(curve((20, 40, 60, 80, 100)))
    assert str(found).startswith(f"20 more labels: about +{100 * found.gain.value:.1f} points [")
    assert "; to gain 5 points you would need about " in str(found)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["gain"][0] == found.gain.value and record["labels"] == 100 and record["measurements"] == 5

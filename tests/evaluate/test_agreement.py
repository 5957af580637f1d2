"""Agreement beyond chance, against the published examples and another implementation."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tacit.evaluate.agreement import NOBODY, agreement

# Fleiss (1971): 14 raters gave 10 subjects to 5 categories
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip


def as_answers(counts: np.ndarray) -> np.ndarray:
    """Who said what in a table of counts does not matter, so the first said the first classes."""
    return np.stack([np.repeat(np.arange(len(row)), row) for row in counts])


def drawn(people: int, items: int = 60, classes: int = 4, missing: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=(items, 1))
    answers = np.where(rng.random((items, people)) < 0.7, truth, rng.integers(classes, size=(items, people)))
    return np.where(rng.random((items, people)) < missing, NOBODY, answers)


def test_the_example_of_fleiss_1971_step_by_step():
    share = [FLEISS[:, j].sum() / (10 * 14) for j in range(5)]
    assert np.round(share, 3).tolist() == [0.143, 0.2, 0.279, 0.15, 0.229]
    of_items = [sum(n * (n - 1) for n in row) / (14 * 13) for row in FLEISS.tolist()]
    assert np.round(of_items, 3).tolist() == [1.0, 0.253, 0.308, 0.44, 0.33, 0.462, 0.242, 0.176, 0.286, 0.286]
    observed, expected = sum(of_items) / 10, sum(p * p for p in share)
    assert (round(observed, 3), round(expected, 3)) == (0.378, 0.213)
    found = agreement(as_answers(FLEISS))
    assert found.kind == "Fleiss' kappa" and found.items == 10
    assert found.kappa.value == pytest.approx((observed - expected) / (1 - expected))
    assert round(found.kappa.value, 3) == 0.210
    assert found.raw == pytest.approx(observed)


@pytest.mark.parametrize("seed", range(5))
def test_two_people_have_the_kappa_of_scikit_learn(seed):
    answers = drawn(2, seed=seed)
    found = agreement(answers)
    assert found.kind == "Cohen's kappa" and found.items == 60
    assert found.kappa.value == pytest.approx(cohen_kappa_score(answers[:, 0], answers[:, 1]))
    assert found.raw == pytest.approx((answers[:, 0] == answers[:, 1]).mean())
    assert found.kappa.low < found.kappa.value < found.kappa.high


def test_items_with_different_numbers_of_answers_count_alike():
    answers = drawn(4, missing=0.4)
    several = [[int(a) for a in row if a != NOBODY] for row in answers]
    several = [row for row in several if len(row) > 1]
    of_items = [
        sum(row[i] == row[j] for i in range(len(row)) for j in range(len(row)) if i != j) / (len(row) * (len(row) - 1))
        for row in several
    ]
    share = [sum(row.count(c) / len(row) for row in several) / len(several) for c in range(4)]
    expected = sum(p * p for p in share)
    found = agreement(answers)
    assert found.items == len(several)
    assert found.kappa.value == pytest.approx((sum(of_items) / len(several) - expected) / (1 - expected))
    pairs = sum(len(row) * (len(row) - 1) for row in several)
    same = sum(p * len(row) * (len(row) - 1) for p, row in zip(of_items, several, strict=True))
    assert found.raw == pytest.approx(same / pairs)


def test_the_interval_is_that_of_resampled_items():
    answers = drawn(3, items=80)
    rng = np.random.default_rng(1)
    again = [agreement(answers[rng.integers(80, size=80)]).kappa.value for _ in range(300)]
    found = agreement(answers).kappa
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.04)


@pytest.mark.parametrize("people", [2, 3])
def test_the_interval_holds_the_truth_about_95_times_in_100(people):
    whole = agreement(drawn(people, items=20_000, seed=99)).kappa.value
    intervals = [agreement(drawn(people, items=60, seed=seed)).kappa for seed in range(200)]
    held = sum(found.low <= whole <= found.high for found in intervals)
    assert held >= 180


def test_names_of_classes_people_and_the_order_of_items_do_not_matter():
    answers = drawn(3, missing=0.2)
    found = agreement(answers).kappa.value
    renamed = np.where(answers == NOBODY, NOBODY, np.array([2, 0, 3, 1])[answers])
    for other in (renamed, answers[:, ::-1], answers[::-1]):
        assert agreement(other).kappa.value == pytest.approx(found)


def test_items_of_one_person_change_nothing():
    answers = drawn(3, missing=0.2)
    alone = np.full((50, 3), NOBODY)
    alone[:, 1] = 3
    assert agreement(np.concatenate([answers, alone])) == agreement(answers)


def test_a_third_person_who_answers_other_items_leaves_it_with_cohen():
    answers = np.concatenate([drawn(2), np.full((60, 1), NOBODY)], 1)
    answers = np.concatenate([answers, [[NOBODY, NOBODY, 1]]])
    assert agreement(answers) == agreement(drawn(2))


@pytest.mark.parametrize("people", [2, 3])
def test_where_all_answers_are_of_one_class_kappa_is_not_defined(people):
    found = agreement(np.full((30, people), 2))
    assert found.kappa is None and found.raw == 1.0 and "all answers are of one class" in found.said


def test_where_somebody_gave_one_class_only_kappa_is_0_and_its_interval_is_not_believed():
    answers = np.random.default_rng(0).integers(0, 2, (30, 2))
    answers[:, 0] = 0
    found = agreement(answers)
    assert abs(found.kappa.value) < 1e-9 and "somebody gave one class only" in found.said


def test_where_nobody_overlaps_there_is_nothing_to_measure():
    for answers in (np.empty((0, 0), int), np.array([[0, NOBODY], [NOBODY, 1]]), np.array([[0], [1]])):
        found = agreement(answers)
        assert (found.kind, found.kappa, found.items, found.raw) == ("none", None, 0, None)
        assert "second opinions" in found.said


def test_full_agreement_and_few_items_are_said_in_words():
    found = agreement(np.array([[0, 0], [1, 1], [0, 0]]))
    assert found.kappa.value == 1 and "nobody disagreed yet" in found.said
    assert "too hopeful" in agreement(drawn(2, items=10)).said and "too hopeful" not in agreement(drawn(2)).said


def test_opposite_answers_are_worse_than_chance():
    assert agreement(np.array([[0, 1], [1, 0]] * 10)).kappa.value == pytest.approx(-1)


def test_a_hundred_thousand_items_take_a_moment():
    found = agreement(drawn(5, items=100_000, classes=10, missing=0.5))
    assert found.kappa.high - found.kappa.low < 0.02

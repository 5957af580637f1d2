import pytest
import torch

from tacit.errors import WrongUsage
from tacit.evaluate.curves import accuracy_at, area_under, labels_needed, paired_difference

LABELS, ACCURACY = [100, 200, 400], [0.5, 0.7, 0.9]


def test_area_is_the_mean_height_by_hand():
    # 100 labels at a mean of 0.6, then 200 at a mean of 0.8
    assert area_under(LABELS, ACCURACY) == pytest.approx((100 * 0.6 + 200 * 0.8) / 300)


def test_the_area_of_a_flat_curve_is_its_height():
    assert area_under([10, 20, 50], torch.full((3,), 0.75)) == pytest.approx(0.75)
    assert area_under([10], [0.75]) == 0.75


def test_between_rounds_the_curve_is_straight():
    assert accuracy_at(LABELS, ACCURACY, 150) == pytest.approx(0.6)
    assert accuracy_at(LABELS, ACCURACY, 400) == pytest.approx(0.9)
    with pytest.raises(WrongUsage, match="nothing at 500"):
        accuracy_at(LABELS, ACCURACY, 500)


def test_labels_needed_undoes_accuracy_at():
    for accuracy in (0.55, 0.7, 0.83, 0.9):
        assert accuracy_at(LABELS, ACCURACY, labels_needed(LABELS, ACCURACY, accuracy)) == pytest.approx(accuracy)


def test_labels_needed_takes_the_first_crossing_and_knows_its_ends():
    assert labels_needed([100, 200, 300], [0.5, 0.7, 0.6], 0.6) == pytest.approx(150)
    assert labels_needed(LABELS, ACCURACY, 0.4) == 100
    assert labels_needed(LABELS, ACCURACY, 0.95) is None


def test_pairs_cancel_what_a_seed_gives_to_both():
    luck = torch.tensor([0.0, 0.1, -0.2, 0.05, 0.3])
    got = paired_difference(0.5 + luck + torch.tensor([0.019, 0.02, 0.021, 0.02, 0.02]), 0.5 + luck)
    assert 0.015 < got.low < got.value < got.high < 0.025


def test_what_is_no_curve_is_said():
    with pytest.raises(WrongUsage, match="rise"):
        area_under([100, 100], [0.5, 0.6])
    with pytest.raises(WrongUsage, match="one accuracy a round"):
        area_under([100, 200], [0.5])
    with pytest.raises(WrongUsage, match="same seeds"):
        paired_difference([0.1, 0.2], [0.1])

import pytest

from tacit.nn.ramp import Ramp


def test_a_ramp_of_w_epochs_is_at_1_of_w_after_the_first_and_at_its_end_from_the_last_on():
    steps, warm_up = 50, 10
    ramp, seen = Ramp(1.0, warm_up / steps), []
    for step in range(steps):
        ramp.follow((step + 1) / steps)
        seen.append(ramp.value.item())
    assert seen[:3] == pytest.approx([1 / 10, 2 / 10, 3 / 10])
    assert seen[9:] == [1.0] * 41
    assert seen == sorted(seen)


def test_it_starts_at_zero_and_ends_where_it_is_told():
    ramp = Ramp(4.0, 0.5)
    assert ramp.value.item() == 0
    ramp.follow(0.25)
    assert ramp.value.item() == 2
    ramp.follow(1.0)
    assert ramp.value.item() == 4


def test_without_a_share_it_is_at_its_end_from_the_start():
    ramp = Ramp(0.3, 0.0)
    assert ramp.value.item() == pytest.approx(0.3)
    ramp.follow(0.01)
    assert ramp.value.item() == pytest.approx(0.3)


def test_its_state_is_where_it_stands():
    ramp, again = Ramp(1.0, 0.5), Ramp(1.0, 0.5)
    ramp.follow(0.2)
    again.load_state_dict(ramp.state_dict())
    assert again.value.item() == pytest.approx(0.4)

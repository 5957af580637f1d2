import math

import pytest
import torch

from tacit.evaluate.intervals import (
    Interval,
    bootstrap,
    bootstrap_many,
    mean_and_error,
    paired_bootstrap,
    plain,
    reflected,
    wilson,
)


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for successes, n in [(0, 10), (3, 10), (10, 10), (1, 1), (87, 100), (4999, 5000)]:
        theirs = binomtest(successes, n).proportion_ci(method="wilson")
        ours = wilson(successes, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
        assert ours.low <= ours.value <= ours.high


def test_wilson_of_nothing_knows_nothing():
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert math.isnan(wilson(0, 0).value)


def test_bootstrap_of_a_mean_is_near_the_textbook_interval():
    x = torch.randn(400, generator=torch.Generator().manual_seed(0))
    half = 1.96 * x.std().item() / 20
    got = bootstrap(x)
    assert got.value == pytest.approx(x.mean().item(), abs=1e-6)
    assert (got.low, got.high) == pytest.approx((got.value - half, got.value + half), abs=0.15 * half)


def test_bootstrap_holds_the_truth_about_95_times_in_100():
    generator = torch.Generator().manual_seed(1)
    held = 0
    for i in range(300):
        got = bootstrap(torch.rand(60, generator=generator), n_boot=400, seed=i)
        held += got.low <= 0.5 <= got.high
    assert 0.90 <= held / 300 <= 0.98


def test_bootstrap_repeats_itself_with_one_seed_and_not_with_another():
    x = torch.rand(50, generator=torch.Generator().manual_seed(0))
    assert bootstrap(x, seed=3) == bootstrap(x, seed=3) != bootstrap(x, seed=4)


def test_chunks_do_not_matter(monkeypatch):
    x = torch.rand(50, generator=torch.Generator().manual_seed(0))
    whole = bootstrap(x, n_boot=100)
    monkeypatch.setattr("tacit.evaluate.intervals.CHUNK", 50 * 7)
    assert bootstrap(x, n_boot=100) == whole


def test_many_statistics_share_their_resamples():
    x = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))
    together = bootstrap_many(x, lambda rows: rows.mean(1), n_boot=200)
    alone = [bootstrap(x[:, j], n_boot=200) for j in range(2)]
    for a, b in zip(together, alone, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-6)


def test_a_statistic_that_resampling_inflates_still_lies_in_its_interval():
    x = torch.randn(20, 100, generator=torch.Generator().manual_seed(0))
    got = bootstrap(x, lambda rows: rows.mean(1).norm(dim=1))
    assert got.low == got.value < got.high  # every resample is longer: noise adds length
    turned = reflected(got)
    assert turned.low < turned.value == turned.high


def test_reflecting_by_hand():
    assert reflected(Interval(0.5, 0.25, 1.0)) == Interval(0.5, 0.0, 0.75)
    assert reflected(Interval(0.25, 0.125, 1.0)) == Interval(0.25, 0.0, 0.375)  # nothing lies below `least`


def test_reflected_intervals_hold_a_length_that_noise_inflates_and_percentile_intervals_do_not():
    generator, held, held_reflected = torch.Generator().manual_seed(0), 0, 0
    for i in range(100):
        x = torch.randn(100, 20, generator=generator) + 0.1  # the length of the true mean: 0.1 sqrt(20)
        got = bootstrap(x, lambda rows: rows.mean(1).norm(dim=1), n_boot=300, seed=i)
        held += got.low <= 0.447 <= got.high
        held_reflected += reflected(got).low <= 0.447 <= reflected(got).high
    assert held < 50 and held_reflected > 80


def test_resamples_that_lack_what_a_statistic_needs_say_nothing():
    x = torch.cat([torch.zeros(9), torch.ones(1)])  # a third of the resamples misses the one

    def share_or_nan(rows: torch.Tensor) -> torch.Tensor:
        share = rows.mean(1)
        return torch.where(share > 0, share, torch.nan)

    got = bootstrap(x, share_or_nan)
    assert got.low >= 0.1 - 1e-6 and math.isfinite(got.high)


def test_pairs_cancel_what_both_share():
    generator = torch.Generator().manual_seed(0)
    hard = torch.randn(200, generator=generator) * 10
    a, b = hard + 1 + 0.1 * torch.randn(200, generator=generator), hard
    paired = paired_bootstrap(a, b)
    assert 0.9 < paired.low < paired.high < 1.1
    assert bootstrap(a).high - bootstrap(a).low > 10 * (paired.high - paired.low)


def test_swapping_a_pair_turns_its_interval_round():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(50, generator=generator), torch.rand(50, generator=generator)
    one, other = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-9)


def test_students_interval_of_three_numbers_by_hand():
    got = mean_and_error([1.0, 2.0, 3.0])  # t with 2 degrees of freedom: 4.303; standard error 1 / sqrt(3)
    assert (got.value, got.low, got.high) == pytest.approx((2.0, 2 - 2.4841, 2 + 2.4841), abs=1e-3)


def test_one_seed_says_nothing_about_the_spread():
    assert mean_and_error([0.8]).low == -math.inf
    assert math.isnan(mean_and_error([]).value)


def test_a_record_becomes_plain_numbers_that_json_can_hold():
    record = {"a": wilson(0, 0), "b": [mean_and_error([0.5])], "c": (1, "x", None)}
    assert plain(record) == {
        "a": {"value": None, "low": 0.0, "high": 1.0},
        "b": [{"value": 0.5, "low": None, "high": None}],
        "c": [1, "x", None],
    }

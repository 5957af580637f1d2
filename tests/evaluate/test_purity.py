"""What a look at some of the items says about all of them."""

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest, hypergeom

from tacit.errors import WrongUsage
from tacit.evaluate.purity import purity, right_among

TAIL = Fraction(1, 40)


def slowly(right: int, looked: int, of: int) -> tuple[int, int]:
    """Every number of right items that could have made this, by counting hands, in exact fractions."""

    def chance(k: int, r: int) -> Fraction:
        return Fraction(comb(k, r) * comb(of - k, looked - r), comb(of, looked))

    fits = [
        k
        for k in range(right, of - (looked - right) + 1)
        if sum(chance(k, r) for r in range(right, looked + 1)) > TAIL
        and sum(chance(k, r) for r in range(right + 1)) > TAIL
    ]
    return min(fits), max(fits)


@st.composite
def looks(draw) -> tuple[int, int, int]:
    of = draw(st.integers(1, 40))
    looked = draw(st.integers(1, of))
    return draw(st.integers(0, looked)), looked, of


@given(looks())
@example((0, 1, 40))  # here a chance is 0.025 itself
@example((1, 1, 40))
def test_the_bounds_are_those_of_the_definition(look):
    assert right_among(*look) == slowly(*look)


@given(looks())
def test_the_share_of_what_is_answered_lies_in_its_interval(look):
    right, looked, of = look
    if of == looked - right:
        return
    found = purity(right, looked, of)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(
        right / looked * (of - looked) / (of - looked + right) + right / (of - looked + right)
    )


@pytest.mark.parametrize(("right", "looked"), [(12, 12), (11, 12), (6, 12), (0, 12), (40, 40), (150, 200)])
def test_of_very_many_items_it_is_the_interval_of_clopper_and_pearson(right, looked):
    of = 2_000_000
    theirs = binomtest(right, looked).proportion_ci(0.95, method="exact")
    low, high = right_among(right, looked, of)
    assert (low / of, high / of) == pytest.approx((theirs.low, theirs.high), abs=2e-4)


def test_twelve_right_of_214():
    found = purity(12, 12, 214)
    assert found.value == found.high == 1
    assert (
        hypergeom.sf(11, 214, round(found.low * 214), 12)
        > 0.025
        >= hypergeom.sf(11, 214, round(found.low * 214) - 1, 12)
    )
    assert found.low == pytest.approx(0.025 ** (1 / 12), abs=0.02) and found.low > 0.025 ** (1 / 12)


def test_what_was_all_looked_at_is_known():
    for right in range(1, 21):
        found = purity(right, 20, 20)
        assert (found.value, found.low, found.high) == (1, 1, 1)  # the wrong ones are not answered


def test_it_holds_the_truth_at_least_95_times_in_100_whatever_is_there():
    """Every hand of 4 of 9 items, for every number of right ones among them."""
    for truth in range(10):
        hands = list(combinations(range(9), 4))
        held = 0
        for hand in hands:
            low, high = right_among(sum(item < truth for item in hand), 4, 9)
            held += low <= truth <= high
        assert held / len(hands) >= 0.95


def test_more_looks_say_more():
    widths = [(lambda f: f.high - f.low)(purity(n, n, 500)) for n in (1, 12, 100, 499, 500)]
    assert widths == sorted(widths, reverse=True) and widths[-1] == 0 and widths[0] > 0.9


@pytest.mark.parametrize("look", [(3, 2, 10), (2, 12, 10), (-1, 3, 10), (0, 0, 10), (0, 4, 4)])
def test_what_cannot_be_is_refused(look):
    with pytest.raises(WrongUsage):
        purity(*look)

"""How much of a bulk answer is right, when only some of its items were looked at: an exact interval."""

from collections.abc import Callable

from tacit.errors import WrongUsage
from tacit.evaluate.intervals import Interval

TAIL = 0.025  # on either side
MORE = TAIL * (1 + 1e-9)  # above it by more than rounding: 1 of 40 is no more than 2.5 in 100


def purity(right: int, looked: int, of: int) -> Interval:
    """The share that is right of what is answered: `of` items without those seen to be wrong.

    `looked` items, drawn at random, were seen and `right` of them were right. With all of them looked at, what is left
    is known to be right: the interval has no width.
    """
    low, high = right_among(right, looked, of)
    answered = of - (looked - right)
    if looked == 0 or answered == 0:
        raise WrongUsage("nothing was looked at, or nothing of it was right: there is no purity to speak of")
    unseen = (of - looked) * right / looked  # likely to be right, of those that nobody saw
    return Interval((right + unseen) / answered, low / answered, high / answered)


def right_among(right: int, looked: int, of: int) -> tuple[int, int]:
    """The least and the most of `of` items that are right, 95 times in 100, when `right` of `looked` at random were.

    The exact interval of Clopper & Pearson (1934, https://doi.org/10.1093/biomet/26.4.404) with the hypergeometric
    distribution in place of the binomial, for nothing is drawn twice: every number of right ones under which as few as
    were seen, and as many, both come up more than 2.5 times in 100. Of very many items it is the binomial one.
    """
    from scipy.stats import hypergeom

    if not 0 <= right <= looked <= of:
        raise WrongUsage(f"{right} right of {looked} looked at of {of} items is not possible")
    least, most = right, of - (looked - right)  # the others have been seen to be wrong
    low = first(least, most, lambda k: bool(hypergeom.sf(right - 1, of, k, looked) > MORE))
    high = first(least, most, lambda k: bool(hypergeom.cdf(right, of, k + 1, looked) <= MORE))
    return low, high


def first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number of low..high from which on this holds; `high` where it does for none below it."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low

"""One group or two: told from how often neighbours lie in the other half."""

import numpy as np
import pytest
import torch

from tacit.errors import WrongUsage
from tacit.latent.groups import APART, crossings, halves, looks_like


def blobs(*sizes: int, apart: float = 20.0) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.cat([torch.randn(n, 5, generator=random) + apart * i for i, n in enumerate(sizes)])


def test_halves_are_the_two_groups_and_the_smaller_one_is_true():
    assert halves(blobs(30, 12)).tolist() == [False] * 30 + [True] * 12
    assert halves(blobs(12, 30)).tolist() == [True] * 12 + [False] * 30
    for seed in range(5):
        assert halves(blobs(20, 20), seed=seed).tolist() == [False] * 20 + [True] * 20


@pytest.mark.parametrize("codes", [torch.zeros(0, 3), torch.ones(1, 3), torch.ones(40, 3)])
def test_what_nothing_tells_apart_is_not_split(codes):
    with pytest.raises(WrongUsage, match="nothing tells them apart"):
        halves(codes)


def test_crossings_are_those_of_the_definition():
    codes = torch.randn(40, 3, generator=torch.Generator().manual_seed(2))
    second = codes[:, 0] > 0.3
    crossed = 0
    for i in range(40):
        near = sorted((j for j in range(40) if j != i), key=lambda j: float((codes[i] - codes[j]).norm()))[:10]
        crossed += sum(bool(second[i]) != bool(second[j]) for j in near)
    share = float(second.float().mean())
    assert crossings(codes, second) == pytest.approx(crossed / 400 / (2 * share * (1 - share)), rel=1e-5)


def test_what_it_says():
    assert looks_like(blobs(60)) == "looks like one group"
    assert looks_like(blobs(60, 20)) == "looks like two groups (75 % and 25 %)"
    assert looks_like(torch.ones(30, 4)) == "looks like one group"
    assert looks_like(blobs(5, 4)) == "too few items to tell groups apart"


def test_real_digits_of_one_class_mostly_look_like_one_group_and_of_two_like_two(digits):
    x, y = digits
    items = torch.from_numpy(x).flatten(1).float() / 255
    torch.manual_seed(0)
    _, _, axes = torch.pca_lowrank(items - items.mean(0), q=32, center=False, niter=4)
    codes = (items - items.mean(0)) @ axes
    of = [np.flatnonzero(y == digit)[:80] for digit in range(10)]
    single = [looks_like(codes[rows]) == "looks like one group" for rows in of]
    pairs = [np.concatenate([of[a], of[b]]) for a in range(10) for b in range(a)]
    double = [looks_like(codes[rows]).startswith("looks like two groups") for rows in pairs]
    assert APART == 0.1 and np.mean(single) >= 0.7 and np.mean(double) >= 0.85, (np.mean(single), np.mean(double))

"""Near copies are found, and nothing is set aside for an item that it does not resemble."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tacit.latent import duplicates
from tacit.latent.duplicates import WITHIN, Copies, near_copies
from tacit.latent.neighbours import neighbour_graph


def groups(codes, limit: float, kept: tuple[int, ...] = (), never: tuple[int, ...] = ()) -> list[Copies]:
    codes = torch.as_tensor(codes, dtype=torch.float32)
    masks = [np.isin(np.arange(len(codes)), some) for some in (kept, never)]
    return near_copies(codes, neighbour_graph(codes), limit, kept=masks[0], never=masks[1])


def plain(found: list[Copies]) -> list[tuple[int, list[int]]]:
    return [(copies.keep, copies.others.tolist()) for copies in found]


def test_the_item_in_the_middle_is_kept():
    line = [[0.0], [1.0], [2.0], [50.0], [90.0], [90.5]]
    found = groups(line, 1.0)
    assert plain(found) == [(1, [0, 2]), (4, [5])]
    assert found[0].distance.tolist() == [1, 1] and found[1].distance.tolist() == [0.5]


def test_a_chain_is_not_followed_to_its_end():
    found = groups([[float(i)] for i in range(9)], 1.0)
    assert plain(found) == [(1, [0, 2]), (3, [4]), (5, [6]), (7, [8])]


def test_what_was_answered_is_kept_and_is_nobodys_copy():
    line = [[0.0], [1.0], [2.0], [2.5]]
    assert plain(groups(line, 1.0, kept=(0,))) == [(0, [1]), (2, [3])]
    assert plain(groups(line, 1.0, kept=(0, 1))) == [(1, [2])]
    assert plain(groups(line, 1.0, kept=(0, 1, 2, 3))) == []


def test_what_takes_no_part_is_in_no_group_and_joins_none():
    assert plain(groups([[0.0], [1.0], [2.0]], 1.0, never=(1,))) == []


def test_forty_copies_of_one_item_are_one_group_though_a_graph_has_15_neighbours():
    codes = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    codes[:40] = codes[0] + 1e-3 * torch.randn(40, 5, generator=torch.Generator().manual_seed(1))
    (found,) = groups(codes, 0.02)
    assert sorted([found.keep, *found.others]) == list(range(40))
    assert [len(copies.others) for copies in groups(codes[0].repeat(40, 1), 0.0)] == [39]


def test_no_items_and_single_items_have_no_copies():
    assert groups(torch.zeros(0, 3), 1.0) == [] and groups(torch.zeros(1, 3), 1.0) == []


@st.composite
def lattices(draw):
    n = draw(st.integers(2, 40))
    codes = draw(arrays(np.float32, (n, 2), elements=st.integers(0, 12).map(float)))
    some = st.lists(st.integers(0, n - 1), max_size=n // 2, unique=True).map(tuple)
    return codes, draw(st.sampled_from([0.0, 1.0, 1.5, 3.0])), draw(some), draw(some)


@pytest.mark.parametrize("large", [1000, 1])
@given(case=lattices())
def test_groups_are_apart_and_hold_together_and_leave_nothing_over(large, case):
    codes, limit, kept, never = case
    kept = tuple(set(kept) - set(never))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "LARGE", large)
        found = groups(codes, limit, kept, never)
        aside = [int(other) for copies in found for other in copies.others]
        everybody = [copies.keep for copies in found] + aside
        assert len(everybody) == len(set(everybody)) and not set(everybody) & set(never) and not set(aside) & set(kept)
        for copies in found:
            away = [float(np.hypot(*(codes[copies.keep] - codes[other]))) for other in copies.others]
            assert away == pytest.approx(copies.distance.tolist()) and away == sorted(away) and away[-1] <= limit
        if large > 1:  # only neighbours of a graph that has the others in it are compared in a large group
            again = groups(codes, limit, kept, (*never, *aside))
            assert again == []


def test_reencoded_digits_are_found_and_hardly_any_other(digits):
    """Of 900 real digits, enlarged as in a file, 60 come a second time as JPEG, a little brighter."""
    x = [np.kron(item[0], np.ones((4, 4), np.uint8)) for item in digits[0][:900]]
    pick = np.random.default_rng(0).choice(900, 60, replace=False)
    items = torch.from_numpy(np.stack([*x, *(reencoded(x[i]) for i in pick)])).flatten(1).float() / 255
    mean = items.mean(0)
    _, _, axes = torch.pca_lowrank(items - mean, q=32, center=False, niter=4)
    codes = (items - mean) @ axes
    step = float(neighbour_graph(codes[:900]).distance[:, 0].median())
    pairs = {frozenset((copies.keep, int(other))) for copies in groups(codes, WITHIN * step) for other in copies.others}
    planted = {frozenset((int(i), 900 + n)) for n, i in enumerate(pick)}
    assert len(planted & pairs) >= 58
    assert len(pairs - planted) <= 9  # 1 % of the digits


def reencoded(item: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(np.clip(item * 1.05, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=60)
    return np.array(Image.open(file))

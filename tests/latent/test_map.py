import numpy as np
import pytest
import torch
from torch import Tensor

from tacit.errors import BadData, TacitError, WrongUsage
from tacit.latent import map as mapping
from tacit.latent.map import (
    Map,
    attraction,
    beside,
    draw,
    joined,
    neighbours_kept_on_map,
    principal_components,
    repulsion,
    repulsion_of_pairs,
    repulsion_on_grid,
    smooth_number,
)
from tacit.latent.neighbours import nearest, neighbour_graph


def random(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def digit_map(digit_codes) -> Map:
    return draw(digit_codes)


# forces


def repulsion_slowly(y: Tensor) -> Tensor:
    """The formula with loops, in double precision."""
    y = y.double()
    n = len(y)
    q = [[0.0 if i == j else 1 / (1 + float((y[i] - y[j]).square().sum())) for j in range(n)] for i in range(n)]
    z = sum(map(sum, q))
    return torch.stack([sum((q[i][j] ** 2 / z * (y[i] - y[j]) for j in range(n)), torch.zeros(2)) for i in range(n)])


def attraction_slowly(y: Tensor, index: Tensor) -> Tensor:
    y = y.double()
    n, k = index.shape
    force = torch.zeros(n, 2, dtype=torch.double)
    for i in range(n):
        for j in index[i].tolist():
            pull = (y[i] - y[j]) / (1 + (y[i] - y[j]).square().sum()) / (2 * n * k)
            force[i] += pull
            force[j] -= pull
    return force


def off(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("spread", [1e-2, 1.0, 10.0, 200.0])
def test_repulsion_of_few_items_is_the_sum_over_pairs(spread):
    y = spread * random(25, 2)
    assert off(repulsion(y), repulsion_slowly(y)) < 1e-5


@pytest.mark.parametrize("spread", [1e-2, 1.0, 5.0, 15.0, 30.0])
def test_repulsion_by_grid_is_near_the_sum_over_pairs(spread):
    """Quadratic splines leave an error of third order in the cell, which is half as wide as the kernel: 1/8."""
    y = spread * random(900, 2) + torch.tensor([7.0, -3.0])
    exact = repulsion_of_pairs(y.double())
    assert off(repulsion(y), exact) < 1 / 8
    along = (repulsion(y) * exact).sum(1) / exact.square().sum(1)
    assert float(along.median()) == pytest.approx(1, abs=0.02)  # not too strong or too weak on the whole


def test_half_the_cell_leaves_less_than_a_quarter_of_the_error(monkeypatch):
    y = 10 * random(900, 2)
    exact = repulsion_of_pairs(y.double())
    coarse = off(repulsion_on_grid(y), exact)
    monkeypatch.setattr(mapping, "CELL", 0.25)
    assert off(repulsion_on_grid(y), exact) < coarse / 4


@pytest.mark.parametrize("n", [2, 4, 20])
@pytest.mark.parametrize("spread", [1.0, 20.0])
def test_on_the_grid_an_item_does_not_push_itself(n, spread):
    """With few items what each feels of itself would outweigh what it feels of the others."""
    y = spread * random(n, 2, seed=3)
    assert off(repulsion_on_grid(y), repulsion_of_pairs(y.double())) < 1 / 8


def test_what_one_item_pushes_pushes_back(digit_codes):
    y, graph = 10 * random(len(digit_codes), 2), neighbour_graph(digit_codes)
    for force in (repulsion(y), attraction(y, graph.index.flatten(), 15)):
        assert float(force.sum(0).norm() / force.norm(dim=1).sum()) < 0.01


def test_attraction_is_the_sum_over_the_edges():
    y, index = 5 * random(30, 2), neighbour_graph(random(30, 6, seed=1), 4).index
    assert off(attraction(y, index.flatten(), 4), attraction_slowly(y, index)) < 1e-5


def test_together_they_are_the_gradient_of_the_divergence_of_two_distributions():
    """KL(P || Q) of van der Maaten & Hinton, eq. 2 and 4, differentiated by autograd."""
    y, index = random(30, 2).double().requires_grad_(), neighbour_graph(random(30, 6, seed=1), 4).index
    p = torch.zeros(30, 30, dtype=torch.double)
    for i in range(30):
        for j in index[i].tolist():
            p[i, j] += 1 / (2 * 30 * 4)
            p[j, i] += 1 / (2 * 30 * 4)
    assert p.sum().item() == pytest.approx(1)
    kernel = (1 / (1 + (y[:, None] - y).square().sum(2))).masked_fill(torch.eye(30).bool(), 0)
    q = kernel / kernel.sum()
    some = p > 0
    divergence = (p[some] * (p[some] / q[some]).log()).sum()
    expected = torch.autograd.grad(divergence, y)[0]
    y = y.detach().float()
    assert off(4 * (attraction(y, index.flatten(), 4) - repulsion(y)), expected) < 1e-5


def test_grid_sizes_are_the_next_that_an_fft_likes():
    for n in range(1, 900):
        found, rest = smooth_number(n), smooth_number(n)
        while rest % 2 == 0:
            rest //= 2
        assert rest in (1, 3, 5, 9, 15) and n <= found < 1.5 * n + 1


# principal components


def test_principal_components_keep_the_two_largest_eigenvalues_of_the_covariance():
    codes = random(200, 6) * torch.tensor([3.0, 2, 1, 1, 0.5, 0.1]) + 5
    values = torch.linalg.eigvalsh(codes.T.double().cov())
    found = principal_components(codes)
    assert torch.allclose(found.T.double().cov(), values[-2:].flip(0).diag(), atol=1e-4)  # and nothing in common
    assert found.mean(0).abs().max() < 1e-5
    lost = codes.var(0).sum() - found.var(0).sum()
    assert lost.item() == pytest.approx(values[:-2].sum().item(), rel=1e-4)


def test_principal_components_know_no_order_and_no_origin_and_no_mirror():
    codes = random(80, 5)
    found = principal_components(codes)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(principal_components(codes[order]), found[order], atol=1e-5)
    assert torch.allclose(principal_components(codes + 50), found, atol=1e-4)
    for j in range(2):  # the sign of the largest loading decides
        loading = torch.linalg.lstsq(codes - codes.mean(0), found[:, j : j + 1]).solution
        assert loading[loading.abs().argmax()] > 0


# the map of digits


def test_the_map_of_digits_keeps_far_more_neighbours_than_principal_components(digit_codes, digit_map):
    plain = neighbours_kept_on_map(digit_codes, principal_components(digit_codes))
    assert digit_map.points.shape == (len(digit_codes), 2) and digit_map.name == "t-SNE" and digit_map.note == ""
    assert digit_map.kept > 0.55 and digit_map.kept > 3 * plain
    assert digit_map.points.mean(0).abs().max() < 1e-2
    assert digit_map.seconds > 0


def test_the_same_codes_give_the_same_map(digit_codes, digit_map):
    again = draw(digit_codes, neighbour_graph(digit_codes, 15))
    assert torch.equal(again.points, digit_map.points) and again.kept == digit_map.kept


def test_neighbours_kept_are_counted_one_by_one():
    codes, points = random(40, 6), random(40, 2, seed=1)
    true, drawn = (neighbour_graph(of, 5).index.tolist() for of in (codes, points))
    shared = [len(set(a) & set(b)) for a, b in zip(true, drawn, strict=True)]
    assert neighbours_kept_on_map(codes, points, 5) == pytest.approx(sum(shared) / (40 * 5))
    assert neighbours_kept_on_map(points, 3 * points) == 1


def test_of_very_many_items_a_few_say_how_many_neighbours_are_kept(digit_codes, digit_map, monkeypatch):
    monkeypatch.setattr("tacit.latent.map.MANY", 0)
    asked: list[int] = []

    def counting(z, codes, k):
        asked.append(len(z))
        return nearest(z, codes, k)

    monkeypatch.setattr("tacit.latent.map.nearest", counting)
    assert neighbours_kept_on_map(digit_codes, digit_map.points) == pytest.approx(digit_map.kept, abs=0.02)
    assert asked == [500, 500] and len(digit_codes) > 1000


# going on with an earlier map


@pytest.fixture(scope="module")
def grown(digit_codes) -> tuple[Map, Map]:
    """The map of the first 1,500 digits, and that of all 1,797 gone on from it."""
    before = draw(digit_codes[:1500])
    return before, draw(digit_codes, start=before.points)


def test_items_stay_near_their_earlier_places(grown):
    """Half of them within 1 % of the map's width, 95 in 100 within 3 %."""
    before, after = grown
    width = float((before.points.amax(0) - before.points.amin(0)).max())
    moved = (after.points[:1500] - before.points).norm(dim=1)
    assert float(moved.median()) < 0.01 * width and float(moved.quantile(0.95)) < 0.03 * width
    assert (after.points[:1500] - before.points).mean(0).abs().max() < 1e-3  # the map as a whole stays in place


def test_newcomers_join_their_neighbours(grown, digit_codes, digit_map):
    _, after = grown
    assert after.kept > 0.97 * digit_map.kept
    newcomers = torch.arange(1500, len(digit_codes))
    true = neighbour_graph(digit_codes).index[newcomers]
    away = (after.points[true] - after.points[newcomers, None]).norm(dim=2).median(1).values
    width = float((after.points.amax(0) - after.points.amin(0)).max())
    assert float(away.median()) < 0.03 * width


def test_a_newcomer_like_an_earlier_item_begins_at_its_place(digit_codes):
    places = random(100, 2)
    codes = torch.cat([digit_codes[:100], digit_codes[[7]], digit_codes[[3, 8]].mean(0, keepdim=True)])
    begin = joined(codes, places)
    assert torch.equal(begin[:100], places)
    assert torch.allclose(begin[100], places[7], atol=1e-4)
    assert torch.equal(joined(codes[:100], places), places)


def test_places_beside_landmarks_are_weighted_by_nearness_in_any_unit():
    codes, landmarks, places = random(6, 4), random(20, 4, seed=1), random(20, 2, seed=2)
    for row, code in enumerate(codes):
        away = [(float((code - mark).norm()), j) for j, mark in enumerate(landmarks)]
        near = sorted(away)[:5]
        total = sum(1 / d for d, _ in near)
        expected = sum(places[j] / d / total for d, j in near)
        assert torch.allclose(beside(codes, landmarks, places)[row], expected, atol=1e-5)
    small = 2.0**-24  # a power of two changes no digit
    assert torch.allclose(beside(small * codes, small * landmarks, places), beside(codes, landmarks, places))
    assert torch.allclose(beside(landmarks, landmarks, places), places, atol=1e-4)
    copies = beside(landmarks[:1], landmarks[:1].repeat(5, 1), places[:5])
    assert torch.allclose(copies, places[:5].mean(0, keepdim=True))


def test_a_start_longer_than_the_codes_is_refused_and_one_of_three_items_is_no_start():
    codes = random(30, 4)
    with pytest.raises(WrongUsage, match="31 items and the codes only 30"):
        draw(codes, start=random(31, 2))
    assert torch.equal(draw(codes, start=random(3, 2)).points, draw(codes).points)


# very many items


def test_a_large_pool_is_laid_out_by_landmarks(digit_codes, monkeypatch):
    monkeypatch.setattr(mapping, "LARGEST", 1000)
    monkeypatch.setattr(mapping, "LANDMARKS", 600)
    drawn = draw(digit_codes, seed=5)
    assert drawn.name == "t-SNE of landmarks" and drawn.note.startswith("600 random items were laid out")
    assert len(drawn) == len(digit_codes)
    assert drawn.kept > 1.5 * neighbours_kept_on_map(digit_codes, principal_components(digit_codes))


def test_landmarks_are_drawn_by_seed(monkeypatch):
    monkeypatch.setattr(mapping, "LARGEST", 100)
    monkeypatch.setattr(mapping, "LANDMARKS", 50)
    codes = random(150, 4)
    one, same, other = (draw(codes, seed=seed).points for seed in (5, 5, 6))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_pool_grown_too_large_keeps_its_places(digit_codes, monkeypatch):
    before = draw(digit_codes[:1000])
    monkeypatch.setattr(mapping, "LARGEST", 1200)
    after = draw(digit_codes, start=before.points)
    assert torch.equal(after.points[:1000], before.points)
    assert after.note.startswith("797 items joined later")
    assert after.kept > 1.5 * neighbours_kept_on_map(digit_codes, principal_components(digit_codes))


# on disk


def test_a_map_comes_back_from_its_file(tmp_path):
    drawn = Map(random(9, 2), 0.25, "t-SNE", 1.5, "a note")
    drawn.save(tmp_path / "map.npz")
    back = Map.load(tmp_path / "map.npz")
    assert torch.equal(back.points, drawn.points)
    assert (back.kept, back.name, back.seconds, back.note) == (0.25, "t-SNE", 1.5, "a note")


@pytest.mark.parametrize("content", [b"", b"no map at all", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_map_says_so(tmp_path, content):
    (tmp_path / "map.npz").write_bytes(content)
    with pytest.raises(BadData, match=r"map\.npz is no map that can be read"):
        Map.load(tmp_path / "map.npz")


def test_a_map_without_its_words_says_so(tmp_path):
    np.savez(tmp_path / "map.npz", points=np.zeros((3, 2)))
    with pytest.raises(BadData, match="no map that can be read"):
        Map.load(tmp_path / "map.npz")


# what has no shape to show


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 17])
def test_a_handful_of_items_has_a_map(n):
    drawn = draw(random(n, 6))
    assert drawn.points.shape == (n, 2) and drawn.points.isfinite().all()
    assert 0 <= drawn.kept <= 1


@pytest.mark.parametrize("n", [2, 30, 220])
def test_codes_all_alike_and_codes_of_one_number_have_a_map(n):
    for codes in (torch.ones(n, 4), torch.ones(n, 1), random(n, 1)):
        drawn = draw(codes)
        assert drawn.points.shape == (n, 2) and drawn.points.isfinite().all()


def test_copies_and_groups_without_a_link_stay_on_the_map():
    codes = 100 * random(12, 5).repeat_interleave(25, 0)  # nobody has a neighbour that is not a copy
    drawn = draw(codes)
    assert drawn.points.isfinite().all()
    groups = drawn.points.view(12, 25, 2)
    assert float((groups - groups.mean(1, keepdim=True)).abs().max()) < float(groups.mean(1).std(0).min())


def test_codes_of_any_size_and_place_are_drawn(digit_codes):
    some = digit_codes[:220]
    plain = draw(some).kept
    for codes in (1e-6 * some, 1e6 * some, some + 100, some.double()):
        assert draw(codes).kept == pytest.approx(plain, abs=0.03)


def test_codes_that_are_no_numbers_have_no_map():
    for n in (3, 30):
        codes = random(n, 4)
        codes[1] = torch.nan
        with pytest.raises(TacitError, match="position 1"):
            draw(codes)

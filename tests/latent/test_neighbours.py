import importlib.util

import faiss
import pytest
import torch
from torch import Tensor

from tacit.errors import BadData
from tacit.latent import neighbours
from tacit.latent.neighbours import Graph, by_differences, by_product, copy_number, nearest, neighbour_graph


def slowly(z: Tensor, codes: Tensor, k: int, allowed=None) -> tuple[Tensor, Tensor]:
    """With loops: all distances in double precision, ties to the lower position."""
    distance, index = [], []
    for query in z.double():
        away = []
        for j, code in enumerate(codes.double()):
            if allowed is None or allowed[j]:
                away.append((sum((query - code).square().tolist()) ** 0.5, j))
        away = sorted(away)[:k]
        distance.append([d for d, _ in away])
        index.append([j for _, j in away])
    return torch.tensor(distance), torch.tensor(index)


def graph_slowly(codes: Tensor, k: int) -> Graph:
    rows = [slowly(codes[[i]], codes, k, [j != i for j in range(len(codes))]) for i in range(len(codes))]
    return Graph(torch.cat([index for _, index in rows]), torch.cat([distance for distance, _ in rows]))


def random(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def lattice(n: int, d: int, values: int, seed: int = 0) -> Tensor:
    """Codes of small whole numbers: many ties, many copies, and every distance exact."""
    return torch.randint(values, (n, d), generator=torch.Generator().manual_seed(seed)).float()


def exactly_alike(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> bool:
    return torch.equal(found[1], expected[1]) and torch.allclose(found[0], expected[0], rtol=1e-5)


@pytest.mark.parametrize("k", [1, 5, 60])
def test_the_nearest_are_those_of_the_loops(k):
    z, codes = random(12, 5, seed=1), random(60, 5)
    assert exactly_alike(nearest(z, codes, k), slowly(z, codes, k))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("values", [2, 3, 10])
def test_ties_go_to_the_lower_position(values, seed):
    codes, z = lattice(70, 4, values, seed), lattice(15, 4, values, seed + 100)
    for k in (1, 3, 10):
        assert exactly_alike(nearest(z, codes, k), slowly(z, codes, k))


def test_many_more_copies_than_neighbours_asked_for_come_in_their_order():
    codes = random(200, 6)
    codes[50:150] = codes[3].clone()
    distance, index = nearest(codes[[3, 149]], codes, 20)
    assert index.tolist() == [[3, *range(50, 69)]] * 2
    assert (distance == 0).all()


@pytest.mark.parametrize("codes", [random(40, 3), lattice(60, 3, 3), lattice(80, 2, 2)], ids=["free", "ties", "copies"])
def test_the_graph_is_that_of_the_loops_without_the_item_itself(codes):
    found, expected = neighbour_graph(codes, 5), graph_slowly(codes, 5)
    assert torch.allclose(found.distance, expected.distance, rtol=1e-5)
    assert not (found.index == torch.arange(len(codes))[:, None]).any()
    assert torch.equal(found.index, expected.index)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17])
def test_a_few_items_have_as_many_neighbours_as_there_are_others(n):
    graph = neighbour_graph(random(n, 4))
    assert graph.index.shape == graph.distance.shape == (n, min(15, n - 1))
    for i, row in enumerate(graph.index.tolist()):
        assert i not in row and len(set(row)) == len(row)
    alike = neighbour_graph(torch.zeros(n, 4))
    assert torch.equal(alike.index, graph_slowly(torch.zeros(n, 4), 15).index.long().view(n, -1))


def test_only_the_allowed_are_found_and_positions_are_those_among_all():
    z, codes = random(8, 4, seed=1), lattice(50, 4, 4)
    allowed = torch.rand(50, generator=torch.Generator().manual_seed(2)) < 0.4
    assert exactly_alike(nearest(z, codes, 6, allowed=allowed), slowly(z, codes, 6, allowed))
    distance, index = nearest(z, codes, 6, allowed=torch.zeros(50, dtype=torch.bool))
    assert distance.shape == index.shape == (8, 0)


def test_fewer_come_back_where_there_are_not_so_many():
    z, codes = random(3, 4, seed=1), random(5, 4)
    assert exactly_alike(nearest(z, codes, 9), slowly(z, codes, 5))
    assert nearest(z, codes, 0)[1].shape == (3, 0)
    assert nearest(z, codes[:0], 2)[1].shape == (3, 0)
    distance, index = nearest(z[:0], codes, 2)
    assert distance.shape == index.shape == (0, 2) and index.dtype == torch.int64


def test_chunks_do_not_matter():
    codes = lattice(90, 4, 4)
    whole = nearest(codes, codes, 7)
    for chunk in (1, 7, 90):
        distance, index = nearest(codes, codes, 7, chunk=chunk)
        assert torch.equal(index, whole[1]) and torch.equal(distance, whole[0])


def test_order_and_turning_do_not_matter():
    codes = random(300, 8)
    index = neighbour_graph(codes).index
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(300, generator=generator)
    assert torch.equal(order[neighbour_graph(codes[order]).index], index[order])
    turn = torch.linalg.qr(random(8, 8, seed=2))[0]
    assert (neighbour_graph(codes @ turn).index == index).float().mean() > 0.999


@pytest.mark.parametrize("far", [1e3, 1e5, 1e7])
def test_far_from_the_origin_nothing_is_lost(far):
    """|a|^2 + |b|^2 - 2ab there has no correct digit; what the floats themselves can tell must come out."""
    codes = far + random(60, 5)
    assert exactly_alike(nearest(codes[:9], codes, 7), slowly(codes[:9], codes, 7))


def test_far_from_the_origin_hardly_a_row_has_to_be_done_again():
    codes = 1000 + random(500, 16)
    assert by_product(codes, codes, 16)[2].float().mean() < 0.01


@pytest.mark.parametrize("tight", [1e-2, 1e-4, 1e-6])
def test_tight_groups_far_apart_are_sorted_out_within(tight):
    """No shift of the origin helps all of them at once."""
    middles = 10 * random(8, 5, seed=1)
    codes = middles.repeat(12, 1) + tight * random(96, 5)
    found, expected = neighbour_graph(codes, 8), graph_slowly(codes, 8)
    assert torch.allclose(found.distance, expected.distance, rtol=1e-4)
    assert (found.index == expected.index).float().mean() > (0.99 if tight > 1e-5 else 0.9)  # floats are 1e-6 apart


def test_the_last_resort_agrees_with_the_first():
    codes = lattice(60, 4, 3)
    assert exactly_alike(by_differences(codes[:10], codes, 6), nearest(codes[:10], codes, 6))


def test_neighbours_of_digits_are_those_of_all_differences(digit_codes):
    true = torch.cdist(digit_codes.double(), digit_codes.double(), compute_mode="donot_use_mm_for_euclid_dist")
    graph = neighbour_graph(digit_codes)
    assert torch.allclose(graph.distance, true.fill_diagonal_(torch.inf).sort(1).values[:, :15].float(), atol=1e-6)
    assert torch.allclose(graph.distance.double(), true.gather(1, graph.index), atol=1e-6)


def test_codes_that_are_no_numbers_are_refused_with_their_position():
    codes = random(20, 4)
    codes[7, 2], codes[9, 0] = torch.nan, torch.inf
    with pytest.raises(BadData, match="2 of 20 codes are not finite numbers, the first at position 7"):
        neighbour_graph(codes)
    with pytest.raises(BadData, match="first at position 1"):
        nearest(codes[6:8], codes[10:], 2)
    with pytest.raises(BadData, match="not finite"):  # squares of these overflow
        neighbour_graph(1e25 * random(20, 4))


def test_beyond_many_the_graph_by_faiss_misses_few_neighbours_of_digits(digit_codes, monkeypatch):
    exact = neighbour_graph(digit_codes)
    monkeypatch.setattr(neighbours, "MANY", 1000)
    found = neighbour_graph(digit_codes)
    hit = (found.index[:, :, None] == exact.index[:, None, :]).any(2)
    assert hit.float().mean() > 0.95
    assert not (found.index == torch.arange(len(digit_codes))[:, None]).any()
    assert (found.distance.diff(dim=1) >= 0).all()
    away = (digit_codes[found.index] - digit_codes[:, None]).norm(dim=2)
    assert torch.allclose(found.distance, away, atol=1e-5)
    again = neighbour_graph(digit_codes)  # one thread builds the same index twice
    assert torch.equal(again.index, found.index)


def test_without_faiss_it_stays_exact(digit_codes, monkeypatch):
    some = digit_codes[:300]
    exact = neighbour_graph(some)
    monkeypatch.setattr(neighbours, "MANY", 100)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert torch.equal(neighbour_graph(some).index, exact.index)


def test_a_heap_of_copies_hides_nobody_from_faiss(digit_codes, monkeypatch):
    """A code with more copies than links has all its links among them; the search would end there."""
    codes = digit_codes.clone()
    codes[1::3] = codes[1].clone()
    exact = neighbour_graph(codes)
    monkeypatch.setattr(neighbours, "MANY", 1000)
    found = neighbour_graph(codes)
    others = torch.arange(len(codes)) % 3 != 1
    as_near = found.distance <= exact.distance[:, -1:] + 1e-5
    assert as_near[others].float().mean() > 0.99
    assert (found.distance[~others] == 0).all()
    away = (codes[found.index] - codes[:, None]).norm(dim=2)
    assert torch.allclose(found.distance, away, atol=1e-5)
    assert (found.index != torch.arange(len(codes))[:, None]).all()


def test_what_faiss_cannot_reach_is_searched_exactly(digit_codes, monkeypatch):
    some = digit_codes[:200]
    exact = neighbour_graph(some)

    class Torn(faiss.IndexHNSWFlat):
        def search(self, x, k):
            square, found = super().search(x, k)
            found[::2, k // 2 :] = -1
            return square, found

    monkeypatch.setattr(neighbours, "MANY", 100)
    monkeypatch.setattr(faiss, "IndexHNSWFlat", Torn)
    found = neighbour_graph(some)
    assert torch.equal(found.index[::2], exact.index[::2])
    assert (found.index >= 0).all()


def test_copies_are_counted_from_the_lowest_position():
    codes = lattice(50, 2, 3)
    expected = [sum(bool((codes[j] == codes[i]).all()) for j in range(i)) for i in range(50)]
    assert copy_number(codes).tolist() == expected

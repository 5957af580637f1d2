import math

import pytest
import torch

from tacit.latent.walks import spherical, straight

T = torch.linspace(0, 1, 11)


@pytest.fixture
def ends():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, generator=generator), 3 * torch.randn(8, generator=generator)


def test_straight_is_the_formula(ends):
    a, b = ends
    way = straight(a, b, T)
    for row, t in zip(way, T.tolist(), strict=True):
        for i in range(len(a)):
            assert row[i].item() == pytest.approx((1 - t) * a[i].item() + t * b[i].item(), abs=1e-6)
    assert torch.equal(way[0], a) and torch.equal(way[-1], b)


def test_spherical_is_the_formula_of_white_on_directions_and_straight_on_norms(ends):
    a, b = (end.double() for end in ends)
    norm_a, norm_b = math.sqrt(sum(x * x for x in a.tolist())), math.sqrt(sum(x * x for x in b.tolist()))
    omega = math.acos(sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True)) / (norm_a * norm_b))
    for row, t in zip(spherical(*ends, T), T.tolist(), strict=True):
        u = [
            math.sin((1 - t) * omega) / math.sin(omega) * x / norm_a
            + math.sin(t * omega) / math.sin(omega) * y / norm_b
            for x, y in zip(a.tolist(), b.tolist(), strict=True)
        ]
        expected = torch.tensor([((1 - t) * norm_a + t * norm_b) * x for x in u])
        assert torch.allclose(row, expected, atol=1e-5)


def test_half_way_from_the_middle_of_two_chairs_to_a_desk():
    chairs, desk = torch.tensor([[0.4, 0.5], [0.45, 0.45]]), torch.tensor([0.6, 0.75])
    middle = straight(chairs.mean(0), desk, torch.tensor([0.5]))
    assert torch.allclose(middle, torch.tensor([[0.5125, 0.6125]]))


@pytest.mark.parametrize("walk", [straight, spherical])
def test_a_walk_begins_and_ends_where_it_should_and_back_is_the_same_way(walk, ends):
    a, b = ends
    there, back = walk(a, b, T), walk(b, a, T)
    assert torch.allclose(there[0], a, atol=1e-6) and torch.allclose(there[-1], b, atol=1e-6)
    assert torch.allclose(there, back.flip(0), atol=1e-5)


def test_between_codes_of_one_norm_spherical_keeps_it_and_straight_does_not():
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 40, generator=generator)
    b = b * a.norm() / b.norm()
    assert torch.allclose(spherical(a, b, T).norm(dim=1), a.norm().expand(11), rtol=1e-5)
    assert straight(a, b, T)[5].norm() < 0.85 * a.norm()


def test_spherical_steps_are_of_equal_angle(ends):
    way = torch.nn.functional.normalize(spherical(*ends, T), dim=1)
    cosine = (way[1:] * way[:-1]).sum(1)
    assert torch.allclose(cosine, cosine[0].expand(10), atol=1e-6)


def test_spherical_turns_with_the_space(ends):
    turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(2)))[0]
    assert torch.allclose(spherical(ends[0] @ turn, ends[1] @ turn, T), spherical(*ends, T) @ turn, atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 2.5, -1.0, -0.5, 0.0])
def test_where_no_circle_is_defined_the_way_is_straight(ends, factor):
    a = ends[0]
    for one, other in ((a, factor * a), (factor * a, a)):
        assert torch.equal(spherical(one, other, T), straight(one, other, T))
    assert torch.equal(spherical(0 * a, 0 * a, T), torch.zeros(11, 8))


@pytest.mark.parametrize("angle", [1e-4, 1e-3, math.pi - 1e-3, math.pi - 3e-4])
def test_nearly_parallel_and_nearly_opposite_codes_keep_their_norm(angle):
    a, b = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([math.cos(angle), math.sin(angle), 0.0])
    assert torch.allclose(spherical(a, b, T).norm(dim=1), torch.ones(11), atol=2e-3)

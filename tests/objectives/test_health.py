import math

import pytest
import torch

from tacit.objectives.health import alignment, mean_cosine, neighbours_kept, rank_me, spread, uniformity


def random_codes(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_rank_me_of_orthogonal_columns_is_their_number():
    q, _ = torch.linalg.qr(random_codes(200, 8))
    assert rank_me(q).item() == pytest.approx(8, abs=1e-4)


def test_rank_me_of_one_direction_is_one():
    assert rank_me(random_codes(300, 1) * random_codes(1, 64)).item() == pytest.approx(1, abs=1e-3)
    assert rank_me(torch.zeros(10, 4)).item() == pytest.approx(1, abs=1e-3)


def test_rank_me_is_the_formula():
    codes = random_codes(40, 5)
    sizes = torch.linalg.eigvalsh(codes.double().T @ codes.double()).sqrt().tolist()
    share = [s / sum(sizes) for s in sizes]
    assert rank_me(codes).item() == pytest.approx(math.exp(-sum(p * math.log(p) for p in share)), rel=1e-5)


def test_rank_me_does_not_mind_scale_and_rotation():
    codes = random_codes(100, 6) * torch.tensor([1.0, 2, 3, 4, 5, 6])
    q, _ = torch.linalg.qr(random_codes(6, 6, seed=1))
    assert rank_me(17 * codes @ q).item() == pytest.approx(rank_me(codes).item(), rel=1e-4)


def test_spread_is_one_on_the_whole_sphere_and_zero_at_a_point():
    assert spread(random_codes(4000, 64)).item() == pytest.approx(1, abs=0.01)
    assert spread(random_codes(1, 64).expand(100, 64)).item() == pytest.approx(0, abs=1e-5)


def test_mean_cosine_is_the_mean_over_pairs():
    codes = random_codes(7, 3) + 0.5
    pairs = [torch.cosine_similarity(codes[i], codes[j], dim=0).item() for i in range(7) for j in range(7) if i != j]
    assert mean_cosine(codes).item() == pytest.approx(sum(pairs) / len(pairs), abs=1e-5)
    assert mean_cosine(codes[:1].expand(9, 3)).item() == pytest.approx(1, abs=1e-5)


def test_neighbours_kept_is_the_share_of_neighbours_in_both():
    a, b = random_codes(30, 4), random_codes(30, 3, seed=1)

    def nearest(codes, i):
        others = sorted((j for j in range(30) if j != i), key=lambda j: (codes[i] - codes[j]).norm().item())
        return set(others[:5])

    expected = sum(len(nearest(a, i) & nearest(b, i)) for i in range(30)) / 150
    assert neighbours_kept(a, b, k=5).item() == pytest.approx(expected)


def test_neighbours_kept_does_not_mind_scale_and_rotation():
    codes = random_codes(1200, 6)  # more than one chunk of the search
    q, _ = torch.linalg.qr(random_codes(6, 6, seed=1))
    assert neighbours_kept(codes, 3 * codes @ q).item() > 0.999


def test_neighbours_kept_of_unrelated_spaces_is_chance():
    kept = neighbours_kept(random_codes(500, 5), random_codes(500, 5, seed=1), k=10)
    assert kept.item() == pytest.approx(10 / 499, abs=0.01)


def test_neighbours_kept_of_few_codes_takes_all_the_others():
    assert neighbours_kept(random_codes(4, 2), random_codes(4, 2, seed=1), k=10).item() == 1


def test_alignment_runs_from_identical_to_antipodal():
    z = random_codes(20, 5)
    assert alignment(z, 3 * z).item() == pytest.approx(0, abs=1e-6)
    assert alignment(z, -z).item() == pytest.approx(4, abs=1e-5)


def test_alignment_is_2_minus_2_cosines():
    a, b = random_codes(20, 5), random_codes(20, 5, seed=1)
    assert alignment(a, b).item() == pytest.approx((2 - 2 * torch.cosine_similarity(a, b)).mean().item(), abs=1e-5)


def test_uniformity_of_the_whole_sphere():
    assert uniformity(random_codes(3000, 128)).item() == pytest.approx(-3.9375, abs=2e-3)
    angles = torch.arange(3000) / 3000 * 2 * math.pi
    assert uniformity(torch.stack((angles.cos(), angles.sin()), 1)).item() == pytest.approx(-1.575, abs=2e-3)


def test_uniformity_of_one_point_is_zero():
    assert uniformity(random_codes(1, 8).expand(50, 8)).item() == pytest.approx(0, abs=1e-5)


def test_uniformity_is_the_mean_over_pairs():
    z = torch.nn.functional.normalize(random_codes(6, 3), dim=1)
    terms = [math.exp(-2 * (z[i] - z[j]).square().sum().item()) for i in range(6) for j in range(i)]
    assert uniformity(5 * z).item() == pytest.approx(math.log(sum(terms) / len(terms)), abs=1e-5)

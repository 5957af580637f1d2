import torch

from tacit.data.patch_views import moved, one_color, patch_view


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_patch_moves_inside_its_frame_and_zeros_come_in():
    x = torch.arange(1.0, 10).view(1, 1, 3, 3)
    assert moved(x, torch.tensor([1]), -2)[0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert moved(x, torch.tensor([-1]), -1)[0, 0].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert torch.equal(moved(x, torch.tensor([0]), -1), x)
    two = moved(x.expand(2, 1, 3, 3), torch.tensor([0, 2]), -2)
    assert torch.equal(two[0], x[0]) and two[1, 0].tolist() == [[0, 0, 0], [0, 0, 0], [1, 2, 3]]


def test_a_view_is_a_patch_of_its_own_and_stays_in_range():
    torch.manual_seed(0)
    x = torch.rand(3, 4, 5, 3, 8, 8)
    seen = patch_view(x, flip=True, generator=seeded())
    assert seen.shape == x.shape and seen.min() >= 0 and seen.max() <= 1
    for p, q in zip(x.flatten(0, 2), seen.flatten(0, 2), strict=True):
        assert set(q.flatten().tolist()) <= {0.0, *p.flatten().tolist()}


def test_the_same_generator_gives_the_same_view():
    x = torch.rand(2, 3, 3, 3, 8, 8)
    assert torch.equal(patch_view(x, generator=seeded(1)), patch_view(x, generator=seeded(1)))
    assert not torch.equal(patch_view(x, generator=seeded(1)), patch_view(x, generator=seeded(2)))


def test_a_large_patch_loses_at_most_a_sixteenth_each_way():
    x = torch.ones(50, 3, 3, 1, 64, 64)
    lost = patch_view(x, generator=seeded()).eq(0).float().mean((3, 4, 5))
    assert lost.mean() > 0 and lost.max() <= 1 - (60 / 64) ** 2 + 1e-6


def test_one_color_takes_the_place_of_the_others_in_its_share_of_patches():
    x = torch.rand(2000, 3, 2, 2)
    seen = one_color(x, 0.5, seeded())
    grey = (seen == seen[:, :1]).all(1).all(-1).all(-1)
    assert 0.45 < grey.float().mean() < 0.55
    assert torch.equal(seen[~grey], x[~grey])
    kept = (seen[grey][:, :1] == x[grey]).all(-1).all(-1)  # (n, 3): which channel it was
    assert (kept.sum(1) == 1).all() and (kept.float().mean(0) > 0.25).all()
    assert torch.equal(one_color(x[:, :1], 1.0), x[:, :1])


def test_a_mirrored_patch_is_every_second_one_and_none_without_flip():
    x = torch.arange(16.0).view(1, 1, 1, 1, 4, 4).expand(400, 1, 1, 1, 4, 4)
    rows = patch_view(x, flip=True, generator=seeded())[:, 0, 0, 0, 1:3].amax(1)  # (400, 4)
    falling = rows[:, 1] > rows[:, 2]
    assert 0.4 < falling.float().mean() < 0.6
    rows = patch_view(x, generator=seeded())[:, 0, 0, 0, 1:3].amax(1)
    assert not (rows[:, 1] > rows[:, 2]).any()

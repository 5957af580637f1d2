import torch

from tacit.select.candidates import COPY, copies, one_of_each


def test_a_group_of_near_copies_is_named_after_its_first_item(open_space, blobs):
    limit = COPY * open_space(blobs).graph.distance[:, -1].median()
    blobs[30] = blobs[7]
    blobs[50, 0], blobs[50, 1:] = blobs[7, 0] + 0.8 * limit, blobs[7, 1:]
    blobs[51, 0], blobs[51, 1:] = blobs[8, 0] + 1.2 * limit, blobs[8, 1:]
    expected = torch.arange(120)
    expected[[30, 50]] = 7
    assert torch.equal(copies(open_space(blobs)), expected)


def test_more_exact_copies_than_a_code_has_neighbours_are_one_group(open_space, blobs):
    blobs[20:100] = blobs[20]
    group = copies(open_space(blobs))
    assert (group[20:100] == 20).all()
    assert len(group.unique()) == 41


def test_copies_are_the_pairs_that_are_close_and_what_hangs_together_by_them(open_space):
    codes = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
    away = torch.cdist(codes, codes, compute_mode="donot_use_mm_for_euclid_dist")
    limit = COPY * away.kthvalue(16, dim=1).values.median()
    codes[100:200] = codes[:100] + 0.9 * limit / 6**0.5 * torch.randn(100, 6).sign()
    codes[200:220] = codes[100:120] + 0.9 * limit / 6**0.5 * torch.randn(20, 6).sign()  # chains of three
    away = torch.cdist(codes.double(), codes.double(), compute_mode="donot_use_mm_for_euclid_dist")
    together = away <= COPY * away.kthvalue(16, dim=1).values.median()
    for _ in range(3):
        together = (together.double() @ together.double()) > 0
    assert torch.equal(copies(open_space(codes)), together.double().argmax(1))


def test_a_pool_of_one_item_has_no_copies(open_space):
    assert copies(open_space(torch.ones(1, 2))).tolist() == [0]


def test_one_of_each_keeps_the_first_in_the_order_given():
    group = torch.tensor([0, 1, 0, 1, 4])
    assert one_of_each(torch.tensor([3, 2, 4, 1, 0]), group).tolist() == [3, 2, 4]

import torch

from tacit.select.candidates import COPY, copies, one_of_each


def test_a_group_of_near_copies_is_named_after_its_first_item(open_space, blobs):
    step = open_space(blobs).step
    blobs[30] = blobs[7]
    blobs[50] = blobs[30] + torch.tensor([COPY * step / 2, 0, 0, 0])
    blobs[51] = blobs[8] + torch.tensor([COPY * step * 4, 0, 0, 0])
    expected = torch.arange(120)
    expected[[30, 50]] = 7
    assert torch.equal(copies(open_space(blobs)), expected)


def test_more_exact_copies_than_the_graph_has_neighbours_are_one_group(open_space, blobs):
    blobs[20:100] = blobs[20]
    group = copies(open_space(blobs))
    assert (group[20:100] == 20).all()
    assert len(group.unique()) == 41


def test_one_of_each_keeps_the_first_in_the_order_given():
    group = torch.tensor([0, 1, 0, 1, 4])
    assert one_of_each(torch.tensor([3, 2, 4, 1, 0]), group).tolist() == [3, 2, 4]

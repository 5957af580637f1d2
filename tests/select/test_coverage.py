import pytest
import torch
from torch import Tensor

from tacit.data.spec import SET_ASIDE, UNLABELED
from tacit.select.coverage import farthest_first, k_center


def greedy(codes: Tensor, k: int, covered: Tensor, weight: Tensor | None = None) -> tuple[list[int], list[float]]:
    """Algorithm 1, one pick and one distance at a time."""
    centers, chosen, far = list(covered), [], []
    for _ in range(k):
        gap = [min(float((z - c).norm()) for c in centers) for z in codes]
        value = [g**2 * (1 if weight is None else float(weight[i])) for i, g in enumerate(gap)]
        best = max((i for i in range(len(codes)) if i not in chosen), key=value.__getitem__)
        chosen.append(best)
        far.append(gap[best])
        centers.append(codes[best])
    return chosen, far


@pytest.mark.parametrize("width", [1, 7, 512])
@pytest.mark.parametrize("weighted", [False, True])
def test_farthest_first_is_algorithm_1(width, weighted, blobs):
    weight = torch.rand(50, generator=torch.Generator().manual_seed(2)) if weighted else None
    order, gap = farthest_first(blobs[10:60], 20, covered=blobs[:10], weight=weight, width=width)
    expected, far = greedy(blobs[10:60], 20, blobs[:10], weight)
    assert order.tolist() == expected
    torch.testing.assert_close(gap, torch.tensor(far), rtol=1e-4, atol=1e-4)


def test_many_covered_items_are_folded_in_block_by_block(blobs):
    generator = torch.Generator().manual_seed(0)
    codes, covered = torch.randn(9000, 4, generator=generator), torch.randn(1500, 4, generator=generator)
    order, gap = farthest_first(codes, 3, covered=covered)
    distance = torch.cdist(codes, covered).amin(1)
    assert order[0] == distance.argmax() and gap[0].isclose(distance.max(), rtol=1e-4)


def test_without_anything_covered_the_most_central_item_starts_and_the_heaviest_if_weights_differ(blobs):
    order, gap = farthest_first(blobs, 5)
    assert order[0] == (blobs - blobs.mean(0)).norm(dim=1).argmin()
    assert gap[0] == torch.inf and order[1:].tolist() == greedy(blobs, 4, blobs[order[:1]])[0]
    weight = torch.rand(120, generator=torch.Generator().manual_seed(2))
    assert farthest_first(blobs, 1, weight=weight)[0].item() == weight.argmax()


def test_items_that_weigh_nothing_are_chosen_once_each_at_the_end(blobs):
    weight = torch.zeros(120)
    weight[3:6] = 1.0
    order, _ = farthest_first(blobs, 120, weight=weight, width=10)
    assert sorted(order[:3].tolist()) == [3, 4, 5] and sorted(order.tolist()) == list(range(120))


def test_moving_and_turning_all_codes_changes_nothing(blobs):
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    moved = farthest_first(100 + 3 * blobs @ turn, 20, covered=100 + 3 * blobs[:5] @ turn)
    order, gap = farthest_first(blobs, 20, covered=blobs[:5])
    assert torch.equal(moved[0], order)
    torch.testing.assert_close(moved[1], 3 * gap, rtol=1e-3, atol=1e-3)


def test_k_center_covers_what_was_refused_as_well(open_space, blobs, few_labels):
    space = open_space(blobs)
    first = k_center(space, few_labels, 2)
    few_labels[first.index[0]] = SET_ASIDE
    assert k_center(space, few_labels, 1).index[0] == first.index[1]


def test_reasons_count_in_typical_steps(open_space, blobs, few_labels):
    space = open_space(blobs)
    picks = k_center(space, few_labels, 1)
    steps = (blobs[picks.index] - blobs[:12]).norm(dim=1).min() / space.step
    assert picks.reasons == [
        f"far from anything labelled or picked before ({steps:.1f} times the usual distance between neighbours)"
    ]
    few_labels[:] = UNLABELED
    assert k_center(space, few_labels, 1).reasons == ["the most central item; nothing is labelled yet"]

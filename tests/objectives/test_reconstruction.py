import pytest
import torch

from tacit.objectives.reconstruction import l2_middle, l2_rec


def test_errors_are_means_over_values_spelled_out():
    torch.manual_seed(0)
    x, drawn = torch.rand(2, 1, 3, 3), torch.randn(2, 1, 3, 3)
    squares = [(a - b) ** 2 for a, b in zip(drawn.flatten().tolist(), x.flatten().tolist(), strict=True)]
    assert l2_rec(drawn, x).item() == pytest.approx(sum(squares) / 18)
    whats, states = [torch.rand(2, 4, 2, 2), torch.rand(2, 8, 1, 1)], [torch.rand(2, 4, 2, 2), torch.rand(2, 8, 1, 1)]
    by_hand = sum(
        sum((a - b) ** 2 for a, b in zip(s.flatten().tolist(), w.flatten().tolist(), strict=True)) / s.numel()
        for s, w in zip(states, whats, strict=True)
    )
    assert l2_middle(states, whats).item() == pytest.approx(by_hand)


def test_errors_do_not_grow_with_the_size_of_an_item():
    x, drawn = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    assert torch.allclose(l2_rec(drawn, x), l2_rec(drawn.repeat(1, 1, 3, 3), x.repeat(1, 1, 3, 3)))


def test_nothing_is_missed_where_the_decoder_holds_what_was_found():
    whats = [torch.rand(2, 4, 2, 2), torch.rand(2, 5)]
    assert l2_middle(whats, whats) == 0 and l2_middle([], []) == 0


@pytest.mark.parametrize("detach", [False, True])
def test_targets_move_unless_they_are_detached(detach):
    what, state = torch.rand(2, 3, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    l2_middle([state], [what], detach).backward()
    assert torch.allclose(state.grad, (state - what).detach() / 3)
    assert what.grad is None if detach else torch.allclose(what.grad, -state.grad)

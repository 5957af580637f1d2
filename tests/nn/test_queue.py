import pytest
import torch

from tacit.nn.queue import Queue


def rows(batch: int, n: int = 4) -> torch.Tensor:
    return torch.full((n, 2), float(batch))


def test_the_oldest_rows_make_room():
    queue = Queue(12, 2)
    pointers = []
    for batch in (1, 2, 3):
        queue.add(rows(batch))
        pointers.append(int(queue.next))
    assert pointers == [4, 8, 0]
    queue.add(rows(4))
    assert queue.rows[:, 0].tolist() == [4.0] * 4 + [2.0] * 4 + [3.0] * 4


def test_a_size_that_is_no_multiple_of_the_batch_goes_round_the_end():
    queue = Queue(6, 2)
    for batch in (1, 2):
        queue.add(rows(batch))
    assert queue.rows[:, 0].tolist() == [2.0, 2.0, 1.0, 1.0, 2.0, 2.0]


def test_of_more_than_fit_the_last_are_kept():
    queue = Queue(3, 2)
    queue.add(torch.arange(10.0).view(5, 2))
    assert sorted(queue.rows[:, 0].tolist()) == [4.0, 6.0, 8.0]


def test_it_begins_with_random_directions():
    assert torch.allclose(Queue(50, 8).rows.norm(dim=1), torch.ones(50), atol=1e-6)


def test_it_comes_back_from_its_state_at_any_size():
    queue, other = Queue(5, 2), Queue(9, 2)
    queue.add(rows(7))
    other.load_state_dict(queue.state_dict())
    assert len(other) == 5 and torch.equal(other.rows, queue.rows) and int(other.next) == 4


def test_rows_in_use_do_not_change_under_a_gradient():
    queue, query = Queue(5, 2), torch.randn(3, 2, requires_grad=True)
    score = (query @ queue.rows.T).sum()
    queue.add(rows(1))
    score.backward()
    with pytest.raises(RuntimeError):
        Queue(5, 2).load_state_dict(Queue(5, 3).state_dict())

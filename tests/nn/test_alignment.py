import pytest
import torch

from tacit.errors import UnknownName
from tacit.nn.alignment import Alignment

LEANING = torch.tensor([[0.6, 0.3, 0.1], [0.7, 0.2, 0.1]])


def test_none_leaves_guesses_alone():
    aligned = Alignment(3, "none")
    assert aligned(LEANING, torch.tensor([0])) is LEANING


@pytest.mark.parametrize("to", ["labels", "even"])
def test_guesses_come_to_have_the_shares_that_are_wanted(to):
    aligned, y = Alignment(3, to), torch.tensor([0, 1, 1, 2])
    for _ in range(2000):
        p = aligned(LEANING, y)
    assert torch.allclose(p.sum(1), torch.ones(2))
    wanted = torch.tensor([0.25, 0.5, 0.25]) if to == "labels" else torch.full((3,), 1 / 3)
    by_hand = LEANING * wanted / LEANING.mean(0)
    assert torch.allclose(p, by_hand / by_hand.sum(1, keepdim=True), atol=1e-4)


def test_what_it_remembers_is_in_its_state():
    aligned = Alignment(3, "labels")
    aligned(LEANING, torch.tensor([0, 1]))
    again = Alignment(3, "labels")
    again.load_state_dict(aligned.state_dict())
    assert torch.equal(aligned(LEANING, torch.tensor([2])), again(LEANING, torch.tensor([2])))


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(UnknownName):
        Alignment(3, "odd")

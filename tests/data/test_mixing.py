import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.data.mixing import between, dealt, mixup, nearer_shares
from tacit.errors import WrongUsage


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_mixture_is_the_literal_formula_of_two_items_and_their_answers():
    x, p = torch.rand(6, 1, 3, 3), torch.eye(6)
    mixed, answers = mixup(x, p, 0.75, seeded())
    for i in range(6):
        share = answers[i, i].item()  # answers are all different: the row says who was mixed, and how much
        partner = int((answers[i] * (torch.arange(6) != i)).argmax())
        expected = x[i] if share == 1 else share * x[i] + (1 - share) * x[partner]
        assert torch.allclose(mixed[i], expected, atol=1e-6)


@given(st.integers(2, 30), st.floats(0.01, 4.0))
def test_a_mixture_stays_nearest_to_the_item_in_its_place(n, alpha):
    _, answers = mixup(torch.rand(n, 2), torch.eye(n), alpha, seeded())
    assert (answers.diag() >= 0.5).all()
    assert torch.allclose(answers.sum(1), torch.ones(n), atol=1e-6)


@pytest.mark.parametrize(("alpha", "mean"), [(0.75, 0.778), (0.5, 0.818), (0.2, 0.899)])
def test_shares_have_the_mean_of_the_larger_half_of_a_beta(alpha, mean):
    assert nearer_shares(200_000, alpha, torch.device("cpu"), seeded()).mean().item() == pytest.approx(mean, abs=0.002)


def test_alpha_towards_0_mixes_nothing():
    x, p = torch.rand(20, 4), torch.eye(20)
    for alpha in (0.0, 1e-9):
        mixed, answers = mixup(x, p, alpha, seeded())
        assert torch.equal(mixed, x) and torch.equal(answers, p)


def test_every_item_has_a_share_of_its_own():
    assert nearer_shares(100, 0.75, torch.device("cpu"), seeded()).unique().numel() > 90


def test_between_is_the_first_at_1_and_the_second_at_0():
    a, b = torch.rand(3, 2, 2), torch.rand(3, 2, 2)
    share = torch.tensor([1.0, 0.0, 0.25])
    assert torch.allclose(between(a, b, share), share.view(3, 1, 1) * a + (1 - share.view(3, 1, 1)) * b)


def test_a_negative_alpha_is_a_sentence():
    with pytest.raises(WrongUsage, match="alpha is -1"):
        mixup(torch.rand(2, 2), torch.eye(2), -1.0)


@given(st.integers(1, 40), st.integers(1, 6))
def test_dealing_twice_is_as_it_was(size, parts):
    order = dealt(size * parts, parts)
    assert torch.equal(order[order], torch.arange(size * parts))


@given(st.integers(1, 40), st.integers(2, 6))
def test_the_first_batch_holds_some_of_every_source_and_every_batch_some_of_the_first(size, parts):
    source = (dealt(size * parts, parts) // size).view(parts, size)
    shares = [size * (i + 1) // parts - size * i // parts for i in range(parts)]
    for i in range(parts):
        assert int((source[0] == i).sum()) == shares[i]
        assert int((source[i] == 0).sum()) == shares[i]

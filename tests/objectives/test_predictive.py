import math

import pytest
import torch
from torch import nn

from tacit.objectives.predictive import Guesses, predictive_nce


def among(predictions, candidates, target, excluded=None) -> Guesses:
    """The target is candidate `target[i]`, and all others but those excluded are its negatives."""
    own = torch.arange(len(candidates)) == target[:, None]
    return predictive_nce(predictions, candidates[target], candidates, own if excluded is None else own | excluded)


def drawn(n: int = 4, m: int = 6, d: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(n + m)
    return torch.randn(n, d), torch.randn(m, d), torch.randint(m, (n,))


def slowly(predictions, candidates, target, excluded) -> list[float]:
    """-log(exp(z_target . p) / sum_j exp(z_j . p)), number by number."""
    found = []
    for i in range(len(predictions)):
        scores = []
        for j in range(len(candidates)):
            score = 0.0
            for d in range(predictions.shape[1]):
                score += float(predictions[i, d]) * float(candidates[j, d])
            scores.append(score)
        kept = [j for j in range(len(candidates)) if j == target[i] or not excluded[i][j]]
        found.append(-math.log(math.exp(scores[target[i]]) / sum(math.exp(scores[j]) for j in kept)))
    return found


def test_a_choice_among_all_candidates_is_equation_4():
    predictions, candidates, target = drawn()
    nobody = torch.zeros(4, 6, dtype=torch.bool)
    guesses = among(predictions, candidates, target)
    assert guesses.nats.tolist() == pytest.approx(slowly(predictions, candidates, target, nobody), abs=1e-5)
    assert guesses.chance.tolist() == pytest.approx([math.log(6)] * 4)
    best = (predictions @ candidates.T).argmax(1)
    assert guesses.first.tolist() == (best == target).tolist()


def test_excluded_candidates_are_not_chosen_among():
    predictions, candidates, target = drawn(5, 7)
    excluded = torch.rand(5, 7) < 0.4
    guesses = among(predictions, candidates, target, excluded)
    assert guesses.nats.tolist() == pytest.approx(slowly(predictions, candidates, target, excluded), abs=1e-5)
    padding = torch.tensor([True, False, True, False, False, True, False])
    guesses = among(predictions, candidates, target, padding)
    assert guesses.nats.tolist() == pytest.approx(
        slowly(predictions, candidates, target, padding.expand(5, 7)), abs=1e-5
    )
    left = [1 + sum(not padding[j] for j in range(7) if j != t) for t in target.tolist()]
    assert guesses.chance.exp().tolist() == pytest.approx(left, rel=1e-5)


def test_a_target_beside_shared_negatives_is_a_choice_among_one_more():
    predictions, negatives, _ = drawn()
    targets = torch.randn(4, 3)
    guesses = predictive_nce(predictions, targets, negatives)
    for i in range(4):
        alone = among(predictions[i : i + 1], torch.cat([targets[i : i + 1], negatives]), torch.tensor([0]))
        assert guesses.nats[i].item() == pytest.approx(alone.nats.item(), abs=1e-5)
        assert guesses.first[i] == alone.first[0]
    assert guesses.chance.exp().tolist() == pytest.approx([7] * 4)


def test_a_prediction_that_says_nothing_costs_chance_and_is_never_first():
    _, candidates, target = drawn(4, 6)
    guesses = among(torch.zeros(4, 3), candidates, target)
    assert guesses.nats.tolist() == pytest.approx([math.log(6)] * 4, abs=1e-6)
    assert not guesses.first.any()


def test_the_bound_on_mutual_information_never_exceeds_the_log_of_the_candidates():
    predictions, candidates, target = drawn(50, 9)
    for scale in (0.1, 1.0, 30.0, 1000.0):
        guesses = among(scale * predictions, candidates, target)
        assert (guesses.chance - guesses.nats <= guesses.chance + 1e-5).all()
        assert guesses.nats.isfinite().all() and (guesses.nats >= 0).all()


def test_it_does_not_see_the_order_of_candidates_and_predictions():
    predictions, candidates, target = drawn(8, 6)
    guesses, order, others = among(predictions, candidates, target), torch.randperm(6), torch.randperm(8)
    place = order.argsort()
    again = among(predictions[others], candidates[order], place[target[others]])
    assert torch.allclose(again.nats, guesses.nats[others], atol=1e-5)


def test_where_everything_else_is_excluded_the_choice_is_free_and_has_a_gradient():
    predictions, candidates, target = drawn()
    predictions.requires_grad_()
    guesses = among(predictions, candidates, target, torch.ones(4, 6, dtype=torch.bool))
    guesses.nats.sum().backward()
    assert guesses.nats.tolist() == [0] * 4 and guesses.chance.tolist() == [0] * 4
    assert not predictions.grad.any()


def test_no_prediction_at_all_costs_nothing():
    z = torch.randn(5, 3, requires_grad=True)
    loss = among(z[:0], z, torch.empty(0, dtype=torch.long)).nats.sum()
    loss.backward()
    assert loss == 0 and not z.grad.any()


def test_gradients_are_those_of_the_formula():
    torch.manual_seed(0)
    predictions, candidates = torch.randn(5, 3).double(), torch.randn(6, 3).double()
    target = torch.tensor([0, 5, 2, 2, 1])
    a, b = (x.clone().float().requires_grad_() for x in (predictions, candidates))
    among(a, b, target).nats.sum().backward()
    predictions.requires_grad_()
    candidates.requires_grad_()
    scores = predictions @ candidates.T
    (scores.logsumexp(1) - scores[torch.arange(5), target]).sum().backward()
    assert torch.allclose(a.grad, predictions.grad.float(), atol=1e-5)
    assert torch.allclose(b.grad, candidates.grad.float(), atol=1e-5)


def test_it_stays_in_float32_under_autocast():
    predictions, candidates, target = drawn(6, 9)
    plain = among(predictions, candidates, target).nats
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(among(predictions, candidates, target).nats, plain)


def pairs(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two normal variables with a correlation of 0.8: 0.511 nats of mutual information."""
    c, noise = torch.randn(2, n, generator=generator)
    return c, 0.8 * c + 0.6 * noise


INFORMATION = -0.5 * math.log(1 - 0.8**2)


@pytest.mark.parametrize(("n", "expected"), [(4, 0.343), (16, 0.457), (64, 0.503), (256, 0.505)])
def test_the_best_critic_finds_the_information_of_two_normal_variables(n, expected):
    """log p(x | c) / p(x) as an inner product: (0.8 c x - 0.32 c^2 - 0.32 x^2) / 0.36, where c^2 alone does not matter."""
    generator, found = torch.Generator().manual_seed(0), []
    group = torch.arange(1024) // n  # each prediction chooses within its own group of n
    for _ in range(20):
        c, x = pairs(1024, generator)
        predictions = torch.stack([c * 0.8 / 0.36, torch.full_like(c, -0.32 / 0.36)], dim=1)
        candidates = torch.stack([x, x.square()], dim=1)
        guesses = among(predictions, candidates, torch.arange(1024), group[:, None] != group)
        assert guesses.chance.exp().allclose(torch.tensor(float(n)))
        found.append((guesses.chance - guesses.nats).mean())
    assert torch.stack(found).mean().item() == pytest.approx(expected, abs=0.02)


def test_a_trained_critic_comes_near_the_information_and_does_not_exceed_it():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    g_c, g_x = (nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 8)) for _ in range(2))
    optimizer = torch.optim.Adam([*g_c.parameters(), *g_x.parameters()], 1e-2)

    def bound() -> torch.Tensor:
        c, x = pairs(96, generator)
        guesses = among(g_c(c[:, None]), g_x(x[:, None]), torch.arange(96))
        return (guesses.chance - guesses.nats).mean()

    for _ in range(100):
        optimizer.zero_grad()
        (-bound()).backward()
        optimizer.step()
    with torch.no_grad():
        found = torch.stack([bound() for _ in range(50)])
    assert 0.42 < found.mean().item() < INFORMATION + 3 * found.std().item() / 7

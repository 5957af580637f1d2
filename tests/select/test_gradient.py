import pytest
import torch
import torch.nn.functional as F

from tacit.select.gradient import badge, plus_plus


@pytest.fixture
def factors() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(30, 3, generator=generator), torch.randn(30, 5, generator=generator)


def test_plus_plus_is_k_means_plus_plus_over_the_outer_products_written_out(factors):
    a, h = factors
    g = torch.einsum("nk,nf->nkf", a, h).flatten(1).double()
    order, gap = plus_plus(a, h, 12, seed=6)
    generator = torch.Generator().manual_seed(6)
    chosen, far = [int(g.norm(dim=1).argmax())], [float(g.norm(dim=1).max())]
    for _ in range(11):
        distance = [min(float((g[i] - g[j]).norm()) for j in chosen) for i in range(30)]
        chance = torch.tensor(distance, dtype=torch.float64) ** 2
        at = (1 - float(torch.rand(1, dtype=torch.float64, generator=generator))) * float(chance.sum())
        pick = next(i for i in range(30) if float(chance[: i + 1].sum()) >= at)
        chosen.append(pick)
        far.append(distance[pick])
    assert order.tolist() == chosen
    torch.testing.assert_close(gap, torch.tensor(far), rtol=1e-3, atol=1e-3)


def test_far_gradients_are_drawn_in_proportion_to_the_square_of_their_distance():
    a, h = torch.ones(4, 1), torch.tensor([[4.0], [3.0], [2.0], [0.0]])  # squared distances to the first: 0, 1, 4, 16
    drawn = torch.tensor([int(plus_plus(a, h, 2, seed=s)[0][1]) for s in range(2000)]).bincount(minlength=4) / 2000
    torch.testing.assert_close(drawn, torch.tensor([0, 1, 4, 16]) / 21, atol=0.03, rtol=0)


def test_where_the_model_is_sure_of_everything_all_items_have_the_same_chance():
    a, h = torch.zeros(6, 3), torch.ones(6, 2)
    order, _ = plus_plus(a, h, 6)
    assert sorted(order.tolist()) == list(range(6))
    second = torch.tensor([int(plus_plus(a, h, 2, seed=s)[0][1]) for s in range(600)]).bincount(minlength=6)
    assert second[0] == 0 and (second[1:] > 80).all()


def test_badge_takes_the_gradients_of_the_last_layer(open_space, softmax, blobs, few_labels):
    space = open_space(blobs)
    model = softmax(space)
    picks = badge(space, few_labels, 10, model=model, seed=3)
    left = torch.arange(12, 120)
    gradients = []
    for i in left:
        loss = F.cross_entropy(blobs[i] @ model.weight.T, (blobs[i] @ model.weight.T).argmax())
        gradients.append(torch.autograd.grad(loss, model.weight)[0].flatten())
    g = torch.stack(gradients)
    order, _ = plus_plus(g, torch.ones(len(g), 1), 10, seed=3)
    assert torch.equal(picks.index, left[order])
    assert picks.score is not None and picks.score[0].isclose(g.norm(dim=1).max(), rtol=1e-4)
    assert picks.reasons[0].startswith("would teach the model something else than the rest: ")

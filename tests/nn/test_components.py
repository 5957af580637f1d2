import pytest
import torch

from tacit.errors import BadData, WrongUsage
from tacit.nn.components import PrincipalComponents


def stretched(n: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Items whose variance falls from value to value, not around zero."""
    torch.manual_seed(0)
    x = 2 + torch.randn(n, *shape).flatten(1)
    return (x * torch.linspace(3, 0.5, x.shape[1])).unflatten(1, shape)


@pytest.mark.parametrize("n", [200, 10], ids=["more items than values", "more values than items"])
def test_components_are_those_of_the_covariance(n):
    x = stretched(n, (3, 4))
    part = PrincipalComponents((3, 4), 5)
    part.fit(x)
    variance, axes = torch.linalg.eigh(torch.cov(x.flatten(1).T.double()))
    for d in range(5):
        assert abs(axes[:, -1 - d].float() @ part.axes[:, d]) == pytest.approx(1, abs=1e-4)
    assert torch.allclose(part(x).var(0), variance.flip(0)[:5].float(), rtol=1e-4)
    assert torch.allclose(part.axes.T @ part.axes, torch.eye(5), atol=1e-5)
    lost = (part.back(part(x)) - x).square().sum()
    assert lost.item() == pytest.approx(((n - 1) * variance[:-5].sum()).item(), rel=1e-3)
    assert part.left_variance.item() == pytest.approx(lost.item() / (7 * (n - 6)), rel=1e-3)


def test_the_order_of_items_changes_nothing_and_the_sign_is_settled():
    x = stretched(50, (6,))
    parts = [PrincipalComponents((6,), 3) for _ in range(2)]
    parts[0].fit(x)
    parts[1].fit(x.flip(0))
    assert torch.allclose(parts[0].axes, parts[1].axes, atol=1e-5)
    assert (parts[0].axes.gather(0, parts[0].axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_all_components_lose_nothing():
    x = stretched(20, (2, 3))
    part = PrincipalComponents((2, 3), 6)
    part.fit(x)
    assert torch.allclose(part.back(part(x)), x, atol=1e-5)
    assert part.left_out == 0 and part.left_variance < 1e-10


def test_directions_stay_orthonormal_where_items_do_not_vary():
    x = torch.randn(12, 1) * torch.ones(30)  # on a line, fewer items than values
    part = PrincipalComponents((30,), 4)
    part.fit(x)
    assert torch.allclose(part.axes.T @ part.axes, torch.eye(4), atol=1e-5)
    assert torch.allclose(part.back(part(x)), x, atol=1e-4)


def test_it_comes_back_from_its_state_and_knows_that_it_was_fitted():
    part, again = PrincipalComponents((6,), 3), PrincipalComponents((6,), 3)
    assert not part.fitted and torch.allclose(part.axes.T @ part.axes, torch.eye(3), atol=1e-5)
    part.fit(stretched(20, (6,)))
    again.load_state_dict(part.state_dict())
    x = torch.randn(4, 6)
    assert again.fitted and torch.equal(again(x), part(x))


def test_what_has_no_components_is_refused_in_a_sentence():
    with pytest.raises(WrongUsage, match="an item of 6 values has 1 to 6 principal components, not 7"):
        PrincipalComponents((2, 3), 7)
    with pytest.raises(BadData, match="need more than 3 items; there are 3\n  try: --latent-dim 2"):
        PrincipalComponents((6,), 3).fit(torch.randn(3, 6))
    with pytest.raises(BadData, match="all 9 items looked at are the same"):
        PrincipalComponents((6,), 3).fit(torch.ones(9, 6))

import pytest
import torch

from tacit.errors import WrongUsage
from tacit.latent.attributes import difference, directions


def cos(a, b) -> float:
    return torch.cosine_similarity(a, b, dim=0).item()


@pytest.fixture
def together():
    """Codes = c + y_0 v_0 + y_1 v_1 + noise, with attributes that agree on 90 % of the items (correlation 0.8)."""
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(2, 12, generator=generator)
    first = torch.rand(4000, generator=generator) < 0.5
    second = first ^ (torch.rand(4000, generator=generator) < 0.1)
    table = torch.stack([first, second], 1)
    noise = 0.5 * torch.randn(4000, 12, generator=generator)
    return torch.randn(12, generator=generator) + table.float() @ v + noise, table, v


def test_the_difference_is_one_mean_less_the_other():
    codes = torch.tensor([[1.0, 0.0], [3.0, 2.0], [0.0, 5.0], [1.0, 1.0]])
    with_it, without = [(1 + 3) / 2, (0 + 2) / 2], [(0 + 1) / 2, (5 + 1) / 2]
    expected = torch.tensor([a - b for a, b in zip(with_it, without, strict=True)])
    assert torch.equal(difference(codes, torch.tensor([True, True, False, False])), expected)
    assert torch.equal(difference(codes, torch.tensor([1, 1, 0, 0])), expected)  # also as numbers, not as positions


def test_an_attribute_that_goes_with_nothing_else_is_recovered_by_the_difference():
    generator = torch.Generator().manual_seed(1)
    v, has = torch.randn(12, generator=generator), torch.rand(4000, generator=generator) < 0.3
    codes = has[:, None] * v + 0.5 * torch.randn(4000, 12, generator=generator)
    assert cos(difference(codes, has), v) > 0.99
    assert torch.allclose(directions(codes, has[:, None])[0], difference(codes, has), atol=1e-4)


def test_attributes_that_go_together_are_recovered_and_the_difference_leaks(together):
    codes, table, v = together
    found = directions(codes, table)
    assert found.shape == (2, 12)
    for j in range(2):
        assert cos(found[j], v[j]) > 0.99 and found[j].norm().item() == pytest.approx(v[j].norm().item(), rel=0.05)
        assert cos(difference(codes, table[:, j]), v[j]) < 0.95


def test_directions_are_the_least_squares_of_the_normal_equations(together):
    codes, table, _ = (each[:50].double() for each in together)
    design = torch.cat([table, torch.ones(50, 1)], 1)
    expected = torch.linalg.inv(design.T @ design) @ design.T @ codes
    assert torch.allclose(directions(codes.float(), table), expected[:2].float(), atol=1e-5)


def test_where_the_codes_are_and_in_which_order_does_not_matter(together):
    codes, table, _ = together
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(2))
    for find, has in ((directions, table), (difference, table[:, 0])):
        assert torch.allclose(find(codes + 100, has), find(codes, has), atol=1e-3)
        assert torch.allclose(find(codes[order], has[order]), find(codes, has), atol=1e-5)


def test_one_item_of_very_many_is_enough_for_a_direction():
    codes = torch.randn(60_000, 3, generator=torch.Generator().manual_seed(3))
    has = torch.zeros(60_000, 1)
    has[7] = 1
    assert torch.allclose(directions(codes, has)[0], difference(codes, has[:, 0]), atol=1e-4)


def test_what_no_data_can_tell_is_refused(together):
    codes, table, _ = together
    same = torch.stack([table[:, 0], table[:, 0]], 1)
    with pytest.raises(WrongUsage, match="always go together"):
        directions(codes, same)
    with pytest.raises(WrongUsage, match="always go together"):
        directions(codes, torch.ones(len(codes), 1))
    for everyone in (True, False):
        with pytest.raises(WrongUsage, match="items that have it"):
            difference(codes, torch.full((len(codes),), everyone))
    for find in (difference, directions):
        with pytest.raises(WrongUsage, match="3999 answers for 4000 items"):
            find(codes, table[1:])

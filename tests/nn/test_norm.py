import pytest
import torch

from tacit.errors import UnknownName
from tacit.nn.norm import SPLITS, norm


def test_split_takes_statistics_of_each_eighth_of_a_batch():
    torch.manual_seed(0)
    layer, x = norm("split", 3, 2)[0], torch.randn(32, 3, 4, 4)
    y = layer(x)
    for part, seen in zip(x.chunk(SPLITS), y.chunk(SPLITS), strict=True):
        mean, variance = part.mean((0, 2, 3)), part.var((0, 2, 3), correction=0)
        expected = (part - mean[:, None, None]) / (variance + layer.eps).sqrt()[:, None, None]
        assert torch.allclose(seen, expected, atol=1e-5)


def test_a_batch_moves_the_running_statistics_of_split_as_far_as_those_of_batch():
    torch.manual_seed(0)
    x = torch.randn(64, 3) + 5
    split, batch = norm("split", 3, 0)[0], norm("batch", 3, 0)[0]
    split(x), batch(x)
    assert torch.allclose(split.running_mean, batch.running_mean, atol=0.05)


def test_in_evaluation_split_uses_its_running_statistics():
    torch.manual_seed(0)
    layer, x = norm("split", 3, 0)[0], torch.randn(16, 3)
    layer(x)
    layer.eval()
    assert torch.allclose(layer(x)[:1], layer(x[:1]))


@pytest.mark.parametrize("n", [1, 2, 3, 9])
@pytest.mark.parametrize("kind", ["batch", "split", "group"])
def test_any_number_of_items_is_normalized(n, kind):
    for axes, shape in ((0, (n, 8)), (2, (n, 8, 3, 3))):
        y = norm(kind, 8, axes)[0](torch.randn(shape))
        assert y.shape == shape and y.isfinite().all()


def test_an_unknown_normalization_is_named():
    with pytest.raises(UnknownName, match="group"):
        norm("groups", 8, 0)

"""Small fakes: a space whose encoder and decoder change nothing, and a linear softmax classifier."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import items, labeled
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.latent.space import Space
from tacit.methods.method import Method, Terms


class Identity(Method):
    """Codes are the items."""

    feed = staticmethod(items)
    paper = "none"
    use_when = "a test needs a space it can see through"

    def __init__(self, spec: ItemSpec) -> None:
        super().__init__(spec)
        self.encoder = nn.Identity()
        self.nothing = nn.Parameter(torch.zeros(()))  # what a device is read from

    def loss(self, batch: Tensor) -> Terms:
        return {"loss": self.nothing.square()}

    def embed(self, x: Tensor) -> Tensor:
        return x

    def decode(self, z: Tensor) -> Tensor:
        return z


class Softmax(Method):
    """A linear softmax classifier; its dropout shows whether evaluation mode was on."""

    feed = staticmethod(labeled)
    paper = "none"
    use_when = "a test needs a gradient it can write down"

    def __init__(self, spec: ItemSpec, weight: Tensor, bias: Tensor) -> None:
        super().__init__(spec)
        self.encoder = nn.Dropout(0.5)
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def loss(self, batch: Tensor) -> Terms:
        return {"loss": self.weight.square().sum()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        return self.embed(x) @ self.weight.T + self.bias


@pytest.fixture
def open_space() -> Callable[..., Space]:
    """Codes (N, D) -> a space that decodes to them, over items of the classes ant, bee and cat."""

    def make(codes: Tensor, classes: tuple[str, ...] = ("ant", "bee", "cat")) -> Space:
        spec = ItemSpec((codes.shape[1],), "vector", classes)
        return Space(codes, Pool(spec, codes.numpy()), Identity(spec))

    return make


@pytest.fixture
def softmax() -> Callable[..., Method]:
    """A classifier with these weights (K, D), random ones of three classes by default."""

    def make(space: Space, weight: Tensor | None = None, bias: Tensor | None = None) -> Method:
        if weight is None:
            weight = torch.randn(3, space.codes.shape[1], generator=torch.Generator().manual_seed(7))
        return Softmax(space.pool.spec, weight, torch.zeros(len(weight)) if bias is None else bias)

    return make


@pytest.fixture
def middles() -> Tensor:
    """Where the three classes of `blobs` are, (3, 4)."""
    return 4 * torch.randn(3, 4, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def blobs(middles) -> Tensor:
    """Codes (120, 4) around three middles, 40 each in turn."""
    return middles.repeat(40, 1) + torch.randn(120, 4, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def few_labels() -> Tensor:
    """Labels (120,) that fit `blobs`: the first twelve are answered."""
    labels = torch.full((120,), UNLABELED)
    labels[:12] = torch.arange(12) % 3
    return labels

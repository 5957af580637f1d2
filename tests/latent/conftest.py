"""Spaces one can see through: codes are the items, and decoding changes nothing."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
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


@pytest.fixture
def pool_of() -> Callable[[Tensor], Pool]:
    """Codes (N, D) -> a pool of vectors that are these codes."""
    return lambda codes: Pool(ItemSpec((codes.shape[1],), "vector"), codes.numpy())


@pytest.fixture
def identity() -> Callable[[Pool], Method]:
    return lambda pool: Identity(pool.spec)


@pytest.fixture
def open_space(pool_of) -> Callable[[Tensor], Space]:
    """Codes (N, D) -> a space that decodes to them."""

    def make(codes: Tensor) -> Space:
        pool = pool_of(codes)
        return Space(codes, pool, Identity(pool.spec))

    return make


@pytest.fixture(scope="session")
def digit_codes(digits) -> Tensor:
    """The pixels of the digits as codes (1797, 64) in [0, 1], in a random order."""
    codes = torch.from_numpy(digits[0]).flatten(1).float() / 255
    return codes[torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))]

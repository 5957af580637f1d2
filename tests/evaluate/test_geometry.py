import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.evaluate.geometry import geometry
from tacit.methods.method import Method
from tacit.methods.simclr import SimCLR
from tacit.methods.vae import VAE
from tacit.objectives.health import alignment, rank_me, spread, uniformity


class Itself(Method):
    """Codes are the items; the second view of an item is a given distance away."""

    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec, *, noise: float = 0.0, patches: bool = False):
        super().__init__(spec)
        self.encoder = nn.Linear(1, 1)
        self.noise, self.patches = noise, patches

    def loss(self, batch):
        return {"loss": self.encoder(batch[:, :1]).mean()}

    def embed(self, x):
        return x

    def layers(self, x):
        return {"same": x, "half": x[:, :8], "one point": torch.ones_like(x)}

    def views(self, x):
        two = torch.stack([x, x + self.noise * torch.randn_like(x)], dim=1)
        return two[..., :4] if self.patches else two


@pytest.fixture(scope="module")
def pool() -> Pool:
    rng = np.random.default_rng(0)
    return Pool(ItemSpec((16,), "vector"), rng.standard_normal((3000, 16)).astype(np.float32))


def test_every_number_is_its_formula(pool):
    got, x = geometry(Itself(pool.spec), pool, n=3000).rows[0], pool.floats(slice(None))
    assert (got.name, got.dim) == ("codes", 16)
    assert got.rank == pytest.approx(rank_me(x - x.mean(0)).item(), rel=1e-3)
    assert got.spread == pytest.approx(spread(x).item(), rel=1e-3)
    assert got.uniformity == pytest.approx(uniformity(x).item(), abs=1e-3)
    assert got.alignment == pytest.approx(0, abs=1e-6)  # both views are the item


def test_all_layers_are_looked_at_on_the_same_items_and_the_same_views(pool):
    got = geometry(Itself(pool.spec, noise=0.5), pool, layer="all", n=500)
    assert got.n == 500 and got.views and [row.name for row in got.rows] == ["codes", "same", "half", "one point"]
    codes, same, half, _ = got.rows
    assert replace(same, name="codes") == codes and half.dim == 8 and half.alignment != codes.alignment


def test_alignment_is_of_two_views_and_grows_with_their_distance(pool):
    near, far = (geometry(Itself(pool.spec, noise=noise), pool).rows[0] for noise in (0.1, 1.0))
    x = pool.floats(slice(None))
    torch.manual_seed(0)
    assert far.alignment == pytest.approx(alignment(x, x + torch.randn_like(x)).item(), abs=0.05)
    assert 0 < near.alignment < far.alignment < 4


def test_codes_that_are_one_point_have_uniformity_zero_and_spread_zero(pool):
    row = geometry(Itself(pool.spec, noise=0.5), pool, layer="one point").rows[-1]
    assert (row.uniformity, row.alignment) == pytest.approx((0, 0), abs=1e-5)
    assert row.spread == pytest.approx(0, abs=1e-5) and row.rank == pytest.approx(1, abs=1e-3)


def test_at_most_2000_items_are_looked_at_and_the_size_is_said(pool):
    got = geometry(Itself(pool.spec), pool)
    assert got.n == 2000 and got.lines()[0].startswith("geometry of 2,000 items")
    few = geometry(Itself(pool.spec), pool.take(torch.arange(100)))
    assert few.n == 100 and "would need 160 items" in few.lines()[-1]


@pytest.mark.parametrize("method", [VAE, Itself])
def test_without_views_of_whole_items_there_is_no_alignment(pool, method):
    made = method(pool.spec, patches=True) if method is Itself else method(pool.spec, width=8)
    got = geometry(made, pool, n=200)
    assert got.rows[0].alignment is None and not got.views and "alignment" not in "".join(got.lines())
    json.dumps(got.to_dict(), allow_nan=False)


def test_looking_changes_neither_weights_nor_statistics_nor_random_numbers(digits_pool):
    method = SimCLR(digits_pool.spec, width=8)
    before, state = copy.deepcopy(method.state_dict()), torch.get_rng_state()
    one, other = (geometry(method, digits_pool, layer="all", n=200) for _ in range(2))
    assert one == other
    assert torch.equal(state, torch.get_rng_state()) and method.training
    after = method.state_dict()
    assert any("running_mean" in name for name in before)
    assert all(torch.equal(before[name], after[name]) for name in before)

"""What a space makes of a method with exemplars: new items, more exemplars, and how likely things are."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from tacit.data.pool import Items, Pool
from tacit.data.spec import ItemSpec
from tacit.engine.apply import apply, embed
from tacit.engine.fit import fit
from tacit.errors import WrongUsage
from tacit.latent.space import Space
from tacit.methods import build
from tacit.methods.method import Recipe

KINDS = ("grey", "color", "vector")


def pool_of(kind: str, digits: np.ndarray) -> Pool:
    """60 digits, the same in color, or as columns with units of their own."""
    x = digits[:60]
    if kind == "color":
        return Pool(ItemSpec((3, 8, 8)), np.concatenate([x, 255 - x, x // 2], axis=1))
    if kind == "vector":
        return Pool(
            ItemSpec((6,), "vector", (), (50.0,) * 6, (70.0,) * 6), x.reshape(60, 64)[:, 17:23].astype(np.float32)
        )
    return Pool(ItemSpec((1, 8, 8)), x)


@pytest.fixture(scope="module")
def spaces(digits) -> dict[str, Space]:
    """Of an exemplar VAE after a few steps, the last ten items held out."""
    made = {}
    for kind in KINDS:
        pool = pool_of(kind, digits[0])
        torch.manual_seed(0)
        method = build("exemplar_vae", pool.spec, latent_dim=4, width=8, exemplars=20, body="vae")
        seen = pool.take(torch.arange(50))
        fit(method, seen, recipe=Recipe(steps=15, batch=20, lr=3e-3), device="cpu", precision="fp32")
        made[kind] = Space.of(seen, method)
    return made


@pytest.fixture(params=KINDS)
def space(request, spaces) -> Space:
    return spaces[request.param]


@pytest.fixture
def held_out(space, spaces, digits) -> Tensor:
    kind = next(kind for kind, one in spaces.items() if one is space)
    return pool_of(kind, digits[0]).floats(slice(50, 60))


# new items


def test_without_jitter_relatives_are_the_decoded_code_of_the_exemplar(space, held_out):
    item = space.pool.spec.shape
    known, new = space.generate(7, 3, scale=0.0), space.generate(held_out[2], 3, scale=0.0)
    assert known.shape == new.shape == (3, *item)
    for row in range(3):
        assert torch.allclose(known[row], space.method.decode(space.codes[7:8])[0], atol=1e-6)
        assert torch.allclose(new[row], space.method.decode(space.method.embed(held_out[2:3]))[0], atol=1e-6)


def test_relatives_are_decoded_from_codes_one_tau_away(space, monkeypatch):
    codes = []
    monkeypatch.setattr(space.method, "decode", lambda z: codes.append(z) or z)
    for scale in (1.0, 0.25):
        codes.clear()
        space.generate(7, 2000, scale=scale)
        apart = torch.cat(codes) - space.codes[7]
        assert apart.std(0).tolist() == pytest.approx([scale * float(space.method.tau.detach())] * 4, rel=0.1)
        assert apart.mean(0).abs().max() < 0.1 * scale * float(space.method.tau.detach())


def test_a_pool_item_given_as_an_item_has_the_same_relatives(space):
    assert torch.allclose(space.generate(7, 4, seed=3), space.generate(space.pool.floats([7])[0], 4, seed=3), atol=1e-5)


def test_relatives_follow_the_seed_and_leave_other_random_numbers_alone(space):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = space.generate(7, 4, seed=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, space.generate(7, 4, seed=1)) and not torch.equal(first, space.generate(7, 4, seed=2))


def test_images_stay_images(spaces):
    for kind in ("grey", "color"):
        for made in (
            spaces[kind].generate(3, 50, scale=5.0),
            spaces[kind].sample(50),
            spaces[kind].cycle(torch.rand(2, *spaces[kind].pool.spec.shape), 3),
        ):
            assert made.min() >= 0 and made.max() <= 1


def test_an_exemplar_of_another_shape_is_a_sentence(space):
    with pytest.raises(WrongUsage, match="items have shape"):
        space.generate(torch.zeros(2, 3), 4)


def test_samples_are_the_methods_own_and_follow_the_seed(space):
    found = space.sample(300, seed=2)  # more than one part
    assert found.shape == (300, *space.pool.spec.shape)
    assert torch.equal(found, space.sample(300, seed=2)) and not torch.equal(found, space.sample(300, seed=3))
    torch.manual_seed(2)
    assert torch.allclose(found[:250], space.method.sample(250), atol=1e-6)


def test_what_has_no_prior_cannot_be_sampled_or_asked(digits_pool):
    plain = Space.of(digits_pool.take(torch.arange(20)), build("autoencoder", digits_pool.spec, trunk="mlp", width=8))
    for impossible in (lambda: plain.sample(3), lambda: plain.log_prior(), lambda: plain.log_prob()):
        with pytest.raises(WrongUsage, match="learn one that can: tacit learn"):
            impossible()
    assert plain.generate(0, 2).shape == (2, 1, 8, 8) and plain.cycle(torch.rand(2, 1, 8, 8), 2).shape == (
        3,
        2,
        1,
        8,
        8,
    )


# going round


def test_without_jitter_every_turn_is_the_reconstruction_of_the_one_before(space):
    start = torch.rand(3, *space.pool.spec.shape)
    turns = space.cycle(start, 4, scale=0.0)
    assert turns.shape == (5, *start.shape) and torch.equal(turns[0], start)
    for before, after in pairwise(turns):
        assert torch.allclose(after, space.decode(space.encode(before)), atol=1e-6)


def test_every_turn_is_jittered_anew(space):
    start = torch.rand(3, *space.pool.spec.shape)
    turns = space.cycle(start, 4, seed=1)
    assert torch.equal(turns, space.cycle(start, 4, seed=1)) and not torch.equal(turns, space.cycle(start, 4, seed=2))
    assert torch.equal(space.cycle(start, 0), start[None])
    moved = [
        space.encode(after) - space.encode(space.decode(space.encode(before))) for before, after in pairwise(turns)
    ]
    assert not torch.allclose(moved[0], moved[1])


# more exemplars


def test_added_items_are_found_by_nearest_at_their_positions(space, held_out):
    grown = space.add(held_out[:4])
    assert len(grown) == 54 and len(space) == 50 and grown.codes.shape == (54, 4)
    distance, index = grown.nearest(grown.encode(held_out[:4]), 1)
    assert index[:, 0].tolist() == [50, 51, 52, 53] and distance.max() < 1e-5
    assert torch.allclose(grown.pool.floats([50, 53]), held_out[[0, 3]], atol=1e-5)
    assert grown.graph.index.shape == (54, 15) and (grown.graph.index[:50] >= 50).any()
    assert torch.equal(grown.codes[:50], space.codes) and grown.pool.ids[:50].tolist() == space.pool.ids.tolist()
    assert grown.density().shape == grown.outliers().shape == grown.rebuilt_badly().shape == (54,)


def test_added_items_join_the_prior_by_the_formula_of_the_mixture(space, held_out):
    grown, z = space.add(held_out[:2]), torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    tau = float(space.method.tau.detach())
    new = grown.codes[50:]
    for i in range(5):
        each = [-0.5 * float((z[i] - c).square().sum()) / tau**2 - 2 * math.log(2 * math.pi * tau**2) for c in new]
        old = float(space.log_prior(z)[i]) + math.log(50)
        expected = torch.tensor([old, *each]).double().logsumexp(0) - math.log(52)
        assert float(grown.log_prior(z)[i]) == pytest.approx(float(expected), abs=1e-3)


def test_a_far_exemplar_lowers_the_prior_elsewhere_by_its_share_alone(spaces):
    space = spaces["vector"]
    grown = space.add(torch.full((1, 6), 300.0))
    assert float((grown.codes[50] - space.codes).norm(dim=1).min()) > 50 * float(space.method.tau.detach())
    assert torch.allclose(grown.log_prior(space.codes), space.log_prior() + math.log(50 / 51), atol=1e-3)


def test_adding_leaves_the_first_space_and_its_method_as_they_were(space, held_out):
    before = space.method.memory.codes.clone(), space.log_prior().clone()
    grown = space.add(held_out)
    assert torch.equal(space.method.memory.codes, before[0]) and torch.equal(space.log_prior(), before[1])
    assert len(grown.method.memory) == 60 and len(grown.add(held_out[:1]).method.memory) == 61
    assert grown.folder is None
    assert space.add(held_out[:0]) is space


def test_added_items_have_relatives_and_are_drawn_from(spaces, held_out, monkeypatch):
    grown = spaces["color"].add(spaces["color"].pool.floats([0]).flip(1))
    assert torch.allclose(grown.generate(50, 2, scale=0.0)[0], grown.reconstruct(torch.tensor([50]))[0], atol=1e-6)
    drawn = []
    monkeypatch.setattr(grown.method, "jitter", lambda z, generator=None: drawn.append(z) or z)
    grown.sample(2000)
    assert (torch.cat(drawn) == grown.codes[50]).all(1).sum() in range(15, 80)  # 1 of 51


def test_items_of_another_shape_cannot_be_added(space):
    with pytest.raises(WrongUsage, match="items have shape"):
        space.add(torch.zeros(2, 3, 3))


def test_adding_writes_nothing(digits_pool, spaces, tmp_path):
    method = spaces["grey"].method
    Space.of(digits_pool.take(torch.arange(50)), method, tmp_path)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    loaded = Space.load(tmp_path, digits_pool.take(torch.arange(50)), method)
    grown = loaded.add(digits_pool.floats(slice(50, 60)))
    assert grown.map().points.shape == (60, 2)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_newcomers_of_a_pool_are_exemplars_too(digits_pool, spaces, tmp_path):
    method = spaces["grey"].method
    Space.of(digits_pool.take(torch.arange(50)), method, tmp_path)
    grown = Space.load(tmp_path, digits_pool.take(torch.arange(60)), method)
    assert len(method.memory) == 50 and len(grown.method.memory) == 60
    assert torch.allclose(grown.method.memory.codes[50:], grown.codes[50:], atol=1e-6)
    assert torch.allclose(grown.generate(55, 2, scale=0.0)[0], method.decode(grown.codes[55:56])[0], atol=1e-6)


def test_exemplars_that_left_the_pool_stay_in_the_prior_and_break_nothing(spaces, held_out):
    space, keep = spaces["grey"], torch.arange(5, 50)
    smaller = Space(space.codes[keep], space.pool.take(keep), space.method)
    assert torch.equal(smaller.generate(0, 3), space.generate(5, 3))
    assert torch.allclose(smaller.log_prior(), space.log_prior()[keep], atol=1e-5)
    assert smaller.sample(4).shape == (4, 1, 8, 8)
    grown = smaller.add(space.pool.floats([0]))
    assert len(grown) == 46 and len(grown.method.memory) == 51
    assert torch.allclose(grown.codes[45], space.codes[0], atol=1e-5)


# how likely


def test_the_prior_of_codes_is_the_mixture_spelled_out(space):
    tau = float(space.method.tau.detach())
    z = torch.randn(6, 4)
    for i, value in enumerate(space.log_prior(z)):
        parts = [torch.distributions.Normal(c, tau).log_prob(z[i]).sum() for c in space.method.memory.codes]
        assert float(value) == pytest.approx(float(torch.stack(parts).logsumexp(0)) - math.log(50), abs=1e-3)
    assert space.log_prior().shape == (50,)
    with pytest.raises(WrongUsage, match="codes have shape"):
        space.log_prior(torch.zeros(2, 5))


def test_how_likely_items_are_is_asked_of_the_method_in_parts(space, held_out, monkeypatch):
    asked = []

    def log_prob(x, samples=100):
        asked.append((len(x), samples))
        return x.flatten(1).sum(1)

    monkeypatch.setattr(space.method, "log_prob", log_prob)
    many = space.pool.floats(slice(None)).repeat(11, *[1] * len(space.pool.spec.shape))
    assert torch.allclose(space.log_prob(many, samples=3), many.flatten(1).sum(1))
    assert asked == [(250, 3), (250, 3), (50, 3)]
    assert torch.allclose(space.log_prob(), space.pool.floats(slice(None)).flatten(1).sum(1))
    other = Items(space.pool.spec, space.pool.spec.to_stored(held_out).numpy())
    assert torch.allclose(space.log_prob(other), held_out.flatten(1).sum(1), atol=1e-3)


def test_likelihoods_follow_the_seed_and_put_the_strange_last(spaces):
    space = spaces["vector"]
    strange = space.pool.floats([0]) + 30
    grown = space.add(strange)
    assert int(grown.log_prob(samples=10).argmin()) == 50
    assert torch.equal(space.log_prob(samples=5, seed=1), space.log_prob(samples=5, seed=1))
    assert not torch.equal(space.log_prob(samples=5, seed=1), space.log_prob(samples=5, seed=2))
    with pytest.raises(WrongUsage, match="items have shape"):
        space.log_prob(torch.zeros(2, 5))


# walks


def test_walks_under_a_prior_of_many_parts_are_straight(spaces, digits_pool):
    vamp = build("vamp_prior", digits_pool.spec, latent_dim=4, width=8, pseudo_inputs=5)
    spaces = spaces | {"vamp": Space.of(digits_pool.take(torch.arange(20)), vamp)}
    for space in spaces.values():
        middle = space.walk(1, 2, steps=3).codes[1]
        assert torch.allclose(middle, (space.codes[1] + space.codes[2]) / 2, atol=1e-6)


def test_codes_of_a_pool_are_those_the_exemplars_have(space):
    assert torch.allclose(space.method.memory.codes, embed(space.method, space.pool), atol=1e-5)
    assert torch.allclose(apply(space.method, space.method.decode, space.codes), space.reconstruct(torch.arange(50)))

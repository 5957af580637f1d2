import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tacit.engine.apply import embed
from tacit.errors import BadData, TacitError, WrongUsage
from tacit.latent import space as module
from tacit.latent import walks
from tacit.latent.attributes import difference, directions
from tacit.latent.density import log_density
from tacit.latent.map import Map
from tacit.latent.neighbours import nearest
from tacit.latent.space import CODES, MAP, Space
from tacit.methods import build


def random(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def codes() -> Tensor:
    return random(80, 3)


@pytest.fixture
def space(codes, open_space) -> Space:
    return open_space(codes)


@pytest.fixture
def autoencoder(digits_pool):
    torch.manual_seed(0)
    return build("autoencoder", digits_pool.spec, latent_dim=6, trunk="mlp", width=16)


# one code an item


def test_a_space_has_one_code_an_item(codes, pool_of):
    with pytest.raises(WrongUsage, match="79 codes for 80 items"):
        Space(codes[1:], pool_of(codes))


def test_a_code_that_is_no_number_is_refused(codes, pool_of):
    pool, bad = pool_of(codes), codes.clone()
    bad[4, 1] = torch.nan
    with pytest.raises(BadData, match="1 of 80 codes are not finite numbers, the first at position 4"):
        Space(bad, pool)


def test_the_space_of_a_method_has_the_codes_it_embeds(digits_pool, autoencoder):
    space = Space.of(digits_pool, autoencoder)
    assert len(space) == len(digits_pool) and space.can_decode
    assert torch.equal(space.codes, embed(autoencoder, digits_pool))
    rows = [5, 900]
    assert torch.allclose(space.encode(digits_pool.floats(rows)), space.codes[rows], atol=1e-5)
    assert torch.allclose(space.reconstruct(torch.tensor(rows)), autoencoder.decode(space.codes[rows]), atol=1e-5)


# on disk


def test_with_a_folder_codes_go_to_a_file_and_stay_there(digits_pool, autoencoder, tmp_path):
    space = Space.of(digits_pool, autoencoder, tmp_path)
    assert torch.allclose(space.codes, embed(autoencoder, digits_pool), atol=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == [CODES]
    assert str(tmp_path / CODES) in Path("/proc/self/maps").read_text()  # the codes are the file, not a copy of it
    before = (tmp_path / CODES).read_bytes()
    space.codes[0] = 7.0
    assert (tmp_path / CODES).read_bytes() == before


def test_a_loaded_space_finds_the_same_neighbours(digits_pool, autoencoder, tmp_path):
    made = Space.of(digits_pool, autoencoder, tmp_path)
    loaded = Space.load(tmp_path, digits_pool)
    assert torch.equal(loaded.graph.index, made.graph.index)
    z = random(5, 6)
    for one, other in zip(loaded.nearest(z, 4), made.nearest(z, 4), strict=True):
        assert torch.equal(one, other)
    assert not loaded.can_decode


def test_items_that_joined_get_their_codes(digits_pool, autoencoder, tmp_path):
    first = digits_pool.take(torch.arange(1000))
    Space.of(first, autoencoder, tmp_path)
    grown = Space.load(tmp_path, digits_pool, autoencoder)
    assert torch.allclose(grown.codes, embed(autoencoder, digits_pool), atol=1e-6)
    with pytest.raises(BadData, match=r"1,000 codes for 1,797 items\n  learn again: tacit learn"):
        Space.load(tmp_path, digits_pool)
    with pytest.raises(BadData, match=r"1,000 codes for 10 items"):
        Space.load(tmp_path, first.take(torch.arange(10)), autoencoder)


@pytest.mark.parametrize("content", [None, b"", b"no codes"])
def test_codes_that_cannot_be_read_are_a_sentence(space, tmp_path, content):
    if content is not None:
        (tmp_path / CODES).write_bytes(content)
    with pytest.raises(BadData, match=r"codes\.npy cannot be read .*\n  learn again: tacit learn"):
        Space.load(tmp_path, space.pool)


# neighbours, steps and dimensions


def test_neighbours_are_those_among_the_codes(space, codes):
    z, allowed = random(4, 3, seed=1), torch.arange(80) % 3 == 0
    for limit in (None, allowed):
        for one, other in zip(space.nearest(z, 5, limit), nearest(z, codes, 5, allowed=limit), strict=True):
            assert torch.equal(one, other)
    assert space.graph.index.shape == (80, 15) and space.graph is space.graph


def test_the_step_is_the_median_distance_to_the_nearest_other(space, codes):
    away = [min(float((a - b).norm()) for j, b in enumerate(codes) if j != i) for i, a in enumerate(codes)]
    assert space.step == pytest.approx(sorted(away)[39])


def test_in_a_large_space_a_sample_says_what_a_step_is(open_space, monkeypatch):
    codes = random(2000, 4)
    exact = open_space(codes).step
    monkeypatch.setattr("tacit.latent.space.CHECKED", 400)
    sampled = open_space(codes)
    assert sampled.step == pytest.approx(exact, rel=0.1) and "graph" not in vars(sampled)


@pytest.mark.parametrize("copies", [2, 10])
def test_exact_copies_do_not_change_the_step(space, codes, open_space, copies):
    assert open_space(codes.repeat(copies, 1)).step == pytest.approx(space.step)


def test_active_dimensions_are_those_in_use(open_space):
    codes = random(100, 6) * torch.tensor([1.0, 0.5, 0.02, 0.005, 1e-4, 0.0]) + 3
    assert open_space(codes).active.tolist() == [True, True, True, False, False, False]
    assert open_space(torch.ones(100, 6)).active.all()
    assert open_space(torch.ones(1, 6)).active.all()


# there and back


def test_what_a_space_cannot_do_is_a_sentence(codes, pool_of, digits_pool):
    bare = Space(codes, pool_of(codes))
    for impossible in (
        lambda: bare.encode(codes),
        lambda: bare.decode(codes),
        lambda: bare.reconstruct(torch.tensor([0])),
        lambda: bare.walk(0, 1),
        lambda: bare.generate(0, 2),
        lambda: bare.generate(codes[0], 2),
        lambda: bare.cycle(codes),
        lambda: bare.add(codes),
        lambda: bare.rebuilt_badly(),
        lambda: bare.edit(torch.tensor([0]), codes[1]),
    ):
        with pytest.raises(WrongUsage, match=r"cannot decode\n  learn one that can: tacit learn vae|came without the"):
            impossible()
    classifier = build("supervised", digits_pool.spec, trunk="mlp", width=8)
    seen = Space.of(digits_pool.take(torch.arange(20)), classifier)
    assert not seen.can_decode
    with pytest.raises(WrongUsage, match="cannot decode"):
        seen.decode(seen.codes)


def test_items_and_codes_of_another_shape_are_a_sentence(digits_pool, autoencoder):
    space = Space.of(digits_pool.take(torch.arange(20)), autoencoder)
    with pytest.raises(WrongUsage, match=r"items have shape \(1, 9, 9\), and in this space \(1, 8, 8\)"):
        space.encode(torch.zeros(2, 1, 9, 9))
    with pytest.raises(WrongUsage, match=r"codes have shape \(5,\), and in this space \(6,\)"):
        space.decode(torch.zeros(2, 5))


# walks, attributes, relatives


def test_auto_walks_on_a_sphere_where_there_is_a_prior_and_straight_elsewhere(digits_pool, autoencoder):
    pool, t = digits_pool.take(torch.arange(50)), torch.linspace(0, 1, 7)
    torch.manual_seed(0)
    vae = Space.of(pool, build("vae", pool.spec, latent_dim=6, trunk="mlp", width=16))
    plain = Space.of(pool, autoencoder)
    for space, automatic, other in ((vae, "spherical", "straight"), (plain, "straight", "spherical")):
        found = space.walk(3, 8, steps=7)
        expected = getattr(walks, automatic)(space.codes[3], space.codes[8], t)
        assert torch.equal(found.codes, expected)
        assert torch.equal(space.walk(3, 8, 7, other).codes, getattr(walks, other)(space.codes[3], space.codes[8], t))
    with pytest.raises(WrongUsage, match="'round', expected straight, spherical or auto"):
        plain.walk(3, 8, kind="round")


def test_a_walk_shows_decoded_items_and_the_real_ones_nearest(space, codes):
    found = space.walk(2, codes[9] + 1, steps=5)
    assert torch.allclose(found.codes[0], codes[2]) and torch.allclose(found.codes[-1], codes[9] + 1)
    assert torch.equal(found.items, found.codes)  # this space decodes to the code
    assert found.nearest.tolist() == [int((codes - z).norm(dim=1).argmin()) for z in found.codes]
    assert found.nearest[0] == 2


def test_attributes_are_those_of_the_codes_and_edits_add_them(space, codes):
    table = torch.stack([torch.arange(80) < 30, torch.arange(80) % 2 == 0], 1)
    direction = space.attribute(table[:, 0])
    assert torch.equal(direction, difference(codes, table[:, 0]))
    assert torch.equal(space.attributes(table), directions(codes, table))
    rows = torch.tensor([4, 70])
    assert torch.equal(space.edit(rows, direction, 0.0), space.reconstruct(rows))
    assert torch.allclose(space.edit(rows, direction, 2.5), codes[rows] + 2.5 * direction)
    moved = space.edit((~table[:, 0]).nonzero().flatten(), direction)  # by 1: mean meets mean
    assert torch.allclose(moved.mean(0), codes[table[:, 0]].mean(0), atol=1e-5)


@pytest.mark.parametrize("used", [2, 10, 40])
def test_relatives_are_as_far_as_typical_neighbours_in_the_dimensions_in_use(open_space, used):
    codes = torch.cat([random(200, used), torch.full((200, 60 - used), 0.3)], 1)
    space = open_space(codes)
    for scale in (1.0, 0.5):
        apart = space.generate(7, 800, scale=scale) - codes[7]
        assert apart.square().sum(1).mean().sqrt().item() == pytest.approx(scale * space.step, rel=0.05)
        assert (apart[:, used:] == 0).all()
    assert torch.equal(space.generate(7, 3, seed=4), space.generate(7, 3, seed=4))
    assert not torch.equal(space.generate(7, 3, seed=4), space.generate(7, 3, seed=5))


# density, outliers, groups


def test_density_at_items_leaves_each_out_and_elsewhere_nobody(space, codes):
    z = random(4, 3, seed=1)
    assert torch.equal(space.density(z, bandwidth=0.5), log_density(z, codes, 0.5))
    rows = torch.arange(80)
    assert torch.equal(space.density(bandwidth=0.5), log_density(codes, codes, 0.5, leave_out=rows))
    assert torch.equal(space.density(), space.density(bandwidth=space.bandwidth))
    with pytest.raises(WrongUsage, match="a distance above 0, not 0"):
        space.density(bandwidth=0.0)


def test_the_strangest_item_is_the_one_far_away(codes, open_space):
    codes[17] += 20
    space = open_space(codes)
    assert int(space.outliers().argmax()) == 17 and int(space.density().argmin()) == 17
    away = sorted(float((codes[5] - code).norm()) for j, code in enumerate(codes) if j != 5)
    assert space.outliers()[5].item() == pytest.approx(away[14] / space.step, rel=1e-5)


def test_what_is_rebuilt_badly_is_the_squared_error_of_the_item(digits_pool, autoencoder):
    pool = digits_pool.take(torch.arange(1005))  # more than one part
    space = Space.of(pool, autoencoder)
    found = space.rebuilt_badly()
    assert found.shape == (1005,)
    for i in (0, 999, 1000, 1004):
        x = pool.floats([i])
        assert found[i].item() == pytest.approx(float((x - space.decode(space.encode(x))).square().sum()), rel=1e-4)


def test_clusters_are_found_in_the_codes(open_space):
    codes = torch.cat([random(60, 3), random(60, 3, seed=1) + 12])
    space = open_space(codes)
    for found in (space.clusters(), space.clusters("kmeans", 2)):
        dense = found >= 0
        assert len(found[:60][dense[:60]].unique()) == len(found[60:][dense[60:]].unique()) == 1
        assert dense.float().mean() > 0.8 and len(found[dense].unique()) == 2
    with pytest.raises(WrongUsage, match="'tsne', expected hdbscan or kmeans"):
        space.clusters("tsne")


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("alike", [False, True])
def test_a_pool_of_a_few_items_has_answers_to_everything(open_space, n, alike):
    codes = torch.ones(n, 3) if alike else random(n, 3)
    space = open_space(codes)
    assert space.graph.index.shape == (n, n - 1)
    assert math.isfinite(space.step) and space.step > 0
    assert space.outliers().shape == (n,) and space.outliers().isfinite().all()
    assert space.map().points.shape == (n, 2) and space.map().points.isfinite().all()
    density = space.density()
    assert density.shape == (n,) and not density.isnan().any() and bool(density.isfinite().all()) == (n > 1)
    assert space.generate(0, 2).isfinite().all()
    assert space.walk(0, n - 1, steps=3).items.isfinite().all()
    assert space.clusters("kmeans", 1).tolist() == [0] * n
    with pytest.raises(TacitError, match=f"there are {n}"):
        space.clusters()


# the map


@pytest.fixture
def kept(digits_pool, autoencoder, tmp_path, monkeypatch):
    """A space of 300 digits in a folder, and how often a map was drawn."""
    drawn = []

    def counted(*args, **kwargs):
        drawn.append(kwargs)
        return draw(*args, **kwargs)

    draw = module.draw
    monkeypatch.setattr(module, "draw", counted)
    return Space.of(digits_pool.take(torch.arange(300)), autoencoder, tmp_path), drawn


def test_the_map_is_drawn_once_and_kept_in_the_folder(kept, tmp_path):
    space, drawn = kept
    first = space.map()
    assert len(first) == 300 and torch.equal(Map.load(tmp_path / MAP).points, first.points)
    again = Space.load(tmp_path, space.pool).map()
    assert len(drawn) == 1 and torch.equal(again.points, first.points)


def test_without_a_folder_nothing_is_kept(space, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(space.map()) == 80 and not list(tmp_path.iterdir())


def test_when_the_pool_grew_the_map_goes_on_from_the_kept_one(kept, digits_pool, tmp_path):
    space, drawn = kept
    before = space.map()
    grown = Space.load(tmp_path, digits_pool.take(torch.arange(360)), space.method)
    after = grown.map()
    assert len(after) == 360 and torch.equal(drawn[1]["start"], before.points)
    width = float((before.points.amax(0) - before.points.amin(0)).max())
    moved = (after.points[:300] - before.points).norm(dim=1)
    assert float(moved.median()) < 0.05 * width
    assert len(Map.load(tmp_path / MAP)) == 360
    grown.map()
    assert len(drawn) == 2


def test_a_map_of_more_items_than_there_are_is_drawn_anew(kept, tmp_path):
    space, drawn = kept
    Map(torch.zeros(301, 2), 1.0, "t-SNE", 0.0).save(tmp_path / MAP)
    assert len(space.map()) == 300 and drawn[0]["start"] is None


def test_new_codes_in_the_same_folder_do_not_keep_the_map_of_the_old_ones(kept, digits_pool, tmp_path):
    space, drawn = kept
    space.map()
    torch.manual_seed(1)
    other = build("autoencoder", digits_pool.spec, latent_dim=6, trunk="mlp", width=16)
    Space.of(space.pool, other, tmp_path).map()
    assert len(drawn) == 2 and drawn[1]["start"] is None


def test_a_map_that_cannot_be_read_is_drawn_again(kept, tmp_path):
    space, drawn = kept
    (tmp_path / MAP).write_bytes(b"half of a m")
    assert len(space.map()) == 300 and len(drawn) == 1
    assert len(Map.load(tmp_path / MAP)) == 300

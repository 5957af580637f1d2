"""Relatives of items: what they are, what they cost a classifier, and that they help one."""

from itertools import islice

import numpy as np
import pytest
import torch

from tacit.data.feeds import Labeled, Stream, labeled
from tacit.data.pool import Pool, Yardstick
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.data.views import Views
from tacit.engine.fit import fit
from tacit.errors import UnknownName, WrongUsage
from tacit.methods import build
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.methods.method import Recipe
from tacit.methods.relatives import Augmentation, Relatives, wants_relatives
from tacit.methods.supervised import Supervised
from tacit.rounds import supervised
from tacit.simulate import accuracy

ITEMS = 1200  # of the digits; the others are measured on


@pytest.fixture(scope="module")
def pool(digits_pool):
    return digits_pool.take(torch.arange(ITEMS))


@pytest.fixture(scope="module")
def truth(digits):
    return torch.from_numpy(digits[1])


@pytest.fixture(scope="module")
def generator(pool):
    """An exemplar VAE of real digits, learned without labels in a few seconds."""
    torch.manual_seed(0)
    spec = pool.spec.with_classes(())
    method = ExemplarVAE(spec, exemplars=50, width=64, latent_dim=16, likelihood="gaussian")
    fit(method, pool, recipe=Recipe(steps=500, batch=100, lr=0.01, schedule="cosine"), precision="fp32")
    return method


def untrained(spec, seed=0, **options):
    torch.manual_seed(seed)
    return ExemplarVAE(spec, exemplars=4, width=16, latent_dim=3, **options).eval()


def net(spec, **options):
    return Supervised(spec, trunk="mlp", width=16, norm="none", augment="exemplar", **options)


class Shadow:
    """Stands in for `Relatives`: every item's relative is its negative."""

    def __call__(self, x, rows=None):
        return 1 - x


def test_a_relative_is_an_item_in_whole_grey_levels_of_the_same_kind(generator, pool, truth):
    rows = torch.arange(0, ITEMS, 4)
    relatives = Relatives(generator, pool, rows)
    x = pool.floats(rows)
    for bf16 in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            y = relatives(x, rows)
        assert y.shape == x.shape and y.dtype == torch.float32
        assert torch.equal(y, pool.spec.to_float((255 * y).round().to(torch.uint8)))  # in [0, 1], multiples of 1/255
        assert not torch.equal(y, relatives(x, rows)) and (y - x).abs().amax((1, 2, 3)).min() > 0.05
        others = pool.floats(slice(None)).flatten(1)
        nearest = torch.cdist(y.flatten(1), others).argmin(1)
        assert (truth[nearest] == truth[rows]).float().mean() > 0.85  # the label that is copied is still right


def test_without_jitter_a_relative_is_the_decoded_mean(pool):
    generator, rows = untrained(pool.spec), torch.tensor([5, 900, 7])
    x = pool.floats(rows)
    with torch.no_grad():
        generator.log_var.fill_(-200)
        expected = (255 * generator.decode(generator.embed(x))).round() / 255
    assert torch.allclose(Relatives(generator, pool, rows)(x, rows), expected, atol=1e-6)


def test_a_code_is_jittered_by_tau_in_every_dimension():
    pool, rows = (
        Pool(ItemSpec((3,), "vector"), np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)),
        torch.arange(50),
    )
    generator = untrained(pool.spec)
    with torch.no_grad():
        generator.log_var.fill_(2 * np.log(0.3))
    generator.embed = generator.decode = lambda x: x  # so that codes can be seen
    relatives, x = Relatives(generator, pool, rows), pool.floats(rows)
    apart = torch.stack([relatives(x, rows) - x for _ in range(400)])
    assert torch.allclose(apart.std(0), torch.full((50, 3), 0.3), atol=0.06) and apart.mean().abs() < 0.01


def test_known_codes_are_those_of_the_items_in_any_order(pool):
    generator, known = untrained(pool.spec), torch.tensor([40, 3, 77, 12])
    relatives, rows = Relatives(generator, pool, known), torch.tensor([12, 40, 12])
    x, drawn = pool.floats(rows), []
    for given in (rows, None):
        torch.manual_seed(1)
        drawn.append(relatives(x, given))
    assert torch.equal(*drawn)
    with pytest.raises(AssertionError, match="not answered"):
        relatives(x, torch.tensor([12, 41, 12]))


def test_relatives_of_vectors_are_not_rounded():
    spec = ItemSpec((5,), "vector", ("a", "b"), center=(1.0,) * 5, scale=(2.0,) * 5)
    x = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    rows = torch.arange(20)
    y = Relatives(untrained(spec), Pool(spec, x), rows)(torch.zeros(20, 5), rows)
    assert y.shape == (20, 5) and ((255 * y).round() - 255 * y).abs().max() > 0.01


def test_the_loss_is_that_of_the_paper():
    """lambda CE(f(x), y) + (1 - lambda) CE(f(x~), y), with 0.1 spread over all three classes."""
    spec = ItemSpec((1, 8, 8), classes=("a", "b", "c"))
    method, batch = net(spec, label_smoothing=0.1), Labeled(torch.rand(6, 1, 8, 8), torch.arange(6) % 3)
    method.augmentation.relatives = Shadow()
    expected = 0.0
    for weight, items in ((0.4, batch.x), (0.6, 1 - batch.x)):
        log_p = method.logits(items).log_softmax(1).tolist()
        for i, answer in enumerate(batch.y.tolist()):
            for k in range(3):
                target = 0.9 * (k == answer) + 0.1 / 3
                expected -= weight * target * log_p[i][k] / 6
    terms = method.loss(batch)
    assert terms["loss"].item() == pytest.approx(expected, rel=1e-4)
    assert terms["accuracy"] == (method.logits(batch.x).argmax(1) == batch.y).float().mean()  # of the items alone
    method.eval()
    assert torch.equal(
        method.loss(batch)["loss"], method.augmentation.cross_entropy(method.logits(batch.x), batch.y, 0.1)
    )


@pytest.mark.parametrize(("real_weight", "which"), [(1.0, lambda x: x), (0.0, lambda x: 1 - x)])
def test_with_all_weight_on_one_side_the_other_does_not_count(real_weight, which):
    spec = ItemSpec((1, 8, 8), classes=("a", "b", "c"))
    method, batch = net(spec, real_weight=real_weight), Labeled(torch.rand(6, 1, 8, 8), torch.arange(6) % 3)
    method.augmentation.relatives = Shadow()
    alone = Augmentation(method.spec, "none").cross_entropy(
        method.logits(which(batch.x)), batch.y, method.label_smoothing
    )
    assert method.loss(batch)["loss"].item() == pytest.approx(alone.item(), rel=1e-5)


def test_light_changes_items_and_relatives_alike():
    batch = Labeled(torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.long))
    spec = ItemSpec((1, 8, 8), classes=("a", "b", "c"))
    both = Augmentation(spec, "exemplar+light")
    both.relatives = Shadow()
    seen = both(batch)
    assert len(seen) == 8 and ((seen - torch.cat([batch.x, 1 - batch.x])).abs().amax((1, 2, 3)) > 0.01).all()
    only = Augmentation(spec, "exemplar")
    only.relatives = Shadow()
    assert torch.equal(only(batch), torch.cat([batch.x, 1 - batch.x]))


def test_the_generator_is_no_part_of_the_classifier_and_does_not_move(pool, truth):
    generator = untrained(pool.spec)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    method = net(pool.spec)
    names = set(method.state_dict())
    method.augmentation.relatives = Relatives(generator.train(), pool, torch.arange(100))
    assert set(method.state_dict()) == names and len(list(method.parameters())) == len(
        list(net(pool.spec).parameters())
    )
    labels = torch.full((ITEMS,), UNLABELED)
    labels[:100] = truth[:100]
    fit(method, pool, labels, recipe=Recipe(steps=3, batch=10), precision="fp32")
    assert not generator.training and all(p.grad is None for p in generator.parameters())
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    build("supervised", pool.spec, **method.options).load_state_dict(method.state_dict())


def test_the_feed_says_where_its_items_are(pool, truth):
    labels = torch.full((ITEMS,), UNLABELED)
    labels[5:40:3] = truth[5:40:3]
    for batch in islice(labeled(pool, labels, 7, Stream()), 3):
        assert torch.equal(pool.floats(batch.rows), batch.x) and torch.equal(truth[batch.rows], batch.y)


def test_what_does_not_fit_is_answered_in_a_sentence(pool):
    batch = Labeled(torch.rand(2, 1, 8, 8), torch.tensor([0, 1]))
    with pytest.raises(WrongUsage, match="tacit learn exemplar_vae"):
        net(pool.spec).loss(batch)
    with pytest.raises(UnknownName, match=r"did you mean: exemplar\?"):
        Supervised(pool.spec, augment="exemplr")
    with pytest.raises(WrongUsage, match="from 0 to 1"):
        Supervised(pool.spec, real_weight=40)
    with pytest.raises(WrongUsage, match="VAE makes no relatives of an item: it cannot jitter"):
        Relatives(build("vae", pool.spec), pool, torch.arange(3))
    with pytest.raises(WrongUsage, match=r"images of shape \(1, 12, 12\), and these are images of shape \(1, 8, 8\)"):
        Relatives(untrained(ItemSpec((1, 12, 12))), pool, torch.arange(3))
    vectors = [ItemSpec((2,), "vector", center=(c, c), scale=(1.0, 1.0)) for c in (0.0, 1.0)]
    with pytest.raises(WrongUsage, match="standardized otherwise"):
        Relatives(untrained(vectors[0]), Pool(vectors[1], np.zeros((3, 2), np.float32)), torch.arange(3))
    with pytest.raises(WrongUsage, match="nothing asks for it"):
        supervised(generator=untrained(pool.spec), augment="light")(pool, torch.arange(ITEMS) % 10, 0, None)


def test_only_classifiers_that_want_relatives_are_handed_them(pool):
    assert wants_relatives(Supervised(pool.spec)) is None and wants_relatives(untrained(pool.spec)) is None
    method = net(pool.spec)
    assert wants_relatives(method) is method.augmentation


def test_with_100_labels_relatives_lower_the_error(generator, pool, truth, digits_pool):
    """Digits, an MLP of 100 units, three draws of labels: 14 % of errors without, 12 % with them."""
    rest = torch.arange(ITEMS, len(truth))
    yardstick = Yardstick(pool.spec, digits_pool[rest].numpy())
    cheap = {"trunk": "mlp", "width": 100, "least_steps": 150, "epochs": 1, "precision": "fp32"}
    errors = {}
    for name, train in (
        ("without", supervised(augment="none", **cheap)),
        ("with", supervised(generator=generator, **cheap)),
    ):
        errors[name] = []
        for seed in range(3):
            labels = torch.full((ITEMS,), UNLABELED)
            some = torch.randperm(ITEMS, generator=torch.Generator().manual_seed(seed))[:100]
            labels[some] = truth[some]
            errors[name].append(1 - accuracy(train(pool, labels, seed, None), yardstick, truth[rest]))
    assert np.mean(errors["with"]) < np.mean(errors["without"]) - 0.01, errors


def test_views_of_photos_crop_mirror_and_color_and_crop_leaves_colors_and_sharpness_alone():
    spec, grey = ItemSpec((3, 16, 16)), ItemSpec((1, 16, 16))
    both, crop = (Augmentation(spec, name).change.view for name in ("views", "crop"))
    assert vars(both) == vars(Views(spec))
    assert (crop.crop, crop.flip) == (both.crop, True) and crop.color == crop.grey == crop.blur == 0
    one = Labeled(torch.full((4, *spec.shape), 0.3), torch.zeros(4, dtype=torch.long))  # any part of it looks the same
    assert torch.allclose(Augmentation(spec, "crop")(one), one.x, atol=1e-5)
    assert not torch.allclose(Augmentation(spec, "views")(one), one.x, atol=1e-2)
    letters = Augmentation(grey, "crop").change.view
    assert not letters.flip and Augmentation(grey, "crop", flip=True).change.view.flip


def test_views_of_vectors_need_no_settings():
    spec = ItemSpec((5,), "vector")
    batch = Labeled(torch.randn(4, 5), torch.zeros(4, dtype=torch.long))
    assert Augmentation(spec, "views")(batch).shape == Augmentation(spec, "crop", flip=True)(batch).shape

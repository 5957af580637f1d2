import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import UnknownName, WrongUsage


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(2, 40), st.integers(2, 40)),
    views=st.sampled_from(["auto", "photos", "drawings"]),
    seed=st.integers(0, 30),
)
def test_a_view_is_an_item_of_the_same_kind_and_follows_its_seed(shape, views, seed):
    see = Views(ItemSpec(shape), views)
    x = torch.rand(3, *shape, generator=generator(seed))
    once, twice = see(x, generator(seed)), see(x, generator(seed))
    assert once.shape == x.shape and torch.equal(once, twice)
    assert once.min() >= 0 and once.max() <= 1 + 1e-5


def test_two_views_of_an_item_differ():
    see = Views(ItemSpec((3, 32, 32)))
    x = torch.rand(200, 3, 32, 32, generator=generator())
    a, b = see(x), see(x)
    differ = (a - b).abs().amax((1, 2, 3)) > 1e-3
    assert differ.float().mean() > 0.99


def test_with_everything_at_zero_the_item_is_left_as_it_is():
    see = Views(ItemSpec((1, 12, 12)), "photos", crop=1.0, color=0.0, flip=False, blur=0.0)
    x = torch.rand(4, 1, 12, 12)
    assert see(x) is x


def test_without_color_changes_no_photo_loses_its_colors():
    see = Views(ItemSpec((3, 12, 12)), color=0.0)
    x = torch.rand(400, 3, 1, 1).expand(400, 3, 12, 12).contiguous()
    assert torch.allclose(see(x), x, atol=1e-5)


def test_letters_are_not_mirrored_and_photos_are():
    assert not Views(ItemSpec((1, 28, 28))).flip and Views(ItemSpec((3, 32, 32))).flip
    x = torch.zeros(400, 1, 28, 28)
    x[:, :, :, :10] = 1  # ink on the left
    see = Views(ItemSpec((1, 28, 28)), color=0.0)
    y = see(x, generator())
    weight = torch.linspace(-1, 1, 28)
    assert ((y.mean((1, 2)) * weight).sum(1) <= 1e-3).all(), "ink has come to the right"


def test_small_pictures_are_cropped_less():
    assert Views(ItemSpec((3, 32, 32))).crop == 0.08
    assert Views(ItemSpec((3, 8, 8))).crop == pytest.approx(1 / 3)
    assert Views(ItemSpec((3, 2, 2))).crop == 1


def test_small_photos_stay_sharp():
    assert Views(ItemSpec((3, 32, 32))).blur == 0 and Views(ItemSpec((3, 96, 96))).blur == 0.5


def test_vectors_lose_some_columns_and_get_noise():
    see = Views(ItemSpec((50,), "vector"))
    x = torch.full((100, 50), 10.0)
    y = see(x, generator())
    assert (y == 0).float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert y[y != 0].std().item() == pytest.approx(0.2, abs=0.02)


def test_views_are_made_in_full_precision_without_gradient():
    see, x = Views(ItemSpec((3, 16, 16))), torch.rand(2, 3, 16, 16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = see(x)
    assert y.dtype == torch.float32 and not y.requires_grad


@pytest.mark.parametrize("settings", [{"crop": 2.0}, {"crop": -0.1}, {"color": 1.5}, {"blur": -1.0}])
def test_a_setting_out_of_range_is_refused(settings):
    with pytest.raises(WrongUsage, match="from 0 to 1"):
        Views(ItemSpec((3, 32, 32)), **settings)


def test_items_smaller_than_a_crop_are_refused():
    with pytest.raises(WrongUsage, match=r"less than a pixel\n  try: --crop"):
        Views(ItemSpec((3, 3, 3)), crop=0.05)


def test_settings_of_pictures_are_refused_for_vectors():
    with pytest.raises(WrongUsage, match="--crop is about pictures"):
        Views(ItemSpec((5,), "vector"), crop=0.5)


def test_an_unknown_preset_is_named():
    with pytest.raises(UnknownName, match="photos"):
        Views(ItemSpec((3, 32, 32)), "photo")

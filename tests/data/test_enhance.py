import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from tacit.data.enhance import draw_factors, enhance, factors


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("position", "name"), list(enumerate(["Color", "Contrast", "Brightness", "Sharpness"])))
@pytest.mark.parametrize("value", [0.0, 0.2, 0.7, 1.0, 1.8])
def test_each_factor_does_what_pillow_does(position, name, value):
    stored = (torch.rand(1, 3, 9, 12, generator=seeded(1)) * 255).round().to(torch.uint8)
    factor = torch.ones(1, 4)
    factor[0, position] = value
    image = Image.fromarray(stored[0].permute(1, 2, 0).numpy())
    theirs = getattr(ImageEnhance, name)(image).enhance(value)
    theirs = torch.tensor(np.asarray(theirs)).permute(2, 0, 1) / 255
    assert torch.allclose(enhance(stored / 255, factor)[0], theirs, atol=2.1 / 255)  # they round, twice


def test_grey_images_have_all_factors_but_color():
    assert factors(3) == ("color", "contrast", "brightness", "sharpness")
    assert factors(1) == factors(2) == factors(3)[1:]
    grey = torch.rand(5, 1, 7, 8, generator=seeded(2))
    factor = draw_factors(5, 1, 0.8, seeded(3))
    assert factor.shape == (5, 3)
    with_color = torch.cat((torch.rand(5, 1), factor), 1)  # of no consequence where there is none to change
    assert torch.allclose(enhance(grey.expand(5, 3, 7, 8), with_color)[:, :1], enhance(grey, factor), atol=1e-5)


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 11), st.integers(1, 11))


@settings(max_examples=30, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_images_of_any_size_stay_in_range_and_factor_1_is_the_identity(shape, seed):
    x = torch.rand(shape, generator=seeded(seed))
    y = enhance(x, draw_factors(shape[0], shape[1], 0.8, seeded(seed)))
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1
    assert torch.allclose(enhance(x, draw_factors(shape[0], shape[1], 0.0, seeded(seed))), x, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_factors_follow_the_seed_and_the_item_not_its_place_in_the_batch(shape, seed):
    x = torch.rand(shape, generator=seeded(seed))
    before = x.clone()
    factor, again = (draw_factors(shape[0], shape[1], 0.8, seeded(seed)) for _ in range(2))
    assert torch.equal(factor, again) and (factor - 1).abs().max() <= 0.8
    order = torch.randperm(shape[0], generator=seeded(seed))
    assert torch.allclose(enhance(x[order], factor[order]), enhance(x, factor)[order], atol=1e-6)
    assert torch.equal(x, before)

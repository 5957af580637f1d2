import colorsys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.colors import LUMA, hue_turn, jitter


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def literal(x: torch.Tensor, strength: float, hue: float, seed: int) -> torch.Tensor:
    """The four changes of one image after another, each on the pixels themselves, in the order that was drawn."""
    b = len(x)
    g = generator(seed)
    u = torch.rand(6, b, generator=g)
    order = torch.rand(b, 4, generator=g).argsort(1)
    luma = torch.tensor(LUMA)
    out = []
    for i in range(b):
        y = x[i]
        brightness, contrast, saturation = (1 + 0.8 * strength * (2 * u[k, i] - 1) for k in range(3))
        for kind in order[i].tolist():
            grey = torch.einsum("c,chw->hw", luma, y)
            if kind == 0:
                y = y * brightness
            elif kind == 1:
                y = contrast * y + (1 - contrast) * grey.mean()
            elif kind == 2:
                y = saturation * y + (1 - saturation) * grey
            else:
                turn = hue_turn(2 * torch.pi * hue * strength * (2 * u[3, i : i + 1] - 1))[0]
                y = torch.einsum("ij,jhw->ihw", turn, y)
        out.append(y.clamp(0, 1))
    return torch.stack(out)


def test_one_map_an_image_is_the_four_changes_in_their_order():
    x = torch.rand(24, 3, 6, 5, generator=generator(1))
    ours = jitter(x, 0.9, hue=0.2, share=1.1, generator=generator(7))
    assert torch.allclose(ours, literal(x, 0.9, 0.2, 7), atol=1e-4)


def test_hue_turns_colors_and_leaves_greys_and_brightness():
    turn = hue_turn(torch.tensor([0.0, 2.1, 4.2]))
    assert torch.allclose(turn[0], torch.eye(3), atol=1e-5)
    assert torch.allclose(turn @ torch.full((3,), 0.4), torch.full((3, 3), 0.4), atol=1e-3)
    red = turn @ torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(red @ torch.tensor(LUMA), torch.full((3,), LUMA[0]), atol=1e-3)
    hues = [colorsys.rgb_to_hsv(*color.clamp(0, 1).tolist())[0] for color in red]
    assert len({round(3 * h) % 3 for h in hues}) == 3, "a third of a circle takes red to another primary"


def test_all_pixels_of_a_share_of_the_images_lose_their_color():
    y = jitter(torch.rand(2000, 3, 2, 2, generator=generator()), 0.0, grey=0.3, generator=generator(1))
    grey = (y[:, 0] - y[:, 2]).abs().amax((1, 2)) < 1e-5
    assert grey.float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_about_a_fifth_keep_their_colors():
    x = torch.rand(2000, 3, 2, 2, generator=generator())
    same = (jitter(x, 0.5, generator=generator(1)) - x).abs().amax((1, 2, 3)) < 1e-6
    assert same.float().mean().item() == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_strength_zero_is_the_identity(channels):
    x = torch.rand(5, channels, 4, 4)
    assert torch.allclose(jitter(x, 0.0), x, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)),
    strength=st.floats(0, 1),
    seed=st.integers(0, 50),
)
def test_images_stay_in_range_and_follow_the_seed(shape, strength, seed):
    x = torch.rand(shape, generator=generator(seed))
    once, twice = (jitter(x, strength, grey=0.2, generator=generator(seed)) for _ in range(2))
    assert torch.equal(once, twice) and once.shape == x.shape
    assert once.min() >= 0 and once.max() <= 1


def test_channels_that_are_no_colors_change_together():
    x = torch.rand(200, 1, 4, 4, generator=generator()).expand(200, 4, 4, 4).contiguous()
    y = jitter(x, 0.8, generator=generator(2))
    assert torch.allclose(y[:, 0], y[:, 3], atol=1e-6) and not torch.allclose(x, y, atol=0.05)

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.crops import ASPECT, blur_radius, blurred, crop, lines, random_boxes, resample


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def literal(line: torch.Tensor, center: float, size: float) -> torch.Tensor:
    """Linear interpolation of one line, pixel by pixel."""
    n = len(line)
    out = []
    for i in range(n):
        place = (center + size * ((i + 0.5) / n - 0.5)) * n - 0.5
        place = min(max(place, 0.0), n - 1.0)
        left = min(int(place), n - 2)
        out.append((1 - (place - left)) * line[left] + (place - left) * line[left + 1])
    return torch.stack(out)


def test_a_line_is_interpolated_as_by_hand():
    torch.manual_seed(0)
    x = torch.rand(9)
    matrix = lines(torch.tensor([0.4]), torch.tensor([0.5]), 9)[0]
    assert torch.allclose(matrix @ x, literal(x, 0.4, 0.5), atol=1e-6)


def test_the_whole_line_is_itself_and_mirrored_is_turned_round():
    half, whole = torch.tensor([0.5, 0.5]), torch.ones(2)
    straight, turned = lines(half, whole, 6, torch.tensor([False, True]))
    assert torch.allclose(straight, torch.eye(6), atol=1e-5)
    assert torch.allclose(turned, torch.eye(6).flip(0), atol=1e-5)


def test_boxes_lie_inside_with_area_and_aspect_in_range():
    x, y, width, height = random_boxes(4000, 0.2, torch.device("cpu"), generator()).unbind(1)
    assert (x - width / 2 >= -1e-6).all() and (x + width / 2 <= 1 + 1e-6).all()
    assert (y - height / 2 >= -1e-6).all() and (y + height / 2 <= 1 + 1e-6).all()
    inside = (width < 1) & (height < 1)
    area, aspect = (width * height)[inside], (width / height)[inside]
    assert area.min() >= 0.2 - 1e-6 and area.max() <= 1
    assert aspect.min() >= ASPECT[0] - 1e-5 and aspect.max() <= ASPECT[1] + 1e-5
    assert aspect.log().mean().abs() < 0.02, "as often wide as high"


def test_a_blur_is_a_gaussian_with_the_edge_repeated():
    matrix = blurred(torch.eye(20).expand(2, 20, 20), torch.tensor([0.0, 1.5]), 3)
    assert torch.allclose(matrix[0], torch.eye(20))
    assert torch.allclose(matrix.sum(2), torch.ones(2, 20))
    line = torch.rand(20)
    weights = [math.exp(-0.5 * (k / 1.5) ** 2) for k in range(-3, 4)]
    expected = [
        sum(w * line[min(max(i + k, 0), 19)] for k, w in zip(range(-3, 4), weights, strict=True)) / sum(weights)
        for i in range(20)
    ]
    assert torch.allclose(matrix[1] @ line, torch.stack(expected), atol=1e-5)


@pytest.mark.parametrize(("pixels", "radius"), [(16, 1), (32, 1), (100, 5), (224, 11)])
def test_a_kernel_is_a_tenth_of_the_image(pixels, radius):
    assert blur_radius(pixels) == radius


def test_resampling_is_rows_then_columns():
    torch.manual_seed(1)
    x, down, across = torch.rand(2, 3, 4, 5), torch.rand(2, 4, 4), torch.rand(2, 5, 5)
    expected = torch.einsum("bij,bcjk,blk->bcil", down, x, across)
    assert torch.allclose(resample(x, down, across), expected, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(4, 20), st.integers(4, 20)),
    smallest=st.floats(0.1, 1),
    blur=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 100),
)
def test_a_crop_stays_in_range_and_follows_its_seed(shape, smallest, blur, seed):
    x = torch.rand(shape, generator=generator(seed))
    once, twice = (crop(x, smallest, flip=True, blur=blur, generator=generator(seed)) for _ in range(2))
    assert once.shape == x.shape and torch.equal(once, twice)
    assert once.min() >= x.min() - 1e-5 and once.max() <= x.max() + 1e-5


def test_the_whole_box_is_the_image():
    x = torch.rand(6, 2, 9, 7)
    half = torch.full((6,), 0.5)
    whole = resample(x, lines(half, torch.ones(6), 9), lines(half, torch.ones(6), 7))
    assert torch.allclose(whole, x, atol=1e-5)


def test_an_image_is_changed_by_its_own_parameters_alone():
    x = torch.rand(5, 1, 12, 12)
    other = x.clone()
    other[1:] = torch.rand(4, 1, 12, 12)
    a, b = (crop(each, 0.3, flip=True, blur=1.0, generator=generator(4)) for each in (x, other))
    assert torch.allclose(a[0], b[0]) and not torch.allclose(a[1], b[1])

import pytest
import torch

from tacit.bench.invariance import FURTHEST, measure, moved, picture
from tacit.data.spec import ItemSpec
from tacit.methods import build


def seeing_pixels(s: int = 7):
    """A network whose one map is the picture itself."""
    method = build("what_where_autoencoder", ItemSpec((1, 28, 28)), net=f"(1)1c-{s}p").eval()
    conv = method.encoder.blocks[0][0]
    torch.nn.init.ones_(conv.weight)
    torch.nn.init.zeros_(conv.bias)
    return method


def dots() -> torch.Tensor:
    """One bright pixel an item, somewhere else in a window each."""
    x = torch.zeros(7, 1, 28, 28)
    for i in range(7):
        x[i, 0, 10, 14 + i] = 1.0
    return x


def test_a_dot_moves_the_where_by_a_pixel_a_pixel_and_leaves_the_what_alone():
    found = measure(seeing_pixels(), dots(), 7)
    assert found["slope"] == pytest.approx(1.0, abs=1e-5)
    assert found["where"] == pytest.approx(found["shifts"], abs=1e-5) and found["shifts"][0] == -FURTHEST
    assert max(found["what"]) < 1e-6 and found["what_change"] < 1e-6
    assert found["map"] == pytest.approx([float(dx != 0) for dx in found["shifts"]])


def test_a_where_that_stays_has_slope_zero():
    method = seeing_pixels()
    look = method.encoder.poolings[0].forward
    method.encoder.poolings[0].forward = lambda z: look(dots())  # whatever it is shown
    found = measure(method, dots(), 7)
    assert found["slope"] == 0 and found["what_change"] == 0 and found["map_change"] == 1


def test_items_move_without_coming_in_on_the_other_side():
    x = torch.arange(5.0).view(1, 1, 1, 5) + 1
    assert moved(x, 2).flatten().tolist() == [0, 0, 1, 2, 3] and moved(x, -2).flatten().tolist() == [3, 4, 5, 0, 0]


def test_the_picture_says_what_was_measured():
    drawn = picture(measure(seeing_pixels(), dots(), 7))
    assert drawn.startswith("<svg") and "a where moves by 1.00 pixels a pixel" in drawn and drawn.count('line"') == 6

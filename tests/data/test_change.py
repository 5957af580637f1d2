import pytest
import torch

from tacit.data.change import CHANGES, Change
from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName

SPECS = [ItemSpec((1, 12, 12)), ItemSpec((3, 8, 8)), ItemSpec((1, 800), "sound", rate=8000), ItemSpec((5,), "vector")]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("augment", CHANGES)
def test_items_change_as_named_and_keep_their_shape(spec, augment):
    torch.manual_seed(0)
    x = torch.rand(4, *spec.shape)
    y = Change(spec, augment)(x)
    assert y.shape == x.shape
    assert torch.equal(y, x) == (augment == "none")


def test_mirrored_only_when_asked():
    x = torch.rand(64, 1, 12, 12)
    assert torch.equal(Change(SPECS[0], "none")(x), x)
    y = Change(SPECS[0], "none", flip=True)(x)
    mirrored = (y == x.flip(3)).flatten(1).all(1)
    assert 0 < mirrored.sum() < 64 and torch.equal(y[~mirrored], x[~mirrored])


def test_a_crop_leaves_colors_alone():
    x = torch.full((3, 3, 8, 8), 0.3)
    assert torch.allclose(Change(SPECS[1], "crop")(x), x, atol=1e-5)


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(UnknownName, match="augmentation"):
        Change(SPECS[0], "heavy")

import pytest
import torch

from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods import CATALOGUE, build
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over

SPEC = ItemSpec((1, 12, 12), classes=("a", "b"))
BARE = SPEC.with_classes(())


@pytest.mark.parametrize("options", [{}, {"norm": "none"}, {"trunk": "mlp", "width": 20, "features": 7}])
def test_an_encoder_of_the_options_of_a_method_takes_its_weights_over(options):
    torch.manual_seed(0)
    learned = build("simclr", BARE, **options)
    named = {"trunk": "auto", "width": None, "depth": None, "features": None, **options_of(learned)}
    encoder, x = encoder_of(SPEC, **named).eval(), torch.rand(3, *SPEC.shape)
    assert not torch.equal(encoder(x), learned.eval().encoder(x))
    take_over([encoder], learned, SPEC)
    assert torch.equal(encoder(x), learned.encoder(x))


def test_statistics_of_parts_of_a_batch_become_those_of_the_whole():
    assert options_of(build("moco", BARE, norm="split"))["norm"] == "batch"


def test_what_does_not_fit_is_a_sentence():
    learned = build("simclr", BARE, width=8)
    with pytest.raises(WrongUsage, match="another network"):
        take_over([encoder_of(SPEC, "auto", 16, None, "batch", None)], learned, SPEC)
    with pytest.raises(WrongUsage, match="learned images of shape"):
        take_over([], learned, ItemSpec((1, 16, 16), classes=("a", "b")))
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        check_classes(ItemSpec((1, 12, 12), classes=("a",)))


def test_every_method_that_takes_a_trunk_over_says_which_options_fit_it():
    taking = [cls for cls in CATALOGUE.values() if hasattr(cls, "take_over")]
    assert len(taking) > 8 and all(hasattr(cls, "options_of") for cls in taking)

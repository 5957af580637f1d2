import math

import pytest
import torch

from tacit.data.feeds import Labeled
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods import build
from tacit.methods.finetune import Finetune, finetune_from
from tacit.methods.method import Method
from tacit.methods.moco import MoCo
from tacit.methods.simclr import SimCLR
from tacit.methods.supervised import Supervised
from tacit.methods.vae import VAE

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))
BARE = SPEC.with_classes(())


def learned(cls: type[Method] = SimCLR, spec: ItemSpec = BARE, **options) -> Method:
    """A method after a step that moved its running statistics too."""
    torch.manual_seed(0)
    method = cls(spec, **options)
    with torch.no_grad():
        method.loss(torch.rand(16, *spec.shape))
    return method.eval()


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"norm": "group"}, {"norm": "none"}, {"trunk": "mlp", "width": 20, "features": 7}]
)
def test_it_begins_where_the_learner_ended_at_every_layer(layer, options):
    method, x = learned(**options), torch.rand(5, *SPEC.shape)
    begun = finetune_from(method, SPEC, layer=layer).eval()
    expected = method.layers(x)[f"projector.{layer}" if layer else "encoder"]
    assert torch.equal(begun.embed(x), expected)
    by_hand = method.encoder(x)
    for block in method.projector.hidden[:layer]:
        by_hand = block(by_hand)
    assert torch.equal(begun.embed(x), by_hand)


@pytest.mark.parametrize("cls", [MoCo, VAE])
def test_other_learners_have_trunks_too(cls):
    method, x = learned(cls, width=16), torch.rand(5, *SPEC.shape)
    assert torch.equal(finetune_from(method, SPEC).eval().embed(x), method.encoder(x))
    if cls is MoCo:  # its statistics of eighths of a batch are those of a whole one from now on
        assert Finetune.options_of(method)["norm"] == "batch"
        begun = finetune_from(method, SPEC, layer=1).eval()
        assert torch.equal(begun.embed(x), method.layers(x)["projector.1"])


def test_the_head_starts_at_zero_and_so_the_loss_at_chance():
    begun, x = finetune_from(learned(), SPEC, layer=1), torch.rand(6, *SPEC.shape)
    assert not begun.logits(x).any()
    loss = begun.loss(Labeled(x, torch.arange(6) % 3))["loss"]
    assert loss.item() == pytest.approx(math.log(3))
    assert sum(isinstance(part, torch.nn.Linear) for part in begun.head.modules()) == 1


def test_all_of_it_is_trained_and_the_learner_stays_as_it_was():
    method = learned()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    begun = finetune_from(method, SPEC, layer=1)
    optimizer = torch.optim.SGD(begun.parameters(), lr=0.1)
    start = {name: value.clone() for name, value in begun.named_parameters()}
    for _ in range(2):  # the first step moves the head, which lets gradients through from then on
        optimizer.zero_grad()
        begun.loss(Labeled(torch.rand(9, *SPEC.shape), torch.arange(9) % 3))["loss"].backward()
        optimizer.step()
    assert all(not torch.equal(start[name], value) for name, value in begun.named_parameters())
    assert all(torch.equal(before[name], value) for name, value in method.state_dict().items())


def test_its_options_rebuild_it():
    begun = finetune_from(learned(width=8, features=9), SPEC, layer=2, augment="light")
    again = build("finetune", SPEC, **begun.options)
    again.load_state_dict(begun.state_dict())
    x = torch.rand(3, *SPEC.shape)
    assert torch.equal(begun.eval().embed(x), again.eval().embed(x))


def test_what_does_not_fit_is_said_in_a_sentence():
    with pytest.raises(WrongUsage, match="layer is 3, more than the hidden layers of SimCLR's projector, 2"):
        finetune_from(learned(), SPEC, layer=3)
    with pytest.raises(WrongUsage, match="try: --layer 0"):
        finetune_from(learned(VAE), SPEC, layer=1)
    with pytest.raises(WrongUsage, match=r"shape \(8, 1, 3, 3\) there and \(16, 1, 3, 3\) here"):
        finetune_from(learned(width=8), SPEC, width=16)
    with pytest.raises(WrongUsage, match="leave out --trunk"):
        finetune_from(learned(), SPEC, trunk="mlp")
    with pytest.raises(WrongUsage, match=r"SimCLR learned images of shape \(1, 12, 12\)"):
        finetune_from(learned(), ItemSpec((1, 13, 9), classes=("a", "b")))
    with pytest.raises(WrongUsage, match="on another scale"):
        moved = ItemSpec((5,), "vector", ("a", "b"), center=(1.0,) * 5, scale=(1.0,) * 5)
        finetune_from(learned(spec=ItemSpec((5,), "vector")), moved)
    with pytest.raises(WrongUsage, match="ExemplarVAE has no trunk"):
        finetune_from(build("exemplar_vae", BARE, exemplars=8, width=8), SPEC)
    with pytest.raises(WrongUsage, match="layer is -1"):
        Finetune(SPEC, layer=-1)
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        Finetune(BARE)


@pytest.mark.parametrize("augment", ["none", "light", "crop", "views"])
def test_it_and_the_supervised_baseline_see_the_same_items(augment):
    spec = ItemSpec((3, 16, 16), classes=("a", "b"))
    batch = Labeled(torch.rand(6, *spec.shape), torch.arange(6) % 2)
    seen = []
    flip = augment != "none"
    for method in (Finetune(spec, augment=augment, flip=flip), Supervised(spec, augment=augment, flip=flip)):
        torch.manual_seed(1)
        seen.append(method.augmentation(batch))
    assert torch.equal(*seen) and torch.equal(seen[0], batch.x) == (augment == "none")


def test_with_relatives_it_asks_for_a_generator_as_supervised_does():
    method = Finetune(SPEC, augment="exemplar")
    with pytest.raises(WrongUsage, match="no generator was given"):
        method.loss(Labeled(torch.rand(3, *SPEC.shape), torch.arange(3)))

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Semi
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.methods.distil import Distil
from tacit.methods.finetune import Finetune
from tacit.methods.simclr import SimCLR
from tacit.methods.supervised import Supervised
from tacit.objectives.consistency import entropy

SPEC = ItemSpec((1, 12, 12), classes=("a", "b", "c"))
PLAIN = {"width": 4, "augment": "none"}


def teacher(spec: ItemSpec = SPEC, cls=Supervised, **options):
    torch.manual_seed(3)
    model = cls(spec, **{"width": 4, **options})
    with torch.no_grad():
        model.train().logits(torch.rand(20, *spec.shape))  # moves running statistics
        model.head.weight.normal_()  # answers that differ
    return model.eval()


def student(model=None, **options) -> Distil:
    torch.manual_seed(0)
    method = Distil(SPEC, **{**PLAIN, **options})
    method.learn_from(teacher() if model is None else model)
    return method


def batch(n: int = 6) -> Semi:
    torch.manual_seed(1)
    return Semi(torch.rand(n, *SPEC.shape), torch.arange(n) % 3, torch.rand(n, *SPEC.shape))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_the_loss_is_the_literal_one(temperature, alpha):
    """Cross entropy with the teacher's softened answers, item by item, times the temperature's square."""
    method, b = student(temperature=temperature, alpha=alpha, norm="group"), batch()
    expert = teacher()
    expected = 0.0
    for u in b.u:
        p = (expert.logits(u[None])[0] / temperature).softmax(0)
        q = (method.logits(u[None])[0] / temperature).softmax(0)
        expected -= alpha * temperature**2 * sum(p[k] * q[k].log() for k in range(3)) / 6
    for x, y in zip(b.x, b.y, strict=True):
        expected -= (1 - alpha) * method.logits(x[None])[0].softmax(0)[y].log() / 6
    terms = method.loss(b)
    assert terms["loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert ("labeled" in terms) == (alpha < 1)


def test_a_student_that_is_its_teacher_pays_the_entropy_and_has_no_gradient():
    method, b = student(from_teacher=True).eval(), batch()
    terms = method.loss(b)
    assert terms["loss"].item() == pytest.approx(entropy(teacher().logits(b.u)).item(), rel=1e-5)
    assert terms["divergence"].item() == pytest.approx(0, abs=1e-6) and terms["agreement"] == 1
    terms["loss"].backward()
    assert all(p.grad.abs().max() < 1e-6 for p in method.parameters())


def test_gradients_keep_their_size_at_high_temperatures():
    sizes = []
    for temperature in (20.0, 40.0):
        method = student(temperature=temperature, norm="group")
        method.loss(batch())["loss"].backward()
        sizes.append(torch.cat([p.grad.flatten() for p in method.parameters()]).norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_hard_answers_are_the_likeliest_class_alone():
    method, b = student(hard=True, norm="group"), batch()
    expected = F.cross_entropy(method.logits(b.u), teacher().logits(b.u).argmax(1))
    assert method.loss(b)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_teacher_and_student_see_the_same_changed_items():
    method, seen = student(augment="light").train(), []
    method.teacher.model.logits = lambda x: seen.append(x) or torch.zeros(len(x), 3)
    method.logits = lambda x: seen.append(x) or torch.zeros(len(x), 3)
    b = batch()
    method.loss(b)
    assert torch.equal(*seen) and not torch.equal(seen[0], b.u)


def test_the_teacher_stays_as_it_was_and_is_no_part_of_its_student():
    expert = teacher().train()
    before = copy.deepcopy(expert.state_dict())
    method = student(expert)
    assert not any("teacher" in name for name in method.state_dict())
    assert len(list(method.parameters())) == len(list(Distil(SPEC, **PLAIN).parameters()))
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    for _ in range(3):
        method.train().loss(batch())["loss"].backward()
        optimizer.step()
    assert not expert.training and all(p.grad is None for p in expert.parameters())
    assert all(torch.equal(value, before[name]) for name, value in expert.state_dict().items())


@pytest.mark.parametrize("cls", [Supervised, Finetune, Distil])
def test_it_begins_with_the_weights_of_the_same_network_whatever_taught_it(cls):
    expert, x = teacher(cls=cls), torch.rand(4, *SPEC.shape)
    method = Distil(SPEC, from_teacher=True, **Distil.options_of(expert))
    method.learn_from(expert)
    assert torch.equal(method.eval().logits(x), expert.logits(x))
    with pytest.raises(WrongUsage, match="leave out --from-teacher"):
        student(expert, from_teacher=True, width=8)


def test_a_smaller_student_may_begin_with_a_learned_trunk():
    torch.manual_seed(0)
    learned = SimCLR(SPEC.with_classes(()), width=2)
    method = Distil(SPEC, **Distil.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, *SPEC.shape)
    assert torch.equal(method.eval().embed(x), learned.eval().encoder(x))
    with pytest.raises(WrongUsage, match="one trunk"):
        student(from_teacher=True).take_over(learned)


def test_who_cannot_teach_is_told_so_in_a_sentence():
    for model, said in (
        (SimCLR(SPEC.with_classes(()), width=4), "SimCLR answers nothing"),
        (teacher(ItemSpec((1, 8, 8), classes=SPEC.classes)), r"learned images of shape \(1, 8, 8\)"),
        (teacher(SPEC.with_classes(("a", "b"))), "with the classes a, b, and here they are a, b, c"),
    ):
        with pytest.raises(WrongUsage, match=said):
            student(model)
    untaught = Distil(SPEC, **PLAIN)
    with pytest.raises(WrongUsage, match="none was given"):
        untaught.loss(batch())
    with pytest.raises(WrongUsage, match="none was given"):
        untaught.check(Pool(SPEC, np.zeros((4, *SPEC.shape), np.uint8)), untaught.recipe)


def test_settings_without_sense_are_sentences():
    for options, said in (
        ({"temperature": 0.0}, "above 0"),
        ({"hard": True, "temperature": 2.0}, "leave out --hard"),
        ({"alpha": 0.0}, "tacit train supervised"),
        ({"alpha": 1.5}, "up to 1"),
    ):
        with pytest.raises(WrongUsage, match=said):
            Distil(SPEC, **options)
    with pytest.raises(NotEnoughLabels, match="two classes"):
        Distil(SPEC.with_classes(("a",)))

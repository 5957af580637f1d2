import copy
import math

import pytest
import torch
from torch.nn import functional as F

from tacit.data.feeds import Semi, Stream, semi
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, UnknownName, WrongUsage
from tacit.methods import build
from tacit.methods.method import Recipe
from tacit.methods.rotation import Rotation
from tacit.methods.s4l import S4L, WEIGHTS, triplets
from tacit.objectives.triplet import batch_hard

SPEC = ItemSpec((1, 8, 8), classes=("a", "b", "c"))
TASKS = ("rotation", "exemplar", "vat", "all")


def some(b: int = 4, spec: ItemSpec = SPEC) -> Semi:
    torch.manual_seed(0)
    return Semi(torch.rand(b, *spec.shape), torch.arange(b) % 3, torch.rand(b, *spec.shape))


def made(task: str, **options) -> S4L:
    torch.manual_seed(0)
    return S4L(SPEC, task=task, width=4, **options)


def four(x: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
    """Every turn of every item, one by one, with its number."""
    return [(r, item.rot90(r, (1, 2))[None]) for item in x for r in range(4)]


def test_the_loss_of_rotation_is_the_formula_spelled_out():
    method, batch = made("rotation").eval(), some()
    of_class = [
        F.cross_entropy(method.logits(x), y[None])
        for item, y in zip(batch.x, batch.y, strict=True)
        for _, x in four(item[None])
    ]
    of_turns = [
        [F.cross_entropy(method.turn_head(method.encoder(x)), torch.tensor([r])) for r, x in four(items)]
        for items in (batch.x, batch.u)
    ]
    labeled, x, u = (torch.stack(losses).mean().item() for losses in (of_class, *of_turns))
    terms = method.loss(batch)
    assert terms["labeled"].item() == pytest.approx(labeled, rel=1e-4)
    assert terms["rotation"].item() == pytest.approx((x + u) / 2, rel=1e-4)
    assert terms["loss"].item() == pytest.approx(labeled + (x + u) / 2, rel=1e-4)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_the_loss_is_the_weighted_sum_of_its_terms(task, weight):
    terms = made(task, unlabeled_weight=weight).loss(some())
    wanted = sum(w * terms[k].item() * (1 if k == "labeled" else weight) for k, w in WEIGHTS[task].items())
    assert terms["loss"].item() == pytest.approx(wanted, rel=1e-5)
    assert set(terms) == {"loss", *WEIGHTS[task]}


@pytest.mark.parametrize("task", ["rotation", "exemplar", "vat"])
def test_without_weight_and_turns_it_is_the_cross_entropy_of_a_supervised_classifier(task):
    method, batch = made(task, unlabeled_weight=0.0, upright=True, norm="none").eval(), some()
    plain = F.cross_entropy(method.logits(batch.x), batch.y)
    assert method.loss(batch)["loss"].item() == pytest.approx(plain.item(), rel=1e-5)


def test_the_row_to_compare_with_has_all_turns_and_no_other_gradient():
    method, batch = made("rotation", unlabeled_weight=0.0, norm="none").eval(), some()
    loss = method.loss(batch)["loss"]
    loss.backward()
    turned = torch.cat([x for _, x in four(batch.x)])
    expected = F.cross_entropy(method.logits(turned), batch.y.repeat_interleave(4))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    wanted = torch.autograd.grad(expected, list(method.encoder.parameters()))
    for parameter, gradient in zip(method.encoder.parameters(), wanted, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-6)
    assert not method.turn_head.weight.grad.any()


def test_the_number_of_a_turn_recovers_it_and_four_of_them_are_none():
    """On a picture that looks different from all four sides; pixels change places and none is computed."""
    method, x = made("rotation"), torch.arange(64.0).view(1, 1, 8, 8) / 64
    for seen in (method.seen(x, changed=False), method.views(x)):
        assert seen.shape == (1, 4, 1, 8, 8)
        for r in range(4):
            back = seen[0, r]
            for _ in range(4 - r):
                back = back.rot90(1, (1, 2))
            assert torch.equal(back, seen[0, 0])
            assert sum(torch.equal(seen[0, r].rot90(-k, (1, 2)), seen[0, 0]) for k in range(4)) == 1
    assert torch.equal(method.seen(x, changed=False)[:, 0], x)


def test_all_that_is_seen_goes_through_one_forward():
    method, seen = made("rotation"), []
    method.encoder.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    method.loss(some(5))
    assert seen == [40]


def test_class_and_rotation_heads_learn_from_what_belongs_to_them():
    """The rotation head gets a gradient from unlabeled items and the class head none, without vat and entropy."""
    method, batch = made("rotation", norm="none"), some()
    gradients = []
    for u in (batch.u, 1 - batch.u):
        torch.manual_seed(1)
        loss = method.loss(batch._replace(u=u))["loss"]
        gradients.append(torch.autograd.grad(loss, [method.turn_head.weight, method.head.weight]))
    (turn, head), (other_turn, other_head) = gradients
    assert not torch.allclose(turn, other_turn, atol=1e-4) and torch.allclose(head, other_head, atol=1e-7)


def test_upright_leaves_turned_items_out_of_the_class_loss_and_in_the_other():
    batch = some()
    both, upright = (made("rotation", upright=value).eval().loss(batch) for value in (False, True))
    plain = F.cross_entropy(made("rotation").eval().logits(batch.x), batch.y)
    assert upright["labeled"].item() == pytest.approx(plain.item(), rel=1e-4)
    assert upright["rotation"] == both["rotation"] and upright["labeled"] != both["labeled"]


def test_the_loss_of_exemplar_is_that_of_the_copies_it_shows():
    method, batch = made("exemplar", norm="none", copies=3), some()
    torch.manual_seed(1)
    terms = method.loss(batch)
    torch.manual_seed(1)
    x, u = method.seen(batch.x), method.seen(batch.u)
    assert x.shape == u.shape == (4, 3, 1, 8, 8) and not torch.equal(x[:, 0], x[:, 1])
    of_class = [F.cross_entropy(method.logits(x[i, v][None]), batch.y[i][None]) for i in range(4) for v in range(3)]
    assert terms["labeled"].item() == pytest.approx(torch.stack(of_class).mean().item(), rel=1e-4)
    item = torch.arange(4).repeat_interleave(3)
    halves = [batch_hard(method.projector(method.encoder(half.flatten(0, 1))), item).item() for half in (x, u)]
    assert terms["exemplar"].item() == pytest.approx(sum(halves) / 2, rel=1e-4)


def test_triplets_of_two_items_of_two_copies_by_hand():
    """On the circle at 0, 60, 90 and 180 degrees; two points at an angle are 2 sin(angle / 2) apart."""
    at = torch.tensor([[0.0, 60.0], [90.0, 180.0]]).deg2rad()
    z, x = torch.stack((at.cos(), at.sin()), 2), torch.rand(2, 1, 8, 8)

    def apart(degrees: float) -> float:
        return 2 * math.sin(math.radians(degrees / 2))

    margins = [apart(60) - apart(90), apart(60) - apart(30), apart(90) - apart(30), apart(90) - apart(120)]
    expected = sum(math.log1p(math.exp(m)) for m in margins) / 4
    assert triplets(z, x).item() == pytest.approx(expected, abs=1e-6)
    assert triplets(z.flip(0), x).item() == pytest.approx(expected, abs=1e-6)  # the order of items does not matter
    assert triplets(torch.ones(2, 2, 2), x).item() == pytest.approx(0.6931, abs=1e-4)  # farthest and nearest alike


def test_an_item_that_comes_twice_in_a_batch_is_no_other_item():
    torch.manual_seed(0)
    z, x = torch.randn(3, 2, 5), torch.rand(2, 1, 8, 8)
    twice = triplets(z, x[[0, 1, 0]])
    assert twice.item() == pytest.approx(batch_hard(z.flatten(0, 1), torch.tensor([0, 0, 1, 1, 0, 0])).item(), rel=1e-6)


def test_vat_does_not_move_running_statistics():
    method, batch = made("vat", augment="none"), some()
    other = copy.deepcopy(method)
    method.loss(batch)
    other.encoder(torch.cat([batch.x, batch.u]))
    for (name, kept), wanted in zip(method.named_buffers(), other.buffers(), strict=True):
        assert "num_batches" in name or torch.allclose(kept, wanted, atol=1e-6), name
    assert method.training


def test_vat_is_0_where_items_do_not_move_also_in_training():
    assert made("vat", epsilon=0.0).loss(some())["vat"].item() == pytest.approx(0.0, abs=1e-6)
    assert made("vat", epsilon=0.1).loss(some())["vat"].item() > 1e-5


def test_epsilon_is_a_root_mean_square_over_the_values_of_an_item():
    assert made("vat", epsilon=0.1).epsilon == pytest.approx(0.8)
    assert S4L(ItemSpec((3, 4, 12), classes=("a", "b")), task="vat").epsilon == pytest.approx(0.05 * 12)
    assert S4L(ItemSpec((25,), "vector", ("a", "b")), task="vat").epsilon == pytest.approx(0.2 * 5)


def test_entropy_is_that_of_upright_unlabeled_items_and_log_k_where_predictions_are_even():
    method, batch = made("all").eval(), some()
    p = method.logits(batch.u).softmax(1)
    expected = -sum(p[i, k].item() * math.log(p[i, k].item()) for i in range(4) for k in range(3)) / 4
    assert method.loss(batch)["entropy"].item() == pytest.approx(expected, rel=1e-4)
    torch.nn.init.zeros_(method.head.weight)
    torch.nn.init.zeros_(method.head.bias)
    assert method.loss(batch)["entropy"].item() == pytest.approx(math.log(3), rel=1e-5)


def test_the_weights_of_moam_are_one_without_entropy():
    weights = made("all").weights
    assert sum(w for name, w in weights.items() if name != "entropy") == pytest.approx(1.0)
    assert weights == {"labeled": 0.3, "rotation": 0.4, "vat": 0.3, "entropy": 0.3}


def test_entropy_weight_is_what_it_says():
    assert made("vat", entropy_weight=0.7).weights == {"labeled": 1.0, "vat": 0.5, "entropy": 0.7}


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        (ItemSpec((1, 8, 9), classes=("a", "b")), {}, "8 x 9 pixels\n.*--size 9 --aspect pad.*--task exemplar"),
        (ItemSpec((6,), "vector", ("a", "b")), {}, "s4l --task rotation turns pictures.*\n  try: .*--task exemplar"),
        (ItemSpec((1, 800), "sound", ("a", "b"), rate=8000), {"task": "all"}, "--task all turns pictures"),
        (
            ItemSpec((1, 800), "sound", ("a", "b"), rate=8000),
            {"task": "vat"},
            "noise in its silence.*\n  try: .*exemplar",
        ),
        (SPEC, {"task": "exemplar", "copies": 1}, "two or more of an item"),
        (SPEC, {"task": "exemplar", "augment": "none"}, "each changed\n  try: --copies 4 --augment views"),
        (SPEC, {"task": "vat", "epsilon": -1.0}, "epsilon is -1, the length of a move"),
        (SPEC, {"task": "rotation", "entropy_weight": 0.3}, "goes with --task vat or all, not with rotation"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(spec, options, said):
    with pytest.raises(WrongUsage, match=said):
        S4L(spec, **options)


def test_a_task_that_does_not_exist_is_named():
    with pytest.raises(UnknownName, match="no task called 'rotate'\n  did you mean: rotation"):
        S4L(SPEC, task="rotate")


def test_one_class_is_no_classifier():
    with pytest.raises(NotEnoughLabels, match="at least two classes"):
        S4L(SPEC.with_classes(("only",)))


def test_batches_that_hold_no_other_item_are_refused_where_items_are_compared(digits_pool):
    with pytest.raises(WrongUsage, match="s4l --task exemplar compares the items of a batch"):
        made("exemplar").check(digits_pool, Recipe(batch=1))
    made("rotation").check(digits_pool, Recipe(batch=1))


@pytest.mark.parametrize(
    "spec", [ItemSpec((5,), "vector", ("a", "b", "c")), ItemSpec((3, 9, 7), classes=("a", "b", "c"))]
)
@pytest.mark.parametrize("task", ["exemplar", "vat"])
def test_tasks_without_turns_take_items_of_other_shapes(task, spec):
    terms = S4L(spec, task=task).loss(some(6, spec))
    terms["loss"].backward()
    assert all(term.isfinite() for term in terms.values())


def test_sounds_have_copies():
    spec = ItemSpec((1, 800), "sound", ("a", "b", "c"), rate=8000)
    assert S4L(spec, task="exemplar").loss(some(6, spec))["loss"].isfinite()


def test_it_begins_with_a_learned_trunk():
    torch.manual_seed(1)
    learned = Rotation(SPEC.with_classes(()), width=6).eval()
    method = build("s4l", SPEC, **S4L.options_of(learned))
    method.take_over(learned)
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(method.eval().embed(x), learned.encoder(x))


def trained(pool, answers: torch.Tensor, task: str, steps: int, noise: bool = False, **options) -> tuple[S4L, list]:
    torch.manual_seed(0)
    method, found = S4L(pool.spec, task=task, width=8, **options), []
    labels = torch.full((len(pool),), -1)
    labels[:100] = answers[:100]
    optimizer = torch.optim.AdamW(method.parameters(), 5e-3, fused=True)
    for _, batch in zip(range(steps), semi(pool, labels, 16, Stream()), strict=False):
        batch = Semi(torch.rand_like(batch.x), batch.y, torch.rand_like(batch.u)) if noise else batch
        terms = method.loss(batch)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        found.append(terms)
    return method.eval(), found


@torch.no_grad()
def turns_told(method: S4L, x: torch.Tensor) -> float:
    told = method.turn_head(method.encoder(method.seen(x, changed=False).flatten(0, 1))).argmax(1)
    return (told == torch.arange(4).repeat(len(x))).float().mean().item()


def test_it_learns_which_way_is_up_and_which_digit_it_is(digits_pool, digits):
    answers, x = torch.from_numpy(digits[1]), digits_pool.floats(slice(1000, None))
    method, _ = trained(digits_pool, answers, "rotation", 80, upright=True)
    assert turns_told(method, x) > 0.7
    with torch.no_grad():
        assert (method.logits(x).argmax(1) == answers[1000:]).float().mean() > 0.75


def test_noise_has_no_up_side(digits_pool, digits):
    method, found = trained(digits_pool, torch.from_numpy(digits[1]), "rotation", 40, noise=True)
    assert 0.2 < turns_told(method, torch.rand(500, 1, 8, 8)) < 0.3
    assert sum(terms["rotation"].item() for terms in found[-10:]) / 10 > 1.3  # chance is log 4


@pytest.mark.parametrize("task", ["exemplar", "vat", "all"])
def test_every_other_task_learns_digits_too(digits_pool, digits, task):
    answers, x = torch.from_numpy(digits[1]), digits_pool.floats(slice(1000, None))
    method, _ = trained(digits_pool, answers, task, 60, upright=True)
    with torch.no_grad():
        assert (method.logits(x).argmax(1) == answers[1000:]).float().mean() > 0.5

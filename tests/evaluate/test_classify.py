import json
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tacit.data.feeds import labeled
from tacit.data.pool import Yardstick
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.classify import evaluate, evaluate_model
from tacit.methods.method import Method, Terms

CLASSES = ["cat", "dog", "owl"]


def random_case(n: int = 60, k: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(k, (n,), generator=generator)
    logits = torch.randn(n, k, generator=generator)
    logits[torch.arange(n), y] += 1
    return logits.softmax(1), y


def test_brier_nll_and_accuracy_are_their_definitions():
    p, y = random_case()
    brier = nll = right = 0.0
    for i in range(len(y)):
        brier += sum((float(p[i, c]) - (1 if c == y[i] else 0)) ** 2 for c in range(3))
        nll -= math.log(float(p[i, y[i]]))
        right += int(p[i].argmax()) == int(y[i])
    got = evaluate(p, y, CLASSES)
    assert got.brier.value == pytest.approx(brier / len(y), rel=1e-5)
    assert got.nll.value == pytest.approx(nll / len(y), rel=1e-5)
    assert got.accuracy.value == pytest.approx(right / len(y))


def test_few_items_are_said_to_make_intervals_too_narrow():
    narrow = "fewer than 20 items: all intervals but that of accuracy are too narrow"
    assert narrow in evaluate(*random_case(19), CLASSES).lines()
    assert narrow not in evaluate(*random_case(20), CLASSES).lines()


def test_calibration_error_is_the_weighted_gap_of_its_bins():
    p, y = random_case(200)
    confidence, answer = p.max(1)
    expected = 0.0
    for b in range(15):
        inside = [i for i in range(len(y)) if b / 15 < float(confidence[i]) <= (b + 1) / 15]
        if inside:
            accuracy = sum(bool(answer[i] == y[i]) for i in inside) / len(inside)
            sure = sum(float(confidence[i]) for i in inside) / len(inside)
            expected += len(inside) / len(y) * abs(accuracy - sure)
    got = evaluate(p, y, CLASSES)
    assert got.ece.value == pytest.approx(expected, abs=1e-6)
    assert sum(b.n for b in got.reliability) == len(y)
    assert got.ece.value == pytest.approx(
        sum(b.n * abs(b.accuracy.value - b.confidence) for b in got.reliability) / 200
    )


def test_classes_agree_with_scikit_learn():
    from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

    p, y = random_case(200)
    answer = p.argmax(1)
    got = evaluate(p, y, CLASSES)
    precision, recall, f1, n = precision_recall_fscore_support(y, answer)
    assert got.confusion == confusion_matrix(y, answer).tolist()
    assert got.macro_f1.value == pytest.approx(f1_score(y, answer, average="macro"))
    for c, one in enumerate(got.per_class):
        assert (one.precision.value, one.recall.value, one.f1.value) == pytest.approx((precision[c], recall[c], f1[c]))
        assert (one.name, one.n) == (CLASSES[c], n[c])


def test_every_value_lies_in_its_interval():
    p, y = random_case(40)
    got = evaluate(p, y, CLASSES)
    everything = [got.accuracy, got.macro_f1, got.ece, got.brier, got.nll]
    for one in got.per_class:
        everything += [one.precision, one.recall, one.f1]
    assert all(i.low <= i.value <= i.high and i.low < i.high for i in everything)


def test_a_perfect_classifier():
    y = torch.tensor([0, 1, 2, 1])
    got = evaluate(torch.eye(3)[y], y, CLASSES)
    assert (got.accuracy.value, got.macro_f1.value, got.ece.value) == (1, 1, 0)
    assert (got.brier.value, got.nll.value) == (0, 0)
    assert got.accuracy.low < 0.6  # four items prove little


def test_ruling_out_the_right_class_costs_much_and_not_infinitely_much():
    got = evaluate(torch.tensor([[1.0, 0.0]]), torch.tensor([1]), ["a", "b"])
    assert got.nll.value == pytest.approx(27.6, abs=0.1) and got.brier.value == pytest.approx(2)


def test_the_order_of_items_does_not_matter():
    p, y = random_case(50)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    one, other = evaluate(p, y, CLASSES), evaluate(p[order], y[order], CLASSES)
    assert one.confusion == other.confusion
    assert one.ece.value == pytest.approx(other.ece.value) and one.nll.value == pytest.approx(other.nll.value)


def test_items_without_an_answer_and_set_aside_do_not_count():
    p, y = random_case(50)
    silent = torch.cat([y, torch.tensor([-1, -2])])
    assert evaluate(torch.cat([p, p[:2]]), silent, CLASSES) == evaluate(p, y, CLASSES)


def test_classes_without_an_item_are_named_and_do_not_count_as_failures():
    y = torch.tensor([0, 1, 0, 1])
    got = evaluate(torch.eye(3)[y], y, CLASSES)
    assert got.missing == ["owl"] and got.macro_f1.value == 1
    assert math.isnan(got.per_class[2].recall.value)
    assert "owl" in got.lines()[-1]


def test_a_sharp_model_that_is_often_wrong_is_less_calibrated_than_chance_alone_explains():
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (500,), generator=generator)
    honest = torch.full((500, 2), 0.3)
    honest[torch.arange(500), torch.where(torch.rand(500, generator=generator) < 0.7, y, 1 - y)] = 0.7
    calibrated = evaluate(honest, y, ["a", "b"])
    sharp = evaluate((honest.log() * 8).softmax(1), y, ["a", "b"])
    assert calibrated.ece.low < calibrated.ece_if_calibrated and calibrated.ece.value < 0.05
    assert sharp.ece.low > 0.2 > 5 * sharp.ece_if_calibrated


def test_the_record_is_json_and_the_lines_are_short():
    y = torch.tensor([0, 1, 0, 1])
    got = evaluate(torch.eye(3)[y], y, CLASSES)
    again = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    assert again["accuracy"]["value"] == 1 and again["per_class"][2]["recall"]["value"] is None
    assert all(len(line) < 120 for line in got.lines())


def test_without_labels_the_error_says_what_to_type():
    with pytest.raises(NotEnoughLabels, match="tacit label"):
        evaluate(torch.full((2, 2), 0.5), torch.tensor([-1, -2]), ["a", "b"])


@pytest.mark.parametrize(
    ("p", "y", "why"),
    [
        (torch.randn(3, 2) * 9, torch.zeros(3, dtype=torch.long), "logits"),
        (torch.full((3, 2), 0.5), torch.zeros(4, dtype=torch.long), "do not fit"),
        (torch.full((3, 2), 0.5), torch.tensor([0, 1, 2]), "class 2"),
        (torch.full((3, 2), torch.nan), torch.zeros(3, dtype=torch.long), "finite"),
    ],
)
def test_what_does_not_fit_is_said(p, y, why):
    with pytest.raises(WrongUsage, match=why):
        evaluate(p, y, ["a", "b"])


class Brightness(Method):
    """Answers "bright" or "dark"."""

    feed = staticmethod(labeled)
    paper, use_when = "none", "testing"

    def __init__(self, spec: ItemSpec):
        super().__init__(spec)
        self.encoder = nn.Linear(1, 1)

    def loss(self, batch) -> Terms:
        return {"loss": self.encoder.weight.sum()}

    def embed(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(1, keepdim=True)

    def logits(self, x: Tensor) -> Tensor:
        bright = 8 * (self.embed(x) - 0.5)
        return torch.cat([-bright, bright], 1)


def test_a_model_is_measured_on_the_labeled_items_of_the_yardstick():
    x = np.zeros((6, 1, 2, 2), np.uint8)
    x[3:] = 255
    spec = ItemSpec((1, 2, 2), "image", ("dark", "bright"))
    got = evaluate_model(Brightness(spec), Yardstick(spec, x), torch.tensor([0, -1, 1, 1, 1, -2]))
    assert got.n == 4 and got.confusion == [[1, 0], [1, 2]] and got.classes == ["dark", "bright"]
    with pytest.raises(NotEnoughLabels):
        evaluate_model(Brightness(spec), Yardstick(spec, x), torch.full((6,), -1))
    with pytest.raises(WrongUsage, match="one label"):
        evaluate_model(Brightness(spec), Yardstick(spec, x), torch.zeros(5, dtype=torch.long))


def test_codes_alone_cannot_be_measured():
    class CodesOnly(Brightness):
        logits = property(doc="not there")  # hasattr is False

    spec = ItemSpec((1, 2, 2), "image", ("dark", "bright"))
    with pytest.raises(WrongUsage, match="tacit train"):
        evaluate_model(CodesOnly(spec), Yardstick(spec, np.zeros((1, 1, 2, 2), np.uint8)), torch.zeros(1).long())

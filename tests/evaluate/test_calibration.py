import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tacit.data.feeds import labeled
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.calibration import PRIOR, calibrate, fit_temperature, parts
from tacit.methods.method import Method, Terms


def answers(n: int, temperature: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits whose probabilities are right at a temperature: y is drawn from softmax(logits / temperature)."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, 4, generator=generator)
    y = torch.multinomial((logits / temperature).softmax(1), 1, generator=generator).flatten()
    return logits, y


def test_the_temperature_is_where_its_formula_is_least():
    logits, y = answers(60, 2.0)

    def slowly(t: float) -> float:
        total = math.log(t) ** 2 / (2 * PRIOR**2)
        for row, c in zip(logits.double() / t, y.tolist(), strict=True):
            total += math.log(sum(math.exp(float(v)) for v in row)) - float(row[c])
        return total

    tried = [0.5 + 0.01 * i for i in range(400)]
    assert fit_temperature(logits, y).temperature == pytest.approx(min(tried, key=slowly), abs=0.011)


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.7])
def test_many_items_give_the_temperature_they_were_drawn_at(truth):
    assert fit_temperature(*answers(20_000, truth)).temperature == pytest.approx(truth, rel=0.05)


def test_the_logits_own_scale_comes_out_of_the_temperature():
    logits, y = answers(20_000, 1.0)
    assert fit_temperature(1.5 * logits, y).temperature == pytest.approx(1.5, rel=0.05)


def test_items_without_a_label_do_not_matter_nor_does_a_number_added_to_all_logits():
    logits, y = answers(100, 1.5)
    with_others = torch.cat([y, torch.tensor([-1, -2])])
    found = fit_temperature(torch.cat([7 + logits, torch.randn(2, 4)]), with_others)
    assert found.temperature == pytest.approx(fit_temperature(logits, y).temperature, rel=1e-3) and found.n == 100


def test_few_items_all_answered_right_do_not_make_a_model_certain():
    logits = 5 * F.one_hot(torch.arange(20) % 4, 4).float()
    found = fit_temperature(logits, torch.arange(20) % 4)
    assert 0.4 < found.temperature < 1 and found.nll_after < found.nll_before


def test_few_items_with_sure_mistakes_make_a_model_less_certain():
    y = torch.arange(20) % 4
    logits = 12 * F.one_hot(torch.where(torch.arange(20) < 4, (y + 1) % 4, y), 4).float()
    assert fit_temperature(logits, y).temperature > 2


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(NotEnoughLabels, match="no labels to fit a temperature to"):
        fit_temperature(torch.zeros(3, 2), torch.full((3,), -1))
    with pytest.raises(WrongUsage, match="finite logits"):
        fit_temperature(torch.tensor([[0.0, -torch.inf]]), torch.tensor([0]))


class TestParts:
    def test_a_hundred_labels_are_all_held_out_once(self):
        labels = torch.full((300,), -1)
        labels[::3] = torch.arange(100) % 7
        found = parts(labels, seed=0)
        assert len(found) == 5
        assert torch.equal(torch.cat(found).sort().values, (labels >= 0).nonzero().flatten())
        assert all(
            labels[torch.cat([p for p in found if p is not held])].unique().tolist() == [*range(7)] for held in found
        )

    @pytest.mark.parametrize(("n", "twins"), [(20, 5), (100, 5), (250, 2), (500, 1), (5000, 1)])
    def test_no_more_twins_than_it_takes(self, n, twins):
        assert len(parts(torch.arange(n) % 4, seed=0)) == twins

    def test_the_only_label_of_a_class_is_never_held_out(self):
        labels = torch.cat([torch.arange(40) % 2, torch.tensor([2, -1, -2])])
        assert 40 not in torch.cat(parts(labels, seed=1)).tolist()

    def test_too_few_labels_are_refused(self):
        with pytest.raises(NotEnoughLabels, match=r"takes 20 labels .* there are 18"):
            parts(torch.cat([torch.arange(18) % 2, torch.tensor([2, 3, -1])]), seed=0)
        with pytest.raises(NotEnoughLabels, match="there are 0"):
            parts(torch.full((5,), -1), seed=0)


class Loud(Method):
    """Says the sign of the first number, far too loudly."""

    feed = staticmethod(labeled)
    paper, use_when = "none", "testing"

    def __init__(self, spec: ItemSpec):
        super().__init__(spec)
        self.factor = nn.Parameter(torch.tensor(10.0))

    def loss(self, batch) -> Terms:
        return {"loss": self.factor}

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * torch.stack([-x[:, 0], x[:, 0]], 1)


def test_a_model_is_calibrated_by_twins_that_lack_the_labels_it_is_asked_about():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(120, 2, generator=generator)
    y = (x[:, 0] + 0.8 * torch.randn(120, generator=generator) > 0).long()
    labels = torch.where(torch.arange(120) < 100, y, -1)
    pool = Pool(ItemSpec((2,), "vector", ("a", "b")), x.numpy())
    seen = []

    def again(rest: torch.Tensor, seed: int) -> Method:
        seen.append((rest, seed))
        return Loud(pool.spec)

    found = calibrate(again, pool, labels, seed=3)
    direct = fit_temperature(Loud(pool.spec).logits(x[:100]).detach(), y[:100])
    assert found.temperature == pytest.approx(direct.temperature, rel=1e-3) and found.temperature > 3
    assert found.n == 100 and found.twins == 5 and "held out of 5 more trainings" in str(found)
    assert [int((rest >= 0).sum()) for rest, _ in seen] == [80] * 5 and len({seed for _, seed in seen}) == 5
    assert torch.equal(torch.stack([(rest >= 0).int() for rest, _ in seen]).sum(0), 4 * (labels >= 0))
    assert found.to_dict()["temperature"] == found.temperature

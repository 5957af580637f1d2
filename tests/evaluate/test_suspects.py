import csv

import pytest
import torch

from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.suspects import out_of_sample, suspects, suspects_of


def test_suspects_are_those_of_the_definition():
    generator = torch.Generator().manual_seed(0)
    p, y = (2 * torch.randn(60, 3, generator=generator)).softmax(1), torch.randint(3, (60,), generator=generator)
    t = [sum(float(p[i, j]) for i in range(60) if y[i] == j) / int((y == j).sum()) for j in range(3)]
    wanted = {}
    for i in range(60):
        sure = [j for j in range(3) if p[i, j] >= t[j]]
        if sure and p[i, best := max(sure, key=lambda j: float(p[i, j]))] > p[i, y[i]]:
            wanted[i] = best
    found = suspects(p, y)
    assert dict(zip(found.index.tolist(), found.rather.tolist(), strict=True)) == wanted and 0 < len(wanted) < 60
    margin = (found.p_rather - found.p_given).tolist()
    assert margin == sorted(margin, reverse=True) and found.of == 60
    assert found.p_given.tolist() == pytest.approx(p[found.index, found.given].tolist(), abs=1e-6)


def test_an_uncertain_class_is_held_to_its_own_sureness():
    p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.45, 0.55], [0.55, 0.45], [0.55, 0.45]])
    found = suspects(p, torch.tensor([0, 0, 1, 1, 0]))
    assert len(found) == 0  # 0.55 for class 0 is less than its usual 0.78
    assert suspects(p, torch.tensor([0, 1, 1, 1, 0])).index.tolist() == [1]


def test_a_class_that_nobody_was_given_is_no_suspicion():
    p = torch.tensor([[0.2, 0.1, 0.7], [0.1, 0.8, 0.1]])
    assert len(suspects(p, torch.tensor([0, 1]))) == 0


def test_items_without_an_answer_are_left_out_and_positions_stay():
    p = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.2, 0.8]])
    found = suspects(p, torch.tensor([-1, 0, 1, 1, -2]))
    assert (
        found.index.tolist() == [2] and found.of == 3 and found.given.tolist() == [1] and found.rather.tolist() == [0]
    )


def test_the_order_of_items_does_not_matter():
    generator = torch.Generator().manual_seed(1)
    p, y = torch.randn(80, 4, generator=generator).softmax(1), torch.randint(4, (80,), generator=generator)
    order = torch.randperm(80, generator=generator)
    assert torch.equal(order[suspects(p[order], y[order]).index], suspects(p, y).index)


def test_what_does_not_fit_is_said():
    with pytest.raises(WrongUsage, match="do not fit"):
        suspects(torch.ones(3, 2) / 2, torch.tensor([0, 1, 2]))
    with pytest.raises(NotEnoughLabels, match="once two classes have 5 labels each"):
        out_of_sample(torch.randn(12, 2), torch.tensor([0] * 8 + [1] * 4), 2)
    with pytest.raises(NotEnoughLabels):
        out_of_sample(torch.randn(3, 2), torch.full((3,), -1), 2)


def codes_of(digits) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.tensor(digits[0]).float().flatten(1) / 255
    return x - x.mean(0), torch.tensor(digits[1])


def test_planted_mistakes_are_found_among_real_digits(digits):
    codes, truth = codes_of(digits)
    reached = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.full_like(truth, -1)
        asked = torch.randperm(len(truth), generator=generator)[:400]
        wrong = asked[:40]
        labels[asked] = truth[asked]
        labels[wrong] = (truth[wrong] + torch.randint(1, 10, (40,), generator=generator)) % 10
        found = suspects_of(codes, labels, 10, seed=seed)
        hits = torch.isin(found.index, wrong)
        right = found.rather[hits] == truth[found.index[hits]]
        reached.append([float(hits.float().mean()), int(hits.sum()) / 40, float(right.float().mean())])
    precision, recall, right = torch.tensor(reached).mean(0).tolist()
    assert precision > 0.8 and recall > 0.65 and right > 0.9, reached  # 0.95 and 0.82 on principal components


def test_answers_without_a_mistake_are_mostly_left_alone(digits):
    codes, truth = codes_of(digits)
    labels = torch.where(torch.arange(len(truth)) < 400, truth, -1)
    assert len(suspects_of(codes, labels, 10)) <= 8  # 2 % of 400


def test_an_answer_has_no_say_about_itself():
    labels = torch.arange(40) % 2
    codes = torch.stack([labels * 10.0, torch.zeros(40)], 1) + 0.1 * torch.randn(
        40, 2, generator=torch.Generator().manual_seed(0)
    )
    labels[0] = 1 - labels[0]
    p = out_of_sample(codes, labels, 2)
    assert p[0, labels[0]] < 0.2 and suspects(p, labels).index.tolist() == [0]


def test_the_table_has_an_empty_column_to_fill_in(tmp_path):
    p = torch.tensor([[0.9, 0.1], [0.95, 0.05], [0.1, 0.9]])
    found = suspects(p, torch.tensor([0, 1, 1]))
    found.write_csv(tmp_path / "check.csv", ["abc"], ["a, b.png"], ["cat", "dog"])
    rows = list(csv.DictReader((tmp_path / "check.csv").read_text().splitlines()))
    assert rows == [
        {
            "id": "abc",
            "path": "a, b.png",
            "label": "",
            "given": "dog",
            "rather": "cat",
            "p_given": "0.0500",
            "p_rather": "0.9500",
        }
    ]

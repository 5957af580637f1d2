import pytest
import torch

from tacit.errors import NotEnoughLabels
from tacit.evaluate.probe import L2, fit_probe, hold_out


def blobs(n: int = 90, apart: float = 4.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    return torch.randn(n, 6, generator=generator) + apart * torch.eye(6)[y], y


def test_the_probe_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    codes, y = blobs(apart=1.0)
    probe = fit_probe(codes, y, classes=3, l2=0.01)
    h = ((codes - probe.center) / probe.scale).numpy()
    # theirs: |W|^2 / 2 + C sum CE; ours: mean CE + l2 |W|^2
    theirs = LogisticRegression(C=1 / (2 * 0.01 * len(y)), tol=1e-8, max_iter=1000).fit(h, y)
    assert torch.allclose(probe.probabilities(codes), torch.tensor(theirs.predict_proba(h)).float(), atol=2e-3)


def test_classes_that_can_be_separated_are():
    codes, y = blobs(apart=12.0)
    probe = fit_probe(codes, y, classes=3)
    fresh, fresh_y = blobs(apart=12.0, seed=1)
    assert (probe.probabilities(fresh).argmax(1) == fresh_y).all()


def test_shuffled_labels_stay_at_chance():
    codes, y = blobs(300)
    y = y[torch.randperm(300, generator=torch.Generator().manual_seed(0))]
    fresh, fresh_y = blobs(600, seed=1)
    right = (fit_probe(codes, y, classes=3).probabilities(fresh).argmax(1) == fresh_y).float().mean()
    assert abs(right - 1 / 3) < 0.1


def test_noise_asks_for_a_strong_penalty_and_clear_classes_for_a_weak_one():
    y = blobs(300)[1]
    assert fit_probe(torch.randn(300, 50, generator=torch.Generator().manual_seed(0)), y, classes=3).l2 == L2[0]
    assert fit_probe(*blobs(300, apart=12.0), classes=3).l2 == L2[-1]


def test_scale_and_position_of_the_codes_do_not_matter():
    codes, y = blobs(apart=1.0)
    moved = codes * torch.tensor([1, 10, 0.1, 1, 5, 2]) + 7
    one, other = (fit_probe(c, y, classes=3).probabilities(c) for c in (codes, moved))
    assert torch.allclose(one, other, atol=1e-3)


def test_a_constant_column_does_no_harm():
    codes, y = blobs()
    probe = fit_probe(torch.cat([codes, torch.full((90, 1), 3.0)], 1), y, classes=3)
    assert probe.probabilities(torch.cat([codes, torch.full((90, 1), 3.0)], 1)).isfinite().all()


def test_items_without_a_label_are_left_out():
    codes, y = blobs()
    hidden = y.clone()
    hidden[::2] = -1
    one, other = fit_probe(codes, hidden, classes=3), fit_probe(codes[1::2], y[1::2], classes=3)
    assert torch.equal(one.weight, other.weight) and one.l2 == other.l2


def test_holding_out_keeps_an_item_of_every_class():
    y = torch.tensor([0] * 10 + [1] * 2 + [2])
    held = hold_out(y, seed=0)
    assert [int(held[y == c].sum()) for c in range(3)] == [3, 1, 0]


def test_one_label_a_class_is_enough_and_none_is_not():
    codes, y = blobs(3, apart=12.0)
    fresh, fresh_y = blobs(30, apart=12.0, seed=1)
    assert (fit_probe(codes, y, classes=3).probabilities(fresh).argmax(1) == fresh_y).float().mean() > 0.6
    with pytest.raises(NotEnoughLabels, match="no labels"):
        fit_probe(codes, torch.full((3,), -1), classes=3)


def test_fitting_works_where_gradients_are_switched_off():
    with torch.no_grad():
        assert fit_probe(*blobs(), classes=3, l2=0.1).weight.abs().sum() > 0

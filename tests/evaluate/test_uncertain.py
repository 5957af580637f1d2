import torch

from tacit.evaluate.uncertain import least_sure, likely_errors

CLASSES = ("cat", "dog", "owl")


def test_least_sure_is_the_smallest_margin():
    p = torch.tensor([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.0, 0.48, 0.52]])
    assert least_sure(p, 2).tolist() == [2, 1]
    assert len(least_sure(p, 9)) == 3


def test_likely_errors_is_confident_disagreement():
    generator = torch.Generator().manual_seed(0)
    p, y = (2 * torch.randn(80, 3, generator=generator)).softmax(1), torch.randint(3, (80,), generator=generator)
    threshold = [sum(float(p[i, c]) for i in range(80) if y[i] == c) / int((y == c).sum()) for c in range(3)]
    expected = set()
    for i in range(80):
        passing = [c for c in range(3) if float(p[i, c]) >= threshold[c]]
        if passing:
            best = max(passing, key=lambda c: float(p[i, c]))
            if best != y[i]:
                expected.add((i, best))
    got = likely_errors(p, y, 80, CLASSES)
    assert set(zip(got.index.tolist(), got.suggested.tolist(), strict=True)) == expected and 5 < len(expected) < 75
    gap = p[got.index, got.suggested] - p[got.index, got.given]
    assert (gap.diff() <= 0).all()


def test_flipped_labels_are_found_among_honest_ones():
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(300) % 3
    logits = torch.randn(300, 3, generator=generator)
    logits[torch.arange(300), truth] += 6
    y, flipped = truth.clone(), torch.tensor([5, 77, 150, 222])
    y[flipped] = (truth[flipped] + 1) % 3
    got = likely_errors(logits.softmax(1), y, 10, CLASSES)
    assert set(flipped.tolist()) <= set(got.index.tolist())
    assert (got.suggested == truth[got.index]).float().mean() > 0.5


def test_items_without_a_label_and_classes_without_an_item_are_left_out():
    p = torch.tensor([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]])
    got = likely_errors(p, torch.tensor([0, 1, 1, -1]), 9, CLASSES)
    assert got.index.tolist() == [1] and got.reasons == ["labelled dog, looks like cat (90% against 10%)"]
    assert len(likely_errors(p, torch.full((4,), -1), 9, CLASSES)) == 0

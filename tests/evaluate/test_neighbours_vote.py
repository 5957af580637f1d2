import math

import pytest
import torch

from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.evaluate.neighbours_vote import vote


def case(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    bank, codes = torch.randn(40, 5, generator=generator), torch.randn(12, 5, generator=generator)
    return codes, bank, torch.randint(3, (40,), generator=generator)


def test_the_vote_is_its_formula():
    codes, bank, y = case()
    got = vote(codes, bank, y, classes=3, k=7, temperature=0.1)
    for i in range(12):
        s = [float(torch.cosine_similarity(codes[i], h, dim=0)) for h in bank]
        score = [0.0, 0.0, 0.0]
        for j in sorted(range(40), key=lambda j: -s[j])[:7]:
            score[int(y[j])] += math.exp(s[j] / 0.1)
        assert got[i].tolist() == pytest.approx([c / sum(score) for c in score], abs=1e-5)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
class TestBothDistances:
    def test_one_neighbour_gives_its_label(self, distance):
        codes, bank, y = case()
        a, b = (
            (codes, bank)
            if distance == "euclidean"
            else (codes / codes.norm(dim=1)[:, None], bank / bank.norm(dim=1)[:, None])
        )
        got = vote(codes, bank, y, classes=3, k=1, distance=distance)
        assert (got.argmax(1) == y[torch.cdist(a, b).argmin(1)]).all() and got.max(1).values.eq(1).all()

    def test_a_high_temperature_is_the_majority(self, distance):
        codes, bank, y = case()
        got = vote(codes, bank, y, classes=3, k=40, temperature=math.inf, distance=distance)
        assert torch.allclose(got, torch.bincount(y).div(40).expand(12, 3), atol=1e-6)

    def test_a_low_temperature_is_the_nearest_neighbour(self, distance):
        codes, bank, y = case()
        cold = vote(codes, bank, y, classes=3, k=20, temperature=1e-9, distance=distance)
        assert torch.equal(cold.argmax(1), vote(codes, bank, y, classes=3, k=1, distance=distance).argmax(1))
        assert cold.isfinite().all()

    def test_the_scale_of_the_codes_does_not_matter(self, distance):
        codes, bank, y = case()
        one, other = (vote(codes * s, bank * s, y, classes=3, k=9, distance=distance) for s in (1, 100))
        assert torch.allclose(one, other, atol=1e-4)

    def test_a_bank_that_holds_the_queries_leaks_their_labels(self, distance):
        codes, _, y = case()
        assert (vote(codes, codes, y[:12], classes=3, k=1, distance=distance).argmax(1) == y[:12]).all()


def test_a_tie_goes_to_the_nearer():
    bank, y = torch.tensor([[0.0, 2.0], [1.0, 0.0]]), torch.tensor([0, 1])
    for codes, nearer in [(torch.tensor([[0.0, 1.9]]), 0), (torch.tensor([[1.1, 0.0]]), 1)]:
        got = vote(codes, bank, y, classes=2, k=2, temperature=math.inf, distance="euclidean")
        assert got.argmax() == nearer


def test_without_a_label_there_is_no_vote():
    codes, bank, y = case()
    y[::2] = -1
    assert torch.equal(vote(codes, bank, y, classes=3), vote(codes, bank[1::2], y[1::2], classes=3))
    with pytest.raises(NotEnoughLabels, match="no labels"):
        vote(codes, bank, torch.full((40,), -2), classes=3)


def test_an_unknown_distance_is_named():
    with pytest.raises(WrongUsage, match="manhattan"):
        vote(*case(), classes=3, distance="manhattan")

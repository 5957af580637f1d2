import torch
from torch import nn

from tacit.data.feeds import items
from tacit.engine.apply import apply, embed, probabilities
from tacit.methods.method import Method


class Tall(Method):
    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3))

    def loss(self, batch):
        return {"loss": self.embed(batch).sum()}

    def embed(self, x):
        return self.encoder(x)

    def logits(self, x):
        return self.embed(x)


def test_chunks_do_not_matter_and_the_method_stays_as_it_was(digits_pool):
    torch.manual_seed(0)
    method = Tall(digits_pool.spec).train()
    before = {k: v.clone() for k, v in method.state_dict().items()}
    whole = embed(method, digits_pool)
    assert whole.shape == (len(digits_pool), 3)
    assert torch.allclose(whole, embed(method, digits_pool, batch=7))
    assert torch.allclose(whole[[5, 2]], embed(method, digits_pool, torch.tensor([5, 2])))
    assert torch.allclose(whole, embed(method, digits_pool.floats(slice(None))))
    out = torch.zeros_like(whole)
    assert apply(method, method.embed, digits_pool, out=out) is out and torch.allclose(out, whole)
    assert method.training and all(torch.equal(v, before[k]) for k, v in method.state_dict().items())


def test_probabilities_sum_to_one(digits_pool):
    p = probabilities(Tall(digits_pool.spec), digits_pool)
    assert torch.allclose(p.sum(1), torch.ones(len(p)))


def test_probabilities_of_a_calibrated_method_are_at_its_temperature(digits_pool):
    method = Tall(digits_pool.spec)
    method.confidence_temperature = 2.5
    logits = apply(method, method.logits, digits_pool)
    assert torch.allclose(probabilities(method, digits_pool), (logits / 2.5).softmax(1), atol=1e-6)

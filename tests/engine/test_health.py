import torch
from torch import nn

from tacit.data.feeds import items
from tacit.engine.health import Doctor
from tacit.methods.method import Method


class Fixed(Method):
    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec, *, collapsed: bool):
        super().__init__(spec)
        torch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16))
        if collapsed:
            nn.init.zeros_(self.encoder[1].weight)

    def loss(self, batch):
        return {"loss": self.embed(batch).sum()}

    def embed(self, x):
        return self.encoder(x)


def test_a_space_that_did_not_move_kept_its_neighbours(digits_pool):
    doctor, method = Doctor(digits_pool), Fixed(digits_pool.spec, collapsed=False)
    first, second = doctor.look(method), doctor.look(method)
    assert first.kept is None and second.kept == 1.0
    assert first.word == "healthy" and first.dim == 16 and 1 < first.rank <= 16


def test_one_code_for_everything_is_called_collapsed(digits_pool):
    assert Doctor(digits_pool).look(Fixed(digits_pool.spec, collapsed=True)).word == "collapsed"

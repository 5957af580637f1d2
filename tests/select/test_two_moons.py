"""On two moons, with codes that are the items, `uphill` asks near the decision boundary."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tacit.data.feeds import Labeled, labeled
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.engine.apply import probabilities
from tacit.latent.space import Space
from tacit.methods.method import Method, Terms
from tacit.select import choose

SEEDS = 20


class Small(Method):
    """A classifier of points in the plane that learns in a moment."""

    feed = staticmethod(labeled)
    paper = "none"
    use_when = "a test needs a curved boundary"

    def __init__(self, spec: ItemSpec) -> None:
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Linear(2, 64), nn.Tanh())
        self.head = nn.Linear(64, 2)

    def loss(self, batch: Labeled) -> Terms:
        return {"loss": F.cross_entropy(self.logits(batch.x), batch.y)}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x))


def trained(space: Space, labels: Tensor, seed: int, steps: int) -> Method:
    known = (labels >= 0).nonzero().flatten()
    batch = Labeled(space.codes[known], labels[known])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Small(space.pool.spec)
        torch.nn.init.normal_(model.encoder[0].weight, std=2.0)  # bends enough for two moons from the start
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-2, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(batch)["loss"].backward()
        optimizer.step()
    return model


def test_uphill_asks_nearer_to_the_boundary_than_random_and_than_its_control(open_space):
    """The margin at an item is the gap between the two classes for a classifier that has seen every true label."""
    from sklearn.datasets import make_moons

    margins: dict[str, list[float]] = {"random": [], "jitter": [], "uphill": []}
    for seed in range(SEEDS):
        x, truth = (torch.from_numpy(a) for a in make_moons(300, noise=0.2, random_state=seed))
        space = open_space(x.float(), classes=("upper", "lower"))
        p = probabilities(trained(space, truth, seed, 60), space.pool)
        margin = (p[:, 0] - p[:, 1]).abs()
        start = torch.full((300,), UNLABELED)
        start = start.index_copy(0, first := choose("random", space, start, 10, seed=seed).index, truth[first])
        beginning = trained(space, start, seed, 30)
        for name, found in margins.items():
            labels, model, asked = start.clone(), beginning, []
            for number in (1, 2):
                options = {} if name == "random" else {"step": 4.0}
                picks = choose(name, space, labels, 15, model=model, seed=1000 * number + seed, **options)
                labels[picks.index] = truth[picks.index]
                asked.append(picks.index)
                model = trained(space, labels, seed, 30) if number == 1 else model
            found.append(float(margin[torch.cat(asked)].mean()))
    for other in ("random", "jitter"):
        nearer = torch.tensor(margins[other]) - torch.tensor(margins["uphill"])
        t = float(nearer.mean() / (nearer.std() / SEEDS**0.5))
        assert t > 2.86, f"nearer than {other} by {float(nearer.mean()):.3f}, t = {t:.1f}"  # 0.01 two-sided, 19 df

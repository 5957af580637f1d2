"""Momentum Contrast for Unsupervised Visual Representation Learning.
He, Fan, Wu, Xie & Girshick, 2019. https://arxiv.org/abs/1911.05722
Improved Baselines with Momentum Contrastive Learning.
Chen, Fan, Girshick & He, 2020. https://arxiv.org/abs/2003.04297

Departures: the trunk all methods here share; the settings of the authors' small demonstration on CIFAR-10 (momentum
0.99, a queue of 4,096) in place of those for ImageNet; the views of SimCLR. The slow copy takes over the running statistics
of the encoder, which nothing in training reads. The queue need not be a multiple of the batch. Shuffling is over the eight
groups that `--norm split` takes batch statistics of, on any number of machines; other norms need none.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.across import everywhere, own_part, same_everywhere
from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.data.views import Views
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.ema import SlowCopy
from tacit.nn.maps import by_depth
from tacit.nn.projector import Projector
from tacit.nn.queue import Queue
from tacit.nn.trunk import trunk as build_trunk
from tacit.objectives.contrastive import check_temperature, info_nce

QUEUE, SHARE = 4096, 4  # keys kept by default, at most a fourth of the pool: more, and an item meets itself in it
SETTINGS = {1: (1, 0.07), 2: (2, 0.2)}  # version -> layers of the projector, temperature


class MoCo(Method):
    """A view of an item must find the other view of it among the views of thousands of other items.

    Keys come from a slow copy of the encoder and wait in a queue, so that negatives cost nothing but memory.

    - `version`: 1 has a linear projector and temperature 0.07, 2 a projector of two layers and 0.2; `temperature` is
      tied to it, other values are for small changes.
    - `queue`: how many keys; by default 4,096, at most a fourth of the pool. `momentum`: of the slow copy; 0.999 for
      trainings of 100,000 steps and more.
    - `symmetric`: both views are asked for each other, at twice the cost of a step.
    - `norm`: `split` is batch normalization as on eight devices, with the keys shuffled among them; with `batch` a
      network can cheat through the statistics. `group` has none.
    - `views`, `crop`, `color`, `flip`, `blur`: what a view is, see `tacit look --views`.

    Shown: the loss beside chance, log(Q + 1). It rises at first: the queue begins with random directions, which are easy.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=8000, batch=256, lr=0.06, optimizer="sgd", weight_decay=5e-4, schedule="cosine")
    paper = "He et al. 2019, https://arxiv.org/abs/1911.05722 and https://arxiv.org/abs/2003.04297"
    use_when = "items are pictures as for simclr, and memory or time allows small batches only"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        version: int = 2,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "split",
        features: int | None = None,
        projection_dim: int = 128,
        temperature: float | None = None,
        queue: int | None = None,
        momentum: float = 0.99,
        symmetric: bool = False,
        views: str = "auto",
        crop: float | None = None,
        color: float | None = None,
        flip: bool | None = None,
        blur: float | None = None,
    ) -> None:
        super().__init__(spec)
        if version not in SETTINGS:
            raise unknown_name("version of moco", str(version), [str(v) for v in SETTINGS])
        layers, usual = SETTINGS[version]
        self.temperature = usual if temperature is None else temperature
        check_temperature(self.temperature)
        if not 0 <= momentum <= 1:
            raise WrongUsage(f"momentum is {momentum:g}, expected a number from 0 (a copy) to 1 (never moves)")
        if queue is not None and queue < 1:
            raise WrongUsage(f"queue is {queue}, expected at least 1 key")
        self.view = Views(spec, views, crop=crop, color=color, flip=flip, blur=blur)
        self.encoder = build_trunk(
            spec.shape, trunk, width=width, depth=depth, norm=norm, out_dim=features, rate=spec.rate
        )
        self.projector = Projector(self.encoder.out_dim, projection_dim, layers=layers, norm="none")
        self.slow = SlowCopy(nn.Sequential(self.encoder, self.projector), momentum)
        self.size, self.queue = queue, Queue(queue or QUEUE, projection_dim)
        self.shuffled, self.symmetric = norm == "split", symmetric

    def check(self, pool: Pool, recipe: Recipe) -> None:
        if self.size is not None and self.size > len(pool):
            raise WrongUsage(
                f"a queue of {self.size:,} keys is more than the {len(pool):,} items of the pool: items would be their own"
                f" negatives\n  try: --queue {max(1, len(pool) // SHARE)}, or leave it out"
            )

    def remember(self, pool: Pool) -> None:
        wanted = self.size or max(1, min(QUEUE, len(pool) // SHARE))
        if len(self.queue) != wanted:
            self.queue.resize(wanted)

    def loss(self, x: Tensor) -> Terms:
        a, b = self.view(x), self.view(x)
        key = self.key(b)
        loss = info_nce(self.query(a), key, self.queue.rows, self.temperature)
        keys = [key]
        if self.symmetric:  # against the same queue: its own keys are not in it yet
            keys.append(self.key(a))
            loss = loss + info_nce(self.query(b), keys[1], self.queue.rows, self.temperature)
        if self.training:
            self.queue.add(everywhere(torch.cat(keys)))
        chance = math.log(len(self.queue) + 1) * len(keys)
        return {"loss": loss, "chance": loss.new_tensor(chance)}

    def query(self, view: Tensor) -> Tensor:
        return F.normalize(self.projector(self.encoder(view)).float(), dim=1)

    @torch.no_grad()
    def key(self, view: Tensor) -> Tensor:
        """Keys of views, by the slow copy: no gradient. Shuffled, so that a key's group of the batch is not its query's."""
        if not (self.shuffled and self.training):
            return F.normalize(self.slow.network(view).float(), dim=1)
        view = everywhere(view)
        order = same_everywhere(torch.randperm(len(view), device=view.device))
        key = F.normalize(self.slow.network(own_part(view[order])).float(), dim=1)
        return own_part(everywhere(key)[order.argsort()])

    def after_step(self, progress: float) -> None:
        self.slow.follow(nn.Sequential(self.encoder, self.projector))

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer: (B, D) each."""
        by_name = by_depth(self.encoder, x)
        return {**self.projector.named(by_name["encoder"]), **by_name}

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of items, (B, *item) -> (B, 2, *item)."""
        return torch.stack([self.view(x), self.view(x)], dim=1)

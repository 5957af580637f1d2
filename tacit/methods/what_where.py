"""Stacked What-Where Auto-encoders.
Zhao, Mathieu, Goroshin & LeCun, 2015. https://arxiv.org/abs/1506.02351

Departures: errors are means over values, so that weights do not depend on sizes. The way back has weights of its own, of
convolutions at stride 1. Soft values are put back bilinearly. Items are changed a little before they are seen, as for
every classifier here, and it is the changed item that is drawn. With `features` there is a layer below the classifier,
from which the topmost map is drawn; without, the classifier stands on that map, which is handed over as it is.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Semi, semi
from tacit.data.spec import UNLABELED, ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.what_where import WhatWhereDecoder, WhatWhereEncoder, network
from tacit.objectives.reconstruction import l2_middle, l2_rec

NETWORK = ("net", "width", "where", "norm", "features")  # options that decide which weights there are


class WhatWhere(Method):
    """A classifier that has to be able to draw what it sees, answered or not; where things are it need not know.

    - `net`, `width`, `where`, `beta`, `norm`, `features`: as for `what_where_autoencoder`, with which it can begin.
    - `l2rec`, `l2m`: weights of the error of items and of the maps in between, beside the cross entropy; both 0 make it a
      plain classifier. `detach_targets` keeps the latter from moving the encoder.
    - `unlabeled`: whether the other items are drawn too, or the answered ones alone.
    - `dropout` below the classifier. `augment`, `flip`: as `supervised` has them, so that the two can be compared.

    Shown: the cross entropy `labeled`, and both errors.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=3000, batch=50, lr=1e-3)
    paper = "Zhao et al. 2015, https://arxiv.org/abs/1506.02351"
    use_when = "some pictures are labelled, many are not, and those may be of other classes too"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        net: str = "auto",
        width: int | None = None,
        where: str = "hard",
        beta: float = 100.0,
        norm: str = "none",
        features: int | None = None,
        l2rec: float = 1.0,
        l2m: float = 1.0,
        detach_targets: bool = False,
        unlabeled: bool = True,
        dropout: float = 0.5,
        augment: str = "light",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        if l2rec < 0 or l2m < 0:
            raise WrongUsage(f"l2rec is {l2rec:g} and l2m {l2m:g}; a weight is 0 or more\n  try: --l2rec 1 --l2m 1")
        net = network(spec.shape, net, width)
        self.change = Change(spec, augment, flip)
        self.encoder = WhatWhereEncoder(spec.shape, net, where=where, beta=beta, norm=norm, features=features)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.decoder = WhatWhereDecoder(spec.shape, net, where=where, norm=norm, features=features)
        self.l2rec, self.l2m, self.detach_targets, self.unlabeled = l2rec, l2m, detach_targets, unlabeled

    def loss(self, batch: Semi) -> Terms:
        draws = self.l2rec > 0 or self.l2m > 0
        x = torch.cat([batch.x, batch.u]) if draws and self.unlabeled else batch.x
        x = self.change(x) if self.training else x
        found = self.encoder.levels(x)
        code = self.encoder.code(found)
        labeled = nll(self.head(self.dropout(code[: len(batch.y)])), batch.y)
        if not draws:
            return {"loss": labeled, "labeled": labeled}
        drawn = self.decoder(found, code)
        rec = l2_rec(drawn.x, x)
        middle = l2_middle(drawn.states, drawn.whats, self.detach_targets)
        loss = labeled + self.l2rec * rec + self.l2m * middle
        return {"loss": loss, "labeled": labeled, "l2rec": rec, "l2m": middle}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.dropout(self.embed(x)))

    @staticmethod
    def options_of(learned: Method) -> dict[str, Any]:
        """The options that the weights of a what_where_autoencoder fit into."""
        check_learned(learned)
        return {name: learned.options[name] for name in (*NETWORK, "beta")}

    def take_over(self, learned: Method) -> None:
        """Begin with the encoder and the decoder of a what_where_autoencoder."""
        check_learned(learned)
        if learned.spec.with_classes(()) != self.spec.with_classes(()):
            raise WrongUsage(
                f"other pictures were learned, of shape {learned.spec.shape}, and these are of shape {self.spec.shape}\n"
                "  learn these: tacit learn what_where_autoencoder"
            )
        for name in NETWORK:
            if learned.options[name] != self.options[name]:
                raise WrongUsage(
                    f"the learned network has {name} {learned.options[name]}, and this one {self.options[name]}\n"
                    f"  leave out --{name}"
                )
        for part in ("encoder", "decoder"):
            getattr(self, part).load_state_dict(getattr(learned, part).state_dict())


def nll(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross entropy of the answered among these items; zero where none is."""
    total = F.cross_entropy(logits.float(), y, ignore_index=UNLABELED, reduction="sum")
    return total / (y >= 0).sum().clamp(min=1)


def check_learned(learned: Method) -> None:
    if not isinstance(getattr(learned, "encoder", None), WhatWhereEncoder):
        raise WrongUsage(
            f"{type(learned).__name__} has a trunk of its own kind, and what_where another\n"
            "  one that fits: tacit learn what_where_autoencoder"
        )

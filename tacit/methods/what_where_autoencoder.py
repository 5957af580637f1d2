"""Stacked What-Where Auto-encoders, without labels.
Zhao, Mathieu, Goroshin & LeCun, 2015. https://arxiv.org/abs/1506.02351

Departures: errors are means over values, so that weights do not depend on sizes. The way back has weights of its own, of
convolutions at stride 1. Soft values are put back bilinearly. With `features` the code is a layer above the topmost map,
which is then drawn from it; without, as in the paper, the topmost map is the code and is handed over as it is.
"""

from torch import Tensor

from tacit.data.feeds import items
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.what_where import WhatWhereDecoder, WhatWhereEncoder, network
from tacit.objectives.reconstruction import l2_middle, l2_rec


class WhatWhereAutoEncoder(Method):
    """Codes that need not know where things are, since the way back is told.

    - `net`: as the paper writes networks, `(32)5c-2p-(64)3c-(64)3c-2p`; `auto` is that and more levels for larger
      pictures, with `width` (32) maps in the first.
    - `where`: `hard` are the switches of the maxima, `soft` places one can differentiate (`beta`: how near the maximum),
      and `none` tells the way back nothing.
    - `features`: length of a code; otherwise the topmost map is the code.
    - `l2rec`, `l2m`: weights of the error of items and of the maps in between; `detach_targets` keeps the latter from
      moving the encoder.

    Shown: both errors.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=3000, batch=100, lr=1e-3)
    paper = "Zhao et al. 2015, https://arxiv.org/abs/1506.02351"
    use_when = "you want codes of pictures that leave out where things are, or a beginning for what_where"

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
    ) -> None:
        super().__init__(spec)
        if l2rec <= 0 or l2m < 0:  # small maps are drawn easily: without the items there is no other end than zero
            raise WrongUsage(
                f"l2rec is {l2rec:g} and l2m {l2m:g}, expected above 0, and 0 or more\n  try: --l2rec 1 --l2m 1"
            )
        net = network(spec.shape, net, width)
        self.encoder = WhatWhereEncoder(spec.shape, net, where=where, beta=beta, norm=norm, features=features)
        self.decoder = WhatWhereDecoder(spec.shape, net, where=where, norm=norm, features=features)
        self.l2rec, self.l2m, self.detach_targets = l2rec, l2m, detach_targets

    def loss(self, x: Tensor) -> Terms:
        found = self.encoder.levels(x)
        drawn = self.decoder(found, self.encoder.code(found))
        rec = l2_rec(drawn.x, x)
        middle = l2_middle(drawn.states, drawn.whats, self.detach_targets)
        return {"loss": self.l2rec * rec + self.l2m * middle, "l2rec": rec, "l2m": middle}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

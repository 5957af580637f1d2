"""Exemplar augmentation, for any classifier: beside every answered item of a step, a new one like it with its label.
Norouzi, Fleet & Norouzi, 2020 (Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval, and Data
Augmentation). https://arxiv.org/abs/2004.04795

A classifier with an option `augment` owns an `Augmentation`; whoever trains it hands that the `Relatives` of a finished
generator. Real items and relatives go through the network as one batch, so that batch statistics are of both.

Departure: `exemplar+light` changes both a little afterwards, which the paper does not do.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.data.change import CHANGES, Change
from tacit.data.feeds import CPU, Labeled
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.method import Method

AUGMENT = {**{name: name for name in CHANGES}, "exemplar": "none", "exemplar+light": "light"}  # what all items get
ABILITIES = ("embed", "jitter", "decode")
AT_ONCE = 1000  # items encoded at once


class Relatives:
    """New items like given ones: a code drawn around the item's own, as the prior of the generator has it, decoded.

    Codes of the pool's items at `rows` are computed once; a step then costs a pass of the decoder. The generator is only
    asked: it stays in evaluation mode, gets no gradient, and is no part of a classifier that uses it.
    """

    def __init__(self, generator: Method, pool: Pool, rows: Tensor, device: torch.device = CPU) -> None:
        check_generator(generator, pool.spec)
        self.generator: Any = generator.to(device).eval()
        self.rows = rows.sort().values.to(device)
        with torch.no_grad():
            parts = [generator.embed(pool.floats(some).to(device)).float() for some in self.rows.cpu().split(AT_ONCE)]
        self.codes = torch.cat(parts)  # (n, D)

    @torch.no_grad()
    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """A relative of each item, (B, *item) -> (B, *item); images in whole grey levels, multiples of 1/255.

        `rows` (B,) are the items' positions in the pool, whose codes are known; without them the items are encoded.
        """
        z = self.generator.embed(x) if rows is None else self.known(rows)
        y = self.generator.decode(self.generator.jitter(z)).float()
        return y.mul(255).round().mul(1 / 255) if self.generator.spec.kind == "image" else y

    def known(self, rows: Tensor) -> Tensor:
        """Codes of the pool's items at these positions, (B, D)."""
        at = torch.searchsorted(self.rows, rows).clamp(max=len(self.rows) - 1)
        assert torch.equal(self.rows[at], rows), "an item of the step was not answered when the relatives were made"
        return self.codes[at]


class Augmentation:
    """How a classifier sees the answered items of a step, and what they cost it.

    - `augment`: `none`; `light`, a small random change (`data/augment.py`); `views`, what simclr learns from by default
      (`data/views.py`), and `crop`, the same without other colors and blur; `exemplar`, a relative beside every item;
      `exemplar+light`, both, the change applied to items and relatives.
    - `flip`: mirrored half of the time; `crop` and `views` mirror pictures in color in any case.
    - `real_weight`: what the real items count, from 0 to 1; their relatives count the rest.
    """

    def __init__(self, spec: ItemSpec, augment: str, flip: bool = False, real_weight: float = 0.4) -> None:
        if augment not in AUGMENT:
            raise unknown_name("augmentation", augment, AUGMENT)
        if not 0 <= real_weight <= 1:
            raise WrongUsage(f"real_weight is {real_weight:g}: it is a share from 0 to 1; relatives count the rest")
        self.change, self.real_weight = Change(spec, AUGMENT[augment], flip), real_weight
        self.with_relatives = augment.startswith("exemplar")
        self.relatives: Relatives | None = None

    def __call__(self, batch: Labeled) -> Tensor:
        """The items of a step, (B, *item); with relatives (2B, *item), the relatives last and in the same order."""
        x = batch.x
        if self.with_relatives:
            if self.relatives is None:
                raise WrongUsage(
                    "this classifier learns with relatives of its items, and no generator was given\n"
                    "  in a project: tacit learn exemplar_vae; in Python: rounds.supervised(generator=...), or set\n"
                    "  method.augmentation.relatives = Relatives(generator, pool, rows)"
                )
            x = torch.cat([x, self.relatives(x, batch.rows)])
        return self.change(x)

    def cross_entropy(self, logits: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """real_weight * CE(items, y) + (1 - real_weight) * CE(relatives, y), of logits (2B, K) and answers (B,).

        With logits (B, K), of items alone, their cross entropy.
        """
        real, related = logits[: len(y)], logits[len(y) :]
        loss = F.cross_entropy(real, y, label_smoothing=label_smoothing)
        if len(related) == 0:
            return loss
        beside = F.cross_entropy(related, y, label_smoothing=label_smoothing)
        return self.real_weight * loss + (1 - self.real_weight) * beside


def wants_relatives(method: Method) -> Augmentation | None:
    """The augmentation of a classifier that someone has to hand relatives to; None where it learns without."""
    augmentation = getattr(method, "augmentation", None)
    return augmentation if isinstance(augmentation, Augmentation) and augmentation.with_relatives else None


def check_generator(generator: Method, items: ItemSpec) -> None:
    """An error where it cannot make relatives, or learned other items than those it is to make relatives of."""
    lacking = [name for name in ABILITIES if not hasattr(generator, name)]
    if lacking:
        raise WrongUsage(
            f"{type(generator).__name__} makes no relatives of an item: it cannot {' or '.join(lacking)}\n"
            "  one that can: tacit learn exemplar_vae"
        )
    if generator.spec.with_classes(()) != items.with_classes(()):
        learned, here = (f"{spec.kind}s of shape {spec.shape}" for spec in (generator.spec, items))
        told = f"these are {here}" if learned != here else "the columns of these are standardized otherwise"
        raise WrongUsage(f"the generator learned {learned}, and {told}\n  learn these items: tacit learn exemplar_vae")

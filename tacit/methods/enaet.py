"""EnAET: A Self-Trained Framework for Semi-Supervised and Supervised Learning with Ensemble Transformations.
Wang, Kihara, Luo & Qi, 2019. https://arxiv.org/abs/1911.09265

Departures, the first as the authors' code has it: divergences are averaged over copies and measured from the sharpened
guess, where the paper adds them up and measures from the prediction. One optimizer for all, where decoders have one of
their own; one batch of all transformed copies, whose statistics the running ones do not follow; with the trunk all
methods here share, a decoder has its own copy of the last block of convolutions (of a resnet, the last stage) behind the
last map but one. Angles up to 30 degrees for grey pictures, since digits turn into each other. All that `aet` and
`mixmatch` say of their transformations, their training and their lengths holds here too.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.erase import mosaic as with_mosaic
from tacit.data.families import chance, check_degrees, target_size, transform, weighted
from tacit.data.feeds import Labeled, Semi, semi
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.guessing import check_guessing, guessed, mixed_losses
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.maps import last_block, through, width_after
from tacit.nn.projector import Projector
from tacit.nn.ramp import Ramp
from tacit.nn.statistics import statistics_kept
from tacit.objectives.consistency import divergence_from

SIDE = 0.25  # of the square of a mosaic, as a share of the picture's
RISE = 0.1  # share of the training over which the weight of the decoders rises


class EnAET(Method):
    """MixMatch whose encoder also has to see what was done to a picture, and whose answers have to outlast it.

    - `family`: what is done: `projective`, `affine`, `similarity`, `euclidean`, `colors`, several as `affine+colors`,
      or `all`, with a decoder for each. `degrees`: the largest angle; without it 180 in color and 30 in grey.
    - `aet_weight`: of the decoders' error; it rises from 0 over the first tenth of the training.
    - `kl_weight`: of the divergence of answers for transformed copies from the guess.
    - `mosaic`: one more copy, with a square at its mean color, is guessed from, mixed, and answered for.
    - `temperature`, `copies`, `alpha`, `unlabeled_weight`, `ramp`, `augment`, `flip`: as `mixmatch` has them.

    Shown: what `mixmatch` shows, the divergence `kl`, and the squared error `aet` of the decoders beside `aet_chance`,
    that of the mean transformation.
    """

    feed = staticmethod(semi)
    recipe = Recipe(steps=3000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.02, schedule="cosine", ema=0.99)
    paper = "Wang et al. 2019, https://arxiv.org/abs/1911.09265"
    use_when = "few pictures are labelled, many are not, and their class stays when they are turned, bent or tinted"
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        family: str = "all",
        degrees: float | None = None,
        aet_weight: float = 1.0,
        kl_weight: float = 1.0,
        mosaic: bool = True,
        temperature: float = 0.5,
        copies: int = 2,
        alpha: float = 0.75,
        unlabeled_weight: float = 75.0,
        ramp: float = 0.25,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "light",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        if spec.kind != "image":
            raise WrongUsage(
                f"enaet transforms pictures, and these items are {spec.kind}s\n  try: tacit train mixmatch"
            )
        check_guessing(copies, temperature, alpha)
        self.degrees = (180.0 if spec.shape[0] == 3 else 30.0) if degrees is None else float(degrees)
        check_degrees(self.degrees)
        self.families = weighted(family)
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.temperature, self.copies, self.alpha, self.mosaic = temperature, copies, alpha, mosaic
        self.kl_weight = kl_weight
        self.weight, self.aet_weight = Ramp(unlabeled_weight, ramp), Ramp(aet_weight, RISE)
        self.block = last_block(self.encoder)
        block = nn.Sequential(*list(self.encoder)[self.block])
        wide = width_after(self.encoder, spec.shape, self.block.stop)
        norm = "batch" if norm == "auto" else norm
        decoded = self.families if aet_weight else ()
        self.decoders = nn.ModuleDict(
            {name: Decoder(block, wide, target_size(name, spec.shape[0]), norm) for name in decoded}
        )

    def loss(self, batch: Semi) -> Terms:
        x = self.changed(batch.x)
        views = [self.changed(batch.u) for _ in range(self.copies)]
        erased = [with_mosaic(views[0], SIDE)] if self.mosaic else []
        sources = len(views + erased)
        u = torch.cat(views + erased)
        q = guessed(self, u, sources, self.temperature)
        labeled, unlabeled = mixed_losses(self, Labeled(x, batch.y), u, q, sources, self.alpha)
        told = self.of_transformed(views[0], erased, q)
        beside = self.aet_weight.value * told.get("aet", 0.0) + self.kl_weight * told.get("kl", 0.0)
        return {
            "loss": labeled + self.weight.value * unlabeled + beside,
            "labeled": labeled,
            "unlabeled": unlabeled,
            "confidence": q.amax(1).mean(),
            **told,
        }

    def of_transformed(self, u: Tensor, erased: list[Tensor], q: Tensor) -> Terms:
        """`aet`, `aet_chance` and `kl`, from one pass of all copies; those that count nothing are left out.

        The copies share the parts of the encoder before the last block; behind them, decoders go their own ways.
        """
        if not self.decoders and not self.kl_weight:
            return {}
        changed = transform(u, tuple(self.families), self.degrees)
        before = [u] if self.decoders else []
        after = [y for y, _ in changed] + (erased if self.kl_weight else [])
        found: Terms = {}
        with statistics_kept(self.encoder):
            maps = through(self.encoder, torch.cat(before + after), slice(self.block.start))
            first, seen = maps[: -len(after) * len(u)], maps[-len(after) * len(u) :]
            if self.kl_weight:
                logits = self.head(through(self.encoder, seen, slice(self.block.start, None))).float()
                found["kl"] = divergence_from(q.repeat(len(after), 1), logits)
        if self.decoders:
            errors = {
                name: F.mse_loss(self.decoders[name](first, h).float(), target)
                for name, h, (_, target) in zip(self.families, seen.split(len(u)), changed, strict=False)
            }
            found["aet"] = torch.stack([weight * errors[name] for name, weight in self.families.items()]).sum()
            by_mean = sum(weight * chance(name, self.degrees) for name, weight in self.families.items())
            found["aet_chance"] = found["aet"].new_tensor(by_mean)
        return found

    def changed(self, x: Tensor) -> Tensor:
        return self.change(x) if self.training else x

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels."""
        take_over([self.encoder], learned, self.spec)

    def after_step(self, progress: float) -> None:
        self.weight.follow(progress)
        self.aet_weight.follow(progress)


class Decoder(nn.Module):
    """The numbers of a transformation from maps before and after it: both through a block of its own, averaged over
    places, and one linear layer. Where there is no block, a hidden layer stands in its place."""

    def __init__(self, block: nn.Sequential, width: int, numbers: int, norm: str) -> None:
        super().__init__()
        self.block = copy.deepcopy(block)
        self.last = Projector(2 * width, numbers, layers=1 if len(block) else 2, norm=norm, last_norm=False)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        h = pooled(self.block(torch.cat([before, after])))
        return self.last(torch.cat(h.chunk(2), dim=1))


def pooled(h: Tensor) -> Tensor:
    """Maps averaged over their places, (B, C, H, W) -> (B, C); features stay."""
    return h.mean((2, 3)) if h.ndim == 4 else h

"""Representation Learning with Contrastive Predictive Coding.
van den Oord, Li & Vinyals, 2018. https://arxiv.org/abs/1807.03748
Data-Efficient Image Recognition with Contrastive Predictive Coding.
Henaff, Srinivas, De Fauw, Razavi, Doersch, Eslami & van den Oord, 2019. https://arxiv.org/abs/1905.09272

Departures: networks for two cores (128 features and a GRU of 128 in place of 512 and 256; a few 3x3 convolutions a patch in
place of a ResNet-161); AdamW at 2e-3 with a cosine and batches of 32 in place of Adam at 2e-4 for 300,000 updates; 128
negatives drawn anew each step; codes are means over a clip, where the first paper probes frames one by one.
Sounds: clips are centered and brought to one loudness, the convolutions padded, and each followed by a normalization over
the channels of a frame. Images: group norm inside a patch; a context sees its own row too, and rows that share pixels
with it are skipped; scores are multiplied by 0.1, as in the public code of a course given by an author of the second
paper; of the changes of patches only moves, mirrors and lost colors, where the one that is kept fills all three channels.

What was tried on spoken digits, one seed, a ridge probe on test clips; digits with 5 labels a class, in %:

- The normalization: 60.7 with it and 46.7 without, after a minute (430 steps).
- Candidates from the clip alone, as the paper tries: 58.0 (430 to 450 steps, 60.7 from the whole batch).
- 1,000 steps: context 68.6, with its spread 71.9, frames 57.0.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor

from tacit.across import everywhere, mean_everywhere, own_part
from tacit.data.feeds import items
from tacit.data.patch_views import patch_view
from tacit.data.pool import Pool
from tacit.data.sound_views import cut as stretch
from tacit.data.sound_views import lengths
from tacit.data.spec import ItemSpec
from tacit.errors import BadData, WrongUsage, unknown_name
from tacit.methods.method import Method, Recipe, Terms
from tacit.nn.ahead import FramesAhead, RowsBelow
from tacit.nn.patches import Patches, cut
from tacit.nn.trunk import Trunk
from tacit.nn.wave import Wave, field, frames, pooled, strides
from tacit.objectives.predictive import Guesses, predictive_nce

SECONDS = 1.28  # of a window: 20,480 samples at 16 kHz (sec. 3.1)
FRAMES, ROWS = 12, 3  # ahead
SCALE = 0.1  # of scores between patches
CANDIDATES = ("batch", "others")
DIRECTIONS, NORMS = (1, 2, 4), ("group", "none")
SETTINGS = {"sound": ("window",), "image": ("patch", "stride", "flip")}
LAYERS = {"sound": ("context", "context_spread", "frames"), "image": ("patches", "context")}  # the papers' codes first
LOOKED_AT = 200  # clips, before the first step


class Everyone(NamedTuple):
    """The parts of all items of a batch, of every process, laid end to end."""

    z: Tensor  # (M, D)
    item: Tensor  # (M,) which item a part is of
    here: Tensor  # (m,) where this process's own parts are
    candidates: Tensor  # (N,) what predictions choose among, beside their target: never one of the zeros behind a clip


class CPC(Method):
    """Which part of an item comes next? Parts are frames of a sound, and patches of an image row by row.

    - `ahead`: how far is predicted, in frames or rows; 0 is 12 frames (at most half a window) and 3 rows.
    - `negatives`: wrong answers that a prediction chooses among, drawn anew each step and shared by all; 0 takes every
      part of the batch. `candidates`: `batch`, or parts of `others` than the item itself.
    - `width` features of a part, `hidden` of a context; `norm`: `group`, or `none` as in the first paper.
    - Sounds: `window` samples from each clip, at random (0: 1.28 s).
    - Images: `patch` pixels a side, one every `stride` pixels (0: about 7 x 7 that overlap by half); `directions`: 4
      reads the grid from all sides, 2 from above and below, 1 from above; `flip` mirrors patches (None: in color only).
    - `layer`: what codes are. Sounds: the `context`, its mean and spread over time (`context_spread`), or the `frames`;
      images: the `patches`, or the `context`. `auto` is the first of each, as in the papers.

    Shown: the loss beside chance, the log of the number of candidates; `accuracy`, how often the right one was first.
    """

    feed = staticmethod(items)
    recipe = Recipe(steps=3000, batch=32, lr=2e-3, optimizer="adamw", schedule="cosine", warmup=0.05, clip=5.0)
    paper = "van den Oord et al. 2018, https://arxiv.org/abs/1807.03748 and https://arxiv.org/abs/1905.09272"
    use_when = "items are sounds, or pictures whose parts tell of each other, and there are few labels"

    def __init__(
        self,
        spec: ItemSpec,
        *,
        width: int = 128,
        hidden: int = 128,
        norm: str = "group",
        ahead: int = 0,
        negatives: int = 128,
        candidates: str = "batch",
        window: int = 0,
        patch: int = 0,
        stride: int = 0,
        directions: int = 4,
        flip: bool | None = None,
        layer: str = "auto",
    ) -> None:
        super().__init__(spec)
        check_kind(spec, window=window, patch=patch, stride=stride, flip=flip)
        at_least(1, width=width, hidden=hidden)
        at_least(0, ahead=ahead, negatives=negatives, window=window, patch=patch, stride=stride)
        if directions not in DIRECTIONS:
            raise WrongUsage(f"directions is {directions}, expected 1, 2 or 4")
        if norm not in NORMS:
            raise WrongUsage(
                f"norm is {norm!r}, expected group or none: statistics of a batch would tell of the future"
            )
        if candidates not in CANDIDATES:
            raise unknown_name("source of candidates", candidates, CANDIDATES)
        if layer not in ("auto", *LAYERS[spec.kind]):
            raise unknown_name("layer", layer, ("auto", *LAYERS[spec.kind]))
        self.layer = LAYERS[spec.kind][0] if layer == "auto" else layer
        self.sound, self.negatives, self.candidates = spec.kind == "sound", negatives, candidates
        if self.sound:
            self.window = min(spec.shape[1], window or round(SECONDS * spec.rate))
            check_window(self.window, spec.rate)
            wave = Wave(spec.shape[1], spec.rate, width, norm)
            self.encoder = Trunk(wave, out_dim=width)
            most = min(ahead or FRAMES, frames(self.window, wave.strides) // 2)
            self.predictor: FramesAhead | RowsBelow = FramesAhead(width, hidden, range(1, most + 1))
        else:
            grid = Patches(spec.shape, width, patch, stride, norm)
            self.encoder = Trunk(grid, out_dim=width)
            self.predictor = RowsBelow(width, hidden, rows_ahead(grid, ahead or ROWS), directions)
            self.flip = spec.shape[0] == 3 if flip is None else flip

    def check(self, pool: Pool, recipe: Recipe) -> None:
        if self.sound:
            some = torch.randperm(len(pool), generator=torch.Generator().manual_seed(0))[:LOOKED_AT]
            check_lengths(lengths(pool.floats(some)), self.spec.rate)

    def loss(self, x: Tensor) -> Terms:
        z, real = self.parts(self.view(x))
        everyone = self.everyone(z, real)
        guesses = [self.guess(p, everyone.here[target], everyone) for p, target in self.predictor(z, real)]
        nats, first, chance = (torch.cat(each) for each in zip(*guesses, strict=True))
        # clips differ in length, so processes do in how much they predict
        count = mean_everywhere(nats.new_tensor(len(nats))).clamp(min=1)
        return {"loss": nats.sum() / count, "chance": chance.sum() / count, "accuracy": first.sum() / count}

    def everyone(self, z: Tensor, real: Tensor) -> Everyone:
        parts = everywhere(z.float().flatten(2).transpose(1, 2))  # (B, n, D)
        place = torch.arange(parts[..., 0].numel(), device=z.device).view(len(parts), -1)
        candidates = place[everywhere(real.float()).bool().flatten(1)]
        if self.negatives:
            candidates = candidates[torch.randint(len(candidates), (self.negatives,), device=z.device)]
        return Everyone(parts.flatten(0, 1), (place // place.shape[1]).flatten(), own_part(place).flatten(), candidates)

    def guess(self, predictions: Tensor, target: Tensor, everyone: Everyone) -> Guesses:
        """Which of the candidates is the target? The target itself, or all of its item, cannot be a wrong answer."""
        z, item, _, candidates = everyone
        own = candidates == target[:, None] if self.candidates == "batch" else item[candidates] == item[target][:, None]
        predictions = predictions if self.sound else SCALE * predictions
        return predictive_nce(predictions, z[target], z[candidates], own)

    def view(self, x: Tensor) -> Tensor:
        """What a step sees: a stretch of each clip, the zeros behind it included; patches (B, R, S, C, p, p), changed."""
        if not self.sound:
            return patch_view(cut(x, self.grid.size, self.grid.stride), flip=self.flip)
        spare = (lengths(x) - self.window).clamp(min=0) + 1
        start = (torch.rand(len(x), device=x.device) * spare).long()
        return stretch(x, start, torch.full_like(start, self.window))[..., : self.window]

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of frames (B, D, n) or patches (B, D, R, S), and which of them are no zeros behind a clip."""
        if self.sound:
            return self.wave.frames(x), self.wave.heard(x)
        z = self.grid.encode(x)
        return z, torch.ones_like(z[:, 0], dtype=torch.bool)

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x) if self.layer in ("frames", "patches") else self.layers(x)[self.layer]

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Features by layer, that of the codes first: (B, D) each, means over time or over the grid."""
        if self.sound:
            z, real = self.parts(x)
            c = self.predictor.context(z)
            mean = pooled(c, real)
            spread = pooled((c - mean[..., None]).square(), real).clamp(min=1e-12).sqrt()  # of 0, no slope
            found = {"context": mean, "context_spread": torch.cat([mean, spread], 1), "frames": pooled(z, real)}
        else:
            z, _ = self.parts(cut(x, self.grid.size, self.grid.stride))
            found = {"patches": z.mean((2, 3)), "context": self.predictor.context(z).mean((2, 3))}
        return {self.layer: found.pop(self.layer), **found}

    def views(self, x: Tensor) -> Tensor:
        """What a step sees of items: a window (B, 1, 1, window), or patches (B, V, C, p, p)."""
        seen = self.view(x)
        return seen[:, None] if self.sound else seen.flatten(1, 2)

    @property
    def wave(self) -> Wave:
        return cast(Wave, self.encoder[0])

    @property
    def grid(self) -> Patches:
        return cast(Patches, self.encoder[0])


def check_kind(spec: ItemSpec, **given: int | bool | None) -> None:
    """An error for items without parts, and for settings that are about another kind of items."""
    if spec.kind not in SETTINGS:
        raise WrongUsage(f"cpc predicts parts of sounds and of images; a {spec.kind} has none\n  try: tacit learn vae")
    for name, value in given.items():
        if value and name not in SETTINGS[spec.kind]:
            raise WrongUsage(f"--{name} does not apply to {spec.kind}s\n  leave it out")


def at_least(least: int, **numbers: int) -> None:
    for name, value in numbers.items():
        if value < least:
            raise WrongUsage(f"{name} is {value}, expected a whole number from {least} on")


def least_samples(rate: int) -> int:
    """What one frame sees, and two frames more: less leaves nothing to predict."""
    layers = strides(rate)
    return field(layers) + 2 * math.prod(layer.stride for layer in layers)


def check_window(samples: int, rate: int) -> None:
    if samples < least_samples(rate):
        raise WrongUsage(
            f"{samples} samples of a sound are too few for cpc: a frame sees {field(strides(rate))} of them, and with two more to"
            f" predict it takes {least_samples(rate)} ({least_samples(rate) / max(rate, 1):.2g} s)\n"
            "  try: a longer --window, longer clips, or tacit learn vae"
        )


def check_lengths(samples: Tensor, rate: int) -> None:
    """An error where most clips, (n,) samples long, have nothing to predict in them."""
    short = int((samples < least_samples(rate)).sum())
    if 2 * short > len(samples):
        silent = int((samples == 0).sum())
        raise BadData(
            f"{short:,} of {len(samples):,} clips looked at are too short for cpc, {silent:,} of them silent: it takes"
            f" {least_samples(rate)} samples ({least_samples(rate) / max(rate, 1):.2g} s) to predict anything\n"
            "  leave them out, or try: tacit learn vae"
        )


def rows_ahead(grid: Patches, ahead: int) -> range:
    """The first row that shares no pixel with the one it is predicted from, and the next ones, as far as the grid has
    them in every direction."""
    first = -(-grid.size // grid.stride)
    if first >= min(grid.grid):
        raise WrongUsage(
            f"patches of {grid.size} pixels every {grid.stride} overlap with all others of a grid of {grid.grid[0]} x {grid.grid[1]}\n"
            "  try: a smaller --patch or a larger --stride"
        )
    return range(first, min(first + ahead, *grid.grid))

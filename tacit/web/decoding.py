"""What a space can decode: items rebuilt from their codes, ways between two, relatives of one, and main directions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Query

from tacit.errors import BadData, WrongUsage
from tacit.web import pictures, schemas
from tacit.web.desk import Desk, Here

if TYPE_CHECKING:
    from torch import Tensor

    from tacit.latent.space import Space

router = APIRouter(prefix="/api/decode")

SIZE = 160  # pixels of a decoded picture
MOST = 64  # items rebuilt at once
AXES = 8  # main directions with a slider
SMALL = 1e-4  # of the largest deviation; a direction below it has nothing to slide along
FARTHEST = 20.0  # standard deviations that a slider may go
FEW = 5000  # items whose typical step is found in about a second, if nobody has found it before
UNIT = {"image": "of pixels from 0 to 1", "sound": "of samples from -1 to 1", "vector": "of standardized columns"}
AVERAGED = 1000  # items in the mean item, which a rebuilt one is compared with

SpaceName = Annotated[str | None, Query(max_length=500)]


@router.get("/reconstruct")
def reconstruct(
    desk: Here, rows: Annotated[str, Query(max_length=2000)], space: SpaceName = None
) -> schemas.DecodedItems:
    """What is left of some items when only their codes are kept."""
    wanted = desk.check(row_numbers(rows, MOST))
    used = decoder(desk, space)
    with desk.model_lock:
        made = used.pool.spec.within(used.decode(codes_of(desk, used, wanted)))
    mean = mean_item(used)
    said = f"what {used.codes.shape[1]} numbers keep of an item; off by: root mean square, {UNIT[used.pool.spec.kind]}"
    if len(wanted):
        said += f"; the mean of {min(len(used), AVERAGED):,} items, as the least one could know, stands for comparison"
    found = []
    for row, x, item in zip(wanted, made, desk.items(wanted), strict=True):
        real = pictures.item(desk, int(row))
        found.append(shown(desk, x, item, label=f"off by {rms(real, x)}; the mean item by {rms(real, mean)}"))
    return schemas.DecodedItems(items=found, said=said)


@router.post("/walk")
def walk(desk: Here, order: schemas.WalkOrder) -> schemas.DecodedItems:
    """Steps from one item to another, with the real item nearest to each."""
    desk.check([order.a, order.b])
    used = decoder(desk, order.space)
    with desk.model_lock:
        a, b = codes_of(desk, used, [order.a, order.b])
        way = used.walk(a, b, order.steps, order.kind)
    labels = [f"{100 * share:.0f} %" for share in np.linspace(0, 1, order.steps)]
    said = f"{order.steps} steps from the one to the other; under each the real item nearest to it{typical(used)}"
    return schemas.DecodedItems(items=with_nearest(desk, used, way.items, way.codes, labels), said=said)


@router.post("/variations")
def variations(desk: Here, order: schemas.VariationOrder) -> schemas.DecodedItems:
    """New items like one, and the real item nearest to each."""
    row = int(desk.check([order.row])[0])
    used = decoder(desk, order.space)
    learned = hasattr(used.method, "jitter")
    if not learned:
        _ = used.step  # found once, which can take a while: before the lock, not behind it
    at = int(desk.rows.position[row])
    known = bool(desk.rows.is_pool[row]) and at < len(used)
    with desk.model_lock:
        like = at if known else pictures.item(desk, row)
        made = used.pool.spec.within(used.generate(like, order.n, scale=order.scale, seed=order.seed))
        codes = used.encode(made)
    spread = "the spread that the method has learned" if learned else "the distance between neighbours"
    far = spread if order.scale == 1 else f"{order.scale:g} times {spread}"
    said = f"{order.n} new items like this one, {far} away, seed {order.seed}{typical(used)}"
    return schemas.DecodedItems(items=with_nearest(desk, used, made, codes), said=said)


@router.get("/axes")
def axes(desk: Here, row: int, space: SpaceName = None) -> schemas.Axes:
    """The main directions of the codes, and where an item lies along each; the sliders of `slide`."""
    desk.check([row])
    used = decoder(desk, space)
    found = main_directions(used)
    with desk.model_lock:
        at = found.along(codes_of(desk, used, [row]))[0]
    return schemas.Axes(
        row=row,
        axes=[
            schemas.Axis(
                index=i,
                share=float(found.share[i]),
                low=float(found.low[i]),
                high=float(found.high[i]),
                at=float(at[i]),
            )
            for i in range(len(found.share))
        ],
    )


@router.post("/slide")
def slide(desk: Here, order: schemas.SliderOrder) -> schemas.DecodedItems:
    """An item moved to other places along main directions; the directions not named stay where they are."""
    desk.check([order.row])
    used = decoder(desk, order.space)
    found = main_directions(used)
    for index, place in order.at.items():
        if not 0 <= index < len(found.share):
            raise WrongUsage(f"there is no direction {index}; they are 0 to {len(found.share) - 1}")
        if not (math.isfinite(place) and abs(place) <= FARTHEST):
            raise WrongUsage(f"direction {index} is at {place:g}; it goes from {-FARTHEST:g} to {FARTHEST:g}")
    with desk.model_lock:
        z = codes_of(desk, used, [order.row])
        at = found.along(z)
        for index, place in order.at.items():
            z = z + (place - at[0, index]) * found.deviation[index] * found.directions[index]
        made = used.decode(z)
    moved = f"moved along {len(order.at)} main direction{'s' * (len(order.at) != 1)}{typical(used)}"
    return schemas.DecodedItems(items=with_nearest(desk, used, made, z), said=moved)


# codes


def space_of(desk: Desk, name: str | None) -> "Space":
    """The space of this name; BadData where no item could be in it."""
    if not len(desk.rows.pool):
        raise BadData("the pool is empty: every item is in the yardstick\n  make the project anew with --yardstick 0")
    return desk.space(name)


def decoder(desk: Desk, name: str | None) -> "Space":
    used = space_of(desk, name)
    if not used.can_decode:
        raise WrongUsage(f"the space {desk.space_name(name)} cannot decode\n  learn one that can: tacit learn vae")
    return used


def codes_of(desk: Desk, space: "Space", rows: Sequence[int] | np.ndarray) -> "Tensor":
    """Codes (n, D) of items; those of the yardstick have none in the space and get them now."""
    import torch

    codes = []
    for row in rows:
        at = int(desk.rows.position[row])
        if desk.rows.is_pool[row] and at < len(space):
            codes.append(space.codes[at].float())
        else:
            with desk.model_lock:
                codes.append(space.encode(pictures.item(desk, int(row))[None])[0].float())
    return torch.stack(codes) if codes else space.codes[:0].float()


def row_numbers(text: str, most: int) -> list[int]:
    """Rows written as 1,2,3."""
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > most:
        raise WrongUsage(f"{len(parts):,} rows were asked for; {most} at once at most")
    try:
        return [int(part) for part in parts]
    except ValueError:
        raise WrongUsage(f"{text[:80]!r} is no list of rows\n  write them as 1,2,3") from None


# main directions


@dataclass(frozen=True)
class Directions:
    """Principal axes of the codes, those with the largest variance first."""

    mean: "Tensor"  # (D,)
    directions: "Tensor"  # (A, D), of length 1
    deviation: "Tensor"  # (A,) standard deviations of the codes along them
    share: np.ndarray  # (A,) of the variance
    low: np.ndarray  # (A,) 1st percentile of the codes, in standard deviations
    high: np.ndarray  # (A,) 99th

    def along(self, z: "Tensor") -> "Tensor":
        """Places (n, A) of codes (n, D), in standard deviations from the mean."""
        return (z - self.mean) @ self.directions.T / self.deviation


@lru_cache(maxsize=4)
def main_directions(space: "Space") -> Directions:
    """Up to 8; fewer where the codes do not fill so many."""
    import torch

    codes = space.codes.float()
    mean = codes.mean(0)
    centered = codes - mean
    variance, vectors = torch.linalg.eigh(centered.T.double() @ centered.double() / len(codes))
    variance, vectors = variance.flip(0).clamp(min=0), vectors.flip(1).T  # largest first, (D, D) by rows
    used = (variance.sqrt() > SMALL * variance[0].sqrt())[:AXES].sum() if variance[0] > 0 else 0
    vectors = vectors[: int(used)]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))  # a direction has no sign of its own
    directions, deviation = (vectors * largest.sign()).float(), variance[: int(used)].sqrt().float()
    places = (centered @ directions.T / deviation).numpy()
    low, high = np.percentile(places, [1, 99], axis=0)
    return Directions(mean, directions, deviation, (variance / variance.sum())[: int(used)].numpy(), low, high)


@lru_cache(maxsize=4)
def mean_item(space: "Space") -> "Tensor":
    return space.pool.floats(slice(0, AVERAGED)).mean(0)


# what is sent


def with_nearest(
    desk: Desk, space: "Space", x: "Tensor", codes: "Tensor", labels: Sequence[str] = ()
) -> list[schemas.Decoded]:
    """Decoded items (n, *item), each with the real item nearest to its code."""
    distance, index = space.nearest(codes, 1)
    near = desk.items(desk.rows.pool[index[:, 0].numpy()])
    said = labels or [""] * len(near)
    return [
        shown(desk, one, item, float(away), label)
        for one, item, away, label in zip(space.pool.spec.within(x), near, distance[:, 0], said, strict=True)
    ]


def shown(
    desk: Desk, x: "Tensor", nearest: schemas.Item, distance: float | None = None, label: str = ""
) -> schemas.Decoded:
    """One decoded item (*item) as a picture, and as a sound where it is one."""
    from tacit.report.sounds import address

    spec = desk.project.sides[0].spec
    picture = pictures.address(pictures.fitted(pictures.drawn(x, spec, SIZE), SIZE))
    sound = address(x, spec.rate) if spec.kind == "sound" else None
    return schemas.Decoded(src=picture, sound=sound, nearest=nearest, distance=distance, label=label)


def typical(space: "Space") -> str:
    """What distances in this space compare with, where that is known or quickly found."""
    if "graph" not in vars(space) and len(space) > FEW:
        return ""
    return f" (neighbours are typically {space.step:.2g} apart)"


def rms(a: "Tensor", b: "Tensor") -> str:
    """The root mean square of the difference of two items, in their unit."""
    return f"{float((a - b).square().mean().sqrt()):.2g}"

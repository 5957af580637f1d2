"""The verb `generate`: new items like some that are named, or drawn from the prior of what was learned."""

import difflib
import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit.data import pictures, sound
from tacit.data.feeds import mix
from tacit.data.like import read_file, read_like
from tacit.data.pool import Items
from tacit.data.spec import ItemSpec
from tacit.deploy.export import load
from tacit.disk import new_folder
from tacit.engine.run import Run
from tacit.errors import BadData, WrongUsage
from tacit.latent.space import Space
from tacit.outcome import Outcome
from tacit.project.home import Home
from tacit.report.pixels import as_image, sheet
from tacit.report.sounds import spectra, wav

FILES = pictures.EXTENSIONS | sound.EXTENSIONS
SHEET, TABLE = "sheet.png", "items.npz"
COLUMNS, ROWS = 16, 64  # of the sheet at most; the files beside it are all there


@dataclass(frozen=True)
class Exemplar:
    """What new items are to be like: an item of the pool by its position, or any other by itself."""

    name: str
    origin: str  # "pool", "yardstick" or "file"
    like: int | Tensor
    item: Tensor  # (*item) as a method sees it


def generate(
    project: Home,
    names: list[str],
    n: int = 16,
    *,
    to: str | Path = "generated",
    run: str | None = None,
    scale: float = 1.0,
    seed: int | None = None,
) -> Outcome:
    """A new folder with n items like each of those named, or n from the prior where none is.

    Images: a folder for each exemplar (`item.png` as the method sees it, then `01.png` ...) and all of it on
    `sheet.png`. Sounds: the same with `.wav` files, the sheet shows their spectra. Vectors: `items.npz` with `x` (items, F) in the units of the source, and `exemplar`, whom each is like.

    Names are ids or paths of the project, pictures or sounds, rows of an array file or a table (`new.npz#3`), or whole sources;
    what is not in the pool is encoded as it is, without a training.
    """
    if n < 1 or not 0 <= scale < math.inf:
        raise WrongUsage(f"n is {n} and scale {scale:g}; make at least one item, at a scale of 0 or more")
    used, space = decoding_space(project, run)
    seed = project.seed if seed is None else seed
    with new_folder(to) as folder:
        found = list(exemplars(project, names))
        if not found:
            check_prior(space, used.name, scale)
        made = new_items(space, found, n, scale, seed)
        spec, vectors = space.pool.spec, space.pool.spec.kind == "vector"
        places = (write_vectors if vectors else write_files)(folder, spec, found, made)
    record: dict[str, Any] = {
        "folder": str(to),
        "run": used.name,
        "n": n,
        "scale": scale,
        "seed": seed,
        "items": n * max(1, len(found)),
        "exemplars": [
            {"name": one.name, "from": one.origin, "folder": place} for one, place in zip(found, places, strict=True)
        ],
    }
    return Outcome(
        record, [*told(space, found, n, used.name), f"wrote {to}; see {Path(to) / (TABLE if vectors else SHEET)}"]
    )


def check_prior(space: Space, name: str, scale: float) -> None:
    """An error where there is nothing to draw from, or an option that only an exemplar gives a meaning."""
    if not hasattr(space.method, "sample"):
        raise WrongUsage(
            f"{name} has no prior to draw from, and no exemplar is named\n"
            "  name some: tacit generate ITEM..., or learn one that has: tacit learn exemplar_vae"
        )
    if scale != 1.0:
        raise WrongUsage("a scale is about one exemplar, and none is named\n  try: tacit generate ITEM --scale 0.5")


def new_items(space: Space, found: list[Exemplar], n: int, scale: float, seed: int) -> Iterator[Tensor]:
    """The relatives (n, *item) of one exemplar after the other; without any, one draw from the prior."""
    if not found:
        yield space.sample(n, seed=seed)
    for i, one in enumerate(found):
        yield space.generate(one.like, n, scale=scale, seed=mix(seed, i))


def told(space: Space, found: list[Exemplar], n: int, name: str) -> list[str]:
    """What was made, and what to know about it."""
    if not found:
        return [f"{n:,} new items from the prior ({name})"]
    lines = [f"{n:,} new items like {found[0].name if len(found) == 1 else f'each of {len(found):,}'} ({name})"]
    if outside := sum(one.origin != "pool" for one in found):
        lines.append(f"{outside:,} of the exemplars are not in the pool: encoded as they are")
    if not hasattr(space.method, "jitter"):
        lines.append("as far from their exemplar as neighbours are; exemplar_vae learns how far that should be")
    return lines


def decoding_space(project: Home, name: str | None) -> tuple[Run, Space]:
    """A finished run whose method can decode, and its space."""
    run = project.run(name, "learn")
    if not run.finished:
        raise WrongUsage(f"run {run.name} is not finished\n  continue it: tacit {run.record['task']} --resume")
    method = load(run.folder, trust_code=True)
    if not hasattr(method, "decode"):
        raise WrongUsage(
            f"{run.name} cannot decode, so it makes no new items\n  learn one that can: tacit learn exemplar_vae"
        )
    return run, Space.load(run.folder, project.pool, method)


def exemplars(project: Home, names: list[str]) -> Iterator[Exemplar]:
    """The items of these names; of a source that is no part of the project, all its items."""
    known, pool, yardstick = project.known(), project.pool, project.yardstick
    for name in names:
        id_ = identify(name, known, project.settings.source)
        if id_ is None:
            for places, rows in outside(project, name):
                for place, item in zip(places, Items(pool.spec, rows).floats(slice(None)), strict=True):
                    yield Exemplar(place, "file", item, item)
        elif (at := int(pool.find([id_])[0])) >= 0:
            yield Exemplar(name, "pool", at, pool.floats([at])[0])
        else:
            item = yardstick.floats(yardstick.find([id_]))[0]
            yield Exemplar(name, "yardstick", item, item)


def identify(name: str, known: dict[str, str], source: Path) -> str | None:
    """The id of an item of the project by its id, its path in the source, or its path from here; None for files."""
    base = source if source.is_dir() else source.parent
    links = (os.path.realpath(name), base.resolve())
    found = known.get(name) or known.get(os.path.relpath(name, base)) or known.get(os.path.relpath(*links))
    if found is None and not place_of(name)[0].exists():
        close = difflib.get_close_matches(name, known, n=1)
        meant = (
            f"did you mean: {close[0]}?" if close else f"a path inside the source is meant, like {next(iter(known))}"
        )
        raise WrongUsage(f"there is no item {name!r}: no id, no path of this project, and no file here\n  {meant}")
    return found


def outside(project: Home, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
    """Names and stored rows of items that are not in the project, prepared as its items were."""
    path, row = place_of(name)
    if path.is_file() and path.suffix.lower()[1:] in FILES:
        yield [name], read_file(path, project.folder)
        return
    seen = 0
    for batch in read_like(path, project.folder):
        places = [file.path for file in batch.files]
        wanted = [i for i, place in enumerate(places) if not row or place.rpartition("#")[2] == row]
        seen += len(wanted)
        yield [places[i] for i in wanted], batch.rows[wanted]
    if not seen:
        raise BadData(f"{path} has nothing that can be read{f' at {row}' if row else ''}")


def place_of(name: str) -> tuple[Path, str]:
    """A path, and the number of a row in it where one is named: `new.npz#3`."""
    path, _, row = name.rpartition("#")
    return (Path(path), row) if path and not Path(name).exists() else (Path(name), "")


def write_files(folder: Path, spec: ItemSpec, found: list[Exemplar], made: Iterable[Tensor]) -> list[str]:
    """PNG (or WAV) files, a folder for each exemplar, and the sheet; what these folders are called."""
    places = [f"{i:02d}-{plain(one.name)}" for i, one in enumerate(found, start=1)]
    rows: list[np.ndarray] = []
    for i, items in enumerate(made):
        place = folder / places[i] if found else folder
        place.mkdir(exist_ok=True)
        for k, item in enumerate(items, start=1):
            write_item(place, f"{k:0{max(2, len(str(len(items))))}d}", item, spec)
        if not found:
            rows += [drawn(row, spec) for row in items.split(COLUMNS)]
            continue
        write_item(place, "item", found[i].item, spec)
        if i < ROWS:
            rows.append(drawn(torch.cat([found[i].item[None], items[:COLUMNS]]), spec))
    sheet(rows[:ROWS], apart=bool(found)).save(folder / SHEET)
    return places


def write_item(folder: Path, name: str, item: Tensor, spec: ItemSpec) -> None:
    """One item (*item) as a file that people can open."""
    if spec.kind == "sound":
        (folder / f"{name}.wav").write_bytes(wav(item, spec.rate))
    else:
        as_image(item.numpy()).save(folder / f"{name}.png")


def drawn(items: Tensor, spec: ItemSpec) -> np.ndarray:
    """Items as pictures (n, C, H, W) in [0, 1]."""
    return (spectra(items, spec.rate) if spec.kind == "sound" else items).numpy()


def write_vectors(folder: Path, spec: ItemSpec, found: list[Exemplar], made: Iterable[Tensor]) -> list[str]:
    """All rows in the units of the source, and whom each is like; there is no folder for each."""
    parts = [spec.to_stored(items).numpy() for items in made]
    like = np.repeat([one.name for one in found] or [""], len(parts[0]))
    np.savez(folder / TABLE, x=np.concatenate(parts), exemplar=like)
    return [""] * len(found)


def plain(name: str) -> str:
    """A name as part of a file name."""
    stem, _, extension = name.rpartition(".")
    kept = stem if extension.lower() in FILES else name
    return re.sub(r"[^\w.-]+", "-", kept).strip("-.")[-60:] or "item"

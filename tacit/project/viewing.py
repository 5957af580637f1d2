"""`tacit look --views`: a picture of what a method is shown of some items while it learns."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tacit import methods
from tacit.data.feeds import mix
from tacit.data.spec import ItemSpec
from tacit.disk import replacing
from tacit.errors import WrongUsage
from tacit.nn.mel import LogMel
from tacit.outcome import Outcome
from tacit.project.home import Home
from tacit.project.learning import automatic
from tacit.report.pixels import as_image, sheet

ITEMS, MOST = 8, 16  # rows of the picture; views of an item in it
USUAL = "simclr"
PICTURE = "views.png"


@torch.no_grad()
def look_at_views(project: Home, name: str | None, settings: dict[str, Any]) -> Outcome:
    """`reports/views.png`: eight items, each with its views beside it. Nothing is trained, and no run is made."""
    pool = project.pool
    if pool.spec.kind == "vector":
        raise WrongUsage("the views of vectors are not drawn: there is nothing to see\n  in Python: method.views(x)")
    settings = {key.replace("-", "_"): value for key, value in settings.items()}
    seed = int(settings.pop("seed", project.seed))
    if name is None:
        name = automatic(pool)[0]
        name = name if hasattr(methods.find(name), "views") else USUAL
    cls = methods.find(name)
    if not hasattr(cls, "views"):
        raise WrongUsage(
            f"{name} has no views to show: it learns from items as they are\n  one that has: tacit look --views {USUAL}"
        )
    options, _ = methods.split_settings(cls, settings)
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        method: Any = methods.build(name, pool.spec, **options).eval()
        index = torch.randperm(len(pool))[:ITEMS]
        x = pool.floats(index)
        views = method.views(x)  # (n, V, *view)
    shown = views[:, :MOST]
    rows = [pictures([item, *seen], pool.spec) for item, seen in zip(x, shown, strict=True)]
    path = project.folder / "reports" / PICTURE
    with replacing(path) as temporary:
        sheet(rows, apart=True).save(temporary, format="PNG")
    total = views.shape[1]
    cut = f" (the first {MOST} of {total})" if total > MOST else ""
    lines = [
        f"{len(x)} items, each with {shown.shape[1]} of its views beside it, as {name} sees them{cut}",
        f"see {path}",
        f"change them: tacit methods {name}; then tacit learn {name} with the same settings",
    ]
    return Outcome({"path": str(path), "method": name, "items": len(x), "views": total}, lines)


def pictures(items: list[Tensor], spec: ItemSpec) -> np.ndarray:
    """Items and views of any size as pictures of one size, (n, 3, H, W): smaller ones lie in the middle, on white."""
    drawn = [drawable(item, spec) for item in items]
    height, width = (max(one.shape[side] for one in drawn) for side in (0, 1))
    plates = np.ones((len(drawn), height, width, 3), np.float32)
    for plate, one in zip(plates, drawn, strict=True):
        top, left = (height - one.shape[0]) // 2, (width - one.shape[1]) // 2
        plate[top : top + one.shape[0], left : left + one.shape[1]] = one / 255
    return plates.transpose(0, 3, 1, 2)


def drawable(item: Tensor, spec: ItemSpec) -> np.ndarray:
    """One item or view in colors, (H, W, 3) uint8. A sound is drawn as its spectrum: time to the right, pitch upwards."""
    if spec.kind == "sound" and item.ndim == 2:
        item = LogMel(spec.rate)(item[None])[0].flip(1)
    return np.asarray(as_image(item.float().numpy()).convert("RGB"))

"""A model as a folder: what it is (`config.json`), its weights (`model.safetensors`) and a card for people.

Weights carry no code. A method of one's own does: its file travels with the folder, and `load` runs it only when told
to trust it.
"""

import copy
import inspect
import json
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import tacit
from tacit import methods
from tacit.data.pool import Items
from tacit.data.spec import ItemSpec
from tacit.deploy.card import write_card
from tacit.disk import new_folder, replacing, write_atomic
from tacit.engine.apply import apply
from tacit.errors import BadData, BadEnvironment, TacitError, WrongUsage, unknown_name
from tacit.methods.method import Method

FORMAT = 1  # of the folder; one of a newer format is refused, never guessed at
CONFIG, WEIGHTS = "config.json", "model.safetensors"
CHECKED = 64  # items on which a model must answer after loading as it did before


@dataclass(frozen=True)
class Exported:
    """What was written, and on how many items it was checked to answer exactly as before."""

    folder: Path
    bytes: int
    items: int


def export(method: Method, name: str, folder: Path, *, pool: Items | None, card: dict[str, Any]) -> Exported:
    """A new folder with a trained method, loaded again and compared bit for bit before it is there under its name.

    `name` is the method's in the catalogue, or `file.py:Class`. It is compared on items of `pool`, without one on
    random ones. `card` is what the card tells beside what the method knows of itself (see `deploy/card.py`).
    """
    items = random_items(method.spec)
    if pool:
        items = pool[torch.linspace(0, len(pool) - 1, min(CHECKED, len(pool))).long()]
    with new_folder(folder) as partial:
        write_card(partial, method, save(method, name, partial), card)
        check_same(method, load(partial, trust_code=True), method.spec.to_float(items))
    return Exported(folder, sum(path.stat().st_size for path in folder.iterdir()), len(items))


def save(method: Method, name: str, folder: Path) -> str:
    """Write configuration and weights into a folder, each file whole or not at all; the method's name as written."""
    from safetensors.torch import save_file

    if methods.CATALOGUE.get(name) is not type(method):
        name = bring_code(method, folder)
    config = {
        "format": FORMAT,
        "tacit": tacit.__version__,
        "method": name,
        "task": "classify" if hasattr(method, "logits") else "embed",
        "options": method.options,
        "spec": method.spec.to_dict(),
    }
    if method.confidence_temperature != 1:
        config["confidence_temperature"] = method.confidence_temperature
    try:
        text = json.dumps(config, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise WrongUsage(
            f"the options of {name} cannot be written down: {error}\n  use numbers, words and lists"
        ) from error
    write_atomic(folder / CONFIG, text + "\n")
    # a copy of each tensor: safetensors refuses those that share memory or are not laid out row by row
    state = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in method.state_dict().items()
    }
    with replacing(folder / WEIGHTS) as temporary:
        save_file(state, temporary)
    return name


def bring_code(method: Method, folder: Path) -> str:
    """Copy the file of someone's own method beside the weights; its name as `file.py:Class`."""
    kind = type(method)
    try:
        source = Path(inspect.getfile(kind))
    except (TypeError, OSError):
        raise WrongUsage(
            f"{kind.__name__} was written in a session; the folder would lack its code\n  put it into a file of its own"
        ) from None
    if source.parent != folder:
        write_atomic(folder / source.name, source.read_bytes())
    return f"{source.name}:{kind.__name__}"


def load(path: Path | str, *, trust_code: bool = False) -> Method:
    """The method in a folder that `save` or `export` wrote, on the CPU, ready to answer (in evaluation mode).

    `trust_code` allows a folder with a method of someone's own to run the code it brings.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is not a folder with a model\n  make one: tacit export")
    config = read_config(folder)
    name = str(config["method"])
    if name not in methods.CATALOGUE:
        name = own_code(folder, name, trust_code)
    try:
        with torch.random.fork_rng():  # building draws first weights: the caller's random numbers stay theirs
            method = methods.build(name, ItemSpec.from_dict(config["spec"]), **config["options"])
    except TacitError as error:
        raise BadData(
            f"{folder / CONFIG} asks for what this Tacit ({tacit.__version__}) does not have: {error}"
        ) from error
    except (TypeError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise BadData(
            f"{folder / CONFIG} does not describe a model: {error}\n  export it again: tacit export"
        ) from error
    fill(method, folder / WEIGHTS)
    method.confidence_temperature = temperature_of(config, folder)
    return method.eval()


def temperature_of(config: dict[str, Any], folder: Path) -> float:
    """What the logits of a calibrated model are divided by; 1 where it was not calibrated."""
    found = config.get("confidence_temperature", 1.0)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < math.inf:
        raise BadData(
            f"{folder / CONFIG} has a confidence_temperature of {found!r}, expected a number above 0\n"
            "  export it again: tacit export"
        )
    return float(found)


def read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadData(f"{folder} has no {CONFIG}, so it is not a whole model\n  make one: tacit export") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadData(f"{path} cannot be read: {error}\n  export it again: tacit export") from error
    wanted = {"format": int, "method": str, "options": dict, "spec": dict}
    lacking = [
        key for key, kind in wanted.items() if not isinstance(config, dict) or not isinstance(config.get(key), kind)
    ]
    if lacking:
        raise BadData(f"{path} lacks {', '.join(lacking)}\n  export it again: tacit export")
    if config["format"] > FORMAT:
        raise BadEnvironment(
            f"{folder} was written by a newer Tacit ({config.get('tacit')}, format {config['format']}; this one is "
            f"{tacit.__version__} and knows {FORMAT})\n  upgrade: pip install --upgrade tacit"
        )
    return config


def own_code(folder: Path, name: str, trust_code: bool) -> str:
    """`file.py:Class` of a folder as `methods.find` reads it; the file must lie in the folder itself."""
    file, _, wanted = name.rpartition(":")
    if not file:
        raise BadData(
            f"{folder / CONFIG} names a method of another Tacit: {unknown_name('method', name, methods.CATALOGUE)}"
        )
    if Path(file).name != file or not (folder / file).is_file():
        raise BadData(f"{folder / CONFIG} names the method {name}, but the folder has no file {file}")
    if not trust_code:
        raise WrongUsage(
            f"{folder} brings its own code, {file}, and loading would run it\n"
            f"  read it, and when you trust it: tacit.load({str(folder)!r}, trust_code=True)"
        )
    return f"{folder / file}:{wanted}"


def fill(method: Method, path: Path) -> None:
    """Weights from a file into a method built for them."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except FileNotFoundError:
        raise BadData(
            f"{path.parent} has no {path.name}, so it is not a whole model\n  make one: tacit export"
        ) from None
    except (SafetensorError, OSError) as error:
        raise BadData(f"{path} cannot be read: {error}\n  export it again: tacit export") from error
    try:
        method.load_state_dict(state)
    except RuntimeError as error:
        first = textwrap.shorten(" ".join(str(error).splitlines()[1:]), 200)
        raise BadData(f"{path} does not fit {CONFIG} beside it: {first}\n  export it again: tacit export") from error


def check_same(method: Method, again: Method, x: Tensor) -> None:
    """Every answer of the reloaded method is the original's, bit for bit."""
    original = row_by_row(method)
    for ability in ("embed", "logits"):
        if hasattr(method, ability):
            answers = []
            for one in (original, again):
                with torch.random.fork_rng():
                    torch.manual_seed(0)  # a method that draws at random draws the same
                    answers.append(apply(one, getattr(one, ability), x))
            if not answers[0].isfinite().all():
                raise BadData(
                    f"{ability} of {type(method).__name__} gives answers that are not numbers\n  train it again"
                )
            if not torch.equal(*answers):
                far = (answers[0] - answers[1]).abs().max().item()
                raise BadData(
                    f"after loading, {ability} of {type(method).__name__} differs by {far:.2g}: it remembers something "
                    "that is not in its state\n  make that a parameter or a buffer"
                )


def row_by_row(method: Method) -> Method:
    """A copy on the CPU with every weight laid out row by row, as in a file: another layout rounds differently."""
    twin = copy.deepcopy(method).cpu()
    for tensor in [*twin.parameters(), *twin.buffers()]:
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    return twin


def random_items(spec: ItemSpec) -> Tensor:
    """Made-up stored items, where there is no pool to take real ones from."""
    generator = torch.Generator().manual_seed(0)
    if spec.kind == "image":
        return torch.randint(256, (CHECKED, *spec.shape), generator=generator, dtype=torch.uint8)
    if spec.kind == "sound":
        return torch.randint(-29491, 29492, (CHECKED, *spec.shape), generator=generator, dtype=torch.int16)
    x = torch.randn(CHECKED, *spec.shape, generator=generator)
    return x * torch.tensor(spec.scale) + torch.tensor(spec.center) if spec.center else x

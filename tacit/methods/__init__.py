"""The methods by name. A new file and a new line: that is the whole procedure.

Someone else's method is named by `path/to/file.py:Class` and needs neither.
"""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch

from tacit.data.feeds import mix
from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage, unknown_name
from tacit.methods.aet import AET
from tacit.methods.autoencoder import AutoEncoder
from tacit.methods.conv_hvae import ConvHVAE
from tacit.methods.cpc import CPC
from tacit.methods.distil import Distil
from tacit.methods.enaet import EnAET
from tacit.methods.exemplar_task import ExemplarTask
from tacit.methods.exemplar_vae import ExemplarVAE
from tacit.methods.finetune import Finetune
from tacit.methods.fixmatch import FixMatch
from tacit.methods.hvae import HVAE
from tacit.methods.iwae import IWAE
from tacit.methods.linear import Linear
from tacit.methods.method import Method
from tacit.methods.mixmatch import MixMatch
from tacit.methods.mixup import MixUp
from tacit.methods.moco import MoCo
from tacit.methods.parzen_window import ParzenWindow
from tacit.methods.pseudo_label import PseudoLabel
from tacit.methods.rotation import Rotation
from tacit.methods.s4l import S4L
from tacit.methods.settings import convert, method_options, settings_of_each, split_settings
from tacit.methods.simclr import SimCLR
from tacit.methods.supervised import Supervised
from tacit.methods.vae import VAE
from tacit.methods.vamp_prior import VampPrior
from tacit.methods.what_where import WhatWhere
from tacit.methods.what_where_autoencoder import WhatWhereAutoEncoder

__all__ = ["CATALOGUE", "build", "find", "seeded", "settings_of_each", "split_settings"]

CATALOGUE: dict[str, type[Method]] = {
    "aet": AET,
    "autoencoder": AutoEncoder,
    "conv_hvae": ConvHVAE,
    "cpc": CPC,
    "distil": Distil,
    "enaet": EnAET,
    "exemplar_task": ExemplarTask,
    "exemplar_vae": ExemplarVAE,
    "finetune": Finetune,
    "fixmatch": FixMatch,
    "hvae": HVAE,
    "iwae": IWAE,
    "linear": Linear,
    "mixmatch": MixMatch,
    "mixup": MixUp,
    "moco": MoCo,
    "parzen_window": ParzenWindow,
    "pseudo_label": PseudoLabel,
    "rotation": Rotation,
    "s4l": S4L,
    "simclr": SimCLR,
    "supervised": Supervised,
    "vae": VAE,
    "vamp_prior": VampPrior,
    "what_where": WhatWhere,
    "what_where_autoencoder": WhatWhereAutoEncoder,
}


def find(name: str) -> type[Method]:
    """The method of this name, or the class that `path/to/file.py:Class` points to."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if ":" not in name and not name.endswith(".py"):
        raise unknown_name("method", name, CATALOGUE)
    path, _, wanted = name.rpartition(":") if not name.endswith(".py") else (name, "", "")
    module = _load(Path(path))
    found = {key: cls for key, cls in vars(module).items() if _is_method(cls) and cls.__module__ == module.__name__}
    if not wanted:
        names = ", ".join(f"{path}:{key}" for key in found) or "it defines no method"
        raise WrongUsage(f"which class of {path} is the method?\n  name it: {names}")
    cls = getattr(module, wanted, None)
    if cls is None:
        raise WrongUsage(f"{path} has no class {wanted}\n  methods in it: {', '.join(found) or 'none'}")
    if not _is_method(cls):
        raise WrongUsage(f"{wanted} in {path} is not a Method\n  write: class {wanted}(tacit.methods.method.Method)")
    if inspect.isabstract(cls):
        raise WrongUsage(f"{wanted} in {path} lacks {' and '.join(sorted(cls.__abstractmethods__))}")
    return cls


def build(name: str, spec: ItemSpec, **options: object) -> Method:
    """The method of this name for these items. Option values may be strings; all mistakes are said at once."""
    cls = find(name)
    return cls(spec, **convert(options, {key: option.annotation for key, option in method_options(cls).items()}))


def seeded(name: str, spec: ItemSpec, seed: int, options: Mapping[str, object]) -> Method:
    """The method of this name with the first weights of this seed; whoever called keeps their random numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, 1))
        return build(name, spec, **options)


def _is_method(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, Method)


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise WrongUsage(f"there is no file {path}\n  a method of your own is named path/to/file.py:Class")
    module_name = f"tacit_method_{path.stem}"
    module_spec = importlib.util.spec_from_file_location(module_name, path)
    if module_spec is None or module_spec.loader is None:
        raise WrongUsage(f"{path} is not a Python file\n  a method of your own is named path/to/file.py:Class")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_name] = module  # dataclasses and pickles look their module up here
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # nothing is left beside somebody's file
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise WrongUsage(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = written
    return module

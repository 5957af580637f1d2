"""Tacit turns a pile of unlabelled items and a small labelling budget into the best model they can buy.

>>> import tacit
>>> project = tacit.Project.create("photos/")
>>> print(project.learn())
>>> print(project.choose(k=20))
>>> model = tacit.load("photos.tacit/exports/004-supervised")
"""

import os
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch: spinning threads on shared cores can cost a factor of 100

__version__ = "0.1.0"
__all__ = ["Encoder", "FewLabelClassifier", "Project", "Space", "load"]


def __getattr__(name: str) -> Any:
    """Torch is loaded when a name is used, not when the package is imported: `tacit --help` answers at once."""
    if name == "Project":
        from tacit.project import Project

        return Project
    if name == "Space":
        from tacit.latent.space import Space

        return Space
    if name in ("Encoder", "FewLabelClassifier"):
        from tacit import estimators

        return getattr(estimators, name)
    if name == "load":
        from tacit.deploy.export import load

        return load
    raise AttributeError(f"module 'tacit' has no attribute {name!r}")

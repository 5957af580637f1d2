"""project.toml: the few things about a project that people may edit."""

import os
import re
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tacit.disk import write_atomic
from tacit.errors import BadData, BadEnvironment, WrongUsage

VERSION = 1  # of the folder's layout; a newer one is refused
FILE = "project.toml"

_writing = threading.Lock()


class Settings:
    """The file as it stands, comments and order kept when something is changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            self.document = tomlkit.parse(self.path.read_text(encoding="utf-8"))
        except (TOMLKitError, UnicodeDecodeError) as error:
            raise BadData(
                f"{self.path} cannot be read: {error}\n  mend that line, or take the file from a copy"
            ) from error
        found = self.document.get("version", 0)
        if not isinstance(found, int) or found < 1:
            raise BadData(f"{self.path} has no version; it should begin with: version = {VERSION}")
        if found > VERSION:
            raise BadEnvironment(
                f"{folder} was made by a newer Tacit (layout {found}; this one knows {VERSION})\n"
                "  upgrade: pip install --upgrade tacit"
            )

    @classmethod
    def write_new(cls, folder: Path, source: Path, seed: int) -> "Settings":
        document = tomlkit.document()
        document.add(
            tomlkit.comment("A Tacit project. You may edit this file; everything else here is written by the program.")
        )
        document["version"] = VERSION
        document["id"] = secrets.token_hex(8)
        document["id"].comment("by which an open page knows that it still talks to this project")
        document["name"] = folder.stem
        document["source"] = os.path.relpath(source.resolve(), folder.resolve())
        document["seed"] = seed
        document["classes"] = []
        document["classes"].comment("in the order of their keys 1, 2, 3 ...; new answers add theirs at the end")
        write_atomic(folder / FILE, tomlkit.dumps(document))
        return cls(folder)

    def get(self, key: str, default: Any = None) -> Any:
        value = self.document.get(key, default)
        return value.unwrap() if hasattr(value, "unwrap") else value

    def set(self, key: str, value: Any) -> None:
        self.change({key: value})

    def change(self, values: Mapping[str, Any]) -> None:
        """All of them in one go, into the file as it stands: others may have written it since. Where it cannot be
        written, these settings stay what they were too."""
        with _writing:
            document = Settings(self.path.parent).document
            document.update(values)
            write_atomic(self.path, tomlkit.dumps(document))
            self.document = document

    @property
    def source(self) -> Path:
        return Path(os.path.normpath(self.path.parent / str(self.get("source", "."))))

    @property
    def classes(self) -> tuple[str, ...]:
        classes = self.get("classes", [])
        if not isinstance(classes, list) or not all(isinstance(c, str) and c for c in classes):
            raise BadData(f'{self.path}: classes must be a list of names, like classes = ["cat", "dog"]')
        if len(set(classes)) < len(classes):
            raise BadData(f"{self.path}: a class is named twice in {classes}")
        return tuple(classes)


def find(where: Path | None) -> Path:
    """The project folder: the one named, the one around the current folder, or the only `*.tacit` in it."""
    if where is not None:
        if (where / FILE).is_file():
            return where
        raise WrongUsage(f"there is no project in {where} (no {FILE})\n  make one: tacit init SOURCE -p {where}")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file() and re.search(
            r"^version\s*=", (folder / FILE).read_text("utf-8", "replace"), re.M
        ):
            return folder
    near = sorted(p.parent for p in here.glob(f"*.tacit/{FILE}"))
    if len(near) == 1:
        return near[0]
    if near:
        names = ", ".join(p.name for p in near)
        raise WrongUsage(f"there are {len(near)} projects here: {names}\n  say which: -p {near[0].name}")
    raise WrongUsage("there is no project here\n  make one: tacit init SOURCE\n  or see it work first: tacit demo")

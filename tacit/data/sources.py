"""Which reader a path needs."""

import os
from pathlib import Path

from tacit.data import pictures, sound
from tacit.data.arrays import Array
from tacit.data.folder import Folder
from tacit.data.listing import extension_of
from tacit.data.sound_clips import Clips, holds_clips
from tacit.data.sound_folder import SoundFolder
from tacit.data.source import Source
from tacit.data.tables import Table
from tacit.errors import WrongUsage, unknown_name

ARRAYS, TABLES = (".npz", ".npy"), (".csv", ".tsv", ".parquet", ".pq")
READABLE = f"a folder of pictures or sounds, an array file ({', '.join(ARRAYS)}) or a table ({', '.join(TABLES)})"


def source_kind(path: Path) -> str:
    """Of what kind a source is: "folder", "array" or "table"."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise WrongUsage(f"there is nothing at {path}\n  expected: {READABLE}")
    if suffix in ARRAYS:
        return "array"
    if suffix in TABLES:
        return "table"
    for extensions, what in ((pictures.EXTENSIONS, "picture"), (sound.EXTENSIONS, "sound")):
        if suffix[1:] in extensions:
            raise WrongUsage(f"{path} is a single {what}\n  give the folder it is in: {path.parent}")
    raise WrongUsage(f"{path} cannot be a source: {suffix or 'it has no extension'}\n  expected: {READABLE}")


def open_source(
    source: Path,
    truth: str | None,
    workers: int | None,
    without: Path | None = None,
    *,
    item_kind: str | None = None,
    rate: int | None = None,
    seconds: float | None = None,
) -> Source:
    """What is there, listed but not yet read.

    A folder holds sounds if they are more than its pictures, unless `item_kind` says of what kind its items are.
    `rate` (Hz) and `seconds` are for sounds.
    """
    kind = source_kind(source)
    if kind == "array" and holds_clips(source):
        return Clips(source, truth, rate=rate, seconds=seconds)
    if kind == "folder":
        if truth not in (None, "folders"):
            raise unknown_name("place of hidden labels", str(truth), ["folders"])
        sounds, shown = sounds_and_pictures(source, without)
        if item_kind == "sound" or (item_kind is None and sounds > shown):
            found: Source = SoundFolder(source, workers, without, rate=rate, seconds=seconds)
            if shown:
                found.notes.append("the pictures in this folder were passed over: it holds more sounds")
            return found
    if rate is not None or seconds is not None:
        raise WrongUsage(
            f"--{'rate' if rate is not None else 'seconds'} is about sounds, and {source} holds none\n  leave it out"
        )
    if kind == "folder":
        found = Folder(source, workers, without)
        if sounds:
            found.notes.append("the sounds in this folder were passed over: it holds at least as many pictures")
        return found
    return Array(source, truth) if kind == "array" else Table(source, truth)


def sounds_and_pictures(root: Path, without: Path | None) -> tuple[int, int]:
    """How many files of each a folder has, by their names alone."""
    passed_over = os.path.realpath(without) if without else None
    sounds = shown = 0
    for folder, inside, files in os.walk(root):
        inside[:] = [
            name
            for name in inside
            if not name.startswith(".")
            and not name.endswith(".tacit")
            and os.path.realpath(os.path.join(folder, name)) != passed_over
        ]
        extensions = [extension_of(name) for name in files if not name.startswith(".")]
        sounds += sum(extension in sound.EXTENSIONS for extension in extensions)
        shown += sum(extension in pictures.EXTENSIONS for extension in extensions)
    return sounds, shown

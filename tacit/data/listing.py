"""The files of a folder: listed in one pass, read by all cores, in the order of their paths."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tacit.data import pictures, sound
from tacit.data.crew import Crew, cores
from tacit.data.source import File, Source, printable, reason, unreadable
from tacit.errors import BadData

TASK_FILES, TASK_SECONDS, TASK_BYTES = 64, 0.25, 2**22  # of one task at most; bytes of its result
PROCESS_PAYS = 1.0  # seconds of reading: below, starting processes takes longer than it saves


class Listing(Source):
    """Files with certain extensions at any depth below a folder.

    Hidden files and folders and projects (`*.tacit`) are passed over; files of other kinds are counted, not read.
    Links to files are followed, links to folders are not: they can lead round in a circle.
    """

    kind = "folder"
    wanted: ClassVar[str]  # "pictures", "sounds"
    wanted_extensions: ClassVar[frozenset[str]]

    def __init__(self, root: Path, workers: int | None = None, without: Path | None = None) -> None:
        """`workers` processes read (default: all cores where it pays); the folder `without` is passed over."""
        super().__init__()
        self.root = root
        self._without = os.path.relpath(os.path.realpath(without), os.path.realpath(root)) if without else None
        self._workers = workers
        self._crew: Crew | None = None
        self._headless: dict[str, str] = {}  # files without a readable head, and why
        self._scan()
        if not self.files:
            raise unreadable(root, self.unlisted) if self.unlisted else self._absent()

    def _scan(self) -> None:
        pending = [""]
        while pending:
            inside = pending.pop()
            before = len(self.files)
            try:
                with os.scandir(self.root / inside) as entries:
                    for entry in entries:
                        self._list(entry, f"{inside}{entry.name}", pending)
            except OSError as error:
                self.unlisted.append((printable(inside) or ".", f"folder: {reason(error)}"))
            self.folders += len(self.files) > before
        self.files.sort()
        self.unlisted.sort()

    def _list(self, entry: os.DirEntry[str], path: str, pending: list[str]) -> None:
        if entry.name.startswith("."):
            return
        try:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.endswith(".tacit") and os.path.normpath(path) != self._without:
                    pending.append(f"{path}/")
            elif entry.is_dir():
                self.unlisted.append((printable(path), "a link to a folder: these are not followed"))
            else:
                self._list_file(entry, path)
        except OSError as error:
            self.unlisted.append((printable(path), reason(error)))

    def _list_file(self, entry: os.DirEntry[str], path: str) -> None:
        extension = extension_of(entry.name)
        if extension not in self.wanted_extensions:
            self.others[printable(extension)] += 1
            return
        self.extensions[extension] += 1
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            self.unlisted.append((printable(path), "not a file"))
        elif printable(path) != path:
            self.unlisted.append((printable(path), "its name is not valid UTF-8: rename it"))
        elif status.st_size == 0:
            self.unlisted.append((path, "the file is empty"))
        else:
            self.files.append(File(path, status.st_size, status.st_mtime_ns))

    def _absent(self) -> BadData:
        other = ", ".join(f"{n:,} {kind or 'without extension'}" for kind, n in self.others.most_common(5))
        return BadData(
            f"there are no {self.wanted} in {self.root}: {f'it holds other files ({other})' if other else 'it is empty'}\n"
            f"  pictures are {', '.join(sorted(pictures.EXTENSIONS))}; sounds are {', '.join(sorted(sound.EXTENSIONS))};"
            " an array (.npz, .npy) or a table (.csv, .parquet) is given by its file"
        )

    def _each(self, function: Callable[..., Any], files: list[File], *options: Any) -> Iterator[tuple[list[File], Any]]:
        """Files in parts, each with `function(root, paths, *options)`; the first option is the shape of an item."""
        if self._crew is None:
            pays = sum(map(_effort, files)) > PROCESS_PAYS
            self._crew = Crew((cores() if pays else 1) if self._workers is None else self._workers)
        row_bytes = int(np.prod(options[0])) if options else 1
        parts = list(_parts(files, max(1, min(TASK_FILES, TASK_BYTES // row_bytes))))
        tasks = ((str(self.root), [file.path for file in part], *options) for part in parts)
        yield from zip(parts, self._crew.map(function, tasks), strict=True)

    def close(self) -> None:
        if self._crew is not None:
            self._crew.close()


def extension_of(name: str) -> str:
    """In lower case and without its dot; "" where there is none."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot else ""


def _effort(file: File) -> float:
    """Seconds that reading a picture or a sound takes, about."""
    return 1e-4 + 3e-8 * file.size


def _parts(files: list[File], most: int) -> Iterator[list[File]]:
    """Runs of at most so many files, none of much more than TASK_SECONDS."""
    part: list[File] = []
    effort = 0.0
    for file in files:
        part.append(file)
        effort += _effort(file)
        if len(part) == most or effort > TASK_SECONDS:
            yield part
            part, effort = [], 0.0
    if part:
        yield part

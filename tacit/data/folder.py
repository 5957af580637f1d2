"""A folder of pictures: listed in one pass, read by all cores, in the order of their paths."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.crew import Crew, cores
from tacit.data.form import Form
from tacit.data.pictures import EXTENSIONS, look_all, read_all
from tacit.data.source import Batch, File, Looks, Source, printable, reason, unreadable, working_shape
from tacit.errors import BadData

TASK_FILES, TASK_SECONDS, TASK_BYTES = 64, 0.25, 2**22  # of one task at most; bytes of its result
PROCESS_PAYS = 1.0  # seconds of reading: below, starting processes takes longer than it saves
DIM = 4096  # 16-bit pictures that never reach this value are 12-bit pictures, and nearly black


class Folder(Source):
    """Pictures at any depth below a folder.

    Hidden files and folders and projects (`*.tacit`) are passed over; files of other kinds are counted, not read.
    Links to files are followed, links to folders are not: they can lead round in a circle.
    """

    kind = "folder"

    def __init__(self, root: Path, workers: int | None = None, without: Path | None = None) -> None:
        """`workers` processes read (default: all cores where it pays); the folder `without` is passed over."""
        super().__init__()
        self.root = root
        self._without = os.path.relpath(os.path.realpath(without), os.path.realpath(root)) if without else None
        self._workers = workers
        self._crew: Crew | None = None
        self._headless: dict[str, str] = {}
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
        _, dot, extension = entry.name.rpartition(".")
        extension = extension.lower() if dot else ""
        if extension not in EXTENSIONS:
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
            f"there are no pictures in {self.root}: {f'it holds other files ({other})' if other else 'it is empty'}\n"
            f"  pictures are {', '.join(sorted(EXTENSIONS))};"
            " an array (.npz, .npy) or a table (.csv, .parquet) is given by its file"
        )

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """The first time all heads are read, without their pixels: one picture in color makes every item RGB."""
        if former is not None:
            self.looks = Looks(former.modes, former.smallest, former.largest)
            return former
        looks, color = Looks(), False
        for part, heads in self._each(look_all, files):
            for file, head in zip(part, heads, strict=True):
                if isinstance(head, str):
                    self._headless[file.path] = head
                else:
                    looks.add(head.mode, head.width, head.height)
                    color |= head.color
            tick(len(part))
        return Form(self.kind, working_shape(3 if color else 1, looks, size), aspect=aspect or "crop")

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        if self._headless:
            none = np.empty((0, *form.shape), dtype=form.stored)
            yield Batch([], [], none, [], sorted(self._headless.items()), len(self._headless))
        colored = peak = 0
        whole = [file for file in files if file.path not in self._headless]
        for part, (results, rows) in self._each(read_all, whole, form.shape, form.aspect):
            good: list[File] = []
            ids: list[str] = []
            failed: list[tuple[str, str]] = []
            for file, result in zip(part, results, strict=True):
                if isinstance(result, str):
                    failed.append((file.path, result))
                    continue
                digest, seen = result
                good.append(file)
                ids.append(digest)
                self.looks.add(seen.mode, seen.width, seen.height)
                colored += seen.color
                peak = max(peak, seen.peak)
            yield Batch(good, ids, rows, [None] * len(good), failed, len(part))
        if colored and form.shape[0] == 1:
            self.notes.append("new pictures in color were made grey, as all items here are")
        if 0 < peak < DIM:
            self.notes.append(
                f"the 16-bit pictures only reach {peak:,} of 65,535 and look dark;"
                " in one .npy array they get their own range"
            )

    def _each(self, function: Callable[..., Any], files: list[File], *options: Any) -> Iterator[tuple[list[File], Any]]:
        """Files in parts, each with `function(root, paths, *options)`."""
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


def _effort(file: File) -> float:
    """Seconds that reading a picture takes, about."""
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

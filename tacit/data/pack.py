"""From a folder, an array file or a table to packed items: once in full, later only what changed.

`pack` fills a folder with `items.u8`, `items.i16` or `items.f32` (the rows), `items.json` (how they were made), the tables items,
files and truth of `project.db`, and `skipped.csv` (what could not be read). An item is a content: a file that is
renamed or moved keeps its answers, and two copies of a picture are one item.
"""

import csv
import io
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from tacit.data import records, shelf
from tacit.data.asked import Asked
from tacit.data.form import FILE, Form, load_form
from tacit.data.packed import Packed
from tacit.data.records import Found
from tacit.data.source import Batch, File, unreadable
from tacit.data.sources import open_source, source_kind
from tacit.data.unpack import open_items, read_truth
from tacit.disk import write_atomic
from tacit.errors import BadData, WrongUsage

__all__ = ["Packed", "open_items", "pack", "read_truth", "source_kind"]

SKIPPED = "skipped.csv"

Progress = Callable[[int, int], None]  # files or rows done, and all of them


def pack(
    source: Path,
    folder: Path,
    *,
    size: int | None = None,
    yardstick: float | int | None = None,
    seed: int = 0,
    truth: str | None = None,
    aspect: str | None = None,
    rate: int | None = None,
    seconds: float | None = None,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> Packed:
    """Bring the items of `source` into `folder`; from the second time on, only what is new.

    Images become squares of `size` pixels; by default they keep the size they share, if it is at most 64, else 64.
    `aspect` is "crop" (default), "pad" or "stretch", see `pictures.ASPECTS`. Sounds become clips of `seconds` at
    `rate` Hz; `sound_form.py` says how long and how fast without. The `yardstick` is drawn by `seed`: a
    share below 1 or a count, by default a fifth and at most 2,000. `truth` says where hidden answers are: "folders"
    (the name of the folder a file is in), a member of an `.npz` (default y or labels), a column (default label, y,
    class or target). `workers` processes read files: by default all cores where that pays; 0 or 1, only this one.

    The first call fixes size, aspect, yardstick and the order of rows. Later, new items join the pool at its end; the
    items of files that are gone stay, with their answers. Whatever interrupts, the folder holds what it held before or
    all of the new.

    Raises WrongUsage for arguments that do not fit, BadData where nothing can be read, BadEnvironment for a full disk.
    """
    began = time.perf_counter()
    kind = source_kind(source)
    asked = Asked(size, aspect, rate, seconds, yardstick, seed, truth)
    asked.check()
    if workers is not None and workers < 0:
        raise WrongUsage(f"there cannot be {workers} workers\n  use 0 to read in this process, or leave it out")
    if folder.resolve() == source.resolve() or (folder.exists() and not folder.is_dir()):
        raise WrongUsage(
            f"items cannot be packed into {folder}: that is the source, or a file\n  choose another folder: NAME.tacit"
        )
    made = not folder.exists()
    try:
        with shelf.on_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with shelf.alone(folder), closing(Scan(source, folder, kind, asked, workers, on_progress)) as scan:
                return replace(scan.run(), seconds=time.perf_counter() - began)
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


class Scan:
    """One pass over a source: what was there before, what is there now, and what is new."""

    def __init__(
        self, source: Path, folder: Path, kind: str, asked: Asked, workers: int | None, on_progress: Progress | None
    ) -> None:
        self.source, self.folder, self.on_progress = source, folder, on_progress
        self.past = records.past(folder)
        self.former = load_form(folder) if self.past.rows else None
        if self.former is not None:
            asked.check_against(self.former, folder, kind)
            asked = replace(asked, truth=self.former.truth if asked.truth is None else asked.truth)
        self.asked = asked
        self.things = open_source(
            source,
            asked.truth,
            workers,
            without=folder,
            item_kind=self.former.item_kind if self.former else None,
            rate=asked.rate,
            seconds=asked.seconds,
        )
        self.part = shelf.Part(folder)
        self.news = records.News(failed=list(self.things.unlisted))

    def close(self) -> None:
        self.things.close()
        self.part.close()

    def run(self) -> Packed:
        fresh = self._fresh()
        form = self._read(fresh) if fresh or self.former is None else self.former
        files = self._now(fresh)
        changed = self._changed()
        if changed and self.things.kind == "folder" and self.asked.truth is not None:
            self._ask_folders(files)
        form = self._final(form)
        if changed or self.news.files:
            self._settle(form)
        _write_skipped(self.folder / SKIPPED, self.news.failed)
        return self._packed(form, files, changed)

    def _fresh(self) -> list[File]:
        """Files that are not as they were the last time."""
        if self.things.kind == "folder":
            before = self.past.files
            return [file for file in self.things.files if before.get(file.path, ("",))[1:] != file[1:]]
        stamps = {(path.rpartition("#")[0], *found[1:]) for path, found in self.past.files.items()}
        asked_more = self.former is not None and self.asked.truth != self.former.truth
        return self.things.files if asked_more or stamps != set(self.things.files) else []

    def _read(self, fresh: list[File]) -> Form:
        """The contents of these files: new ones go to the part file, all into the news."""
        looked = done = 0

        def tick(files: int) -> None:  # looking at the heads is the first half of the way
            nonlocal looked
            looked += files
            self._report(looked // 2, len(fresh))

        form = self.things.form(fresh, self.asked.size, self.asked.aspect, self.former, tick)
        total = self.things.total(fresh)
        if self.former is None:
            self.asked.count(total)  # impossible yardsticks now, not after an hour of reading
            shelf.check_room(self.folder, total * form.row_bytes)
        for batch in self.things.read(form, fresh):
            self._take(batch)
            done += batch.done
            self._report(looked // 2 + done * (total - looked // 2) // total, total)
        return form

    def _report(self, done: int, total: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done, total)

    def _take(self, batch: Batch) -> None:
        new, news = [], self.news
        for row, (file, content, answer) in enumerate(zip(batch.files, batch.ids, batch.answers, strict=True)):
            if content not in self.past.ids:
                self.past.ids.add(content)
                news.added.append(content)
                new.append(row)
            news.files[file.path] = (content, *file[1:])
            if answer is not None:
                news.answer(content, answer)
        news.failed += batch.failed
        self.part.write(batch.rows[new])

    def _now(self, fresh: list[File]) -> dict[str, Found]:
        """Every path there is, with its content; the others are gone."""
        before = self.past.files
        if self.things.kind == "folder":
            kept = {file.path for file in self.things.files}.difference(file.path for file in fresh)
            now = {path: found for path, found in before.items() if path in kept} | self.news.files
        else:
            now = self.news.files if fresh else before
        self.news.gone = [path for path in before if path not in now]
        return now

    def _changed(self) -> bool:
        before = self.past.files
        moved = any(path not in before or before[path][0] != found[0] for path, found in self.news.files.items())
        return (
            bool(moved or self.news.added or self.news.gone)
            or self.former is None
            or self.asked.truth != self.former.truth
        )

    def _ask_folders(self, files: dict[str, Found]) -> None:
        """The hidden answer is the name of the folder a file is in; one beside the folders has none."""
        for path in sorted(files):
            if "/" in path:
                self.news.answer(files[path][0], path.split("/")[-2])
        if not self.news.answers:
            raise BadData(
                f"{self.source} has no folders inside to take hidden labels from\n"
                f"  expected: a folder for every class, like {self.source}/cat/1.jpg"
            )

    def _final(self, form: Form) -> Form:
        """What is known only after reading."""
        looks = self.things.looks
        if looks.modes:
            notes = tuple(dict.fromkeys([*form.notes, *self.things.notes]))
            form = replace(form, modes=dict(looks.modes), smallest=looks.smallest, largest=looks.largest, notes=notes)
        if self.news.answers:
            order = self.things.class_order or form.class_order
            form = replace(form, truth=self.asked.truth, class_order=order, conflicts=len(self.news.conflicts))
        if self.former is not None:
            return form
        if not self.news.added:
            raise unreadable(self.source, self.news.failed)
        self.news.aside = self.asked.set_aside(self.part.rows)
        self.part.finish()
        if form.item_kind == "vector":
            pool = np.setdiff1d(np.arange(self.part.rows), list(self.news.aside))
            center, scale = shelf.moments(self.part.path, form, pool)
            form = replace(form, center=center, scale=scale)
        return replace(form, yardstick=self.asked.yardstick)

    def _settle(self, form: Form) -> None:
        """On the disk from here on: the rows, then how they were made; they count when the tables say so."""
        array, first = self.folder / form.file, self.former is None
        database = self.folder / records.DATABASE
        new = [] if database.exists() else [database, *(Path(f"{database}{end}") for end in ("-wal", "-shm"))]
        self.part.finish()
        try:
            with records.entering(self.folder, self.past.rows, self.news):
                if first:
                    self.part.become(array)
                elif self.part.rows:
                    self.part.append_to(array, self.past.rows * form.row_bytes)
                if form != self.former:
                    form.save(self.folder)
        except BaseException:
            self.part.undo()
            for path in (self.folder / FILE, *new) if first else ():
                path.unlink(missing_ok=True)
            raise

    def _packed(self, form: Form, files: dict[str, Found], changed: bool) -> Packed:
        items = self.past.rows + len(self.news.added)
        yardstick = self.past.yardstick + len(self.news.aside)
        return Packed(
            source=str(self.source),
            kind=self.things.kind,
            extensions=dict(self.things.extensions.most_common()),
            other_files=dict(self.things.others.most_common()),
            folders=self.things.folders,
            items=items,
            pool=items - yardstick,
            yardstick=yardstick,
            added=len(self.news.added),
            found=len(files),
            gone=len(self.news.gone),
            duplicates=len(files) - len({content for content, *_ in files.values()}),
            conflicts=form.conflicts,
            skipped=sorted(self.news.failed),
            changed=changed,
            item_kind=form.item_kind,
            shape=form.shape,
            rate=form.rate,
            aspect=form.aspect if form.item_kind == "image" else None,
            modes=form.modes,
            smallest=form.smallest,
            largest=form.largest,
            truth_classes=list(records.classes(self.folder, form.class_order)),
            notes=list(form.notes),
            seconds=0.0,
        )


def _write_skipped(path: Path, failed: list[tuple[str, str]]) -> None:
    if not failed:
        path.unlink(missing_ok=True)
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("path", "reason"), *sorted(failed)])
    write_atomic(path, text.getvalue())

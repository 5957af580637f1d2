"""A folder of pictures."""

from collections.abc import Callable, Iterator

import numpy as np

from tacit.data.form import Form
from tacit.data.listing import Listing
from tacit.data.pictures import EXTENSIONS, look_all, read_all
from tacit.data.source import Batch, File, Looks, working_shape

DIM = 4096  # 16-bit pictures that never reach this value are 12-bit pictures, and nearly black


class Folder(Listing):
    """Pictures at any depth below a folder."""

    wanted, wanted_extensions = "pictures", EXTENSIONS

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

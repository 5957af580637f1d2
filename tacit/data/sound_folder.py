"""A folder of sounds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tacit.data.form import Form
from tacit.data.listing import Listing
from tacit.data.sound import EXTENSIONS, look_all, read_all
from tacit.data.sound_form import check_images, sound_form
from tacit.data.source import Batch, File, Looks, unreadable


class SoundFolder(Listing):
    """WAV, FLAC, OGG and MP3 files at any depth below a folder, each of them a clip."""

    wanted, wanted_extensions = "sounds", EXTENSIONS

    def __init__(
        self,
        root: Path,
        workers: int | None = None,
        without: Path | None = None,
        *,
        rate: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self._rate, self._seconds = rate, seconds
        super().__init__(root, workers, without)

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """The first time all heads are read: they say which rate is the commonest and how long clips are."""
        check_images(size, aspect, self.root)
        if former is not None:
            self.looks = Looks(former.modes, former.smallest, former.largest)
            return former
        clips = []
        for part, heads in self._each(look_all, files):
            for file, head in zip(part, heads, strict=True):
                if isinstance(head, str):
                    self._headless[file.path] = head
                else:
                    clips.append(head)
            tick(len(part))
        if not clips:
            raise unreadable(self.root, [*self.unlisted, *sorted(self._headless.items())])
        form, notes = sound_form(self.kind, clips, self._rate, self._seconds)
        self.notes += notes
        return form

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        if self._headless:
            none = np.empty((0, *form.shape), dtype=form.stored)
            yield Batch([], [], none, [], sorted(self._headless.items()), len(self._headless))
        whole = [file for file in files if file.path not in self._headless]
        for part, (results, rows) in self._each(read_all, whole, form.shape, form.rate):
            good: list[File] = []
            ids: list[str] = []
            failed: list[tuple[str, str]] = []
            for file, result in zip(part, results, strict=True):
                if isinstance(result, str):
                    failed.append((file.path, result))
                    continue
                digest, heard = result
                good.append(file)
                ids.append(digest)
                self.looks.add(heard.mode, round(1000 * heard.seconds), 1)
            yield Batch(good, ids, rows, [None] * len(good), failed, len(part))

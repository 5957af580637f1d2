"""Clips of any length in one `.npz` file: all samples behind each other, and where each clip begins."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tacit.data.answers import hidden_answers
from tacit.data.arrays import readable
from tacit.data.form import Form
from tacit.data.sound import RATES, Heard, Unfit, fit_in, mode
from tacit.data.sound_form import check_images, check_sound, sound_form
from tacit.data.source import Batch, File, Looks, Source, content_id
from tacit.errors import BadData

SAMPLES, OFFSETS, RATE = "samples", "offsets", "sample_rate"  # members of the file
PIECE = 256  # clips made into items in one go


class Clips(Source):
    """`samples` (S,) of one channel, `offsets` (N + 1,) and `sample_rate`: clip i is samples[offsets[i] : offsets[i + 1]].

    Samples are integers of 8 to 32 bits or floats. Hidden answers may lie beside them, as in any `.npz`.
    """

    kind = "array"

    def __init__(
        self, path: Path, truth: str | None = None, *, rate: int | None = None, seconds: float | None = None
    ) -> None:
        super().__init__()
        self.path, self.truth = path, truth
        self._rate, self._seconds = rate, seconds
        self.list_one(path)
        self._samples: np.ndarray = np.empty(0)
        self._offsets: np.ndarray = np.zeros(1, np.int64)
        self._own_rate = 0
        self._answers: list[str | None] = []

    def form(
        self, files: list[File], size: int | None, aspect: str | None, former: Form | None, tick: Callable[[int], None]
    ) -> Form:
        """Loads the file; the first time its clips say how long items are."""
        check_images(size, aspect, self.path)
        self._load()
        if former is not None:
            check_sound(former, self.path)
            self.looks = Looks(former.modes, former.smallest, former.largest)
            return former
        clips = [Heard(self._own_rate, 1, int(n)) for n in np.diff(self._offsets)]
        form, notes = sound_form(self.kind, clips, self._rate, self._seconds)
        self.notes += notes
        return form

    def read(self, form: Form, files: list[File]) -> Iterator[Batch]:
        (file,) = self.files
        for first in range(0, self.total(files), PIECE):
            there = range(first, min(first + PIECE, self.total(files)))
            rows = np.empty((len(there), *form.shape), dtype=form.stored)
            good: list[int] = []
            ids: list[str] = []
            failed: list[tuple[str, str]] = []
            for i in there:
                clip = self._samples[self._offsets[i] : self._offsets[i + 1]]
                try:
                    fit_in(scaled(clip), self._own_rate, rows[len(good), 0], form.rate)
                except Unfit as error:
                    failed.append((f"{file.path}#{i}", str(error)))
                    continue
                good.append(i)
                ids.append(content_id(clip))
                self.looks.add(mode(self._own_rate, 1), round(1000 * len(clip) / self._own_rate), 1)
            paths = [file._replace(path=f"{file.path}#{i}") for i in good]
            answers = [self._answers[i] if self._answers else None for i in good]
            yield Batch(paths, ids, rows[: len(good)], answers, failed, len(there))

    def total(self, files: list[File]) -> int:
        return len(self._offsets) - 1

    def close(self) -> None:
        self._samples = np.empty(0)

    def _load(self) -> None:
        with readable(self.path), np.load(self.path, allow_pickle=False) as members:
            self._samples, self._offsets = members[SAMPLES], members[OFFSETS]
            if RATE not in members.files:
                raise BadData(f"{self.path} has samples but no {RATE}\n  add it, in Hz: np.savez(..., {RATE}=8000)")
            rate = members[RATE]
            self._check(rate)
            self._own_rate = int(rate)
            others = [name for name in members.files if name not in (SAMPLES, OFFSETS, RATE)]
            n = self.total(self.files)
            self._answers, self.class_order = hidden_answers(self.path, members, others, self.truth, n)

    def _check(self, rate: Any) -> None:
        x, at = self._samples, self._offsets
        if x.ndim != 1 or x.dtype.kind not in "iuf":
            raise BadData(
                f"{self.path}: {SAMPLES} is {x.dtype} of shape {x.shape}\n"
                "  expected the samples of one channel behind each other, (S,): mix stereo first"
            )
        if at.ndim != 1 or at.dtype.kind not in "iu" or len(at) < 2 or (np.diff(at.astype(np.int64)) < 0).any():
            raise BadData(
                f"{self.path}: {OFFSETS} is {at.dtype} of shape {at.shape}\n"
                "  expected N + 1 rising whole numbers: where each clip begins, and the end of the last"
            )
        if at[0] < 0 or at[-1] > len(x):
            raise BadData(f"{self.path}: {OFFSETS} go from {at[0]} to {at[-1]:,}, and there are {len(x):,} samples")
        if rate.size != 1 or not RATES[0] <= rate.item() <= RATES[1]:
            raise BadData(f"{self.path}: {RATE} is {rate}\n  expected one number of Hz, {RATES[0]:,} to {RATES[1]:,}")


def holds_clips(path: Path) -> bool:
    """Whether an array file is one of clips; one that cannot be read is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{SAMPLES}.npy", f"{OFFSETS}.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def scaled(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) as floats: of integers the full scale becomes 1, unsigned ones are centered."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return samples / half - (samples.dtype.kind == "u")

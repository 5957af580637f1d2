"""One sound into an item: mixed to one channel, freed of its constant offset, at the working rate and length, as loud
as all others.

Nothing here needs torch, so that the processes which read a big folder start in a moment.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tacit.errors import BadEnvironment

EXTENSIONS = frozenset({"wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff"})
RATES = (1000, 384_000)  # Hz of a file
SHORTEST, LONGEST = 0.010, 300.0  # seconds of a clip
SILENT = 1e-4  # of full scale (-80 dB): a clip that never leaves this band around its mean is silent
PEAK = 0.9  # of full scale, of every item: how loud a recording is tells of the microphone, not of the sound
BLOCK = 2**18  # samples decoded in one go
STREAMED = 0x7FFFF000  # bytes; a WAV that claims to be longer was written to a pipe and did not know its length


class Heard(NamedTuple):
    """What a sound file says about itself."""

    rate: int  # Hz
    channels: int
    samples: int  # of one channel

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    @property
    def mode(self) -> str:
        return mode(self.rate, self.channels)


class Unfit(Exception):
    """Why a sound cannot be an item, in a few words."""


def mode(rate: int, channels: int) -> str:
    """Rate and channels as a person reads them."""
    return f"{rate:,} Hz {({1: 'mono', 2: 'stereo'}).get(channels, f'{channels} channels')}"


def look_all(root: str, paths: list[str]) -> list[Heard | str]:
    """The heads of some files; a reason where a file cannot be read."""
    need_soundfile()
    return [_guarded(_look, os.path.join(root, path)) for path in paths]


def read_all(
    root: str, paths: list[str], shape: tuple[int, ...], rate: int
) -> tuple[list[tuple[str, Heard] | str], np.ndarray]:
    """Content hash and head of each file, or why not; and the items (n, 1, T) int16 of those that can be read."""
    need_soundfile()
    rows = np.empty((len(paths), *shape), dtype=np.int16)
    results: list[tuple[str, Heard] | str] = []
    n = 0
    for path in paths:
        results.append(_guarded(_read, os.path.join(root, path), rows[n, 0], rate))
        n += not isinstance(results[-1], str)
    return results, rows[:n]


def fit_in(samples: np.ndarray, own_rate: int, out: np.ndarray, rate: int) -> None:
    """Samples (S,) of one channel into `out` (T,) int16 at `rate`: of a longer sound its loudest stretch.

    Raises Unfit where they are too few, no numbers, or silence.
    """
    x = samples.astype(np.float64)
    if len(x) == 0:
        raise Unfit("there is no sound in it")
    if len(x) < SHORTEST * own_rate:
        raise Unfit(f"shorter than {1000 * SHORTEST:.0f} ms: {1000 * len(x) / own_rate:.1f} ms")
    if wrong := int((~np.isfinite(x)).sum()):
        raise Unfit(f"{wrong:,} of {len(x):,} samples are no finite numbers")
    x -= x.mean()
    peak = np.abs(x).max()
    if peak < SILENT:
        raise Unfit(f"silent: it never leaves {SILENT:g} of full scale around its mean")
    x = loudest(resampled(x / peak, own_rate, rate), len(out))
    level = np.abs(x).max()
    if level < SILENT:
        raise Unfit(f"silent at {rate:,} Hz: all of it is above {rate / 2:,.0f} Hz")
    out[: len(x)] = np.rint(x * (32768 * PEAK / level))
    out[len(x) :] = 0


def resampled(x: np.ndarray, own_rate: int, rate: int) -> np.ndarray:
    """The same sound (S,) at another rate, without what the new rate cannot hold."""
    if own_rate == rate:
        return x
    from scipy.signal import resample_poly

    common = math.gcd(rate, own_rate)
    return resample_poly(x, rate // common, own_rate // common)


def loudest(x: np.ndarray, length: int) -> np.ndarray:
    """The `length` samples in a row with the most energy; all of a sound (S,) that is no longer."""
    if len(x) <= length:
        return x
    energy = np.concatenate([[0.0], np.cumsum(np.square(x))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return x[start : start + length]


def need_soundfile() -> None:
    try:
        import soundfile  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: the library that it wraps is not there
        raise BadEnvironment(f"reading sounds needs soundfile ({error})\n  install: pip install soundfile") from error


def _look(path: str) -> Heard:
    import soundfile

    open(path, "rb").close()  # the system's own words where it may not be read
    with _quiet(path), soundfile.SoundFile(path) as file:
        return _checked(file)


def _read(path: str, out: np.ndarray, rate: int) -> tuple[str, Heard]:
    import soundfile

    with open(path, "rb") as raw:
        digest = hashlib.file_digest(raw, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        _check_whole(raw)
    with _quiet(path), soundfile.SoundFile(path) as file:
        heard = _checked(file)
        blocks = [np.empty(0, np.float32)]
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            blocks.append(block.mean(1))
    samples = np.concatenate(blocks)
    if len(samples) < heard.samples:
        raise Unfit(f"cut short: {len(samples):,} of {heard.samples:,} samples can be read")
    fit_in(samples, heard.rate, out, rate)
    return digest, heard


def _checked(file: Any) -> Heard:
    """The head of an opened file, if it can be that of a clip."""
    heard = Heard(file.samplerate, file.channels, file.frames)
    if not RATES[0] <= heard.rate <= RATES[1]:
        raise Unfit(f"{heard.rate:,} samples a second; sounds have {RATES[0]:,} to {RATES[1]:,}")
    if heard.seconds > LONGEST:
        raise Unfit(f"{heard.seconds / 60:.1f} minutes long: cut recordings of more than {LONGEST / 60:.0f} into clips")
    return heard


def _check_whole(raw: BinaryIO) -> None:
    """A WAV file must hold what its head promises: the decoder takes what is there without a word."""
    size = os.fstat(raw.fileno()).st_size
    raw.seek(0)
    head = raw.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while len(chunk := raw.read(8)) == 8:
        promised = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            there = size - raw.tell()
            if there < promised < STREAMED:
                raise Unfit(f"cut short: {there:,} of {promised:,} bytes of sound are there")
            return
        raw.seek(promised + promised % 2, os.SEEK_CUR)


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    """The result, or why there is none. A damaged file can fail anywhere in its decoder and with any exception."""
    from soundfile import LibsndfileError

    try:
        return function(*args)
    except Unfit as error:
        return str(error)
    except LibsndfileError as error:
        if error.code in (1, 7):  # 7: what the MP3 decoder answers to anything else
            return "not a sound in a known format"
        return error.error_string.removeprefix("Error : ").rstrip(".").lower()
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())


@contextmanager
def _quiet(path: str) -> Iterator[None]:
    """The MP3 decoder writes what it thinks of damaged files to the terminal, past Python; the reasons say it."""
    if not path.lower().endswith(".mp3"):
        yield
        return
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)

"""Which rate and length the clips of a source are brought to, and what is said about it."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tacit.data.form import Form
from tacit.data.sound import PEAK, Heard
from tacit.errors import BadData, WrongUsage

HIGHEST_RATE = 16_000  # Hz by default: what speech needs
ALL_OF = 2.0  # seconds; if no clip is longer, every clip is kept whole
MOST, AT_MOST = 0.95, 4.0  # otherwise: the length that this share of clips does not exceed, and seconds at most


def sound_form(kind: str, clips: Sequence[Heard], rate: int | None, seconds: float | None) -> tuple[Form, list[str]]:
    """The form of items made of these clips, and notes about what was decided.

    Without one that is asked for, the rate (Hz) is the commonest one, at most 16 kHz. The length is that of the longest clip if that is 2 s or less,
    else the one that 95 % of the clips do not exceed, 4 s at most; rounded up to hundredths of a second.
    """
    counts = Counter(clip.rate for clip in clips)
    rate = rate or min(HIGHEST_RATE, max(counts, key=lambda r: (counts[r], r)))
    lengths = sorted(clip.seconds for clip in clips)
    if seconds is None:
        whole = lengths[-1] <= ALL_OF
        longest = lengths[-1] if whole else min(AT_MOST, lengths[math.ceil(MOST * len(lengths)) - 1])
        seconds = math.ceil(round(100 * longest, 6)) / 100
    samples = max(1, round(seconds * rate))
    notes = [
        f"each clip: mean of its channels, its mean taken out, at {rate:,} Hz, its peak at {PEAK:g} of full scale,"
        " zeros behind it"
    ]
    if cut := sum(length * rate > samples + 0.5 for length in lengths):
        notes.append(f"{cut:,} of {len(lengths):,} clips are longer than {seconds:.2f} s: they keep their loudest part")
    if len(counts) > 1 or rate not in counts:
        other = sum(n for r, n in counts.items() if r != rate)
        notes.append(f"{other:,} of {len(lengths):,} clips had another rate and were resampled")
    return Form(kind, (1, samples), "sound", rate=rate), notes


def check_images(size: int | None, aspect: str | None, path: Path) -> None:
    """An error where something was asked for that sounds do not have."""
    if size is not None or aspect is not None:
        name = "size" if size is not None else "aspect"
        raise WrongUsage(f"--{name} is about pictures, and {path} holds sounds\n  sounds have --rate and --seconds")


def check_sound(former: Form, path: Path) -> None:
    """An error where what was packed before are no sounds."""
    if former.item_kind != "sound":
        raise BadData(
            f"{path} holds sounds now; the items packed before are {former.item_kind}s\n  give it a project of its own"
        )

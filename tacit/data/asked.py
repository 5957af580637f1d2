"""What the caller of `pack` wants, checked before anything is read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tacit.data.form import Form
from tacit.data.pictures import ASPECTS
from tacit.errors import WrongUsage, unknown_name

LARGEST_SIZE = 1024  # pixels
RATES, SECONDS = (1000, 48_000), (0.05, 30.0)  # Hz and seconds of sounds as items
ONE_IN, AT_MOST = 5, 2000  # the yardstick, unless asked otherwise


@dataclass(frozen=True)
class Asked:
    """None leaves a choice to the defaults or, after the first pack, to what was fixed then."""

    size: int | None = None
    aspect: str | None = None
    rate: int | None = None  # Hz, of sounds
    seconds: float | None = None
    yardstick: float | int | None = None
    seed: int = 0
    truth: str | None = None

    def check(self) -> None:
        """Values that fit no source at all."""
        if self.size is not None and not 1 <= self.size <= LARGEST_SIZE:
            raise WrongUsage(
                f"a working size of {self.size} pixels is not possible\n"
                f"  choose 1 to {LARGEST_SIZE}; 32 to 128 are usual"
            )
        if self.aspect is not None and self.aspect not in ASPECTS:
            raise unknown_name("aspect", self.aspect, ASPECTS)
        for name, value, (least, most), usual in (
            ("rate", self.rate, RATES, "8000 or 16000 are usual for speech"),
            ("number of seconds", self.seconds, SECONDS, "1 to 4 are usual"),
        ):
            if value is not None and not least <= value <= most:
                raise WrongUsage(f"a {name} of {value:g} is not possible\n  choose {least:g} to {most:g}; {usual}")
        share = self.yardstick
        if (isinstance(share, float) and not 0 <= share < 1) or (isinstance(share, int) and share < 0):
            raise WrongUsage(
                f"a yardstick of {share} is not possible\n"
                "  give a share from 0 to below 1, like 0.2, or a count, like 500"
            )

    def check_against(self, former: Form, folder: Path, kind: str) -> None:
        """What the first pack fixed stays as it is."""
        fixed = {
            "source": (kind, former.source),
            "working size": ((self.size, self.size) if self.size else None, former.shape[1:]),
            "aspect": (self.aspect if former.item_kind == "image" else None, former.aspect),
            "yardstick": (self.yardstick, "the default" if former.yardstick is None else former.yardstick),
        }
        if former.item_kind == "sound":
            samples = None if self.seconds is None else max(1, round(self.seconds * former.rate))
            fixed |= {"rate": (self.rate, former.rate), "number of samples": (samples, former.shape[1])}
        for name, (wanted, has) in fixed.items():
            if wanted is not None and wanted != has:
                raise WrongUsage(
                    f"the {name} of {folder} is {has}, not {wanted}; it was fixed when the project was made\n"
                    "  make another project: tacit init SOURCE -p NAME.tacit"
                )

    def count(self, n: int) -> int:
        """How many of n items the yardstick takes."""
        if self.yardstick is None:
            count = min(AT_MOST, n // ONE_IN)
        else:
            count = int(self.yardstick * n) if isinstance(self.yardstick, float) else self.yardstick
        if count >= max(n, 1):
            raise WrongUsage(
                f"a yardstick of {count:,} leaves nothing to learn from: there are {n:,} items\n"
                "  give a smaller count, or a share, like 0.2"
            )
        return count

    def set_aside(self, n: int) -> set[int]:
        """Rows of the yardstick, drawn among n by the seed."""
        return set(np.random.default_rng(self.seed).permutation(n)[: self.count(n)].tolist())

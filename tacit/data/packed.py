"""What a scan found, for a person and for a program."""

from dataclasses import asdict, dataclass
from typing import Any

from tacit.data.pictures import ASPECTS

CHANNELS = {1: "grey", 3: "RGB"}
NAMES = {"image": "images", "sound": "sounds", "vector": "rows"}


@dataclass(frozen=True)
class Packed:
    """The result of `pack`: plain values, all counts of now unless they say otherwise."""

    source: str
    kind: str  # "folder", "array" or "table"
    extensions: dict[str, int]  # files of each kind that was read: {"jpg": 8102, "png": 112}
    other_files: dict[str, int]  # files that were only counted, by extension
    folders: int  # that have something to read
    items: int  # different contents, ever
    pool: int
    yardstick: int
    added: int  # items that are new
    found: int  # paths or rows that can be read
    gone: int  # paths or rows of the last time that are not there any more; their items stay
    duplicates: int  # paths or rows whose content another one has
    conflicts: int  # contents that were met with two hidden answers; the first one counts
    skipped: list[tuple[str, str]]  # path and reason
    changed: bool  # whether anything differs from the last time
    item_kind: str  # "image", "sound" or "vector"
    shape: tuple[int, ...]  # of an item, (C, H, W), (1, T) or (F,)
    rate: int  # of sounds: samples a second
    aspect: str | None  # how images came to that shape, see pictures.ASPECTS
    modes: dict[str, int]  # kinds of pixels, sounds or numbers that were met, ever
    smallest: tuple[int, int] | None  # original width and height; of sounds milliseconds and 1
    largest: tuple[int, int] | None
    truth_classes: list[str]  # names of the hidden answers
    notes: list[str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """The same for a person."""
        said = [self._things(), self._change(), *self._trouble(), self._shape(), self._parts(), self._truth()]
        return [line for line in (*said, *self.notes) if line]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _things(self) -> str:
        if self.kind != "folder":
            return f"{self.source}: {self.found:,} {NAMES[self.item_kind]}"
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in self.extensions.items())
        other = sum(self.other_files.values())
        others = f", and {other:,} other file{'s' * (other != 1)}" if other else ""
        folders = f"{self.folders:,} folder{'s' * (self.folders != 1)}"
        return f"{self.source}: {self.found:,} {NAMES[self.item_kind]} in {folders} ({kinds}){others}"

    def _change(self) -> str:
        if not self.changed:
            return "nothing changed since the last time"
        gone = (
            f"; {self.gone:,} {'path is' if self.gone == 1 else 'paths are'} gone, what was answered about them stays"
            if self.gone
            else ""
        )
        return f"{self.added:,} new item{'s' * (self.added != 1)}{gone}" if self.added < self.items or gone else ""

    def _trouble(self) -> list[str]:
        lines = []
        if self.skipped:
            lines.append(f"skipped {len(self.skipped):,} that cannot be read -> skipped.csv")
        if self.duplicates:
            lines.append(f"exact duplicates {self.duplicates:,}: each content is one item")
        return lines

    def _shape(self) -> str:
        if self.item_kind == "vector":
            return f"items: vectors of {self.shape[0]:,} numbers, standardized over the pool"
        if self.item_kind == "sound":
            return self._sound()
        channels, height, width = self.shape
        made = f"items: {width} x {height} pixels, {CHANNELS[channels]}"
        if not self.smallest or not self.largest or self.smallest == self.largest == (width, height):
            return made
        sizes = " to ".join(f"{w} x {h}" for w, h in dict.fromkeys((self.smallest, self.largest)))
        return f"{made}, from {sizes} ({self.aspect}: {ASPECTS[self.aspect or 'crop']})"

    def _sound(self) -> str:
        """Rate and length of items, and what the clips had."""
        made = f"items: {self.shape[1] / self.rate:.2f} s at {self.rate:,} Hz ({self.shape[1]:,} samples)"
        if not self.smallest or not self.largest:
            return made
        lengths = " to ".join(f"{end / 1000:.2f}" for end in dict.fromkeys((self.smallest[0], self.largest[0])))
        kinds = ", ".join(f"{mode} {n:,}" for mode, n in self.modes.items())
        return f"{made}, from clips of {lengths} s ({kinds})"

    def _parts(self) -> str:
        return f"pool {self.pool:,}, yardstick {self.yardstick:,} (set aside for measuring, never learned from)"

    def _truth(self) -> str:
        if not self.truth_classes:
            return ""
        conflicts = (
            f"; {self.conflicts:,} {'content has' if self.conflicts == 1 else 'contents have'} two answers, the first counts"
            if self.conflicts
            else ""
        )
        return f"hidden labels of {len(self.truth_classes):,} classes, for simulations only{conflicts}"

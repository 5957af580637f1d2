"""What is said aloud while a training goes wrong in a way that no error stops."""

from typing import Any

from tacit.methods.method import Recipe

CLOSE = 0.02  # of the chance level; a young queue, or a triplet loss, may well lie further above it
SHARE, LEAST = 0.1, 100  # of the steps, and steps at least, before anything is said


class Watchman:
    """Reads every record of a run and says each thing once, in words.

    What it remembers follows from the records: a resumed training shows it those of the part before.
    """

    def __init__(self, recipe: Recipe, views_of: str | None = None) -> None:
        """`views_of` is the name of a method whose views `tacit look --views` can draw."""
        self.recipe, self.views_of = recipe, views_of
        self.left = 0  # the latest step that was not at chance
        self.said: set[str] = set()

    def read(self, record: dict[str, Any]) -> str | None:
        """What there is to say after this record; mostly nothing."""
        found = {"chance": self._at_chance(record), "collapsed": self._collapsed(record)}
        new = {kind: what for kind, what in found.items() if what and kind not in self.said}
        self.said |= set(new)
        return "; ".join(new.values()) + "\n" + self._advice() if new else None

    def _at_chance(self, record: dict[str, Any]) -> str:
        loss, chance = record["terms"]["loss"], record["terms"].get("chance")
        if chance is None or abs(loss - chance) > CLOSE * abs(chance):
            self.left = record["step"]
            return ""
        steps = record["step"] - self.left
        if steps < max(LEAST, SHARE * self.recipe.steps):
            return ""
        return f"loss has stayed at chance ({chance:.4g}) for {steps:,} steps, up to step {record['step']:,}"

    def _collapsed(self, record: dict[str, Any]) -> str:
        seen = record.get("health") or {}
        if seen.get("word") != "collapsed":
            return ""
        return (
            f"the codes have collapsed at step {record['step']:,}: items look (nearly) alike, "
            f"spread {seen['spread']:.2f}, rank {seen['rank']:.1f} of {seen['dim']}"
        )

    def _advice(self) -> str:
        picture = f"   picture of the views: tacit look --views {self.views_of}" if self.views_of else ""
        return (
            "  usual causes: learning rate too high, batch too small, augmentation removes everything\n"
            f"  try: --lr {self.recipe.lr / 10:g}, or --batch {2 * self.recipe.batch}{picture}"
        )

"""Rows of the results table, re-run: `tacit bench NAME`."""

from collections.abc import Callable
from typing import Any

from tacit.bench import alss
from tacit.errors import UnknownName, WrongUsage, unknown_name
from tacit.outcome import Outcome, table

BENCHES: dict[str, tuple[str, Callable[..., Outcome]]] = {
    "alss-mnist": ("every strategy on MNIST, 100 to 1,000 labels (ALSS, sec. 4)", alss.mnist),
    "alss-fashion": ("the same on Fashion-MNIST", alss.fashion_mnist),
    "alss-variants": ("step length, metric and warm start of uphill, on MNIST", alss.variants),
}


def run_bench(name: str | None, settings: dict[str, Any]) -> Outcome:
    """Run one row again and print it; without a name, what there is."""
    if name is None:
        rows = [[key, what] for key, (what, _) in BENCHES.items()]
        return Outcome(
            {"benches": [key for key in BENCHES]},
            [*table(rows), "settings: --seeds 5 --data FOLDER --out FILE --write docs/results.md"],
        )
    if name not in BENCHES:
        raise unknown_name("bench", name, BENCHES)
    unknown = [key for key in settings if key not in ("seeds", "data", "out", "write")]
    if unknown:
        raise UnknownName(
            "\n".join(
                str(unknown_name("setting of a bench", key, ("seeds", "data", "out", "write"))) for key in unknown
            )
        )
    if "seeds" in settings:
        try:
            settings["seeds"] = range(int(settings["seeds"]))
        except ValueError:
            raise WrongUsage(f"--seeds is {settings['seeds']!r}, expected how many") from None
    return BENCHES[name][1](**settings)

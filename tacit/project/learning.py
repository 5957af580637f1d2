"""The verb `learn`: a run that can be stopped, resumed and found again."""

from typing import Any

from tacit import methods
from tacit.data.pool import Pool
from tacit.deploy.export import save
from tacit.engine import distributed
from tacit.engine.fit import fit
from tacit.engine.progress import probe_line
from tacit.errors import WrongUsage
from tacit.evaluate.in_training import label_probe
from tacit.latent.space import CODES, MAP, Space, write_codes
from tacit.outcome import Outcome
from tacit.project.home import Home
from tacit.project.starting import (
    Watch,
    begin,
    interrupted,
    rebuild,
    refuse_to_forget,
    refused_leaves_nothing,
    run_step,
)

MANY = 2000  # pictures; views of fewer are soon known by heart
MAP_ITEMS = 100_000  # larger pools get their map when a report asks for it


def learn(project: Home, name: str, *, resume: bool, watch: Watch | None, settings: dict[str, Any]) -> Outcome:
    """A latent space without labels."""
    pool = project.pool.with_classes(())
    if resume:
        run = interrupted(project, "learn")
        method, recipe, where = rebuild(run, pool)
        why = f"resumed from step {run_step(run)}"
    else:
        if name == "auto":
            refuse_to_forget(project, "learn")
        name, why = automatic(pool) if name == "auto" else (name, "you asked for it")
        if hasattr(methods.find(name), "logits"):
            raise WrongUsage(
                f"{name} needs labels: it classifies\n  try: tacit train {name}, or tacit learn (no labels needed)"
            )
        run, method, recipe, where = begin(project, "learn", name, pool, settings, sized=True)
    seed = run.record["seed"]
    probe = label_probe(project.pool, project.answers(project.pool), seed=seed)
    with refused_leaves_nothing(run):
        fitted = fit(
            method, pool, recipe=recipe, seed=seed, device=where, run=run, watch=watch, health=True, probe=probe
        )
    if not distributed.world().first:
        return Outcome()
    save(method, run.record["method"], run.folder)
    (run.folder / MAP).unlink(missing_ok=True)
    dim = write_codes(method, pool, run.folder / CODES)
    lines = [f"made {run.name}: a code of {dim} numbers for each of {len(pool):,} items ({why})"]
    record: dict[str, Any] = {
        "run": run.name,
        "method": run.record["method"],
        "items": len(pool),
        "dim": dim,
        "terms": fitted.terms,
    }
    if fitted.health:
        record["health"] = fitted.health.to_dict()
        lines.append(f"health: {fitted.health}")
    if probed := fitted.records[-1].get("probe") if fitted.records else None:
        record["probe"] = probed
        lines.append(probe_line(probed))
    if fitted.warnings:
        record["warnings"] = fitted.warnings
        lines += [f"warning: {warning}" for warning in fitted.warnings]
    if len(pool) <= MAP_ITEMS:
        drawn = Space.load(run.folder, pool, method).map()
        record["map"] = {"kept": drawn.kept, "by": drawn.name}
        lines.append(f"map: {drawn.kept:.0%} of true neighbours kept ({drawn.name}, {drawn.seconds:.1f} s)")
    told = {name: record.get(name) for name in ("health", "probe", "warnings", "map")}
    run.finish(seconds=round(fitted.seconds, 1), terms=fitted.terms, **told)
    record["seconds"] = fitted.seconds
    return Outcome(record, [*lines, "next: tacit choose -k 20"])


def automatic(pool: Pool) -> tuple[str, str]:
    if pool.spec.kind == "vector":
        return "autoencoder", "chosen because: items are vectors"
    if pool.spec.kind == "sound":
        return "cpc", "chosen because: items are sounds, whose parts tell of each other"
    if pool.spec.shape[0] == 3 and len(pool) >= MANY:
        return (
            "simclr",
            f"chosen because: pictures in color, {MANY:,} or more; vae decodes, and its codes classify worse",
        )
    return "vae", "chosen because: it decodes, so its space can be walked, and a gradient can be followed in it"

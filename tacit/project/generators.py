"""Which run makes the relatives that a classifier learns from beside its items (`--augment exemplar`)."""

from tacit.data.spec import ItemSpec
from tacit.deploy.export import load
from tacit.engine.run import Run
from tacit.errors import WrongUsage
from tacit.methods.method import Method
from tacit.methods.relatives import check_generator, wants_relatives
from tacit.project.home import Home

MAKER = "exemplar_vae"


def generator_of(project: Home, name: str | None, items: ItemSpec) -> tuple[Run, Method]:
    """The named run, or the latest finished exemplar_vae, and what it learned: checked to fit these items."""
    if name is not None:
        run = project.run(name, "learn")
        if not run.finished:
            raise WrongUsage(
                f"run {run.name} is not finished, so it makes no relatives yet\n  try: tacit learn --resume"
            )
    else:
        done = [r for r in project.runs if r.record["method"] == MAKER and r.finished]
        if not done:
            raise WrongUsage(
                "relatives of items come from an exemplar_vae, and none has been learned here yet\n"
                f"  learn one first: tacit learn {MAKER}"
            )
        run = done[-1]
    generator = load(run.folder, trust_code=True)
    check_generator(generator, items)
    return run, generator


def recorded_generator(project: Home, method: Method, name: str | None) -> dict[str, str]:
    """What a run's record says of its generator; nothing where the method uses none."""
    if wants_relatives(method) is not None:
        return {"generator": generator_of(project, name, method.spec)[0].name}
    if name is not None:
        raise WrongUsage(f"--generator {name} was given, and nothing asks for it\n  add: --augment exemplar")
    return {}

"""The shell's door: parse, one call, print the record that came back. Torch is imported inside the commands only."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch: spinning threads on shared cores can cost a factor of 100

from tacit.errors import Stopped, TacitError, WrongUsage

if TYPE_CHECKING:
    from tacit.outcome import Outcome
    from tacit.project import Project

FREE = {"ignore_unknown_options": True}  # settings of a method are read from its signature, not declared here
app = typer.Typer(
    help="Turns a pile of unlabelled items and a small labelling budget into the best model they can buy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Where = Annotated[
    Path | None, typer.Option("--project", "-p", help="Project folder (default: the one here).", metavar="FOLDER")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object as the last line on stdout; progress on stderr.")]


def examples(*lines: str) -> str:
    """The end of every --help: two commands one can type."""
    return "Examples:\n\n" + "\n\n".join(lines)


def show(outcome: "Outcome", as_json: bool) -> None:
    """The text for a person; with --json the text goes to stderr and the record is the last line on stdout."""
    if not outcome.record:
        return  # one of several processes, and not the one that speaks
    if as_json:
        print(outcome, file=sys.stderr)
        print(outcome.json(), flush=True)
    else:
        print(outcome, flush=True)


def share_or_count(yardstick: float | None) -> float | int | None:
    """0.2 is a share of the items, 500 a number of them."""
    return int(yardstick) if yardstick is not None and yardstick >= 1 and yardstick.is_integer() else yardstick


def opened(where: Path | None) -> "Project":
    from tacit.project import Project

    return Project(where)


def named(words: list[str] | None, default: Any) -> tuple[Any, dict[str, Any]]:
    """`vae --latent-dim 16` as the name and the settings; without a name, the default one."""
    words = list(words or [])
    name = words.pop(0) if words and not words[0].startswith("--") else default
    return name, settings(words)


def settings(extra: list[str]) -> dict[str, Any]:
    """`--latent-dim 16 --lr=1e-3 --no-flip` as {"latent_dim": "16", "lr": "1e-3", "flip": "false"}."""
    found: dict[str, Any] = {}
    rest = list(extra)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise WrongUsage(f"{word!r} was not expected here; settings look like --name value\n  see: tacit methods")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if rest and not rest[0].startswith("--"):
                value = rest.pop(0)
            else:
                name, value = (name[3:], "false") if name.startswith("no-") else (name, "true")
        found[name.replace("-", "_")] = value
    return found


@contextlib.contextmanager
def progress(title: str) -> Iterator[Any]:
    from tacit.engine.progress import watcher

    with watcher(title) as watch:
        yield watch


@app.command(epilog=examples("tacit demo", "tacit demo --labels 60 --strategy margin --json"))
def demo(
    where: Annotated[Path, typer.Option("--project", "-p", help="Folder to make.", metavar="FOLDER")] = Path(
        "tacit-demo"
    ),
    strategy: Annotated[str, typer.Option(help="How items are chosen.")] = "auto",
    labels: Annotated[int, typer.Option(help="Labels to buy in all.")] = 100,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    as_json: AsJson = False,
) -> None:
    """The whole main job on real digits, hidden labels as the annotator, random choice beside it."""
    from tacit.demo import demo as run_demo

    show(
        run_demo(where, strategy=strategy, budget=labels, seed=seed, say=lambda text: print(text, file=sys.stderr)),
        as_json,
    )


@app.command(epilog=examples("tacit init photos/", "tacit init digits.npz --size 28 -p digits.tacit"))
def init(
    source: Annotated[
        Path, typer.Argument(help="A folder of images or sounds, an .npz or .npy file, or a table (.csv, .parquet).")
    ],
    where: Where = None,
    size: Annotated[
        int | None, typer.Option(help="Working size of images in pixels (default: their own up to 64).")
    ] = None,
    aspect: Annotated[
        str | None, typer.Option(help="What happens to other shapes: crop (default), pad or stretch.")
    ] = None,
    rate: Annotated[
        int | None, typer.Option(help="Samples a second of sounds (default: the commonest, at most 16000).")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of sounds (default: the longest up to 2, or what holds 95 % of them).")
    ] = None,
    yardstick: Annotated[
        float | None, typer.Option(help="Share (below 1) or number of items set aside for measuring.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option(help="Hidden labels for simulations: 'folders', or a column's name.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the yardstick and of everything later.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a project of a source; on an existing project, take in what is new."""
    from tacit.project import Project

    with counter("reading") as count:
        project = Project.create(
            source,
            where,
            size=size,
            aspect=aspect,
            rate=rate,
            seconds=seconds,
            yardstick=share_or_count(yardstick),
            truth=truth,
            seed=seed,
            on_progress=count,
        )
    show(project.found(), as_json)


@app.command(context_settings=FREE, epilog=examples("tacit look", "tacit look --views simclr --crop 0.2"))
def look(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[METHOD] [--SETTING VALUE]...", help="With --views: whose, with which settings."),
    ] = None,
    views: Annotated[
        bool, typer.Option("--views", help="Draw what a method sees of some items: reports/views.png.")
    ] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """What is in the source: formats, sizes, duplicates, broken files, labels so far; or views of its items."""
    method, chosen = named(words, None)
    if views:
        show(opened(where).look_at_views(method, **chosen), as_json)
        return
    if words:
        raise WrongUsage(f"{words[0]!r} was not expected here\n  views of items: tacit look --views {words[0]}")
    show(opened(where).look(), as_json)


@app.command(context_settings=FREE, epilog=examples("tacit learn", "tacit learn vae --latent-dim 16 --steps 4000"))
def learn(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD] [--SETTING VALUE]...", help="See tacit methods; auto says what it chose and why."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run was stopped.")] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Learn a latent space from all items, without a label."""
    method, chosen = named(words, "auto")
    project = opened(where)
    with progress("learn") as watch:
        outcome = project.learn(method, resume=resume, watch=watch, **chosen)
    show(outcome, as_json)


@app.command(context_settings=FREE, epilog=examples("tacit choose -k 20", "tacit choose uphill -k 50 --step 2"))
def choose(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STRATEGY] [--SETTING VALUE]...", help="See tacit methods; auto says what it chose and why."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 20,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Choose what to label next, each with a reason."""
    strategy, chosen = named(words, "auto")
    show(opened(where).choose(strategy, k=k, **chosen), as_json)


@app.command(
    epilog=examples(
        "tacit label --import answers.csv --who ada", "tacit label --export tasks.json --format label-studio"
    )
)
def label(
    todo: Annotated[
        Path | None, typer.Option(help="Write the items waiting for an answer as a table to fill in.")
    ] = None,
    imported: Annotated[
        Path | None,
        typer.Option("--import", help="Record the answers of a file: .csv, .jsonl, or .json of Label Studio or COCO."),
    ] = None,
    exported: Annotated[
        Path | None, typer.Option("--export", help="Write the answers so far: .csv, .jsonl, or .json with --format.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="label-studio, coco, csv or jsonl; auto: by the file's name and beginning.")
    ] = "auto",
    oracle: Annotated[bool, typer.Option("--oracle", help="Let the hidden labels answer.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the latest answer back.")] = False,
    yardstick: Annotated[int, typer.Option(help="With --todo: so many yardstick items; with --oracle: all of it.")] = 0,
    who: Annotated[str, typer.Option(help="Who answers.")] = "me",
    history: Annotated[
        bool, typer.Option("--history", help="With --export: every event, not only current answers.")
    ] = False,
    skip_unknown: Annotated[
        bool,
        typer.Option("--skip-unknown", help="With --import: pass over items not in the project or of several classes."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Put answers in, take them out (tables, Label Studio, COCO), or let hidden labels answer."""
    if sum([todo is not None, imported is not None, exported is not None, oracle, undo]) != 1:
        raise WrongUsage(
            "say one of --todo FILE, --import FILE, --export FILE, --oracle, --undo\n  see: tacit label --help"
        )
    project = opened(where)
    if todo:
        outcome = project.todo(todo, yardstick=yardstick, overwrite=overwrite)
    elif imported:
        outcome = project.import_labels(imported, who=who, skip_unknown=skip_unknown, format=form)
    elif exported:
        outcome = project.export_labels(exported, history=history, overwrite=overwrite, format=form)
    elif oracle:
        outcome = project.ask_truth(yardstick=yardstick > 0)
    else:
        outcome = project.undo()
    show(outcome, as_json)


@app.command(
    context_settings=FREE, epilog=examples("tacit train auto", "tacit train finetune --trunk-of 001 --layer 1")
)
def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD] [--SETTING VALUE]...",
            help="See tacit methods; auto compares several on the answers so far and keeps the best.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run was stopped.")] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Train a classifier on the answers so far."""
    method, chosen = named(words, "supervised")
    project = opened(where)
    with progress("train") as watch:
        outcome = project.train(method, resume=resume, watch=watch, **chosen)
    show(outcome, as_json)


Run = Annotated[str | None, typer.Option("--run", help="Name or number of a run (default: the latest).")]


@app.command(epilog=examples("tacit evaluate", "tacit evaluate --space --layer all"))
def evaluate(
    run: Run = None,
    space: Annotated[bool, typer.Option("--space", help="Measure the learned space instead of a classifier.")] = False,
    layer: Annotated[
        str | None, typer.Option(help="With --space: another layer to stand beside the codes, or all of them.")
    ] = None,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """How good the model (or the space) is, on the yardstick only, with intervals."""
    project = opened(where)
    if layer and not space:
        raise WrongUsage(f"--layer {layer} is about a space\n  try: tacit evaluate --space --layer {layer}")
    show(project.evaluate_space(run, layer=layer) if space else project.evaluate(run), as_json)


@app.command(
    epilog=examples(
        "tacit simulate margin badge",
        "tacit simulate uphill --first 20 -k 20 --rounds 5 --seeds 5",
        "tacit simulate margin --learner supervised,fixmatch",
    )
)
def simulate(
    strategies: Annotated[list[str], typer.Argument(help="Strategies to compare; random always runs.")],
    first: Annotated[int, typer.Option(help="Random labels at the start.")] = 20,
    k: Annotated[int, typer.Option("-k", help="Labels a round.")] = 20,
    rounds: Annotated[int, typer.Option(help="Rounds, the start included.")] = 5,
    seeds: Annotated[int, typer.Option(help="Repeats.")] = 3,
    image: Annotated[str, typer.Option(help="What is trained on: real items, or what the space decodes.")] = "real",
    learner: Annotated[
        list[str] | None, typer.Option(help="Classifiers to compare the strategies with (default: supervised).")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Of a training (default: 600 with several learners, else as many as labels ask).")
    ] = None,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Compare strategies and learners against hidden labels, over seeds, with random beside them."""
    from tacit.project.simulating import progress_line

    outcome = opened(where).simulate(
        strategies,
        first=first,
        k=k,
        count=rounds,
        seeds=seeds,
        image=image,
        learner=learner or "supervised",
        steps=steps,
        watch=lambda *turn: print(progress_line(*turn), file=sys.stderr),
    )
    show(outcome, as_json)


@app.command(epilog=examples("tacit export", "tacit export --run 004 --to model/ --no-onnx"))
def export(
    run: Run = None,
    to: Annotated[Path | None, typer.Option(help="Folder to write (default: exports/RUN in the project).")] = None,
    onnx: Annotated[bool, typer.Option(help="Also write an ONNX file (needs the extra: export).")] = True,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Write a model that runs anywhere, checked against torch on real items."""
    show(opened(where).export(run, to, onnx=onnx), as_json)


@app.command(epilog=examples("tacit predict", "tacit predict new-photos/ --to new.csv --abstain-below 0.8"))
def predict(
    source: Annotated[Path | None, typer.Argument(help="Items to predict (default: those of the project).")] = None,
    run: Run = None,
    to: Annotated[Path, typer.Option(help="Table to write.")] = Path("predictions.csv"),
    abstain_below: Annotated[float, typer.Option(help="Leave the label empty below this confidence.")] = 0.0,
    check: Annotated[
        Path | None, typer.Option(help="Also write a table of answers that look wrong, to check and import.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing table.")] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Apply a trained model to items; one row each, with probabilities."""
    outcome = opened(where).predict(
        source, run=run, to=to, abstain_below=abstain_below, check=check, overwrite=overwrite
    )
    show(outcome, as_json)


@app.command(
    epilog=examples("tacit generate cat/12.jpg new.png -n 8 --to more-cats", "tacit generate -n 100 --to samples")
)
def generate(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ITEM]...",
            help="Ids or paths of the project, or files and sources outside it; without any, new items come from the prior.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many new items like each.")] = 16,
    scale: Annotated[
        float, typer.Option(help="How far they may differ: 1 is what the model has learned, 0 not at all.")
    ] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Of what is random (default: the project's).")] = None,
    run: Run = None,
    to: Annotated[Path, typer.Option(help="Folder to write: PNG files and a sheet, or items.npz.")] = Path("generated"),
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Make new items like some you name, with a space that can decode (learn one: tacit learn exemplar_vae)."""
    show(opened(where).generate(items or [], n, scale=scale, seed=seed, run=run, to=to), as_json)


@app.command(epilog=examples("tacit report", "tacit report --interactive --to map.html"))
def report(
    to: Annotated[Path | None, typer.Option(help="File to write (default: reports/ in the project).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="The map to move about in, instead: a file that needs no server.")
    ] = False,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """One HTML file: map, curve, confusion, calibration, reconstructions, a walk, new items, doubts, cost."""
    if interactive:
        from tacit.project.settings import find
        from tacit.web.offline import write_map

        show(write_map(find(where), to, overwrite=overwrite), as_json)
        return
    show(opened(where).report(to, overwrite=overwrite), as_json)


@app.command("round", epilog=examples("tacit round", "tacit round -k 50 --with 004"))
def round_(
    k: Annotated[int, typer.Option("-k", help="How many items to ask about next.")] = 20,
    run: Annotated[
        str | None, typer.Option("--with", help="A run to guess and choose with (default: a quick one is trained now).")
    ] = None,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """One turn of the loop: a quick model of the answers so far, its guesses about all items, and what to label next."""
    project = opened(where)
    with progress("round") as watch:
        outcome = project.round(k, run, watch=watch)
    show(outcome, as_json)


@app.command(epilog=examples("tacit serve", "tacit serve --host 0.0.0.0 --port 9000 --no-browser"))
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine, a token is asked for and printed.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port (default: the first free one from 8765 on).")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser where there is a screen.")] = True,
    where: Where = None,
) -> None:
    """Open the page: the map, labelling with one key, training, progress."""
    from tacit.project.settings import find
    from tacit.web.serve import serve as run_server

    run_server(find(where), host=host, port=port, browser=browser)


@app.command(
    context_settings=FREE,
    epilog=examples("tacit go photos/", "tacit go digits.npz --method vae --steps 4000 --no-browser"),
)
def go(
    source: Annotated[
        Path, typer.Argument(help="A folder of images or sounds, an .npz or .npy file, or a table (.csv, .parquet).")
    ],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[--SETTING VALUE]...", help="Of learning; see tacit methods.")
    ] = None,
    where: Where = None,
    learn: Annotated[bool, typer.Option(help="Learn a space while the page is open already.")] = True,
    method: Annotated[str | None, typer.Option(help="How it is learned (default: what fits the items).")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine, a token is asked for and printed.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port (default: the first free one from 8765 on).")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser where there is a screen.")] = True,
) -> None:
    """From a source to the open page in one command: read, serve, and learn meanwhile; Ctrl-C saves."""
    from tacit.web.go import go as run_all

    with counter("reading") as count:
        begun = run_all(source, where, method=method, settings=settings(words or []), learn=learn, on_progress=count)
    begun(host=host, port=port, browser=browser)


@app.command(epilog=examples("tacit bench", "tacit bench alss-mnist --seeds 1"), context_settings=FREE)
def bench(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME] [--SETTING VALUE]...", help="A row of the results table; without it, all names."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a row of docs/results.md again: ours, seeds, interval."""
    from tacit.bench import run_bench

    show(run_bench(*named(words, None)), as_json)


@app.command(epilog=examples("tacit methods", "tacit methods vae"))
def methods(
    name: Annotated[str | None, typer.Argument(help="A method or strategy: its settings and their defaults.")] = None,
    as_json: AsJson = False,
) -> None:
    """The catalogue: which method and which strategy, and when."""
    from tacit.project.catalogue import catalogue

    show(catalogue(name), as_json)


@app.command(epilog=examples("tacit runs", "tacit runs -p photos.tacit --json"))
def runs(where: Where = None, as_json: AsJson = False) -> None:
    """What was run, with its settings and how it ended."""
    from tacit.project.catalogue import list_runs

    show(list_runs(opened(where)), as_json)


@app.command(epilog=examples("tacit doctor", "tacit doctor --json"))
def doctor(as_json: AsJson = False) -> None:
    """What this machine has, and what would slow a training down."""
    from tacit.project.doctor import examine

    show(examine(), as_json)


@contextlib.contextmanager
def counter(title: str) -> Iterator[Any]:
    from tacit.engine.progress import Counter

    with Counter(title) as count:
        yield count


def main() -> None:
    """Errors leave as one sentence and an exit code; no traceback reaches a person."""
    try:
        if app(standalone_mode=False) == Stopped.exit_code:  # typer makes a code of Ctrl-C, and raises nothing
            raise KeyboardInterrupt
    except TacitError as error:
        fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        fail("stopped; whatever was answered or saved before is kept", Stopped.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left: `tacit ... | head`
    except OSError as error:
        from tacit.disk import explain

        known = explain(error, Path(error.filename or "a file"))
        fail(str(known) if known else f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}", 4)
    except MemoryError:
        fail("there is not enough memory\n  try a smaller --batch, or --size", 4)
    except Exception as error:
        if hasattr(error, "format_message"):  # the parser's own, wherever this typer keeps its classes
            fail(error.format_message() + "\n  see: tacit --help", 2)
        if os.environ.get("TACIT_DEBUG"):
            raise
        fail(f"a mistake in tacit itself: {type(error).__name__}: {error}\n  see where: TACIT_DEBUG=1 tacit ...", 1)


def fail(sentence: str, code: int) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(code)

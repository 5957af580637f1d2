"""A model as one ONNX file: from what people have (uint8 images, int16 sounds, raw numbers) to probabilities or codes."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import tacit
from tacit.data.pool import Items
from tacit.deploy.card import STORED, add_onnx
from tacit.deploy.export import row_by_row
from tacit.disk import replacing
from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.methods.method import Method

CHECKED = 256  # items compared with torch
TOLERANCE = 1e-4  # of a probability; of a code as a share of the largest
ABILITIES = {"logits": "probabilities", "embed": "codes"}  # what is asked of the method: the name of the output


@dataclass(frozen=True)
class Checked:
    """The file, its bytes, and how far its answers on real items lie from torch's at most."""

    path: Path
    bytes: int
    difference: float
    items: int


class Portable(nn.Module):
    """A method from stored items to what a person wants: scaling before it, softmax after it, in one graph."""

    def __init__(self, method: Method, ability: str) -> None:
        super().__init__()
        self.method, self.ability = method, ability

    def forward(self, items: Tensor) -> Tensor:
        x = self.method.spec.to_float(items)
        if self.ability == "embed":
            return self.method.embed(x).float()
        logits = self.method.logits(x).float()  # type: ignore[operator]
        return (logits / self.method.confidence_temperature).softmax(1)


def export_onnx(method: Method, path: Path, items: Items, *, ability: str = "logits") -> Checked:
    """Write `method` as ONNX, from `items` (batch, *item) to `probabilities` (or `codes`).

    Items are as the pool stores them: uint8 images, int16 sounds, float32 vectors. The file is compared with torch on
    real items, one at a time and together, before it is there under its name. The number of items in a batch is free.
    The classes are in the file's metadata, as a JSON list under "classes".
    """
    if ability not in ABILITIES or not hasattr(method, ability):
        known = ", ".join(name for name in ABILITIES if hasattr(method, name))
        raise WrongUsage(f"{type(method).__name__} has no {ability!r} to write as ONNX; it has: {known}")
    if len(items) < 2:
        raise BadData(f"an ONNX file is checked on real items, and there are only {len(items)}")
    need_packages()
    import onnx

    model = Portable(row_by_row(method), ability).eval()  # evaluation: no dropout, no batch statistics
    x = items[torch.linspace(0, len(items) - 1, min(CHECKED, len(items))).long()]
    proto = trace(model, x[:4])
    onnx.checker.check_model(proto)
    with replacing(path) as temporary:
        onnx.save(proto, str(temporary))
        difference = compare(temporary, model, x)
        if not difference <= TOLERANCE:  # also when it is not a number
            raise BadData(
                f"the ONNX file of {type(method).__name__} answers differently from torch by {difference:.2g} "
                f"(allowed {TOLERANCE:g}); it was not kept"
            )
    add_onnx(path.parent, described(method, path, ABILITIES[ability], difference, len(x)))
    return Checked(path, path.stat().st_size, difference, len(x))


def trace(model: Portable, x: Tensor) -> Any:
    """The graph of a model, with what the exporter notes about this machine taken out and the classes put in."""
    method, output = model.method, ABILITIES[model.ability]
    try:
        with quiet():
            program = torch.onnx.export(
                model,
                (x,),
                dynamo=True,
                input_names=["items"],
                output_names=[output],
                dynamic_shapes={"items": {0: torch.export.Dim("batch")}},
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever the model's code made it do
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WrongUsage(
            f"{type(method).__name__} cannot be written as ONNX: {reason}\n  export it without: leave --onnx out"
        ) from error
    assert program is not None
    proto = program.model_proto
    for part in [proto.graph, *proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        part.ClearField("metadata_props")  # stack traces with paths of this machine
    del proto.graph.value_info[:]  # shapes between layers: ONNX Runtime's quantiser stumbles over them
    for key, value in {"tacit": tacit.__version__, "classes": json.dumps(method.spec.classes)}.items():
        proto.metadata_props.add(key=key, value=value)
    return proto


def compare(path: Path, model: Portable, x: Tensor) -> float:
    """The largest difference from torch over the items, in one batch and the first of them alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in (x, x[:1]):
        with torch.no_grad():
            ours = model(batch)
        theirs = torch.from_numpy(session.run(None, {"items": batch.numpy()})[0])
        unit = 1.0 if model.ability == "logits" else max(1.0, ours.abs().max().item())
        largest = max(largest, ((ours - theirs).abs().max() / unit).item())
    return largest


def need_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise BadEnvironment(
            f"writing ONNX needs a package that is not installed: {error.name}\n  install: pip install 'tacit[export]'"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporter talks about packages it could use and about its own deprecations; none of it concerns the model."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def described(method: Method, path: Path, output: str, difference: float, n: int) -> list[str]:
    """What the card says about the file."""
    spec = method.spec
    shape = ", ".join(str(side) for side in spec.shape)
    scaling = {"image": "0..255 becomes 0..1", "sound": "32768 becomes 1"}.get(spec.kind, "standardising")
    gives = (
        f"({len(spec.classes)} per item, in the order of the classes)"
        if output == "probabilities"
        else "(one per item)"
    )
    return [
        f"`{path.name}` takes `items`, {STORED.get(spec.kind, 'float32')} (batch, {shape}), and gives "
        f"`{output}` {gives}. Scaling ({scaling}) is inside.",
        f"It differs from torch by at most {difference:.1e} on {n} real items.",
        "",
        "```python",
        "import onnxruntime",
        f'session = onnxruntime.InferenceSession("{path.name}")',
        f'{output} = session.run(None, {{"items": x}})[0]',
        "```",
    ]

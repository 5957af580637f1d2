import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import quantize_dynamic
from torch import Tensor

from tacit import methods
from tacit.data.feeds import items
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.deploy.export import export, load
from tacit.deploy.onnx import Checked, export_onnx
from tacit.engine.apply import embed, probabilities
from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.methods.method import Method, Terms


def supervised(pool: Pool, **options) -> Method:
    torch.manual_seed(0)
    return methods.build("supervised", pool.spec, **options)


def run(path, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"items": x})[0]


@dataclass
class Written:
    folder: Path
    method: Method
    checked: Checked
    said: str  # what the exporter let through

    @property
    def file(self) -> Path:
        return self.folder / "model.onnx"


@pytest.fixture(scope="module")
def written(tmp_path_factory, digits_pool) -> Callable[[str], Written]:
    """An exported classifier by its trunk, written once: an export takes seconds."""

    @cache
    def write(trunk: str) -> Written:
        folder, method = tmp_path_factory.mktemp("onnx") / "model", supervised(digits_pool, trunk=trunk)
        method.confidence_temperature = 1.5  # as of a calibrated one: it belongs into the file
        export(method, "supervised", folder, pool=digits_pool, card={})
        method.to(memory_format=torch.channels_last).train()
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("error")
            checked = export_onnx(method, folder / "model.onnx", digits_pool)
        return Written(folder, method, checked, said.getvalue())

    return write


@pytest.mark.parametrize("trunk", ["mlp", "conv", "resnet"])
def test_raw_images_in_probabilities_out_as_torch_says(written, digits_pool, trunk):
    got = written(trunk)
    assert got.checked.difference < 1e-5 and got.checked.items == 256
    for n in (1, 2, 33):
        x, ours = digits_pool[:n], probabilities(got.method, digits_pool, torch.arange(n)).numpy()
        assert x.dtype == torch.uint8 and np.abs(run(got.file, x.numpy()) - ours).max() < 1e-5
    # one file, whatever its size
    assert sorted(os.listdir(got.folder)) == ["card.md", "config.json", "model.onnx", "model.safetensors"]


def test_codes_as_torch_says(tmp_path, digits_pool):
    torch.manual_seed(0)
    method = methods.build("vae", digits_pool.spec)
    export_onnx(method, tmp_path / "codes.onnx", digits_pool, ability="embed")
    ours = embed(method, digits_pool, torch.arange(20)).numpy()
    assert np.allclose(run(tmp_path / "codes.onnx", digits_pool[:20].numpy()), ours, atol=1e-4)


def test_vectors_are_standardised_inside(tmp_path):
    spec = ItemSpec((3,), "vector", ("a", "b"), center=(1.0, 20.0, -3.0), scale=(0.5, 10.0, 2.0))
    x = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32) * 10
    pool = Pool(spec, x)
    method = supervised(pool)
    export_onnx(method, tmp_path / "model.onnx", pool)
    assert np.allclose(run(tmp_path / "model.onnx", x), probabilities(method, pool).numpy(), atol=1e-5)


def test_the_file_names_its_classes_and_nothing_of_this_machine(written):
    file = written("resnet").file
    told = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(told["classes"]) == list("0123456789") and "tacit" in told
    content = file.read_bytes()
    assert os.getcwd().encode() not in content and b".py" not in content


def test_the_runtimes_quantiser_takes_it(written, tmp_path, digits_pool):
    got = written("mlp")
    quantize_dynamic(str(got.file), str(tmp_path / "small.onnx"))
    small = run(tmp_path / "small.onnx", digits_pool[:50].numpy())
    assert np.abs(small - probabilities(got.method, digits_pool, torch.arange(50)).numpy()).max() < 0.05
    assert (tmp_path / "small.onnx").stat().st_size < 0.5 * got.file.stat().st_size


def test_the_card_tells_how_to_run_it_and_the_lines_run(written, digits_pool):
    got = written("conv")
    text = (got.folder / "card.md").read_text()
    assert "uint8 (batch, 1, 8, 8)" in text and "## Limits" in text
    code = text.split("## ONNX")[1].split("```python\n")[1].split("```")[0]
    names = {"x": digits_pool[:3].numpy()}
    exec(code.replace("model.onnx", str(got.file)), names)
    assert names["probabilities"].shape == (3, 10)


def test_the_exporter_keeps_quiet_and_the_model_as_it_was(written):
    got = written("conv")
    assert got.said == "" and got.method.training
    kept = load(got.folder).state_dict()
    assert all(torch.equal(kept[key], value) for key, value in got.method.state_dict().items())


class Branching(Method):
    """Looks at its items to decide what to do: no graph can hold that."""

    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec: ItemSpec):
        super().__init__(spec)
        self.encoder = torch.nn.Linear(64, 4)

    def loss(self, batch) -> Terms:
        return {"loss": self.embed(batch).sum()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1)) if x.sum().item() > 3 else x.flatten(1)


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path, digits_pool):
    with pytest.raises(WrongUsage, match=r"Branching cannot be written as ONNX: .*\n.*leave --onnx out"):
        export_onnx(Branching(digits_pool.spec), tmp_path / "model.onnx", digits_pool, ability="embed")
    with pytest.raises(WrongUsage, match="it has: embed"):
        export_onnx(Branching(digits_pool.spec), tmp_path / "model.onnx", digits_pool)
    with pytest.raises(BadData, match="only 1"):
        export_onnx(supervised(digits_pool), tmp_path / "model.onnx", digits_pool.take(np.arange(1)))
    assert os.listdir(tmp_path) == []


def test_a_file_that_answers_differently_is_not_kept(written, tmp_path, digits_pool, monkeypatch):
    monkeypatch.setattr("tacit.deploy.onnx.trace", lambda *_: onnx.load(written("mlp").file))
    other = supervised(digits_pool, trunk="mlp")
    with torch.no_grad():
        other.head.bias[0] += 1
    with pytest.raises(BadData, match="answers differently"):
        export_onnx(other, tmp_path / "model.onnx", digits_pool)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named(tmp_path, digits_pool, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # importing it raises ImportError
    with pytest.raises(BadEnvironment, match=rf"{package}\n.*pip install 'tacit\[export\]'"):
        export_onnx(supervised(digits_pool), tmp_path / "model.onnx", digits_pool)


def test_sounds_as_16_bit_samples_in_probabilities_out_as_torch_says(tmp_path):
    rng = np.random.default_rng(0)
    end = rng.integers(200, 800, (9, 1, 1))
    stored = np.where(np.arange(800) < end, rng.normal(0, 6000, (9, 1, 800)), 0).clip(-29491, 29491).astype(np.int16)
    pool = Pool(ItemSpec((1, 800), "sound", ("low", "high"), rate=8000), stored)
    method = supervised(pool, width=2, depth=2)
    export(method, "supervised", tmp_path / "model", pool=pool, card={})
    checked = export_onnx(method, tmp_path / "model" / "model.onnx", pool)
    assert checked.difference < 1e-5
    p = probabilities(load(tmp_path / "model"), pool).numpy()
    for rows in (stored, stored[:1]):
        assert np.abs(run(tmp_path / "model" / "model.onnx", rows) - p[: len(rows)]).max() < 1e-5
    card = (tmp_path / "model" / "card.md").read_text()
    assert "sounds of 0.10 s at 8,000 Hz, mono, as int16 (1, 800)" in card
    assert "`items`, int16 (batch, 1, 800)" in card and "32768 becomes 1" in card

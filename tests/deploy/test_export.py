import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tacit
from tacit import methods
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.deploy.export import export, load, save
from tacit.engine.apply import apply
from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.evaluate.intervals import wilson
from tacit.methods.method import Method

OWN = """
from torch import nn
from tacit.data.feeds import items
from tacit.methods.method import Method

class Own(Method):
    feed = staticmethod(items)
    paper, use_when = "mine, https://example.org", "testing"

    def __init__(self, spec, *, dim: int = 3):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, dim))

    def loss(self, batch):
        return {"loss": self.encoder(batch).sum()}

    def embed(self, x):
        return self.encoder(x)
"""


# tied weights, a transposed one, channels-last ones, a counter: what a naive writer trips over
ODD = """
import torch
from torch import nn
from tacit.data.feeds import items
from tacit.methods.method import Method

class Odd(Method):
    feed = staticmethod(items)
    paper, use_when = "none", "testing"

    def __init__(self, spec):
        super().__init__(spec)
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 6))
        self.back = nn.Linear(6, 144)
        self.back.weight = nn.Parameter(self.encoder[3].weight.t())
        self.twin = nn.Linear(144, 6)
        self.twin.weight = self.encoder[3].weight
        self.to(memory_format=torch.channels_last)
        self.factor = 1.0

    def loss(self, batch):
        return {"loss": self.embed(batch).sum()}

    def embed(self, x):
        return self.factor * self.twin(self.encoder[:3](x)) + self.encoder(x)
"""


def trained(name: str, spec: ItemSpec, **options) -> Method:
    """A method whose weights and running statistics are not the first ones."""
    torch.manual_seed(0)
    method = methods.build(name, spec, **options)
    with torch.no_grad():
        for tensor in [*method.parameters(), *method.buffers()]:
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand_like(tensor)
    return method


@pytest.fixture
def exported(tmp_path, digits_pool) -> Path:
    method = trained("supervised", digits_pool.spec)
    export(method, "supervised", tmp_path / "model", pool=digits_pool, card={"labels": 120, "items": 1797})
    return tmp_path / "model"


@pytest.mark.parametrize("name", methods.CATALOGUE)
def test_every_method_comes_back_the_same(tmp_path, digits_pool, name):
    method = trained(name, digits_pool.spec)
    done = export(method, name, tmp_path / "model", pool=digits_pool, card={})
    again = load(tmp_path / "model")
    assert type(again) is type(method) and not again.training
    assert again.options == method.options and again.spec == method.spec
    for ability in ("embed", "logits"):
        if hasattr(method, ability):
            answers = [apply(m, getattr(m, ability), digits_pool, torch.arange(50)) for m in (method, again)]
            assert torch.equal(*answers)
    assert done.items == 64 and done.bytes == sum(f.stat().st_size for f in (tmp_path / "model").iterdir())
    assert sorted(os.listdir(tmp_path / "model")) == ["card.md", "config.json", "model.safetensors"]


@pytest.mark.parametrize("trunk", ["mlp", "conv", "resnet"])
def test_every_trunk_comes_back_the_same_whatever_the_memory_layout(tmp_path, digits_pool, trunk):
    method = trained("supervised", digits_pool.spec, trunk=trunk).to(memory_format=torch.channels_last)
    export(method, "supervised", tmp_path / "model", pool=digits_pool, card={})
    again = load(tmp_path / "model")
    state = method.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in again.state_dict().items())


@pytest.fixture
def odd(tmp_path, digits_pool) -> tuple[str, Method]:
    (tmp_path / "odd.py").write_text(ODD)
    name = f"{tmp_path / 'odd.py'}:Odd"
    return name, trained(name, digits_pool.spec)


def test_shared_and_transposed_weights_are_written(tmp_path, odd):
    name, method = odd
    assert not method.back.weight.is_contiguous()
    assert export(method, name, tmp_path / "model", pool=None, card={}).items == 64
    state = load_file(tmp_path / "model" / "model.safetensors")
    assert set(state) == set(method.state_dict())
    assert all(torch.equal(state[key], value) for key, value in method.state_dict().items())


def test_a_method_that_remembers_outside_its_state_is_refused_and_leaves_nothing(tmp_path, odd, digits_pool):
    name, method = odd
    method.factor = 2.0
    with pytest.raises(BadData, match=r"embed of Odd differs by .*\n.*a parameter or a buffer"):
        export(method, name, tmp_path / "model", pool=digits_pool, card={})
    assert os.listdir(tmp_path) == ["odd.py"]


def test_vectors_keep_their_centers_and_scales(tmp_path):
    spec = ItemSpec((3,), "vector", ("a", "b"), center=(1.0, 2.0, 3.0), scale=(0.5, 1.0, 2.0))
    pool = Pool(spec, np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    for where, data in [("real", pool), ("made up", None)]:
        export(trained("supervised", spec), "supervised", tmp_path / where, pool=data, card={})
        assert load(tmp_path / where).spec == spec


def test_loading_and_exporting_leave_random_numbers_alone(exported, tmp_path, digits_pool):
    state = torch.get_rng_state()
    export(load(exported), "supervised", tmp_path / "again", pool=digits_pool, card={})
    assert torch.equal(state, torch.get_rng_state())


def test_the_model_in_hand_is_not_changed(tmp_path, digits_pool):
    method = trained("supervised", digits_pool.spec, trunk="conv").train()
    before = {key: value.clone() for key, value in method.state_dict().items()}
    export(method, "supervised", tmp_path / "model", pool=digits_pool, card={})
    assert method.training
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())


def test_a_folder_that_is_there_is_not_overwritten(exported, digits_pool):
    before = (exported / "model.safetensors").read_bytes()
    with pytest.raises(WrongUsage, match="exists already"):
        export(trained("supervised", digits_pool.spec), "supervised", exported, pool=digits_pool, card={})
    assert (exported / "model.safetensors").read_bytes() == before


def test_a_method_written_in_a_session_needs_a_file(tmp_path, odd):
    method = odd[1]
    type(method).__module__ = "__session__"
    with pytest.raises(WrongUsage, match="a file of its own"):
        save(method, "odd", tmp_path)


def test_a_model_that_answers_with_no_numbers_is_refused(tmp_path, digits_pool):
    method = trained("supervised", digits_pool.spec)
    method.head.bias.data[0] = torch.nan
    with pytest.raises(BadData, match="not numbers"):
        export(method, "supervised", tmp_path / "model", pool=digits_pool, card={})


class TestOwnMethods:
    @pytest.fixture
    def own(self, tmp_path, digits_pool) -> Path:
        (tmp_path / "mine.py").write_text(OWN)
        name = f"{tmp_path / 'mine.py'}:Own"
        export(trained(name, digits_pool.spec, dim=5), name, tmp_path / "model", pool=digits_pool, card={})
        (tmp_path / "mine.py").unlink()  # the folder needs nothing from outside
        return tmp_path / "model"

    def test_the_code_travels_with_the_folder(self, own):
        assert sorted(os.listdir(own)) == ["card.md", "config.json", "mine.py", "model.safetensors"]
        again = load(own, trust_code=True)
        assert again.embed(torch.rand(2, 1, 8, 8)).shape == (2, 5)
        card = (own / "card.md").read_text()
        assert "trust_code=True" in card and "`mine.py:Own`" in card and str(own.parent) not in card

    def test_it_is_not_run_unless_trusted(self, own):
        (own / "mine.py").write_text("raise SystemExit('run')")
        with pytest.raises(WrongUsage, match="trust_code=True"):
            load(own)

    def test_saving_what_was_loaded_into_its_own_folder_works(self, own):
        again = load(own, trust_code=True)
        save(again, f"{own / 'mine.py'}:Own", own)
        assert load(own, trust_code=True).options == again.options

    def test_a_configuration_cannot_point_out_of_its_folder(self, own):
        change(own, method="../elsewhere.py:Own")
        with pytest.raises(BadData, match=r"no file \.\./elsewhere\.py"):
            load(own, trust_code=True)


def change(folder: Path, **values) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


class TestTamperedFolders:
    def test_no_folder(self, tmp_path, exported):
        for path in (tmp_path / "nothing", exported / "model.safetensors"):
            with pytest.raises(WrongUsage, match="not a folder"):
                load(path)

    @pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
    def test_a_missing_file(self, exported, file):
        (exported / file).unlink()
        with pytest.raises(BadData, match=f"no {file}"):
            load(exported)

    @pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
    def test_a_file_cut_short(self, exported, file):
        content = (exported / file).read_bytes()
        (exported / file).write_bytes(content[: len(content) // 2])
        with pytest.raises(BadData, match=f"{file} cannot be read"):
            load(exported)

    def test_a_newer_format(self, exported):
        change(exported, format=2, tacit="9.0")
        with pytest.raises(BadEnvironment, match=r"newer Tacit \(9\.0.*\n.*pip install --upgrade"):
            load(exported)

    def test_an_unknown_method(self, exported):
        change(exported, method="supervized")
        with pytest.raises(BadData, match=r"no method called 'supervized'\n.*did you mean: supervised"):
            load(exported)

    def test_a_python_file_in_the_place_of_a_method_is_not_run(self, exported, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "evil.py").write_text("raise SystemExit('run')")
        for name in ("evil.py", str(tmp_path / "evil.py"), "evil.py:", ":evil.py"):
            change(exported, method=name)
            with pytest.raises(BadData):
                load(exported, trust_code=True)

    def test_options_that_do_not_exist(self, exported):
        change(exported, options={"widht": 3})
        with pytest.raises(BadData, match="width"):
            load(exported)

    @pytest.mark.parametrize("lost", ["format", "method", "options", "spec"])
    def test_a_lost_entry(self, exported, lost):
        change(exported, **{lost: None})
        with pytest.raises(BadData, match=f"lacks {lost}"):
            load(exported)

    @pytest.mark.parametrize("spec", [{}, {"shape": "x"}, {"shape": [1, 8, 8], "smell": "nice"}, {"shape": [0]}])
    def test_a_spec_that_is_none(self, exported, spec):
        change(exported, spec=spec)
        with pytest.raises(BadData, match=r"config\.json"):
            load(exported)

    def test_weights_of_another_size(self, exported):
        change(exported, options=json.loads((exported / "config.json").read_text())["options"] | {"width": 7})
        with pytest.raises(BadData, match=r"does not fit config\.json.*size mismatch"):
            load(exported)

    def test_weights_of_another_model(self, exported):
        save_file({"a": torch.zeros(3)}, exported / "model.safetensors")
        with pytest.raises(BadData, match="does not fit"):
            load(exported)


def test_options_that_cannot_be_written_are_refused(tmp_path, digits_pool):
    method = trained("supervised", digits_pool.spec)
    method.options["label_smoothing"] = torch.zeros(1)
    with pytest.raises(WrongUsage, match="numbers, words and lists"):
        save(method, "supervised", tmp_path)


class TestTheCard:
    def test_it_tells_what_the_model_is_and_how_good(self, tmp_path, digits_pool):
        method = trained("supervised", digits_pool.spec)
        facts = {
            "project": "digits",
            "labels": 120,
            "items": 1797,
            "accuracy": wilson(90, 100),
            "limits": ["No sevens."],
        }
        export(method, "supervised", tmp_path / "model", pool=digits_pool, card={**facts, "run": "004-supervised"})
        text = (tmp_path / "model" / "card.md").read_text()
        for told in (
            "# digits",
            "10 classes",
            "0, 1, 2, 3",
            "120 labels in a pool of 1,797 items",
            "0.900 [0.826, 0.945]",
            "No sevens.",
        ):
            assert told in text
        assert "8 x 8 pixels" in text and "run: 004-supervised" in text and "uint8 (1, 8, 8)" in text

    def test_what_was_not_measured_is_said(self, exported, tmp_path, digits_pool):
        assert "not measured" in (exported / "card.md").read_text()
        export(trained("vae", digits_pool.spec), "vae", tmp_path / "codes", pool=digits_pool, card={})
        assert "turns an item into a code" in (tmp_path / "codes" / "card.md").read_text()

    def test_its_three_lines_run(self, exported, digits_pool):
        code = (exported / "card.md").read_text().split("```python\n")[1].split("```")[0]
        assert len(code.splitlines()) == 3
        names = {"x": digits_pool[:5]}
        exec(code.replace('"this folder"', repr(str(exported))), names)
        assert names["p"].shape == (5, 10) and names["p"].sum(1).allclose(torch.ones(5))


def test_the_package_loads_models_by_its_own_name(exported):
    assert tacit.load(exported).options == load(exported).options


def test_a_model_of_sounds_comes_back_without_a_pool(tmp_path):
    torch.manual_seed(0)
    method = methods.build("supervised", ItemSpec((1, 800), "sound", ("low", "high"), rate=8000), width=2, depth=2)
    assert export(method, "supervised", tmp_path / "model", pool=None, card={}).items == 64
    again = load(tmp_path / "model")
    assert again.spec == method.spec and again.spec.rate == 8000


def test_a_temperature_travels_with_the_model_and_a_broken_one_is_refused(tmp_path, digits_pool):
    method = trained("supervised", digits_pool.spec)
    assert load_again(method, tmp_path / "plain", digits_pool) == 1.0
    assert "confidence_temperature" not in json.loads((tmp_path / "plain" / "config.json").read_text())
    method.confidence_temperature = 1.75
    assert load_again(method, tmp_path / "calibrated", digits_pool) == 1.75
    path = tmp_path / "calibrated" / "config.json"
    for broken in (0, -1.0, "hot", True):
        path.write_text(json.dumps({**json.loads(path.read_text()), "confidence_temperature": broken}))
        with pytest.raises(BadData, match="expected a number above 0"):
            load(path.parent)


def load_again(method: Method, folder: Path, pool) -> float:
    export(method, "supervised", folder, pool=pool, card={})
    return load(folder).confidence_temperature

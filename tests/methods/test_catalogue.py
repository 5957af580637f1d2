from pathlib import Path

import pytest
import torch

from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods import CATALOGUE, build, find
from tacit.methods.checks import run_all
from tacit.methods.vae import VAE

SPEC = ItemSpec((1, 8, 8))

MEAN_COLOR = '''"""A method of someone else."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tacit.data.feeds import items
from tacit.methods.method import Method, Terms
from tacit.nn.trunk import trunk


@dataclass
class Note:
    text: "str" = "dataclasses look their module up"


class Mean(Method):
    feed = staticmethod(items)
    paper = "Nobody 2020, https://example.org"
    use_when = "a test needs a method"

    def __init__(self, spec, *, latent_dim: int = 4) -> None:
        super().__init__(spec)
        self.encoder = trunk(spec.shape, width=8)
        self.head = nn.Linear(self.encoder.out_dim, latent_dim)

    def loss(self, x: Tensor) -> Terms:
        return {"loss": (self.embed(x) - x.flatten(1).mean(1, keepdim=True)).float().square().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x))


class Half(Method):
    def loss(self, x):
        return {}


class NoMethod:
    pass
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MEAN_COLOR)
    return path


def test_names_are_in_order_and_lead_to_their_class():
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert find("vae") is VAE


def test_a_misspelt_method_gets_the_nearest_one():
    with pytest.raises(UnknownName, match="no method called 'autoencodr'\n  did you mean: autoencoder"):
        find("autoencodr")


def test_someone_else_s_method_is_found_by_its_file(file):
    cls = find(f"{file}:Mean")
    assert cls.__name__ == "Mean"
    assert build(f"{file}:Mean", SPEC, latent_dim="3").embed(torch.rand(2, 1, 8, 8)).shape == (2, 3)


def test_someone_else_s_method_passes_the_suite(file):
    run_all(find(f"{file}:Mean"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{folder}/none.py:Mean", "there is no file .*none.py"),
        ("{file}:Mode", "has no class Mode\n  methods in it: Mean, Half"),
        ("{file}:NoMethod", "NoMethod in .* is not a Method"),
        ("{file}:Half", "Half in .* lacks embed"),
        ("{file}", "which class of .*\n  name it: .*mine.py:Mean"),
        ("{folder}/notes.txt:Mean", "is not a Python file"),
        ("{folder}/broken.py:Mean", "cannot be loaded: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(file, name, said):
    (file.parent / "notes.txt").write_text("no code")
    (file.parent / "broken.py").write_text("1 / 0")
    with pytest.raises(WrongUsage, match=said):
        find(name.format(file=file, folder=file.parent))


def test_build_converts_and_checks_options():
    method = build("vae", SPEC, **{"latent-dim": "7", "beta": 2})
    assert method.options["latent_dim"] == 7 and method.options["beta"] == 2.0
    with pytest.raises(UnknownName, match="--latent-dmi  did you mean --latent-dim"):
        build("vae", SPEC, latent_dmi=3)
    with pytest.raises(UnknownName, match="--steps"):
        build("vae", SPEC, steps=3)  # a training setting is no option of the method

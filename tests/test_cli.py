import subprocess
import sys

import pytest

from tacit.cli import settings
from tacit.errors import WrongUsage

COMMANDS = (
    "demo", "init", "look", "learn", "choose", "label", "train", "evaluate",
    "simulate", "export", "predict", "generate", "report", "bench", "methods", "runs", "doctor",
)  # fmt: skip


def test_help_needs_none_of_the_heavy_packages():
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tacit", "--help"], capture_output=True, text=True, check=True
    )
    for heavy in ("torch", "numpy", "sklearn", "rich"):
        assert f" {heavy}\n" not in loaded.stderr, f"{heavy} is loaded before it is needed"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_two_examples(command):
    said = subprocess.run(
        [sys.executable, "-m", "tacit", command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert said.count(f"tacit {command}") >= 2 + said.count(f"Usage: tacit {command}") - 1, said
    assert "--json" in said


def test_settings_are_read_in_every_form():
    words = ["--latent-dim", "16", "--lr=1e-3", "--no-flip", "--binarize"]
    assert settings(words) == {"latent_dim": "16", "lr": "1e-3", "flip": "false", "binarize": "true"}
    with pytest.raises(WrongUsage, match="settings look like"):
        settings(["vae"])


def test_methods_prints_when_to_use_what():
    said = subprocess.run([sys.executable, "-m", "tacit", "methods"], capture_output=True, text=True, check=True).stdout
    for name in ("autoencoder", "vae", "supervised", "random", "typical", "badge", "uphill", "between", "jitter"):
        assert name in said
    assert said.count("use it when") == 3

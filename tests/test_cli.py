import subprocess
import sys

import pytest

from tacit.cli import app, main, settings
from tacit.errors import WrongUsage

COMMANDS = sorted(one.name or one.callback.__name__ for one in app.registered_commands)
SERVERS = ("go", "serve")  # they run until they are stopped, and have no record


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
    assert ("--json" in said) != (command in SERVERS)


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


def test_ctrl_c_anywhere_is_said_and_is_no_success(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tacit.project.doctor.examine", interrupted)
    monkeypatch.setattr("sys.argv", ["tacit", "doctor"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert "error: stopped; whatever was answered or saved before is kept" in capsys.readouterr().err

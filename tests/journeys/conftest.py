import json
import subprocess
from pathlib import Path

import pytest

from tests.warm import run


class Shell:
    """`tacit` as a person runs it: another process, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = run([*map(str, words)], cwd=self.folder, OMP_NUM_THREADS="1", COLUMNS="200", **environment)
        assert done.returncode == code, (
            f"tacit {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: object) -> dict:
        """The record: the last line on stdout."""
        return json.loads(self(*words, "--json").stdout.splitlines()[-1])

    def error(self, code: int, *words: object) -> str:
        """The sentence a mistake is answered with."""
        said = self(*words, code=code).stderr
        assert said.splitlines()[-1].strip() and "error: " in said, said
        return said


@pytest.fixture
def tacit(tmp_path):
    return Shell(tmp_path)

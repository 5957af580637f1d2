"""What is installed is what was pinned: nobody replaced torch, and no CUDA package crept in beside a CPU build."""

import importlib.metadata
import re
from pathlib import Path

import pytest
import torch

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"


def pinned() -> dict[str, str]:
    lines = CONSTRAINTS.read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_the_pinned_packages_are_the_installed_ones():
    wrong = {}
    for name, version in pinned().items():
        found = importlib.metadata.version(name).split("+")[0]
        if found != version:
            wrong[name] = (version, found)
    assert not wrong


def test_no_cuda_package_came_along_with_a_cpu_build_of_torch():
    if torch.version.cuda is not None:
        pytest.skip("this torch was built for CUDA")
    names = {str(d.metadata["Name"]).lower() for d in importlib.metadata.distributions()}
    assert not {n for n in names if re.match(r"nvidia-|triton$|torchvision$", n)}

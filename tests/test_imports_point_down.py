"""The drawing of the house is true: a room imports only from floors below its own."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tacit

ROOT = Path(tacit.__file__).parent
FLOORS = [
    {"errors"},
    {"across", "disk", "outcome"},
    {"data", "nn", "objectives"},
    {"methods"},
    {"engine"},
    {"latent"},
    {"select", "evaluate", "deploy"},
    {"rounds"},
    {"compare", "simulate", "report"},
    {"project"},
    {"bench", "demo", "web"},
    {"cli", "estimators"},
    {"__main__", "__init__"},
]
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms named by any import of a file, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "tacit"
                else [str(node.module)]
            )
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("tacit.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = room_of(path)
    for room in imported_rooms(path) - {here}:
        assert FLOOR[room] < FLOOR[here], f"{here} (floor {FLOOR[here]}) imports {room} (floor {FLOOR[room]})"


def imported_files(path: Path) -> set[Path]:
    """Files of the package that a file imports, inside functions and for types alone too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if file_of(name) else str(node.module) for name in within]
        found |= {file for name in names if (file := file_of(name))}
    return found - {path}


def file_of(module: str) -> Path | None:
    """The file of a module of the package, if there is one; a package has its __init__."""
    place = ROOT.parent.joinpath(*module.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file in FILES), None)


def test_no_file_imports_itself_by_way_of_others():
    order = TopologicalSorter({path: imported_files(path) for path in FILES if path.name != "__init__.py"})
    try:
        order.prepare()
    except CycleError as error:
        circle = " <- ".join(str(path.relative_to(ROOT)) for path in error.args[1])
        raise AssertionError(f"a circle: {circle}") from None


def test_every_room_is_on_the_drawing():
    rooms = {room_of(path) for path in FILES}
    assert rooms <= set(FLOOR), f"not on the drawing: {rooms - set(FLOOR)}"


def test_doors_do_not_load_torch_before_a_command_needs_it():
    import subprocess
    import sys

    code = (
        "import tacit, tacit.cli, sys; assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

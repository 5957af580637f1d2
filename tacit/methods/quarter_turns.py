"""Quarter turns of pictures, the task of telling them apart, and the items that cannot be turned so."""

from tacit.data.spec import ItemSpec
from tacit.errors import WrongUsage

TURNS = 4


def refuse_what_has_no_quarter_turns(spec: ItemSpec, name: str, instead: str) -> None:
    """An error for items that are not square pictures; `instead` is a command for such items."""
    if spec.kind != "image":
        raise WrongUsage(f"{name} turns pictures, and these items are {spec.kind}s\n  try: {instead}")
    _, height, width = spec.shape
    if height != width:
        raise WrongUsage(
            f"{name} turns square pictures by quarters, and these are {height} x {width} pixels\n"
            f"  pad them into squares: tacit init SOURCE --size {max(height, width)} --aspect pad, or try: {instead}"
        )

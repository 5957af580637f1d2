"""The card of an exported model: plain words for whoever finds the folder."""

from pathlib import Path
from typing import Any

from tacit.data.spec import ItemSpec
from tacit.disk import write_atomic
from tacit.methods.method import Method

CARD = "card.md"
STORED = {"image": "uint8", "sound": "int16"}  # what a model takes items as; vectors as float32
TOLD = {"title", "labels", "items", "accuracy", "limits"}  # keys with a place of their own on the card


def write_card(folder: Path, method: Method, name: str, card: dict[str, Any]) -> None:
    """Write the card. `card` may hold `title`, `labels` and `items` (numbers), `accuracy` (an interval, or words) and
    `limits` (sentences); whatever else it holds is listed as it is."""
    write_atomic(folder / CARD, "\n".join(lines(method, name, card)) + "\n")


def lines(method: Method, name: str, card: dict[str, Any]) -> list[str]:
    classes = method.spec.classes
    classifies = hasattr(method, "logits")
    does = f"answers which of {len(classes)} classes an item has" if classifies else "turns an item into a code"
    said = [f"# {card.get('title') or card.get('project') or name}", ""]
    said += [f"A model that {does}. It was made by Tacit with the method `{name}`", f"({method.paper}).", ""]
    said += ["## Facts", "", f"- takes: {takes(method.spec)}"]
    if classifies:
        said.append(f"- classes: {', '.join(classes)}")
    said.append(f"- learned from: {learned(card)}")
    said.append(f"- accuracy: {measured(card.get('accuracy'), classifies)}")
    said += [
        f"- {key.replace('_', ' ')}: {value}" for key, value in card.items() if key not in TOLD and value is not None
    ]
    said += ["", "## Use", "", *use(method, name)]
    return [*said, "", "## Limits", "", *(f"- {limit}" for limit in limits(card, classifies))]


def takes(spec: ItemSpec) -> str:
    if spec.kind == "sound":
        seconds = spec.shape[1] / spec.rate
        return (
            f"sounds of {seconds:.2f} s at {spec.rate:,} Hz, mono, as int16 (1, {spec.shape[1]}): zeros behind shorter "
            "ones, the mean taken out, the peak at 0.9 of full scale (29491); 32768 becomes 1 inside"
        )
    if spec.kind != "image":
        return f"vectors of {spec.shape[0]} numbers as they were measured; the model standardises them itself"
    channels, height, width = spec.shape
    color = {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels")
    return (
        f"images of {width} x {height} pixels (width x height), {color}, as uint8 ({channels}, {height}, {width}); "
        "others must be brought to that size first; 0..255 becomes 0..1 inside"
    )


def learned(card: dict[str, Any]) -> str:
    labels, items = card.get("labels"), card.get("items")
    parts = [f"{labels:,} labels"] if labels is not None else []
    parts += [f"a pool of {items:,} items"] if items is not None else []
    return " in ".join(parts) or "not recorded"


def measured(accuracy: Any, classifies: bool) -> str:
    if accuracy is not None:
        return f"{accuracy}" + ("" if isinstance(accuracy, str) else " (95 % interval)")
    return "not measured: the yardstick had no labels" if classifies else "none: it has no classes"


def use(method: Method, name: str) -> list[str]:
    shape = ", ".join(str(side) for side in method.spec.shape)
    kind = STORED.get(method.spec.kind, "float32")
    own = ", trust_code=True" if ":" in name else ""
    answer = "p = model.logits({x}).softmax(1)" if hasattr(method, "logits") else "codes = model.embed({x})"
    if method.confidence_temperature != 1:
        answer = "p = (model.logits({x}) / model.confidence_temperature).softmax(1)"
    return [
        "```python",
        "import tacit",
        f'model = tacit.load("this folder"{own})',
        f"{answer.format(x='model.spec.to_float(x)')}  # x: {kind} (B, {shape})",
        "```",
    ]


def limits(card: dict[str, Any], classifies: bool) -> list[str]:
    said = [
        "It knows items like those it learned from. From another source (camera, scanner, season) they need a new test."
    ]
    if classifies:
        said.append(
            "It answers with one of its classes for anything, also for items of none; a low confidence is a hint."
        )
        said.append("Its accuracy is an average: single classes can be worse, rare ones above all.")
    return said + [str(limit) for limit in card.get("limits", [])]


def add_onnx(folder: Path, text: list[str]) -> None:
    """Add what an ONNX file beside the card takes and gives."""
    path = folder / CARD
    if path.is_file():
        write_atomic(path, "\n".join([path.read_text(encoding="utf-8").rstrip(), "", "## ONNX", "", *text]) + "\n")

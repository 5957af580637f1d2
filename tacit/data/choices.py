"""One annotation of Label Studio: which of its choices is the class, who made it, and how one is written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.data.cells import class_text, date
from tacit.data.events import CANNOT_TELL, Event
from tacit.data.foreign import OWN, mark
from tacit.errors import BadData

REGION = {"x", "y", "points", "rle", "start", "end", "startOffset", "endOffset", "sequence"}  # a part of an item
USUAL = (
    "choice",
    "choices",
    "label",
    "class",
    "answer",
    "sentiment",
    "category",
)  # names of the question about the class
OF_ROWS = {
    "id",
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "comments",
    "tacit",
}


@dataclass(frozen=True)
class Control:
    """The question whose answer is the class: a Choices tag and what it is about."""

    name: str  # "" where there is none
    about: str
    flat: bool = False


def control_of(path: Path, tasks: Sequence[Mapping[str, Any]], classes: Sequence[str] | None) -> Control:
    """The one Choices tag of a file; of several, the one whose choices are the project's classes."""
    found: dict[str, set[str]] = {}
    for task in tasks:
        annotations = task.get("annotations")
        for annotation in annotations if isinstance(annotations, list) else []:
            for result in _results(annotation):
                found.setdefault(_name(result), set()).update(map(str, result["value"]["choices"]))
    return Control(_decided(path, found, classes), "")


def min_key(path: Path, rows: Sequence[Mapping[str, Any]], classes: Sequence[str] | None) -> str | None:
    """The key of flat rows that holds the class; None where no row has an answer."""
    found: dict[str, set[str]] = {}
    annotated = any("annotation_id" in row or "annotator" in row for row in rows)
    for row in rows:
        for key, value in row.items():
            usual = key.lower() in USUAL
            choices = value.get("choices") if isinstance(value, dict) else value
            if key in OF_ROWS or not (annotated or usual) or (isinstance(value, dict) and choices is None):
                continue
            if isinstance(choices, str | list) or (usual and isinstance(choices, int | float)):
                many = choices if isinstance(choices, list) else [choices]
                found.setdefault(key, set()).update(str(each) for each in many)
    naming = {key for key in found if _looks_like_data(found[key]) and key.lower() not in USUAL}
    asked = {key: values for key, values in found.items() if key not in naming}
    usual_ones = {key: values for key, values in asked.items() if key.lower() in USUAL}
    return _decided(path, usual_ones if len(asked) > 1 and len(usual_ones) == 1 else asked, classes) or None


def annotations_of(path: Path, where: str, task: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = task.get("annotations", [])
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadData(f"{path}, {where}: annotations must be a list of objects\n  export the file again")
    return found


def choices_of(
    path: Path, where: str, annotation: Mapping[str, Any], control: Control
) -> tuple[dict[str, str], list[str]]:
    """What marks the annotation as one that was given here (`who`, `mark`), and its different choices, in order."""
    if control.flat:
        value = annotation.get(control.name)
        many = value.get("choices", []) if isinstance(value, dict) else value
        many = many if isinstance(many, list) else [] if many is None else [many]
        number = annotation.get("annotation_id")
        own = {"mark": number} if isinstance(number, str) and number.startswith(OWN) else {}
        if own and isinstance(annotation.get("annotator"), str):
            own["who"] = annotation["annotator"]
    else:
        results = [result for result in _results(annotation) if _name(result) == control.name]
        many = [choice for result in results for choice in result["value"]["choices"]]
        own = next((found for result in _all_choices(annotation) if (found := _own(result))), {})
    said = [class_text(path, where, choice) for choice in many]
    return own, list(dict.fromkeys(answer for answer in said if answer))


def person(by: Any) -> str:
    """A name for whoever annotated: an address, a name or a number; "" where nobody is named."""
    if isinstance(by, dict):
        whole = " ".join(str(by[key]) for key in ("first_name", "last_name") if by.get(key))
        by = by.get("email") or whole or by.get("username") or by.get("id")
    if isinstance(by, int) and not isinstance(by, bool):
        return f"user {by}"
    if isinstance(by, str):
        return by.strip().encode("utf-8", "replace").decode()
    return ""


def annotation_for(event: Event, control: Control, people: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as an annotation. Only people whom the file knows are named where Label Studio looks: it refuses a file
    with others in it, and takes whoever imports for the annotator. The name always stands in `meta`, which it keeps."""
    cannot = event.answer == CANNOT_TELL
    result = {
        "id": mark(event),
        "from_name": control.name,
        "to_name": control.about,
        "type": "choices",
        "value": {"choices": [] if cannot else [event.answer]},
        "origin": "manual",
        "meta": {"tacit": {"who": event.who}},
    }
    made: dict[str, Any] = {} if people.get(event.who) is None else {"completed_by": people[event.who]}
    made |= {"result": [result], "was_cancelled": cannot, "ground_truth": False, "created_at": date(event)}
    return made if event.seconds is None else made | {"lead_time": event.seconds}


def row_for(event: Event, data: Mapping[str, Any], control: Control, people: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a flat row; "?" stays what it is, for there is no other word for it in that form."""
    row = {**data, control.name: event.answer, "annotator": people.get(event.who) or event.who}
    row |= {"annotation_id": mark(event), "created_at": date(event)}
    return row if event.seconds is None else row | {"lead_time": event.seconds}


def abouts_of(annotation: Mapping[str, Any], name: str) -> list[str]:
    """What the choices of this name are about, as the labelling interface calls it."""
    return [str(result["to_name"]) for result in _results(annotation) if _name(result) == name and "to_name" in result]


def _all_choices(annotation: Any) -> list[dict[str, Any]]:
    """Results with choices, also with none chosen."""
    results = annotation.get("result") if isinstance(annotation, dict) else None
    return [
        result
        for result in (results if isinstance(results, list) else [])
        if isinstance(result, dict)
        and isinstance(result.get("value"), dict)
        and isinstance(result["value"].get("choices"), list)
        and not result["value"].keys() & REGION
    ]


def _results(annotation: Any) -> list[dict[str, Any]]:
    """Results with a choice about the whole item."""
    return [result for result in _all_choices(annotation) if result["value"]["choices"]]


def _name(result: Mapping[str, Any]) -> str:
    return str(result.get("from_name", "choice"))


def _own(result: Mapping[str, Any]) -> dict[str, str]:
    number, meta = result.get("id"), result.get("meta")
    if not isinstance(number, str) or not number.startswith(OWN):
        return {}
    told = meta.get("tacit") if isinstance(meta, dict) else None
    who = told.get("who") if isinstance(told, dict) else None
    return {"mark": number, **({"who": person(who)} if isinstance(who, str) else {})}


def _looks_like_data(values: set[str]) -> bool:
    """Whether these are names of files rather than classes."""
    return any("/" in value or "." in value[-6:-2] for value in values)


def _decided(path: Path, found: Mapping[str, set[str]], classes: Sequence[str] | None) -> str:
    if len(found) <= 1:
        return next(iter(found), "")
    fitting = [name for name, values in found.items() if classes and values <= {CANNOT_TELL, *classes}]
    if len(fitting) == 1:
        return fitting[0]
    listed = "".join(f"\n  {name}: {', '.join(sorted(values)[:5])}" for name, values in found.items())
    raise BadData(
        f"{path}: several questions were answered ({', '.join(found)}), and one of them must be the class{listed}\n"
        f"  say which: classes = {json.dumps(sorted(next(iter(found.values())))[:5])} in project.toml, for example"
    )

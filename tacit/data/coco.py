"""COCO's JSON, in and out: categories become answers, and everything else is kept for the way back.

An image has one class here. Its boxes may have several categories: such an image gets no answer, and the file is refused
unless that is asked for. COCO names no people and no times. https://cocodataset.org/#format-data
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tacit.data.cells import class_text
from tacit.data.events import CANNOT_TELL, Event
from tacit.data.exchange import Imported
from tacit.data.foreign import (
    OWN,
    Kept,
    Told,
    Written,
    check,
    digest,
    kept,
    listed,
    mark,
    news,
    origins,
    read_json,
    refuse_several,
    summed_up,
    take_in,
    write_parts,
)
from tacit.data.labels import Labels
from tacit.data.naming import Names
from tacit.errors import BadData, WrongUsage

FAMILY = "coco"
LISTS = ("images", "annotations")  # what is kept part by part; all else is kept as the head
REGION = ("bbox", "segmentation", "keypoints")


def import_coco(
    labels: Labels,
    path: Path,
    *,
    known: Mapping[str, str],
    who: str = "me",
    classes: Sequence[str] | None = None,
    skip_unknown: bool = False,
    name: str | None = None,
) -> Imported:
    """Record the category of every image that has exactly one, all or nothing, and keep the whole file.

    Files are kept side by side by `name` (default: that of the file): a training and a validation part, say; one of the
    same name replaces the one before. With `skip_unknown`, images that are not in the project and images of several
    categories are passed over.
    """
    document = _document(path)
    images, annotations = document["images"], document.get("annotations") or []
    names = Names(known)
    items = {image["id"]: names.find(image["file_name"]) for image in images}
    told, several = _answers(path, document, items, who)
    check(path, told, classes, skip_unknown=skip_unknown)
    refuse_several(path, several, skip_unknown=skip_unknown)
    head = {key: [] if key in LISTS and value else value for key, value in document.items()}
    parts = [Kept("", json.dumps({"head": head}))]
    parts += [Kept(items[image["id"]] or "", json.dumps({"image": image})) for image in images]
    parts += [Kept(items.get(each["image_id"]) or "", json.dumps({"annotation": each})) for each in annotations]
    recorded = take_in(labels, FAMILY, told, f"{FAMILY}/{name or path.name}", lambda before: parts)
    return summed_up(told, recorded, set(items.values()), several=len(several), kept=len(images))


def export_coco(
    labels: Labels,
    path: Path,
    *,
    paths: Mapping[str, Sequence[str]],
    name: str | None = None,
    overwrite: bool = False,
) -> Written:
    """Write what was imported (under `name`, default: that of the file, or the only one), with the answers given here
    since; then an image for every other item that was answered.

    Where an image has one category and no boxes, a new answer takes its place. Boxes stay as they are: the new answer
    becomes an annotation of the whole image, which decides when the file is imported again. "?" has no word in COCO.
    """
    stored = [origin.removeprefix(f"{FAMILY}/") for origin in origins(labels) if origin.startswith(f"{FAMILY}/")]
    chosen = _chosen(stored, name or path.name)
    parts = kept(labels, f"{FAMILY}/{chosen}") if chosen else []
    elsewhere = {part.item for each in stored if each != chosen for part in kept(labels, f"{FAMILY}/{each}")}
    fresh, taken_back = news(labels, FAMILY, parts)
    latest = {item: max(events, key=lambda event: event.event) for item, events in fresh.items()}
    current = labels.about(list(latest))
    decided = {item: event for item, event in latest.items() if current[item].event == event.event}
    silent = sum(event.answer == CANNOT_TELL for event in decided.values())
    book = Book(parts, paths)
    for item, event in decided.items():
        if event.answer != CANNOT_TELL and (item in book.images_of or item not in elsewhere):
            book.answer(item, event)
    write_parts(path, book.text(), overwrite=overwrite)
    notes = []
    if silent:
        notes.append(f"{silent:,} answers are 'cannot tell', for which COCO has no word; they are not in the file")
    if taken_back:
        notes.append(f"{taken_back:,} answers of imported files were taken back here; the file keeps them")
    return Written(len(book.images), book.added, book.new, tuple(notes))


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        raise BadData(
            f"{path}: this is not COCO\n  expected an object with lists of images, annotations and categories"
        )
    for name, needed in (
        ("images", ("id", "file_name")),
        ("annotations", ("image_id",)),
        ("categories", ("id", "name")),
    ):
        found = document.get(name)
        if not isinstance(found, list | None):
            raise BadData(f"{path}: {name} must be a list\n  export the file again")
        for i, record in enumerate(found or []):
            where = f"{path}, {name[:-1] if name != 'categories' else 'category'} {i + 1}"
            if not isinstance(record, dict) or not set(needed) <= set(record):
                raise BadData(f"{where}: expected an object with {' and '.join(needed)}\n  export the file again")
            numbers = [record[key] for key in ("id", "image_id", "category_id") if record.get(key) is not None]
            if any(isinstance(number, bool) or not isinstance(number, int | str) for number in numbers):
                raise BadData(f"{where}: ids must be whole numbers or text\n  export the file again")
            if name == "images" and not isinstance(record["file_name"], str):
                raise BadData(f"{where}: file_name must be text\n  export the file again")
    _check_different(path, "images", document["images"])
    _check_different(path, "categories", document.get("categories") or [])
    return document


def _check_different(path: Path, name: str, records: Sequence[Mapping[str, Any]]) -> None:
    twice = [number for number, n in Counter(record["id"] for record in records).items() if n > 1]
    if twice:
        raise BadData(
            f"{path}: {len(twice)} ids stand for several {name}, {twice[0]!r} for one\n  export the file again"
        )


def _answers(
    path: Path, document: Mapping[str, Any], items: Mapping[Any, str | None], who: str
) -> tuple[list[Told], list[tuple[str, list[str]]]]:
    """The answers, and the images of several categories with these."""
    categories = {
        each["id"]: class_text(path, f"category {each['id']}", each["name"])
        for each in document.get("categories") or []
    }
    by_image: dict[Any, list[Mapping[str, Any]]] = {}
    for i, each in enumerate(document.get("annotations") or []):
        if each.get("category_id") is None:
            continue  # a caption, or key points of nothing
        if each["category_id"] not in categories:
            raise BadData(
                f"{path}, annotation {i + 1}: there is no category {each['category_id']!r}\n  add it to the categories"
            )
        if each["image_id"] not in items:
            raise BadData(
                f"{path}, annotation {i + 1}: there is no image {each['image_id']!r}\n  export the file again"
            )
        by_image.setdefault(each["image_id"], []).append(each)
    told, several = [], []
    for image in document["images"]:
        where = f"image {str(image['id'])[:40]}"
        boxes = by_image.get(image["id"], [])
        decisive = [each for each in boxes if _mark(each)][-1:] or boxes
        answers = [answer for answer in dict.fromkeys(categories[each["category_id"]] for each in decisive) if answer]
        if len(answers) > 1:
            several.append((f"{where} ({image['file_name'][:80]})", answers))
        elif answers:
            item, own = items[image["id"]], _mark(decisive[0])
            identity = digest(answers[0])
            told.append(Told(where, item, image["file_name"], answers[0], who, None, None, identity, own))
    return told, several


def _mark(annotation: Mapping[str, Any]) -> str:
    """Of an answer that was given here."""
    found = annotation.get("tacit")
    return found if isinstance(found, str) and found.startswith(OWN) else ""


def _chosen(stored: Sequence[str], name: str) -> str | None:
    """The kept file that an export continues."""
    if not stored or name in stored:
        return name if stored else None
    if len(stored) == 1:
        return stored[0]
    raise WrongUsage(
        f"{len(stored)} COCO files were imported: {', '.join(stored)}\n"
        f"  give the export the name of the one it continues, such as {stored[0]}"
    )


class Book:
    """A COCO file that answers are written into."""

    def __init__(self, parts: Sequence[Kept], paths: Mapping[str, Sequence[str]]) -> None:
        self.paths, self.added, self.new = paths, 0, 0
        records = [json.loads(part.task) for part in parts]
        default: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
        self.head: dict[str, Any] = records[0]["head"] if records else default
        self.images: list[dict[str, Any]] = [each["image"] for each in records if "image" in each]
        self.annotations: list[dict[str, Any]] = [each["annotation"] for each in records if "annotation" in each]
        self.images_of: dict[str, list[dict[str, Any]]] = {}
        self._spelled: Counter[str] = Counter()
        for part, record in zip(parts, records, strict=True):
            if part.item and "image" in record:
                self.images_of.setdefault(part.item, []).append(record["image"])
                self._spelled.update(self._before(part.item, record["image"]["file_name"]))
        self._on: dict[Any, list[dict[str, Any]]] = {}
        for each in self.annotations:
            self._on.setdefault(each["image_id"], []).append(each)
        self._numbers: dict[str, Callable[[], int]] = {}

    def answer(self, item: str, event: Event) -> None:
        """This item is of this class."""
        image = self.images_of[item][0] if item in self.images_of else self._new_image(item)
        category = self._category(event.answer)
        classes = [each for each in self._on.get(image["id"], []) if each.get("category_id") is not None]
        if classes and all(each["category_id"] == category for each in classes):
            return
        bare = [each for each in classes if not any(each.get(key) for key in REGION)]
        self.added += 1
        if len(classes) == len(bare) == 1:
            bare[0].update(category_id=category, tacit=mark(event))
            return
        whole: dict[str, Any] = {"id": self._number("annotations", self.annotations), "image_id": image["id"]}
        whole |= {"category_id": category, "tacit": mark(event)}
        self.annotations.append(whole)
        self._on.setdefault(image["id"], []).append(whole)

    def text(self) -> Iterator[str]:
        """The file, piece by piece, its keys in their order."""
        lists = {"images": self.images, "annotations": self.annotations}
        head = {**self.head}
        if self.annotations:
            head.setdefault("annotations", [])
        yield "{"
        for i, (key, value) in enumerate(head.items()):
            yield (",\n" if i else "\n") + json.dumps(key) + ": "
            if lists.get(key):
                yield from listed(json.dumps(each) for each in lists[key])
            else:
                yield json.dumps(value)
        yield "\n}"

    def _category(self, answer: str) -> Any:
        categories = self.head.get("categories") or []
        for each in categories:
            if str(each["name"]).strip() == answer:
                return each["id"]
        made = {"id": self._number("categories", categories), "name": answer}
        self.head["categories"] = [*categories, made]
        return made["id"]

    def _new_image(self, item: str) -> dict[str, Any]:
        self.new += 1
        before = self._spelled.most_common(1)[0][0] if self._spelled else ""
        made = {"id": self._number("images", self.images), "file_name": before + (self.paths.get(item) or [item])[0]}
        self.images.append(made)
        self.images_of[item] = [made]
        return made

    def _before(self, item: str, name: str) -> Iterator[str]:
        """What the file writes before the path of an item."""
        for path in self.paths.get(item, ()):
            if name.endswith(path) and (len(name) == len(path) or name[-len(path) - 1] == "/"):
                yield name[: -len(path)]

    def _number(self, name: str, records: Sequence[Mapping[str, Any]]) -> int:
        """The next free id, above all that there were."""
        if name not in self._numbers:
            top = max((each["id"] for each in records if isinstance(each.get("id"), int)), default=0)
            self._numbers[name] = iter(range(top + 1, 2**62)).__next__
        return self._numbers[name]()

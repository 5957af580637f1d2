"""A COCO file comes here, is labelled on, and goes back with all that was in it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.coco import export_coco, import_coco
from tacit.data.events import CANNOT_TELL
from tacit.data.foreign import origins
from tacit.data.labels import Labels
from tacit.errors import BadData, WrongUsage

PATHS = {"A": ["cats/a.png"], "B": ["cats/b.png"], "C": ["dogs/c.png"]}
KNOWN = {path: id_ for id_, paths in PATHS.items() for path in paths}


class Exchange:
    """The two ways, through files."""

    def __init__(self, folder):
        self.labels, self.folder = Labels(folder / "project.db"), folder

    def into(self, document, name="coco.json", **options):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return import_coco(self.labels, path, **{"known": KNOWN, **options})

    def out(self, name="coco.json", **options):
        (self.folder / "out").mkdir(exist_ok=True)
        path = self.folder / "out" / name
        self.written = export_coco(self.labels, path, **{"paths": PATHS, "overwrite": True, **options})
        return json.loads(path.read_text())


@pytest.fixture
def exchange(tmp_path):
    found = Exchange(tmp_path)
    yield found
    found.labels.close()


def image(number, name, **more):
    return {"id": number, "file_name": name, "width": 8, "height": 8} | more


def label(number, of, category, **more):
    return {"id": number, "image_id": of, "category_id": category} | more


def document(*annotations, images=None, **more):
    names = ("cats/a.png", "photos/cats/b.png", "dogs/c.png", "x.png")
    images = [image(10 + i, name) for i, name in enumerate(names)] if images is None else images
    categories = [{"id": 1, "name": "cat", "supercategory": "pet"}, {"id": 7, "name": "dog"}]
    return {"info": {"year": 2024}, "images": images, "annotations": list(annotations), "categories": categories} | more


BOX = {"bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0, "segmentation": [[1, 2, 3]]}


def test_the_one_category_of_an_image_is_its_answer(exchange):
    boxes = [
        label(1, 10, 1, **BOX),
        label(2, 10, 1, **BOX),
        label(3, 11, 7),
        {"id": 4, "image_id": 12, "caption": "a dog"},
    ]
    done = exchange.into(document(*boxes), who="ann")
    assert exchange.labels.answers() == {"A": "cat", "B": "dog"}
    assert {(event.who, event.source) for event in exchange.labels.history()} == {("ann", "import")}
    assert (done.recorded, done.items, done.empty, done.unknown, done.kept) == (2, 2, 1, 0, 4)


def test_a_file_comes_back_as_it_was(exchange):
    strange = document(label(2, 13, 7, **BOX), label(1, 10, 1, x={"é": [None]}), licenses=[], zebra=1.5)
    exchange.into(strange, skip_unknown=True)
    assert json.dumps(exchange.out()) == json.dumps(strange)
    for part in ({"annotations": None, "images": []}, {"images": [], "z": {}, "annotations": []}, {"images": []}):
        exchange.into(part)
        assert json.dumps(exchange.out()) == json.dumps(part)


def test_images_of_several_categories_are_refused_or_left_without_an_answer(exchange):
    mixed = document(label(1, 10, 1, **BOX), label(2, 10, 7, **BOX), label(3, 11, 7))
    with pytest.raises(
        BadData, match=r"1 items have several classes at once.*\n  image 10 \(cats/a.png\): 'cat', 'dog'"
    ):
        exchange.into(mixed)
    assert exchange.labels.history() == [] and origins(exchange.labels) == []
    assert exchange.into(mixed, skip_unknown=True).several == 1
    assert exchange.labels.answers() == {"B": "dog"} and exchange.out() == mixed


def test_an_answer_takes_the_place_of_a_category_without_a_box(exchange):
    before = document(label(1, 10, 1, seen=True))
    exchange.into(before)
    exchange.labels.record(["A"], ["dog"])
    after = exchange.out()
    (changed,) = after["annotations"]
    assert {**changed, "category_id": 1, "tacit": 0} == {**before["annotations"][0], "tacit": 0}
    assert changed["category_id"] == 7 and exchange.written.added == 1


def test_boxes_stay_and_the_whole_image_decides_on_the_way_back(exchange, tmp_path):
    before = document(label(1, 10, 1, **BOX), label(5, 11, 7, **BOX), label(6, 11, 1, **BOX))
    exchange.into(before, skip_unknown=True)
    exchange.labels.record(["A", "B", "C"], ["dog", "cat", "emu"])
    after = exchange.out()
    assert after["annotations"][:3] == before["annotations"] and after["images"] == before["images"]
    assert [(a["id"], a["image_id"], a["category_id"]) for a in after["annotations"][3:]] == [
        (7, 10, 7),
        (8, 11, 1),
        (9, 12, 8),
    ]
    assert after["categories"] == [*before["categories"], {"id": 8, "name": "emu"}]
    assert exchange.into(after).recorded == 0 and exchange.out() == after
    (tmp_path / "other").mkdir()
    other = Exchange(tmp_path / "other")
    other.into(after)
    assert other.labels.answers() == {"A": "dog", "B": "cat", "C": "emu"}
    other.labels.close()


def test_items_without_an_image_get_one_and_cannot_tell_is_said(exchange):
    exchange.into(document(label(1, 11, 7), images=[image(11, "photos/cats/b.png")]))
    exchange.labels.record(["A", "C"], ["cat", CANNOT_TELL])
    after = exchange.out()
    assert after["images"][1:] == [{"id": 12, "file_name": "photos/cats/a.png"}]
    assert after["annotations"][1]["image_id"] == 12
    assert "1 answers are 'cannot tell'" in exchange.written.notes[0]


def test_without_an_import_a_file_is_made(exchange):
    assert exchange.out() == {"images": [], "annotations": [], "categories": []}
    exchange.labels.record(["A", "B"], ["cat", "cat"])
    made = exchange.out()
    assert [i["file_name"] for i in made["images"]] == ["cats/a.png", "cats/b.png"]
    assert made["categories"] == [{"id": 1, "name": "cat"}]
    assert [(a["image_id"], a["category_id"]) for a in made["annotations"]] == [(1, 1), (2, 1)]


def test_files_are_kept_by_name_and_an_image_goes_back_into_its_own(exchange):
    train, val = (document(images=[image(1, name)]) for name in ("cats/a.png", "cats/b.png"))
    exchange.into(train, "train.json")
    exchange.into(val, "val.json")
    exchange.labels.record(["A", "B"], ["cat", "dog"])
    assert [i["file_name"] for i in exchange.out("train.json")["images"]] == ["cats/a.png"]
    assert exchange.out("val.json")["annotations"][0]["category_id"] == 7
    with pytest.raises(WrongUsage, match=r"2 COCO files were imported: train.json, val.json"):
        exchange.out("other.json")


def test_a_category_that_changes_to_and_fro_is_followed(exchange):
    for category, answer in ((1, "cat"), (7, "dog"), (1, "cat")):
        assert exchange.into(document(label(1, 10, category))).recorded == 1
        assert exchange.labels.answers() == {"A": answer}
        assert exchange.into(document(label(1, 10, category))).recorded == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "this is not COCO"),
        ({"images": {}}, "this is not COCO"),
        (document(images=[{"id": 1}]), "image 1: expected an object with id and file_name"),
        (document(images=[image(1, 5)]), "file_name must be text"),
        (document(images=[image(1, "a"), image(1, "b")]), "1 ids stand for several images"),
        (document(images=[image([1], "a")]), "ids must be whole numbers or text"),
        (document({"id": 1}), "annotation 1: expected an object with image_id"),
        (document(label(1, 99, 1)), "there is no image 99"),
        (document(label(1, 10, 99)), "there is no category 99"),
        (document(annotations=5), "annotations must be a list"),
        (document(categories=[{"id": 1}]), "category 1: expected an object with id and name"),
        (document(label(1, 13, 1)), r"image 13: 'x.png' 'cat'"),
    ],
)
def test_what_cannot_be_read_is_named(exchange, content, said):
    with pytest.raises(BadData, match=said):
        exchange.into(content)
    assert exchange.labels.history() == [] and origins(exchange.labels) == []


def test_a_class_that_is_none_is_named_with_its_image(exchange):
    with pytest.raises(BadData, match=r"image 10: 'cat', did you mean 'cats'\?"):
        exchange.into(document(label(1, 10, 1)), classes=["cats", "dog"])


MORE = st.dictionaries(
    st.sampled_from(["x", "é", "score"]), st.none() | st.integers() | st.text(max_size=4), max_size=2
)


@given(
    st.lists(st.tuples(st.integers(10, 13), st.sampled_from([1, 7]), st.booleans(), MORE), max_size=6),
    st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["cat", "emu"])), max_size=3),
)
@settings(max_examples=15, deadline=None)
def test_whatever_the_file_holds_it_comes_back_and_new_answers_decide(tmp_path_factory, boxes, answers):
    exchange = Exchange(tmp_path_factory.mktemp("any"))
    made = [label(i, of, category, **(BOX if box else {}), **more) for i, (of, category, box, more) in enumerate(boxes)]
    before = document(*made)
    exchange.into(before, skip_unknown=True)
    assert json.dumps(exchange.out()) == json.dumps(before)
    exchange.labels.record([item for item, _ in answers], [answer for _, answer in answers])
    after = exchange.out()
    exchange.into(after, skip_unknown=True)
    assert exchange.out() == after
    other = Exchange(tmp_path_factory.mktemp("other"))
    other.into(after, skip_unknown=True)
    for item, answer in dict(answers).items():
        assert other.labels.answers()[item] == answer
    exchange.labels.close()
    other.labels.close()

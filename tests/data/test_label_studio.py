"""A Label Studio project comes here, is labelled on, and goes back with all that was in it."""

import json
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.data.events import CANNOT_TELL
from tacit.data.foreign import kept
from tacit.data.label_studio import FAMILY, export_label_studio, import_label_studio
from tacit.data.labels import Labels
from tacit.errors import BadData, TacitError, WrongUsage

PATHS = {"A": ["cats/a.png"], "B": ["cats/b.png"], "C": ["dogs/c.png", "copy.png"]}
KNOWN = {path: id_ for id_, paths in PATHS.items() for path in paths} | {id_: id_ for id_ in PATHS}


@pytest.fixture
def labels(tmp_path):
    ticks = iter(range(1_700_000_000, 10**10))
    ledger = Labels(tmp_path / "project.db", clock=lambda: next(ticks) + 0.25)
    yield ledger
    ledger.close()


def choice(answer, by=1, when="2024-01-01T00:00:00.5Z", **more):
    result = {"id": "r", "from_name": "animal", "to_name": "img", "type": "choices", "value": {"choices": [answer]}}
    made = {
        "id": zlib.crc32(repr((answer, by, when)).encode()),
        "completed_by": by,
        "result": [result],
        "created_at": when,
    }
    return made | {"was_cancelled": False, "lead_time": 2.5} | more


def task(number, name, *annotations, **more):
    return {"id": number, "data": {"image": name}, "annotations": list(annotations)} | more


def told(labels):
    return [(e.item, e.answer, e.who, e.seconds, e.time) for e in labels.history()]


class Exchange:
    """The two ways, through files."""

    def __init__(self, labels, folder):
        self.labels, self.folder = labels, folder

    def into(self, tasks, **options):
        path = self.folder / "tasks.json"
        path.write_text(tasks if isinstance(tasks, str) else json.dumps(tasks))
        return import_label_studio(self.labels, path, **{"known": KNOWN, **options})

    def out(self, **options):
        path = self.folder / "out.json"
        self.written = export_label_studio(self.labels, path, **{"paths": PATHS, "overwrite": True, **options})
        return json.loads(path.read_text())


@pytest.fixture
def exchange(labels, tmp_path):
    return Exchange(labels, tmp_path)


def test_choices_become_answers_with_person_time_and_seconds(exchange, labels):
    done = exchange.into(
        [
            task(1, "/data/upload/1/0a1b2c3d-a.png", choice("cat", by=7)),
            task(2, "cats/b.png", choice("dog", by={"id": 3, "email": "ann@x.org"})),
            task(3, "s3://bucket/dogs/c.png", choice("dog", by={"id": 4, "first_name": "Bo", "last_name": "Li"})),
        ]
    )
    assert told(labels) == [
        ("A", "cat", "user 7", 2.5, 1704067200.5),
        ("B", "dog", "ann@x.org", 2.5, 1704067200.5),
        ("C", "dog", "Bo Li", 2.5, 1704067200.5),
    ]
    assert {event.source for event in labels.history()} == {"import"}
    assert (done.recorded, done.items, done.kept) == (3, 3, 3)


def test_several_people_are_all_kept_and_the_latest_by_time_counts(exchange, labels):
    first, second = choice("cat", by=1, when="2024-01-02T00:00:00Z"), choice("dog", by=2, when="2024-01-01T00:00:00Z")
    done = exchange.into([task(1, "cats/a.png", first, second)])
    assert labels.answers() == {"A": "cat"} and labels.answers("user 2") == {"A": "dog"}
    assert done.conflicting == 1


def test_what_is_no_choice_about_the_item_is_no_answer(exchange, labels):
    box = {"type": "rectanglelabels", "from_name": "box", "value": {"x": 1, "rectanglelabels": ["eye"]}}
    part = {"type": "choices", "from_name": "region", "value": {"x": 1, "y": 2, "choices": ["left"]}}
    done = exchange.into(
        [
            task(1, "cats/a.png", {"result": [box, part], "completed_by": 1}, predictions=[choice("cat")]),
            task(2, "cats/b.png", choice("cat", was_cancelled=True)),
            {"id": 3, "data": {"image": "dogs/c.png"}},
        ]
    )
    assert labels.history() == [] and (done.recorded, done.skipped, done.empty, done.kept) == (0, 1, 3, 3)


def test_a_file_comes_back_as_it_was(exchange):
    tasks = [
        task(5, "cats/b.png", choice("dog", reviews=[{"é": None}]), meta={"z": 1, "a": [1.5, {"q": "\ud800"}]}),
        {"data": {"text": "nothing of ours", "n": 10**30}, "id": 2, "drafts": [], "predictions": [choice("cat")]},
        task(1, "elsewhere/x.png", choice("emu"), total_annotations=1),
        task(9, "cats/a.png"),
        task(9, "cats/a.png"),
    ]
    exchange.into(tasks, skip_unknown=True)
    assert json.dumps(exchange.out()) == json.dumps(tasks)


def test_new_answers_are_added_and_nothing_else_changes(exchange, labels):
    tasks = [
        task(1, "/data/local-files/?d=photos/cats/a.png", choice("cat", by=7), total_annotations=1),
        {"id": 2, "data": {"image": "/data/local-files/?d=photos/cats/b.png"}},
    ]
    exchange.into(tasks)
    labels.record(["A"], ["dog"], who="user 7", seconds=1.5)
    labels.record(["A", "B", "C"], ["cat", "dog", CANNOT_TELL], who="bob")
    out = exchange.out()
    a, b, c = out
    assert a["annotations"][0] == tasks[0]["annotations"][0] and a["total_annotations"] == 3
    changed, other = a["annotations"][1:]
    assert changed["completed_by"] == 7 and changed["result"][0]["value"] == {"choices": ["dog"]}
    assert changed["lead_time"] == 1.5 and changed["ground_truth"] is False
    # Label Studio refuses a file with people that it does not know
    assert "completed_by" not in other and other["result"][0]["meta"] == {"tacit": {"who": "bob"}}
    assert (other["result"][0]["from_name"], other["result"][0]["to_name"]) == ("animal", "img")
    assert b["id"] == 2 and b["annotations"][0]["result"][0]["value"]["choices"] == ["dog"]
    assert c["data"] == {"image": "/data/local-files/?d=photos/copy.png"} or c["data"]["image"].endswith("dogs/c.png")
    assert c["annotations"][0]["was_cancelled"] is True
    assert (exchange.written.rows, exchange.written.added, exchange.written.new) == (3, 4, 1)
    assert exchange.out() == out


def test_an_answer_that_repeats_the_file_or_was_taken_back_adds_nothing(exchange, labels):
    tasks = [task(1, "cats/a.png", choice("cat", by=7)), task(2, "cats/b.png", choice("cat", by=7))]
    exchange.into(tasks)
    labels.record(["A"], ["cat"], who="user 7")
    labels.record(["C"], ["dog"])
    labels.undo()
    labels.undo(2)
    assert exchange.out() == tasks
    assert exchange.written.notes == ("1 answers of the imported file were taken back here; the file keeps them",)


def test_what_was_exported_is_known_when_it_comes_home(exchange, labels):
    exchange.into([task(1, "cats/a.png", choice("cat", by=7))])
    labels.record(["A", "B"], ["dog", CANNOT_TELL], who="bob")
    out = exchange.out()
    for annotation in (annotation for each in out for annotation in each["annotations"]):
        annotation["completed_by"] = 99  # whoever imported it there
    before = told(labels)
    done = exchange.into(out)
    assert told(labels) == before and (done.recorded, done.known_before) == (0, 3)
    assert exchange.out() == out


def test_another_project_takes_the_answers_with_their_people(exchange, labels, tmp_path):
    labels.record(["A", "B"], ["dog", CANNOT_TELL], who="bob", seconds=3)
    out = exchange.out()
    (tmp_path / "other").mkdir()
    other = Exchange(Labels(tmp_path / "other" / "project.db"), tmp_path / "other")
    other.into(out)
    assert told(other.labels) == told(labels)


def test_a_file_that_is_read_again_brings_only_what_is_new(exchange, labels):
    one, two = task(1, "cats/a.png", choice("cat")), task(2, "cats/b.png")
    exchange.into([one, two])
    labels.record(["B"], ["dog"])
    again = task(1, "cats/a.png", choice("cat"), choice("dog", by=2), comment="looked at")
    three = task(3, "dogs/c.png", choice("dog"))
    done = exchange.into([three, again])
    assert (done.recorded, done.known_before) == (2, 1)
    out = exchange.out()
    assert [each["id"] for each in out] == [1, 2, 3] and out[0] == again and out[2] == three
    assert out[1]["annotations"][0]["result"][0]["value"] == {"choices": ["dog"]}


def test_an_annotation_that_changes_to_and_fro_is_followed(exchange, labels):
    for answer in ("cat", "dog", "cat"):
        exchange.into([task(1, "cats/a.png", choice(answer, id=5))])
        assert labels.answers() == {"A": answer}


def test_an_old_file_does_not_bring_back_what_was_changed_here_and_loses_nothing(exchange, labels):
    tasks = [task(1, "cats/a.png", choice("cat", by=7))]
    exchange.into(tasks)
    labels.record(["A"], ["dog"], who="user 7")
    exchange.into(exchange.out())
    assert exchange.into(tasks).recorded == 0
    assert labels.answers() == {"A": "dog"}
    assert [a["result"][0]["value"]["choices"] for a in exchange.out()[0]["annotations"]] == [["cat"], ["dog"]]


FLAT = [
    {"image": "/data/upload/1/0a1b2c3d-a.png", "id": 1, "animal": "cat", "annotator": 3, "annotation_id": 11,
     "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z", "lead_time": 4.5},
    {"image": "/data/upload/1/0a1b2c3d-a.png", "id": 1, "animal": "dog", "annotator": 4, "annotation_id": 12},
    {"image": "cats/b.png", "id": 2, "animal": {"choices": ["dog"]}, "annotator": 3, "annotation_id": 13},
]  # fmt: skip


def test_the_flat_form_is_read_and_written_too(exchange, labels):
    done = exchange.into(FLAT)
    assert [(item, answer, who) for item, answer, who, *_ in told(labels)] == [
        ("A", "cat", "user 3"), ("A", "dog", "user 4"), ("B", "dog", "user 3"),
    ]  # fmt: skip
    assert told(labels)[0][3:] == (4.5, 1704067200.0) and done.recorded == 3
    assert json.dumps(exchange.out()) == json.dumps(FLAT)
    labels.record(["A", "C"], ["emu", "cat"], who="bob")
    out = exchange.out()
    assert out[:3] == FLAT and [row["animal"] for row in out[3:]] == ["emu", "cat"] and out[3]["id"] == 1
    assert exchange.into(out).recorded == 0 and exchange.out() == out


def test_of_two_questions_the_one_about_the_classes_is_taken(exchange, labels):
    quality = {"from_name": "quality", "type": "choices", "value": {"choices": ["sharp"]}}
    annotation = choice("cat")
    annotation["result"].append(quality)
    tasks = [task(1, "cats/a.png", annotation)]
    with pytest.raises(BadData, match=r"several questions were answered \(animal, quality\)"):
        exchange.into(tasks)
    assert labels.history() == [] and kept(labels, FAMILY) == []
    exchange.into(tasks, classes=["cat", "dog"])
    assert labels.answers() == {"A": "cat"}


def test_several_choices_at_once_are_refused_or_passed_over(exchange, labels):
    both = choice("cat")
    both["result"][0]["value"]["choices"] = ["cat", "dog"]
    tasks = [task(1, "cats/a.png", both), task(2, "cats/b.png", choice("dog"))]
    with pytest.raises(BadData, match=r"1 items have several classes at once.*\n  task 1 \(id 1\): 'cat', 'dog'"):
        exchange.into(tasks)
    assert labels.history() == []
    assert exchange.into(tasks, skip_unknown=True).several == 1
    assert labels.answers() == {"B": "dog"} and exchange.out() == tasks


def test_unknown_items_are_refused_with_their_places(exchange, labels):
    tasks = [task(i, f"x{i}.png", choice("cat")) for i in range(7)] + [task(8, "cats/a.png", choice("cat"))]
    with pytest.raises(BadData) as refused:
        exchange.into(tasks)
    said = str(refused.value)
    assert "7 of 8 answers are about items that are not in the project" in said
    assert "task 1 (id 0): 'x0.png' 'cat'" in said and "and 2 more" in said and "--skip-unknown" in said
    assert labels.history() == [] and kept(labels, FAMILY) == []
    assert exchange.into(tasks, skip_unknown=True).unknown == 7
    assert exchange.out() == tasks


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ("", "is empty"),
        ("{", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ('{"images": 1}', "expected a list of tasks"),
        ("[1]", "task 1: expected an object"),
        ([{"data": {"image": "cats/a.png"}, "annotations": {"a": 1}}], "task 1: annotations must be a list"),
        ([task(1, "cats/a.png", choice("cat", lead_time=-1))], r"task 1 \(id 1\): lead_time is '-1'"),
        ([task(1, "cats/a.png", choice("cat", lead_time=True))], "lead_time is 'True'"),
        ([task(1, "cats/a.png", choice("cat", created_at="soon"))], "its time is 'soon'"),
        ([task(1, "cats/a.png", choice("\ud800"))], "a class is not valid text"),
        ([task(1, "cats/a.png", choice(["deep"]))], "a class must be text or a number"),
    ],
)
def test_what_cannot_be_read_is_named(exchange, labels, tasks, said):
    with pytest.raises(BadData, match=said):
        exchange.into(tasks)
    assert labels.history() == [] and kept(labels, FAMILY) == []


def test_a_class_that_is_none_is_named_with_its_task(exchange):
    with pytest.raises(BadData, match=r"task 1 \(id 1\): 'dgo', did you mean 'dog'\?"):
        exchange.into([task(1, "cats/a.png", choice("dgo"))], classes=["cat", "dog"])


def test_an_export_overwrites_only_when_told(exchange, tmp_path):
    (tmp_path / "out.json").write_text("precious")
    with pytest.raises(WrongUsage, match="exists already"):
        exchange.out(overwrite=False)
    assert (tmp_path / "out.json").read_text() == "precious"
    assert exchange.out() == []


def seconds_for(folder, n):
    """Of this process, for n tasks in and out."""
    tasks = [task(i, f"/data/upload/1/0a1b2c3d-{i}.png", choice("cat", by=i % 3)) for i in range(n)]
    known = {f"part{i % 7}/{i}.png": f"id{i}" for i in range(n)}
    folder.mkdir()
    exchange = Exchange(Labels(folder / "project.db"), folder)
    began = time.process_time()
    assert exchange.into(tasks, known=known).recorded == n
    exchange.labels.record([f"id{i}" for i in range(0, n, 2)], ["dog"] * (n // 2))
    exchange.out(paths={id_: [path] for path, id_ in known.items()})
    assert exchange.written.added == n // 2
    exchange.labels.close()
    return time.process_time() - began


def test_eight_times_the_tasks_take_about_eight_times_as_long(tmp_path):
    seconds_for(tmp_path / "first", 100)  # what is done once
    few, many = (seconds_for(tmp_path / str(n), n) for n in (500, 4000))
    assert many < 20 * few  # squared it would be 64 times


WORDS = st.text(max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
MORE = st.dictionaries(st.sampled_from(["meta", "predictions", "é", "agreement", "x"]), VALUES, max_size=3)
BY = st.sampled_from([None, 1, 2, "ann", {"id": 3, "email": "ann@x.org"}])
DATES = st.sampled_from([None, "2024-01-01T00:00:00Z", "2024-03-01T00:00:00.25+01:00"])
CHOSEN = st.builds(
    lambda answer, by, when, more: {**choice(answer, by, when), **more},
    st.sampled_from(["cat", "dog", "?", " emu "]), BY, DATES, MORE,
)  # fmt: skip
OTHER = st.builds(lambda more: {"result": [{"type": "rectanglelabels", "value": more}], **more}, MORE)
NAMES = st.sampled_from(["cats/a.png", "/data/upload/1/0a1b2c3d-b.png", "dogs/c.png", "x.png"])
TASKS = st.lists(
    st.builds(
        lambda number, name, made, more: {**({"id": number} if number else {}), **task(0, name, *made), **more},
        st.integers(0, 3), NAMES, st.lists(CHOSEN | OTHER, max_size=3), MORE,
    ),
    max_size=6,
)  # fmt: skip


@given(TASKS, st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["cat", "dog"])), max_size=3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_tasks_hold_they_come_back_with_the_new_answers(tmp_path_factory, tasks, answers):
    folder = tmp_path_factory.mktemp("any")
    exchange = Exchange(Labels(folder / "project.db"), folder)
    exchange.into(tasks, skip_unknown=True)
    assert json.dumps(exchange.out()) == json.dumps(tasks)
    once = told(exchange.labels)
    assert exchange.into(tasks, skip_unknown=True).recorded == 0 and told(exchange.labels) == once
    exchange.labels.record([item for item, _ in answers], [answer for _, answer in answers], who="bob")
    out = exchange.out()
    for before, after in zip(tasks, out, strict=False):
        rest = {**after, "annotations": after["annotations"][: len(before["annotations"])]}
        assert json.dumps(rest) == json.dumps(before)
    assert exchange.written.added == len({item for item, _ in answers})
    exchange.into(out, skip_unknown=True)
    assert exchange.out() == out
    exchange.labels.close()


@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps([value, {"data": value, "annotations": value}])))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_a_person_can_do_something_about_it(labels, tmp_path, content):
    path = tmp_path / "any.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = len(labels.history())
    try:
        done = import_label_studio(labels, path, known=KNOWN)
    except TacitError:
        assert len(labels.history()) == before
    else:
        assert len(labels.history()) == before + done.recorded

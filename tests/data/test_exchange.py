"""Answers travel as tables: what is read is recorded, what cannot be read is named with its line."""

import csv
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tacit.data.events import CANNOT_TELL
from tacit.data.exchange import export_labels, import_labels
from tacit.data.labels import Labels
from tacit.errors import BadData, BadEnvironment, TacitError, WrongUsage

KNOWN = {name: name[0] for name in ("a", "b", "c", "a.png", "b.png", "c.png")} | {"cats/a.png": "a"}


@pytest.fixture
def labels(tmp_path):
    ticks = iter(range(1_700_000_000, 10**10))
    ledger = Labels(tmp_path / "project.db", clock=lambda: next(ticks) + 0.25)
    yield ledger
    ledger.close()


def written(tmp_path: Path, text: str | bytes, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_table_is_recorded_with_who_seconds_and_time(labels, tmp_path):
    text = "id,label,who,seconds,time\na,cat,ann,1.5,1000\nb,dog,,,2026-01-31T12:00:00+01:00\n"
    imported = import_labels(labels, written(tmp_path, text), known=KNOWN, who="bob")
    a, b = labels.history()
    assert (a.item, a.answer, a.who, a.seconds, a.time, a.source) == ("a", "cat", "ann", 1.5, 1000.0, "import")
    assert (b.item, b.answer, b.who, b.seconds, b.time) == ("b", "dog", "bob", None, 1769857200.0)
    assert (imported.recorded, imported.items, imported.empty) == (2, 2, 0)


def test_json_lines_are_recorded_like_a_table(labels, tmp_path):
    text = lines(
        {"path": "a.png", "answer": "cat", "time": 1000.5}, {"id": "b", "Class": 7}, {"id": "c", "label": None}
    )
    imported = import_labels(labels, written(tmp_path, text, "labels.jsonl"), known=KNOWN)
    assert labels.answers() == {"a": "cat", "b": "7"}
    assert labels.history("a")[0].time == 1000.5
    assert imported.empty == 1


@pytest.mark.parametrize("item", ["id", "path", "file", "filename", " Path "])
@pytest.mark.parametrize("label", ["label", "answer", "class", "Label"])
def test_columns_have_several_names(labels, tmp_path, item, label):
    import_labels(labels, written(tmp_path, f"note,{label},{item}\nx,cat,a\n"), known=KNOWN)
    assert labels.answers() == {"a": "cat"}


@pytest.mark.parametrize("name", ["./cats/a.png", "cats\\a.png", "cats//a.png", " cats/a.png"])
def test_a_path_may_be_written_in_other_ways(labels, tmp_path, name):
    import_labels(labels, written(tmp_path, f"path,label\n{name},cat\n"), known=KNOWN)
    assert labels.answers() == {"a": "cat"}


def test_an_id_of_another_table_falls_back_to_the_path(labels, tmp_path):
    import_labels(labels, written(tmp_path, "id,path,label\n17,b.png,cat\n,c.png,dog\n"), known=KNOWN)
    assert labels.answers() == {"b": "cat", "c": "dog"}


def test_a_spreadsheet_may_mark_its_encoding_and_separate_by_semicolons(labels, tmp_path):
    import_labels(labels, written(tmp_path, b"\xef\xbb\xbfid;label\r\na;cat, big\r\n\r\nb;dog\r\n"), known=KNOWN)
    assert labels.answers() == {"a": "cat, big", "b": "dog"}


def test_rows_without_a_label_are_counted_and_left_out(labels, tmp_path):
    imported = import_labels(labels, written(tmp_path, "id,label\na,\nb,dog\nc,  \nc\nz,\n"), known=KNOWN)
    assert labels.answers() == {"b": "dog"}
    assert (imported.recorded, imported.empty) == (1, 4)
    assert str(imported) == "imported 1 answers about 1 items\n  4 rows have no label"


def test_the_last_row_about_an_item_counts_and_all_are_kept(labels, tmp_path):
    imported = import_labels(labels, written(tmp_path, "id,label\na,cat\na,dog\nb,cat\nb,cat\n"), known=KNOWN)
    assert labels.answers() == {"a": "dog", "b": "cat"}
    assert [event.answer for event in labels.history()] == ["cat", "dog", "cat", "cat"]
    assert (imported.recorded, imported.items, imported.conflicting) == (4, 2, 1)


def test_unknown_items_are_refused_together_and_nothing_is_recorded(labels, tmp_path):
    rows = "".join(f"x{i},cat\n" for i in range(7))
    with pytest.raises(BadData) as refused:
        import_labels(labels, written(tmp_path, "id,label\na,cat\n" + rows), known=KNOWN)
    said = str(refused.value)
    assert "7 of 8 answers are about items that are not in the project" in said
    assert "line 3: 'x0'" in said and "line 7: 'x4'" in said and "'x5'" not in said and "and 2 more" in said
    assert "--skip-unknown" in said
    assert labels.history() == []


def test_unknown_items_may_be_left_out(labels, tmp_path):
    path = written(tmp_path, "id,label\na,cat\nx,cat\n")
    imported = import_labels(labels, path, known=KNOWN, skip_unknown=True)
    assert labels.answers() == {"a": "cat"}
    assert (imported.recorded, imported.unknown) == (1, 1)


def test_a_label_that_is_no_class_is_named_with_line_and_what_was_meant(labels, tmp_path):
    path = written(tmp_path, 'id,label\na,cat\n\nb,"dgo"\nc,?\n')
    with pytest.raises(BadData, match=r"line 4: 'dgo', did you mean 'dog'\?"):
        import_labels(labels, path, known=KNOWN, classes=["cat", "dog"])
    assert labels.history() == []
    import_labels(labels, path, known=KNOWN, classes=["cat", "dgo"])
    assert labels.answers() == {"a": "cat", "b": "dgo", "c": CANNOT_TELL}


@pytest.mark.parametrize("text", ["id,label\na,cat\na,dog\n", "id,label\na,cat\nb,\n"])
def test_strict_refuses_what_is_otherwise_counted(labels, tmp_path, text):
    with pytest.raises(BadData, match="nothing was recorded\n  line"):
        import_labels(labels, written(tmp_path, text), known=KNOWN, strict=True)
    assert labels.history() == []
    import_labels(labels, written(tmp_path, "id,label\na,cat\na,cat\n"), known=KNOWN, strict=True)
    assert labels.answers() == {"a": "cat"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "", "is empty"),
        ("l.csv", "\n \n", "is empty"),
        ("l.csv", ",,\n", "there is no item"),
        ("l.csv", "name,label\na,cat\n", "there is no item; found 'name', 'label'"),
        ("l.csv", "id,value\na,cat\n", "there is no label; found 'id', 'value'"),
        ("l.csv", b"id,label\na,caf\xe9\n", "not UTF-8 text"),
        ("l.csv", "id,label\na,cat\nb,dog, big\n", "line 3: 3 cells in 2 columns"),
        ("l.csv", 'id,label\na,"ca\nt"\nb,"do\ng",big\n', "line 4: 3 cells in 2 columns"),
        ("l.csv", 'id,label\na,"cat\nb,dog\n', "this is no CSV"),
        ("l.csv", "id,label\n,cat\n", "line 2: the label 'cat' is about no item"),
        ("l.csv", "id,label,seconds\na,cat,fast\n", "line 2: seconds is 'fast'"),
        ("l.csv", "id,label,seconds\na,cat,-1\n", "line 2: seconds is '-1'"),
        ("l.csv", "id,label,time\na,cat,yesterday\n", "line 2: time is 'yesterday'"),
        ("l.csv", "id,label,time\na,cat,nan\n", "line 2: time is 'nan'"),
        ("l.jsonl", "", "is empty"),
        ("l.jsonl", '{"id": "a", "label": "cat"}\n{"id"\n', "line 2: this is no JSON"),
        ("l.jsonl", "[" * 100_000, "line 1: this is no JSON"),
        ("l.jsonl", '["a", "cat"]\n', "line 1: expected an object"),
        ("l.jsonl", '{"label": "cat"}\n', "line 1: there is no item"),
        ("l.jsonl", '{"id": "a"}\n', "line 1: there is no label"),
        ("l.jsonl", '{"id": "a", "label": ["cat"]}\n', "line 1: label must be text or a number, not a list"),
        ("l.jsonl", '{"id": "a", "label": "\\ud800"}\n', "line 1: label is not valid text"),
    ],
)
def test_what_cannot_be_read_is_named(labels, tmp_path, name, text, said):
    with pytest.raises(BadData, match=said):
        import_labels(labels, written(tmp_path, text, name), known=KNOWN)
    assert labels.history() == []


def test_a_file_that_is_not_there_or_of_another_kind_is_wrong_usage(labels, tmp_path):
    with pytest.raises(WrongUsage, match="there is no file"):
        import_labels(labels, tmp_path / "nothing.csv", known=KNOWN)
    with pytest.raises(WrongUsage, match=r"\.csv or \.jsonl"):
        import_labels(labels, written(tmp_path, "id,label", "labels.xlsx"), known=KNOWN)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadEnvironment, match="cannot be read"):
        import_labels(labels, tmp_path / "folder.csv", known=KNOWN)


def test_an_export_has_the_answers_as_of_now_one_row_a_file(labels, tmp_path):
    labels.record(["a"], ["cat"], who="ann", seconds=1.5, round=2)
    labels.record(["b", "c"], ["dog", "dog"], who="bob", source="bulk")
    labels.record(["b"], ["cat"], who="ann")
    labels.undo(3)
    paths = {"a": ["a.png"], "b": ["b.png", "copy of b.png"]}
    assert export_labels(labels, tmp_path / "out.csv", paths=paths) == 3
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["id", "path", "label", "who", "time", "source", "seconds", "round"],
        ["a", "a.png", "cat", "ann", "2023-11-14T22:13:20.250000+00:00", "single", "1.5", "2"],
        ["b", "b.png", "cat", "ann", "2023-11-14T22:13:22.250000+00:00", "single", "", ""],
        ["b", "copy of b.png", "cat", "ann", "2023-11-14T22:13:22.250000+00:00", "single", "", ""],
    ]


def test_a_history_has_every_event(labels, tmp_path):
    labels.record(["a"], ["cat"], suggestions=["dog"], note="blurred")
    labels.undo()
    labels.redo()
    assert export_labels(labels, tmp_path / "out.jsonl", paths={"a": ["a.png"]}, history=True) == 3
    answer, undo, redo = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert answer["id"] == "a" and answer["label"] == "cat" and answer["paths"] == ["a.png"]
    assert answer["suggestion"] == "dog" and answer["note"] == "blurred"
    assert (undo["kind"], undo["undoes"], redo["kind"], redo["undoes"]) == ("undo", 1, "redo", 1)
    with pytest.raises(WrongUsage, match=r"out\.jsonl"):
        export_labels(labels, tmp_path / "out.csv", paths={}, history=True)


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_an_export_overwrites_only_when_told(labels, tmp_path, name):
    labels.record(["a"], ["cat"])
    path = written(tmp_path, "precious", name)
    with pytest.raises(WrongUsage, match="exists already"):
        export_labels(labels, path, paths={})
    assert path.read_text() == "precious"
    assert export_labels(labels, path, paths={}, overwrite=True) == 1
    assert "precious" not in path.read_text()


def test_an_export_that_fails_leaves_what_was_there(labels, tmp_path, monkeypatch):
    labels.record(["a"], ["cat"])
    path = written(tmp_path, "precious", "out.csv")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadEnvironment, match="disk is full"):
        export_labels(labels, path, paths={}, overwrite=True)
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith("project.db")] == ["out.csv"]
    with pytest.raises(BadEnvironment, match="could not be written"):
        export_labels(labels, path / "out.csv", paths={})


def test_a_path_that_is_no_text_does_not_stop_an_export(labels, tmp_path):
    labels.record(["a"], ["cat"])
    for name in ("out.csv", "out.jsonl"):
        export_labels(labels, tmp_path / name, paths={"a": [os.fsdecode(b"caf\xe9.png")]})
        imported = import_labels(labels, tmp_path / name, known={"a": "a"})
        assert imported.recorded == 1


def test_answers_that_were_taken_back_do_not_return_with_a_history(labels, tmp_path):
    labels.record(["a", "b", "c"], ["cat", "cat", "cat"])
    labels.record(["a"], ["dog"])
    labels.undo()
    labels.undo(2)
    labels.undo(3)
    labels.redo()
    export_labels(labels, tmp_path / "out.jsonl", paths={}, history=True)
    copy = Labels(tmp_path / "copy.db")
    imported = import_labels(copy, tmp_path / "out.jsonl", known=KNOWN)
    assert copy.answers() == labels.answers() == {"a": "cat", "c": "cat"}
    assert (imported.recorded, imported.taken_back) == (2, 2)


def test_files_with_the_same_content_are_one_answer_again_when_they_come_back(labels, tmp_path):
    labels.record(["a"], ["cat"])
    export_labels(labels, tmp_path / "out.csv", paths={"a": ["a.png", "b.png"]})
    copy = Labels(tmp_path / "copy.db")
    imported = import_labels(copy, tmp_path / "out.csv", known=KNOWN)
    assert (imported.recorded, imported.repeated) == (1, 1)


def test_rows_of_the_same_moment_are_all_kept_where_they_are_about_one_file(labels, tmp_path):
    path = written(tmp_path, "path,label,time\na.png,cat,1000\na.png,cat,1000\n")
    assert import_labels(labels, path, known=KNOWN).recorded == 2


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
PEOPLE = st.sampled_from(["me", 'O\'Neill,\n"Ann"'])
SAID = st.lists(st.tuples(st.sampled_from("abcdefgh"), NAMES, PEOPLE), max_size=12)


@given(SAID, st.sampled_from([("csv", False), ("jsonl", False), ("jsonl", True)]))
@example([("a", '",\r\n;\tx', "me"), ("b", "x\ry", "me"), ("c", "x\x00\u2028\x85y", "me")], ("csv", False))
@example([("a", "x\r\ny", "me"), ("b", "x\x00\u2028\x85y", "me")], ("jsonl", False))
@settings(max_examples=25, deadline=None)
def test_an_export_comes_back_as_the_same_answers(said, form):
    suffix, history = form
    with tempfile.TemporaryDirectory() as folder:
        labels, copy = Labels(Path(folder) / "one.db"), Labels(Path(folder) / "two.db")
        items, names, people = ([row[i] for row in said] for i in range(3))
        labels.record(items, names, who=people)
        path = Path(folder) / f"out.{suffix}"
        export_labels(labels, path, paths={"a": ["x,1.png", '"2"\n.png']}, history=history)
        if said or suffix == "csv":
            import_labels(copy, path, known={item: item for item in "abcdefgh"})
        assert copy.answers() == labels.answers()
        if history:
            assert [(e.item, e.answer, e.who) for e in copy.history()] == [
                (e.item, e.answer, e.who) for e in labels.history()
            ]
        for seen, there in zip(copy.current(), labels.current(), strict=True):
            assert seen.who == there.who and seen.time == pytest.approx(there.time, abs=1e-5)
        labels.close()
        copy.close()


PIECES = [*'a,;\n":{}[ \ufeff\x00', "\r\n", "id", "cat", "time", "1e999", "id,label\n", "id,label,time\n", "a,cat,"]
PIECES += ["0001-01-01T00:00+23:59\n", "9999-12-31T23:59-23:59\n", '{"id": "a", "label": "cat"}']
PIECES += ['{"id": 1, "label": 2, "kind": "undo", "undoes": [1]}', '{"id": "a", "label": "cat", "time": "', '"}']
CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: f"id,label\n{text}".encode()),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "".join(pieces).encode()),
)


@given(CONTENTS, st.sampled_from(["csv", "jsonl"]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_a_person_can_do_something_about_it(labels, tmp_path, content, suffix):
    before = len(labels.history())
    try:
        imported = import_labels(labels, written(tmp_path, content, f"any.{suffix}"), known=KNOWN)
    except TacitError:
        assert len(labels.history()) == before
    else:
        assert len(labels.history()) == before + imported.recorded

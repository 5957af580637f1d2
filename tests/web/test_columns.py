"""What the map is coloured by: every value that of its own item, and nothing of the yardstick that was not asked for."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.data.events import CANNOT_TELL
from tacit.errors import BadData
from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.columns import categories, column
from tacit.web.desk import Desk
from tacit.web.imported import Imported, parse
from tests.web.test_maps import array, done, until


def values(client, name, **query):
    """A column as a client sees it: its record, and its values by row."""
    asked = {"name": name, **query}
    record = client.get("/api/map/column.json", params=asked).json()
    answer = client.get("/api/map/column.bin", params=asked)
    found = np.frombuffer(answer.content, "<f4" if record["kind"] == "number" else "<i2")
    return record, dict(zip(array(client, "/api/map/rows.bin", "<i4").tolist(), found.tolist(), strict=True))


def test_the_classes_are_the_answers_and_the_yardsticks_only_when_asked(learned_client):
    until(learned_client, done)
    desk = learned_client.desk
    measured = int(desk.rows.yardstick[0])
    desk.project.labels.record(desk.ids_of([measured]), ["7"])
    record, found = values(learned_client, "class")
    assert record["labels"] == [*map(str, range(10)), "cannot tell"] and sum(record["counts"]) == 40
    for row, code in found.items():
        said = desk.standing.answer(row) if desk.rows.is_pool[row] else None
        assert (record["labels"][code] if code >= 0 else None) == said
    assert found[measured] == -1
    record, found = values(learned_client, "class", yardstick="1")
    assert found[measured] == 7 and sum(record["counts"]) == 41 and record["missing"] == 360 - 41


def test_what_the_model_says_is_said_of_the_right_items_and_never_of_the_yardstick(learned_client):
    until(learned_client, done)
    desk = learned_client.desk
    record, predicted = values(learned_client, "prediction")
    _, confidence = values(learned_client, "confidence")
    _, margin = values(learned_client, "margin")
    _, entropy = values(learned_client, "entropy")
    for row in desk.rows.pool[:20].tolist():
        guess = desk.guess(row, desk.guesses())
        assert record["labels"][predicted[row]] == guess.answer and confidence[row] == pytest.approx(guess.confidence)
        assert margin[row] == pytest.approx(guess.confidence - guess.second_confidence, abs=1e-6)
        assert 0 <= entropy[row] <= math.log(10) + 1e-5
    for row in desk.rows.yardstick.tolist():
        assert predicted[row] == -1 and math.isnan(confidence[row]) and math.isnan(entropy[row])
    assert desk.model_run.name in record["said"]


def test_folders_and_sizes_are_those_of_the_files(client):
    until(client, done)
    desk = client.desk
    record, folders = values(client, "folder")
    _, sizes = values(client, "size")
    for row in (0, 17, 359):
        path = desk.folder.parent / "photos" / desk.project.paths(desk.ids_of([row]))[0]
        assert record["labels"][folders[row]] == path.parent.name and sizes[row] == path.stat().st_size


def test_who_answered_and_in_which_round(learned_client):
    until(learned_client, done)
    desk = learned_client.desk
    row = int(desk.rows.pool[3])
    desk.project.labels.record(desk.ids_of([row]), ["4"], who="Ada", round=2)
    record, people = values(learned_client, "annotator")
    _, rounds = values(learned_client, "round")
    assert record["labels"][people[row]] == "Ada" and rounds[row] == 2


def test_the_states_as_a_column(learned_client):
    until(learned_client, done)
    desk = learned_client.desk
    desk.project.labels.record(desk.ids_of(desk.rows.pool[:1]), [CANNOT_TELL])
    record, _ = values(learned_client, "state")
    counts = dict(zip(record["labels"], record["counts"], strict=True))
    assert counts["suggested"] + counts["labelled"] >= 59 and counts["cannot tell"] == 1
    assert counts["yardstick"] == len(desk.rows.yardstick) and sum(counts.values()) == 360


def test_what_is_not_there_yet_says_so_and_comes(learned_client):
    until(learned_client, done)
    desk, name = learned_client.desk, learned_client.desk.space_name()
    for kind, expected in (("density", None), ("outlier", "outliers"), ("rebuilt", "rebuilt_badly")):
        first = learned_client.get(f"/api/map/column.json?name={kind}").json()
        assert first["missing"] < 360 or first["said"].startswith("Not there yet: ")
        record = until(
            learned_client, lambda r: not r["said"].startswith("Not there"), f"/api/map/column.json?name={kind}"
        )
        assert record["missing"] == len(desk.rows.yardstick) and record["low"] < record["high"]
        if expected:
            found = column(desk, kind, name).values[: len(desk.rows.pool)]
            assert np.allclose(found, getattr(desk.space(), expected)().numpy(), rtol=1e-4)
    kept = sorted(path.name for path in (desk.folder / "runs" / name).glob("*.npz"))
    assert {"density.npz", "graph.npz", "rebuilt.npz", "layout.npz"} <= set(kept)


def test_clusters_have_a_label_each_and_movement_is_that_of_the_points(learned_client):
    until(learned_client, done, "/map.json?space=quick")
    record = until(learned_client, lambda r: done(r) and r["clusters"], "/map.json?space=quick")
    column_, _ = values(learned_client, "cluster", space="quick")
    assert column_["counts"] == [badge["rows_of"] for badge in record["clusters"]]
    layout = learned_client.desk.layouts.get("quick")
    moved = column(learned_client.desk, "movement", "quick").values[: layout.pool]
    assert np.allclose(moved, np.linalg.norm(layout.points - layout.before, axis=1)[: layout.pool])


def test_a_name_that_is_nearly_right_is_corrected(client):
    answer = client.get("/api/map/column.json?name=clas")
    assert answer.status_code == 404 and "did you mean: class?" in answer.json()["next"]


def test_columns_of_a_table_come_with_their_own_numbers(tmp_path):
    from fastapi.testclient import TestClient

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 3)).round(4)
    lines = ["length,width,mass", *(",".join(map(str, row)) for row in numbers.tolist())]
    (tmp_path / "beans.csv").write_text("\n".join(lines))
    Project.create(tmp_path / "beans.csv")
    desk = Desk(tmp_path / "beans.tacit")
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765") as client:
        assert desk.ready.wait(60)
        until(client, done)
        _, found = values(client, "feature/width")
        for row in (0, 5, 59):
            line = int(desk.project.paths(desk.ids_of([row]))[0].rpartition("#")[2])
            assert found[row] == pytest.approx(numbers[line, 1], abs=1e-6)
        assert "folder" not in {c["name"] for c in client.get("/map.json").json()["columns"]}


# imported columns


def send(client, text):
    return client.post("/api/columns", files={"file": ("more.csv", text.encode(), "text/csv")})


def test_imported_columns_are_numbers_or_words_by_what_is_in_them(client):
    until(client, done)
    desk = client.desk
    ids, paths = desk.ids_of([0, 1, 2]), desk.project.paths(desk.ids_of([0, 1, 2]))
    text = f"Path,year,camera\n{paths[0]},1999,Leica\n{paths[1]},,Nikon\n{ids[2]},2001.5,\nnobody.png,1,x\n"
    assert send(client, text).json() == {"columns": ["year", "camera"], "items": 3, "unknown": 1}
    record, years = values(client, "column/year")
    assert years[0] == 1999 and math.isnan(years[1]) and years[2] == 2001.5 and record["missing"] == 358
    record, cameras = values(client, "column/camera")
    assert record["labels"] == ["Leica", "Nikon"] and [cameras[r] for r in (0, 1, 2)] == [0, 1, -1]
    titles = {c["name"]: (c["title"], c["kind"]) for c in client.get("/map.json").json()["columns"]}
    assert titles["column/year"] == ("year", "number") and titles["column/camera"] == ("camera", "category")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "no column is called id, path, file"),
        ("id\n{0}\n", "no column beside"),
        ("id,a,a\n{0},1,2\n", "two columns are called 'a'"),
        ("id,a\n{0}\n", "line 2 has 1 cells, expected 2"),
        ("id,a\n{0},1\n{0},2\n", "other values further up"),
        ("id,\n{0},1\n", "column 1 has no name"),
        ('id,a\n{0},"x\n', "line 2"),
        ("id,a\nnobody,1\n", "none of the 1 lines"),
    ],
)
def test_a_broken_table_is_refused_as_a_whole(client, text, said):
    answer = send(client, text.replace("{0}", client.desk.ids_of([0])[0]))
    assert answer.status_code < 500, answer.text[:500]
    assert answer.status_code in (400, 422) and said in answer.json()["error"]
    assert client.desk.imported.columns() == {} and not (client.desk.folder / "columns.json").exists()


KNOWN = {"one.png": "a", "two.png": "b", "a": "a", "b": "b"}
cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused_in_words(content):
    try:
        found = parse(content, KNOWN)
    except BadData as error:
        assert str(error)
        return
    assert found.columns and found.items <= 2


@given(st.lists(st.sampled_from(["one.png", "b", "nobody"]), unique=True, min_size=1), st.data())
def test_what_a_csv_writer_wrote_is_read_back(items, data):
    rows = [[item, data.draw(cell), data.draw(st.floats(-1e30, 1e30))] for item in items]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["path", "word", "number"], *rows])
    found = parse(file.getvalue().encode(), KNOWN)
    known = {KNOWN[item]: (word, number) for item, word, number in rows if item in KNOWN}
    assert found.items == len(known) and found.unknown == len(rows) - len(known)
    assert found.columns["number"] == {id_: number for id_, (_, number) in known.items()}
    for id_, value in found.columns["word"].items():
        assert str(value) == known[id_][0].strip() or float(value) == float(known[id_][0])


@given(st.dictionaries(cell.filter(bool), st.dictionaries(cell, st.floats(-1e30, 1e30)), max_size=3))
def test_columns_come_back_from_the_disk_as_they_were(tmp_path_factory, columns):
    from tacit.web.imported import Table

    folder = tmp_path_factory.mktemp("columns")
    Imported(folder).add(Table(columns, 0, 0))
    assert Imported(folder).columns() == columns


def test_words_beyond_a_thousand_share_a_color_and_that_is_said():
    words = np.array([f"w{i}" for i in range(1500)] + ["often"] * 9 + [""], dtype=object)
    codes, said, labels = categories(words, "Words.")
    assert len(labels) == 1000 and labels[0] == "often" and labels[-1] == "502 others" and "502 rarer" in said
    assert codes[-1] == -1 and (codes == 999).sum() == 502 and (codes == 0).sum() == 9

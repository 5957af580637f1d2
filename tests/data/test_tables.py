"""Tables: which columns become items, what stays hidden, and what a bad cell or line is called."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.data.form import Form
from tacit.data.tables import Table
from tacit.errors import BadData, BadEnvironment, TacitError, WrongUsage


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def read(table: Table, former: Form | None = None) -> tuple[Form, np.ndarray, list[str | None]]:
    form = table.form(table.files, None, None, former, lambda files: None)
    batches = list(table.read(form, table.files))
    return form, np.concatenate([b.rows for b in batches]), [answer for batch in batches for answer in batch.answers]


def test_columns_of_numbers_become_vectors_and_the_label_stays_hidden(tmp_path):
    table = Table(write(tmp_path / "x.csv", "id,width,label,height,remark\n1,2.5,cat,3,fine\n2,-1e3,dog,4,\n"))
    form, rows, answers = read(table)
    assert (form.item_kind, form.shape, form.columns) == ("vector", (2,), ("width", "height"))
    assert rows.dtype == np.float32 and rows.tolist() == [[2.5, 3], [-1000, 4]]
    assert answers == ["cat", "dog"]
    assert table.notes == [
        "column 'label' is kept as hidden labels and never learned from",
        "column 'id' was passed over: it names the rows",
        "column 'remark' was passed over: not numbers: 'fine' in line 2",
    ]


@pytest.mark.parametrize("name", ["label", "y", "Class", "TARGET"])
def test_usual_names_of_answers_are_never_learned_from(tmp_path, name):
    form, _, answers = read(Table(write(tmp_path / "x.csv", f"{name},a\n1,2\n0,3\n")))
    assert form.columns == ("a",) and answers == ["1", "0"]


def test_a_second_answer_is_never_learned_from_either(tmp_path):
    path = write(tmp_path / "x.csv", "a,label,target,fine\n1,0,5,7\n2,1,6,8\n")
    assert read(Table(path))[0].columns == ("a", "fine")
    table = Table(path, truth="fine")
    form, _, answers = read(table)
    assert form.columns == ("a",) and answers == ["7", "8"]
    assert "column 'label' was passed over: by its name it is an answer" in table.notes


def test_any_column_can_be_the_answer_and_an_unknown_one_is_explained(tmp_path):
    path = write(tmp_path / "x.csv", "a,kind\n1,u\n2,v\n")
    assert read(Table(path, truth="kind"))[2] == ["u", "v"]
    assert read(Table(path))[2] == [None, None]
    with pytest.raises(WrongUsage, match="did you mean: kind"):
        read(Table(path, truth="knd"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path, delimiter):
    path = write(tmp_path / "x.csv", f"a,b\n1,2\n{'3,4'}\n\n5,6\n".replace(",", delimiter))
    assert read(Table(path))[1].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_decimal_commas_are_understood_where_a_semicolon_parts_the_cells(tmp_path):
    assert read(Table(write(tmp_path / "x.csv", "a;b\n1,5;2\n3;4,25\n")))[1].tolist() == [[1.5, 2], [3, 4.25]]


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("1,2\n3,4\n", ("column 1", "column 2"), 2),  # numbers only
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", ("column 1", "column 2"), 2),  # words under a word
        ("0,1,kind\n5,6,7\n8,9,1\n", ("0", "1", "kind"), 2),  # numbers under a word
        ("a\n1\n2\n", ("a",), 2),
        ("\ufeffa,b\r\n1,2\r\n", ("a", "b"), 1),  # as Excel writes it
        ('"a, b",c\n"1",2\n', ("a, b", "c"), 1),
    ],
)
def test_a_header_is_told_from_data(tmp_path, text, columns, rows):
    form, values, _ = read(Table(write(tmp_path / "x.csv", text)))
    assert form.columns == columns and len(values) == rows


@pytest.mark.parametrize("cell", ["", " ", "nan", "NA", "n/a", "null", "inf", "1e999", "-"])
def test_cells_without_a_finite_number_are_named_with_line_and_column(tmp_path, cell):
    lines = "".join(f"{i},{cell if i % 2 else i},{i}\n" for i in range(9))
    with pytest.raises(BadData) as caught:
        read(Table(write(tmp_path / "x.csv", f"a,b,c\n{lines}")))
    assert (
        "4 cells are empty or no finite number: line 3, column 'b'; line 5, column 'b'; line 7, column 'b'; ..."
        in str(caught.value)
    )
    assert "fill or drop these rows" in str(caught.value)


def test_very_wide_tables_are_read(tmp_path):
    cells = ",".join(f"0.{i:06d}" for i in range(20_000))  # longer than csv allows for one cell
    form, rows, _ = read(Table(write(tmp_path / "x.csv", f"{cells}\n{cells}\n")))
    assert form.shape == (20_000,) and len(rows) == 2


def test_gaps_in_columns_that_are_not_used_are_no_matter(tmp_path):
    form, rows, answers = read(Table(write(tmp_path / "x.csv", "a,empty,word,y\n1,,x,p\n2,,,\n")))
    assert form.columns == ("a",) and rows.tolist() == [[1], [2]] and answers == ["p", None]


def test_names_that_python_would_read_as_numbers_are_words(tmp_path):
    assert read(Table(write(tmp_path / "x.csv", "a,code\n1,12_3\n2,4_5\n")))[0].columns == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 cells, expected 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, expected 2"),
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "2 columns are called 'a'"),
        ("a,b\nx,y\nz,w\n", "no column of numbers.*\n.*'a'.*'x' in line 2"),
    ],
)
def test_tables_that_cannot_be_used_are_explained(tmp_path, text, message):
    with pytest.raises(BadData, match=message):
        read(Table(write(tmp_path / "x.csv", text)))


def test_text_in_another_encoding_is_explained(tmp_path):
    (tmp_path / "x.csv").write_bytes("a,b\n1,größe\n".encode("latin-1"))
    with pytest.raises(BadData, match="not UTF-8"):
        read(Table(tmp_path / "x.csv"))


def test_later_tables_must_have_the_columns_of_the_first(tmp_path):
    former, _, _ = read(Table(write(tmp_path / "x.csv", "a,b,y\n1,2,0\n3,4,1\n")))
    form, rows, _ = read(Table(write(tmp_path / "x.csv", "y,new,b,a\n0,9,2,1\n")), former)
    assert form is former and rows.tolist() == [[1, 2]]
    with pytest.raises(BadData, match="no column 'b' any more"):
        read(Table(write(tmp_path / "x.csv", "a,y\n1,2\n")), former)
    with pytest.raises(BadData, match="column 'b' cannot be used any more: not numbers: 'oops' in line 2"):
        read(Table(write(tmp_path / "x.csv", "a,b,y\n1,oops,0\n")), former)
    with pytest.raises(WrongUsage, match="'b' is part of the items already"):
        read(Table(write(tmp_path / "x.csv", "a,b,y\n1,2,0\n"), truth="b"), former)


def test_parquet_gives_what_csv_gives(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "id": ["p", "q"],
        "whole": [1, 2],
        "part": [0.5, -1.5],
        "flag": [True, False],
        "word": ["u", "v"],
        "label": [3, None],
    }
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    table = Table(tmp_path / "x.parquet")
    form, rows, answers = read(table)
    assert form.columns == ("whole", "part", "flag")
    assert rows.dtype == np.float32 and rows.tolist() == [[1, 0.5, 1], [2, -1.5, 0]]
    assert answers == ["3", None]
    assert "column 'word' was passed over: not numbers: string" in table.notes


def test_parquet_names_the_rows_of_missing_cells(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"a": [1, None, 3], "b": [1.0, math.nan, 2.0], "c": [True, None, False]}), tmp_path / "x.parquet"
    )
    with pytest.raises(BadData, match=r"3 cells .* row 1, column 'a'; row 1, column 'b'; row 1, column 'c'\n"):
        read(Table(tmp_path / "x.parquet"))


def test_a_damaged_parquet_file_is_explained(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(BadData, match="cannot be read as a Parquet file"):
        read(Table(tmp_path / "x.parquet"))


def test_a_missing_pyarrow_is_a_sentence(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadEnvironment, match=r"pip install \"tacit\[tables\]\""):
        read(Table(tmp_path / "x.parquet"))


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=width, max_size=width),
            min_size=1,
            max_size=6,
        )
    ),
    st.sampled_from([",", ";", "\t", "|"]),
)
@settings(max_examples=80, deadline=None)
def test_any_table_of_numbers_comes_back(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([[f"c{i}" for i in range(len(rows[0]))], *rows])
    assert np.array_equal(read(Table(path))[1], np.array(rows, dtype=np.float32))


@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet='0123456789.,;\t|\n\r"eE-_ axnif', max_size=60).map(str.encode))
)
@settings(max_examples=250, deadline=None)
def test_arbitrary_bytes_never_raise_anything_but_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes(content)
    try:
        _, rows, _ = read(Table(path))
    except TacitError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(rows).all()

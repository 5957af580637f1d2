from tacit.bench.results import markdown, provenance, read_rows, write_section


def test_a_script_replaces_its_own_section_and_no_other(tmp_path):
    path = tmp_path / "results.md"
    write_section(path, "a", "first")
    write_section(path, "b", "second")
    write_section(path, "a", "again \\1 with a backslash")
    text = path.read_text()
    assert text.count("<!-- begin a -->") == 1 and "first" not in text
    assert "again \\1 with a backslash" in text and "second" in text and text.startswith("# Results")


def test_numbers_say_where_they_come_from():
    said = provenance("tacit bench x", [0, 1])
    assert "`tacit bench x`" in said and "seeds 0, 1" in said and "commit" in said


def test_rows_become_a_table():
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_rows_come_back_and_a_line_that_was_cut_short_does_not_count(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert read_rows(path) == []
    path.write_text('{"row": "a"}\n{"row": "b", "n": 2}\n{"row": "c", "n"')
    assert read_rows(path) == [{"row": "a"}, {"row": "b", "n": 2}]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import BadData, BadEnvironment, WrongUsage
from tacit.project.settings import Settings, find


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    made = tmp_path / "photos.tacit"
    made.mkdir()
    Settings.write_new(made, tmp_path / "photos", seed=3)
    return made


def test_a_new_file_says_where_the_items_come_from_relative_to_itself(folder, tmp_path):
    settings = Settings(folder)
    assert settings.get("source") == "../photos" and settings.source == tmp_path / "photos"
    assert settings.get("seed") == 3 and settings.classes == ()


def test_what_a_person_wrote_into_it_stays(folder):
    text = (folder / "project.toml").read_text() + "\n# my own note\n"
    (folder / "project.toml").write_text(text)
    Settings(folder).set("classes", ["cat", "dog"])
    assert "# my own note" in (folder / "project.toml").read_text()
    assert Settings(folder).classes == ("cat", "dog")


@pytest.mark.parametrize("classes", ['"cat"', "[1, 2]", '["cat", "cat"]', '[""]'])
def test_classes_that_are_no_list_of_different_names_are_refused(folder, classes):
    path = folder / "project.toml"
    path.write_text(
        "\n".join(line for line in path.read_text().splitlines() if "classes" not in line) + f"\nclasses = {classes}\n"
    )
    with pytest.raises(BadData, match="class"):
        _ = Settings(folder).classes


def test_a_newer_layout_is_refused_and_a_missing_version_explained(folder):
    path = folder / "project.toml"
    good = path.read_text()
    path.write_text(good.replace("version = 1", "version = 7"))
    with pytest.raises(BadEnvironment, match="newer Tacit"):
        Settings(folder)
    path.write_text(good.replace("version = 1", ""))
    with pytest.raises(BadData, match="should begin with: version = 1"):
        Settings(folder)


@given(st.binary(max_size=60))
def test_whatever_is_in_the_file_the_answer_is_a_sentence(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("p")
    (folder / "project.toml").write_bytes(content)
    with pytest.raises((BadData, BadEnvironment)):
        Settings(folder)


def test_a_project_is_found_from_inside_from_beside_and_by_name(folder, tmp_path, monkeypatch):
    assert find(folder) == folder
    (folder / "runs").mkdir()
    monkeypatch.chdir(folder / "runs")
    assert find(None) == folder
    monkeypatch.chdir(tmp_path)
    assert find(None) == folder
    (tmp_path / "other.tacit").mkdir()
    Settings.write_new(tmp_path / "other.tacit", tmp_path, seed=0)
    with pytest.raises(WrongUsage, match="say which"):
        find(None)
    with pytest.raises(WrongUsage, match="no project in"):
        find(tmp_path / "photos")


def test_what_others_wrote_meanwhile_stays(folder):
    mine, theirs = Settings(folder), Settings(folder)
    theirs.set("classes", ["heron"])
    mine.set("name", "birds")
    assert Settings(folder).classes == mine.classes == ("heron",) and Settings(folder).get("name") == "birds"

"""The map as one file: whole, true, safe, and silent on the network."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tacit.cli import app as cli
from tacit.errors import BadEnvironment, WrongUsage
from tacit.web import app, offline
from tacit.web.offline import page, write_map

SCRIPT = """// </script> and <!-- in a comment
const data = JSON.parse(document.getElementById("data").textContent);
const bytes = Uint8Array.from(atob(data.points), (c) => c.charCodeAt(0));
document.getElementById("page").textContent = data.name + " " + new Float32Array(bytes.buffer).length / 2;
"""


@pytest.fixture
def dist(tmp_path_factory, monkeypatch) -> Path:
    """A built page that shows how many points there are."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "offline.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "offline.css").write_text("#page { color: rgb(0, 114, 178) }", encoding="utf-8")
    monkeypatch.setattr(app, "DIST", folder)
    return folder


def held(path: Path) -> dict:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S
    )
    assert found is not None
    return json.loads(found[1])


def numbers(column: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(column["data"]), "<f4" if column["kind"] == "number" else "<i2")


def test_the_file_holds_the_map_its_columns_and_where_they_come_from(dist, learned_project, tmp_path):
    outcome = write_map(learned_project, tmp_path / "map.html")
    record = held(tmp_path / "map.html")
    parts = ("name", "said", "pool", "points", "states", "columns", "names", "thumbs", "density", "clusters")
    assert set(record) == set(parts)
    points = np.frombuffer(base64.b64decode(record["points"]), "<f4").reshape(-1, 2)
    assert len(points) == len(record["names"]) == 360 == outcome.record["items"] and np.abs(points).max() <= 1
    columns = {column["name"]: column for column in record["columns"]}
    assert {"class", "prediction", "confidence", "cluster", "density", "outlier", "folder"} <= set(columns)
    assert sum(byte & 1 for byte in base64.b64decode(record["states"])) == 40
    classes = numbers(columns["class"])
    assert len(classes) == 360 and (classes >= 0).sum() == 40 and (classes[record["pool"] :] == -1).all()
    assert np.isfinite(numbers(columns["density"])[: record["pool"]]).all()
    folders = [columns["folder"]["labels"][code] for code in numbers(columns["folder"])]
    assert [name.split("/")[0] for name in record["names"]] == folders
    assert any("vae" in said and "weights" in said for said in record["said"])
    assert any("40 of 288 items labelled" in said for said in record["said"]) and record["clusters"] is not None


def test_no_job_of_the_project_is_touched(dist, learned_project, tmp_path):
    write_map(learned_project, tmp_path / "map.html")
    assert not (learned_project / "jobs").exists()


def test_labelled_items_have_their_picture_first_and_the_rest_is_told(dist, learned_project, tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "PICTURE_BYTES", 40_000)
    write_map(learned_project, tmp_path / "map.html")
    record = held(tmp_path / "map.html")
    classes = numbers(next(column for column in record["columns"] if column["name"] == "class"))
    assert 60 <= len(record["thumbs"]) < 360
    assert {str(point) for point in np.flatnonzero(classes >= 0)} <= set(record["thumbs"])
    assert f"{len(record['thumbs'])} of 360 items have a picture in this file" in " ".join(record["said"])
    assert all(address.startswith("data:image/png;base64,") for address in record["thumbs"].values())


def test_a_browser_shows_it_and_asks_nobody(dist, learned_project, tmp_path, browser):
    write_map(learned_project, tmp_path / "map.html")
    tab = browser.new_context().new_page()
    asked, wrong = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text))
    tab.goto((tmp_path / "map.html").as_uri())
    assert tab.text_content("#page") == "photos 360"
    assert tab.evaluate("getComputedStyle(document.getElementById('page')).color") == "rgb(0, 114, 178)"
    assert [address for address in asked if not address.startswith("data:")] == [tab.url] and not wrong
    tab.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert any("Content Security Policy" in line for line in wrong)
    tab.context.close()


def test_names_of_files_cannot_become_part_of_the_page():
    evil = "</script><script>alert(1)</script><!-- \udcff"
    text = page({"name": evil, "names": [evil], "thumbs": {}}, "1;", "")
    assert text.count("<script") == 2 and text.count("</script>") == 2 and "<!--" not in text
    found = re.search(r'id="data">(.*?)</script>', text, re.S)
    assert found is not None and json.loads(found[1])["names"] == [evil]


def test_an_existing_file_stays_unless_asked(dist, project, tmp_path):
    (tmp_path / "map.html").write_text("mine")
    with pytest.raises(WrongUsage, match="is there already"):
        write_map(project, tmp_path / "map.html")
    write_map(project, tmp_path / "map.html", overwrite=True)
    assert held(tmp_path / "map.html")["pool"] == 288


def test_a_page_that_was_not_built_is_said(dist, project):
    (dist / "offline.js").unlink()
    with pytest.raises(BadEnvironment, match="make page"):
        write_map(project, None)


def test_the_shell_writes_it(dist, project):
    found = CliRunner().invoke(cli, ["report", "--interactive", "-p", str(project), "--json"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout.splitlines()[-1])
    assert Path(told["path"]).parent == project / "reports" and told["items"] == told["pictures"] == 360

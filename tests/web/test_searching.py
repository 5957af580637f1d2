"""Finding items: by words, and by dropping a file."""

import io
import os

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.web.test_items import drawn_map, photo

ONE_CLIENT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def test_words_are_found_in_paths_classes_and_ids(client):
    desk = client.desk
    in_folder = client.get("/api/search", params={"text": "7/", "n": 500}).json()
    rows = {n["item"]["row"] for n in in_folder["items"]}
    assert rows == {row for row in range(360) if photo(client, row).parent.name == "7"}
    assert (
        client.get("/api/search", params={"text": "7/", "n": 2}).json()["said"] == f"the first 2 of {len(rows)} items"
    )
    desk.project.labels.record(desk.ids_of([4, 9]), ["Wolf", "Wolfhound"])
    assert found(client, "WOLF") == [4, 9] and found(client, "hound") == [9]
    assert found(client, desk.ids_of([42])[0][:10].upper()) == [42]
    assert found(client, " 007.PNG ") == found(client, "007") and len(found(client, "007")) == 1
    assert client.get("/api/search", params={"text": "no such thing"}).json()["items"] == []
    assert found(client, "   ") == []


def found(client: TestClient, text: str) -> list[int]:
    return [n["item"]["row"] for n in client.get("/api/search", params={"text": text}).json()["items"]]


@ONE_CLIENT
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), n=st.integers(-2, 600))
def test_any_words_are_answered(vectors, text, n):
    answer = vectors.get("/api/search", params={"text": text, "n": n})
    assert answer.status_code == (200 if 1 <= n <= 500 else 422)


@pytest.mark.parametrize("text", ["%ff%fe", "%ed%a0%80", "%00", "%", "%25", "a" * 501])
def test_bytes_that_are_no_words_are_answered(client, text):
    assert client.get(f"/api/search?text={text}").status_code in (200, 422)


@pytest.mark.parametrize("kind", ["client", "learned_client"])
def test_a_dropped_picture_finds_itself_and_its_place_on_the_map(request, kind):
    asked = request.getfixturevalue(kind)
    drawn_map(asked)
    desk = asked.desk
    row = int(desk.rows.pool[17])
    answer = asked.post("/api/search?n=6", files={"file": ("mine.png", photo(asked, row).read_bytes())}).json()
    assert answer["items"][0]["item"]["row"] == row and answer["items"][0]["distance"] == pytest.approx(0, abs=1e-3)
    assert len(answer["items"]) == 6 and f"of {len(desk.rows.pool)} items nearest to mine.png" in answer["said"]
    layout = desk.layouts.get(desk.space_name())
    beside = [n["item"]["row"] for n in answer["items"][:3]]
    assert answer["place"] == pytest.approx(layout.points[np.isin(layout.rows, beside)].mean(0), abs=1e-5)


def test_a_dropped_picture_of_any_size_and_kind_becomes_an_item(client):
    row = int(client.desk.rows.pool[17])
    image = Image.open(photo(client, row)).convert("RGB").resize((96, 96), Image.Resampling.NEAREST)
    for name, format in (("x.jpg", "JPEG"), ("no name", "PNG"), ("", "WEBP"), ("../../x.txt", "GIF")):
        file = io.BytesIO()
        image.save(file, format=format)
        answer = client.post("/api/search", files={"file": (name or "b", file.getvalue())})
        assert row in [n["item"]["row"] for n in answer.json()["items"][:3]], name


def test_a_dropped_sound_finds_itself(sounds):
    row = int(sounds.desk.rows.pool[5])
    answer = sounds.post("/api/search", files={"file": ("x.wav", photo(sounds, row).read_bytes())}).json()
    assert answer["items"][0]["item"]["row"] == row and answer["items"][0]["distance"] == pytest.approx(0, abs=1e-3)


def test_what_is_no_item_of_this_project_is_told_in_words(client, sounds, vectors):
    picture, heard = io.BytesIO(), photo(sounds, 0).read_bytes()
    Image.new("L", (8200, 8200)).save(picture, format="PNG")
    for asked, name, body, said in (
        (client, "a.wav", heard, "no image"),
        (client, "a.png", heard, "a.png cannot be read"),
        (client, "a.png", b"", "cannot be read"),
        (client, "a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
        (client, "huge.png", picture.getvalue(), "pixels"),
        (sounds, "a.png", b"x", "no sound"),
        (sounds, "a.wav", b"RIFF....WAVEfmt ", "cannot be read"),
        (vectors, "a.png", b"x", "vectors"),
    ):
        answer = asked.post("/api/search", files={"file": (name, body)})
        assert answer.status_code == 422 and said in answer.json()["error"], (name, answer.text)
        assert "/tmp" not in answer.text and "dropped" not in answer.text


def test_a_dropped_file_leaves_nothing_behind(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    os.mkdir(tmp_path / "scratch")
    for body in (b"no picture", photo(client, 1).read_bytes()):
        client.post("/api/search", files={"file": ("a.png", body)})
    assert os.listdir(tmp_path / "scratch") == []


HEADS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF", b"II*\x00", b"BM", b"fLaC", b"OggS"]
)


@ONE_CLIENT
@given(
    head=HEADS, body=st.binary(max_size=200), name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
)
def test_a_dropped_file_may_hold_anything(vectors, sounds, client, head, body, name):
    for asked in (sounds, client):
        answer = asked.post("/api/search", files={"file": (name or "x", head + body)})
        assert answer.status_code in (200, 422) and answer.json(), answer.text


def test_a_form_without_a_file_is_told_in_words(client):
    for sent in ({"data": {"file": "text"}}, {"data": {}}, {"content": b"x"}, {"json": {"file": "x"}}):
        assert client.post("/api/search", **sent).status_code in (400, 422)

"""Items over HTTP: pictures and sounds, what is known about one, and finding them."""

import io
import os
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk
from tacit.web.items import part_of

ONE_CLIENT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@contextmanager
def opened(folder: Path) -> Iterator[TestClient]:
    desk = Desk(folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        assert desk.ready.wait(60)
        client.desk = desk  # type: ignore[attr-defined]
        yield client


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Iterator[TestClient]:
    """40 tones of half a second in two folders."""
    here = tmp_path_factory.mktemp("sounds") / "tones"
    t = np.arange(4000) / 8000
    for i in range(40):
        folder = here / ("high" if i % 2 else "low")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:02d}.wav").write_bytes(tone(np.sin(2 * np.pi * (300 + 20 * i + 1500 * (i % 2)) * t)))
    with opened(Project.create(here).folder) as client:
        yield client


@pytest.fixture(scope="module")
def vectors(tmp_path_factory) -> Iterator[TestClient]:
    """60 rows of five numbers in an array file."""
    path = tmp_path_factory.mktemp("vectors") / "rows.npz"
    np.savez(path, x=np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    with opened(Project.create(path).folder) as client:
        yield client


def tone(x: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes((x * 20000).astype("<i2").tobytes())
    return file.getvalue()


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)))


def photo(client: TestClient, row: int) -> Path:
    """The file of an item."""
    return client.desk.project.settings.source / client.get(f"/api/items?rows={row}").json()[0]["name"]


def version(client: TestClient, row: int) -> str:
    return client.desk.ids_of([row])[0][:12]


def drawn_map(client: TestClient, space: str = "") -> None:
    """Wait for the map of a space."""
    give_up = time.monotonic() + 30
    while client.desk.layouts.get(client.desk.space_name(space or None)) is None:
        assert time.monotonic() < give_up
        time.sleep(0.02)


# pictures


def test_the_small_picture_of_every_item_is_its_packed_row(client):
    for row in (*client.desk.rows.pool[:3], *client.desk.rows.yardstick[:3]):
        answer = client.get(f"/api/items/{row}/thumb?size=32")
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(pixels(answer.content), pixels(photo(client, row).read_bytes()))


def test_small_pictures_are_there_when_the_files_are_gone(client):
    for path in client.desk.project.settings.source.rglob("*.png"):
        path.unlink()
    assert client.get("/api/items/7/thumb").status_code == 200
    gone = client.get("/api/items/7/picture")
    assert gone.status_code == 404 and "no longer" in gone.json()["error"] and "put it back" in gone.json()["next"]
    assert not client.get("/api/items/7").json()["there"]


def test_a_small_picture_is_kept_for_ever_under_the_address_of_its_content_and_only_there(client):
    own, other = (client.get(f"/api/items/3/thumb?v={v}") for v in (version(client, 3), version(client, 4)))
    assert "immutable" in own.headers["cache-control"] and "immutable" not in other.headers["cache-control"]
    again = client.get("/api/items/3/thumb", headers={"if-none-match": own.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert own.headers["etag"] != client.get("/api/items/3/thumb?size=64").headers["etag"]


def test_the_original_is_sent_and_again_when_it_was_edited(client):
    first = client.get("/api/items/3/picture")
    assert np.array_equal(pixels(first.content), pixels(photo(client, 3).read_bytes()))
    tag = {"if-none-match": first.headers["etag"]}
    assert client.get("/api/items/3/picture", headers=tag).status_code == 304
    Image.new("RGB", (50, 20), "red").save(photo(client, 3))
    edited = client.get("/api/items/3/picture", headers=tag)
    assert edited.status_code == 200 and pixels(edited.content).shape[:2] == (20, 50)


def test_only_files_that_the_project_knows_are_ever_opened(client):
    root = client.desk.project.settings.source
    (root.parent / "secret.png").write_bytes(photo(client, 5).read_bytes())
    for row, way in ((5, "link"), (6, "folder")):
        path = photo(client, row)
        path.unlink()
        path.symlink_to(root.parent / "secret.png") if way == "link" else path.mkdir()
        answer = client.get(f"/api/items/{row}/picture")
        assert answer.status_code == 404 and answer.json()["next"], way
    for strange in ("..%2f..%2fsecret", "photos/secret.png", "-1", "1e3", "0x1"):
        assert client.get(f"/api/items/{strange}/picture").status_code in (400, 404, 422), strange


def test_a_page_with_a_script_is_never_sent_as_a_picture(client):
    for body in (
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>1</script>",
    ):
        photo(client, 5).write_bytes(body)
        answer = client.get("/api/items/5/picture")
        assert answer.status_code == 422 and answer.headers["content-type"] == "application/json"


def test_sounds_are_seen_and_heard(sounds):
    for row in range(3):
        assert pixels(sounds.get(f"/api/items/{row}/thumb").content).ndim == 2
        assert pixels(sounds.get(f"/api/items/{row}/picture").content).ndim == 2
    whole = sounds.get("/api/items/0/sound.wav")
    with wave.open(io.BytesIO(whole.content)) as file:
        assert file.getframerate() == sounds.desk.project.pool.spec.rate and file.getnframes() > 1000
    part = sounds.get("/api/items/0/sound.wav", headers={"range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == whole.content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-", range(0, 100)),
        ("bytes=90-500", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-500", range(0, 100)),
        ("", None),
        ("bytes=-", None),
        ("bytes=100-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
    ],
)
def test_a_part_of_a_sound(asked, part):
    assert part_of(100, asked) == part


def test_vectors_are_drawn_and_make_no_sound(vectors):
    assert pixels(vectors.get("/api/items/0/thumb?size=100").content).shape == (100, 100, 4)
    assert vectors.get("/api/items/0/picture").status_code == 200
    silent = vectors.get("/api/items/0/sound.wav")
    assert silent.status_code == 404 and "no sound" in silent.json()["error"]
    found = vectors.get("/api/items/0").json()
    assert found["there"] and found["paths"] == ["rows.npz#0"] and len(found["neighbours"]) == 8


def test_a_small_picture_takes_a_few_milliseconds(client):
    client.get("/api/items/0/thumb")
    began = time.perf_counter()
    for row in range(100):
        client.get(f"/api/items/{row}/thumb")
    assert time.perf_counter() - began < 100 * 0.05


# one item


def test_what_is_known_about_an_item(learned_client):
    desk = learned_client.desk
    row = next(int(row) for row in desk.rows.pool if desk.standing.answer(int(row)))
    desk.project.labels.record(desk.ids_of([row]), ["9"], who="ada", seconds=[1.5], note="sure")
    found = learned_client.get(f"/api/items/{row}").json()
    assert found["item"]["row"] == row and found["item"]["label"] == "9" and found["there"]
    assert found["size"] == photo(learned_client, row).stat().st_size
    assert [(e["answer"], e["who"], e["seconds"], e["note"]) for e in found["history"]][-1] == ("9", "ada", 1.5, "sure")
    assert found["item"]["guess"]["answer"] in "0123456789"


@pytest.mark.parametrize("space", ["", "quick"])
def test_neighbours_are_those_of_the_full_space(learned_client, space):
    desk = learned_client.desk
    codes, asked = desk.space(space or None).codes, f"?n=5&space={space}" if space else "?n=5"
    for row in map(int, desk.rows.pool[[0, 20, 100]]):
        near = learned_client.get(f"/api/items/{row}{asked}").json()["neighbours"]
        away = (codes - codes[desk.rows.position[row]]).norm(dim=1)
        away[desk.rows.position[row]] = np.inf
        expected = away.sort()
        assert [n["item"]["row"] for n in near] == desk.rows.pool[expected.indices[:5].numpy()].tolist()
        assert np.allclose([n["distance"] for n in near], expected.values[:5].numpy(), atol=1e-4)


def test_neighbours_are_the_same_from_the_shared_graph(learned_client):
    row = int(learned_client.desk.rows.pool[33])
    searched = learned_client.get(f"/api/items/{row}").json()["neighbours"]
    _ = learned_client.desk.space().graph
    looked_up = learned_client.get(f"/api/items/{row}").json()["neighbours"]
    assert [n["item"]["row"] for n in searched] == [n["item"]["row"] for n in looked_up]


def test_whoever_answers_an_item_of_the_yardstick_is_not_led(learned_client):
    row = int(learned_client.desk.rows.yardstick[0])
    found = learned_client.get(f"/api/items/{row}?n=50").json()
    assert found["item"]["side"] == "yardstick" and found["item"]["guess"] is None
    assert len(found["neighbours"]) == 50 and found["agree"] is None
    assert all(n["item"]["label"] is None and n["item"]["guess"] is None for n in found["neighbours"])
    assert all(n["item"]["side"] == "pool" for n in found["neighbours"])


def test_where_map_and_space_disagree_it_says_so(learned_client):
    drawn_map(learned_client)
    desk = learned_client.desk
    layout = desk.layouts.get(desk.space_name())
    row = int(desk.rows.pool[10])
    near = [n["item"]["row"] for n in learned_client.get(f"/api/items/{row}").json()["neighbours"]]
    away = np.square(layout.points[: layout.pool] - layout.points[10]).sum(1)
    on_map = set(layout.rows[np.argsort(away)[1:16]].tolist())
    agree = sum(n in on_map for n in near) / 8
    found = learned_client.get(f"/api/items/{row}").json()
    assert found["agree"] == pytest.approx(agree)
    layout.points[: layout.pool] = np.random.default_rng(0).uniform(-1, 1, (layout.pool, 2))  # a map that says nothing
    told = [learned_client.get(f"/api/items/{row}").json() for row in map(int, desk.rows.pool[:20])]
    assert all(bool(t["warning"]) == (t["agree"] < 0.3) for t in told) and any(t["warning"] for t in told)


def test_an_item_without_a_map_has_no_agreement(client):
    client.desk.layouts.get = lambda name: None
    found = client.get(f"/api/items/{client.desk.rows.pool[0]}").json()
    assert found["agree"] is None and found["warning"] == "" and len(found["neighbours"]) == 8


@pytest.mark.parametrize(
    "path",
    [
        "/api/items/360", "/api/items/-1", "/api/items/99999999999999999999999/thumb", "/api/items/1?n=0", "/api/items/1?space=no",
        "/api/items/1/thumb?size=15", "/api/items/1/thumb?size=321", "/api/items/x/picture", "/api/items?rows=1,x",
        "/api/items?rows=" + "1," * 501, "/api/items", "/api/items?rows=1,-5", "/api/items?rows=" + "9" * 5000, "/api/items/1/sound.wav",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_words(client, path):
    answer = client.get(path)
    assert answer.status_code in (400, 404, 422) and answer.json()["error"]


def test_items_come_in_the_order_asked_for(client):
    assert [item["row"] for item in client.get("/api/items?rows=9,2,300,2").json()] == [9, 2, 300, 2]
    assert client.get("/api/items?rows=").json() == []


# finding


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
    picture, heard = io.BytesIO(), tone(np.sin(np.arange(4000)))
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

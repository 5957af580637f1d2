"""Items over HTTP: pictures and sounds, what is known about one, and finding them."""

import io
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tacit.web.items import part_of


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)))


def photo(client: TestClient, row: int) -> Path:
    """The file of an item."""
    return client.desk.project.settings.source / client.desk.project.paths(client.desk.ids_of([row]))[0]


def version(client: TestClient, row: int) -> str:
    return client.desk.ids_of([row])[0][:12]


def drawn_map(client: TestClient) -> None:
    """Wait for a map of the current space."""
    give_up = time.monotonic() + 30
    while client.desk.layouts.get(client.desk.space_name()) is None:
        assert time.monotonic() < give_up
        time.sleep(0.02)


# pictures


def test_the_small_picture_of_every_item_is_its_packed_row(client):
    for row in map(int, (*client.desk.rows.pool[:3], *client.desk.rows.yardstick[:3])):
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
    own, other = (client.get(f"/api/items/3/thumb?v={v}") for v in (version(client, 3), ""))
    assert "immutable" in own.headers["cache-control"] and "immutable" not in other.headers["cache-control"]
    again = client.get("/api/items/3/thumb", headers={"if-none-match": own.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert own.headers["etag"] != client.get("/api/items/3/thumb?size=64").headers["etag"]


@pytest.mark.parametrize("what", ["thumb", "picture"])
def test_a_page_that_means_another_item_by_a_row_is_shown_none(client, what):
    assert client.get(f"/api/items/3/{what}?v={version(client, 3)}").status_code == 200
    other = client.get(f"/api/items/3/{what}?v={version(client, 4)}")
    assert other.status_code == 421 and "row 3 is another item here" in other.json()["error"]


def test_the_original_is_sent_while_it_is_what_was_read_from_it(client):
    first = client.get("/api/items/3/picture")
    assert np.array_equal(pixels(first.content), pixels(photo(client, 3).read_bytes()))
    tag = {"if-none-match": first.headers["etag"]}
    assert client.get("/api/items/3/picture", headers=tag).status_code == 304
    content = photo(client, 3).read_bytes()
    Image.new("RGB", (50, 20), "red").save(photo(client, 3))
    edited = client.get("/api/items/3/picture", headers=tag)
    assert edited.status_code == 404 and "is another picture now" in edited.json()["error"]
    photo(client, 3).write_bytes(content)
    assert client.get("/api/items/3/picture", headers=tag).content == first.content


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
    took = []
    for row in range(50):
        began = time.perf_counter()
        client.get(f"/api/items/{row}/thumb")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.02  # the fastest: others may have been waiting for the machine


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

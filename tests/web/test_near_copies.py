"""Near copies: one of each group is kept, the others are set aside, and nothing that was answered is touched."""

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk

KEY = "copies-01"


@pytest.fixture
def named(client):
    """The application, with classes; `client.desk` is its desk."""
    client.desk.project.settings.set("classes", ["heron", "gull"])
    return client


def answers(client) -> dict[int, str]:
    place = client.desk.rows.place
    return {place[item]: answer for item, answer in client.desk.project.labels.answers().items()}


def test_of_near_copies_one_is_kept_and_the_others_are_set_aside(named):
    pool = named.desk.rows.pool.tolist()
    desk = named.desk
    desk.project.labels.record(desk.ids_of([pool[2]]), ["gull"])
    order = {
        "who": "ann",
        "key": KEY,
        "groups": [[pool[0], pool[1], pool[2]], [pool[3], pool[4], pool[4]], [pool[5]], []],
    }
    found = named.post("/api/duplicates", json=order).json()
    assert answers(named) == {pool[1]: "?", pool[4]: "?", pool[2]: "gull"}
    notes = {desk.rows.place[e.item]: e.note for e in desk.project.labels.history() if e.source == "bulk"}
    assert notes == {pool[1]: f"near duplicate of {desk.ids_of([pool[0]])[0]}", pool[4]: f"near duplicate of {desk.ids_of([pool[3]])[0]}"}  # fmt: skip
    assert found["said"] == "2 near copies set aside. Left alone: 1 answered already. Undo: Z"
    again = named.post("/api/duplicates", json=order).json()
    assert again["said"] == found["said"] and len(desk.project.labels.history()) == 3
    named.post("/api/undo", json={"who": "ann", "session": "tab-1"})
    assert answers(named) == {pool[2]: "gull"}


def test_nobody_is_asked_for_a_second_opinion_about_a_near_copy(named):
    a, b, c = named.desk.rows.pool[:3].tolist()
    named.post("/api/duplicates", json={"who": "ann", "key": KEY, "groups": [[a, b]]})
    order = {"key": "bulk-0002", "who": "ann", "answer": "heron", "rows": [c]}
    named.post("/api/bulk", json=order)
    order = {"who": "bob", "session": "tab-2", "kind": "second", "k": 10}
    assert [item["row"] for item in named.post("/api/queue", json=order).json()["items"]] == [c]


def test_what_one_group_keeps_no_other_sets_aside_and_the_yardstick_never_is(named):
    a, b, c = named.desk.rows.pool[:3].tolist()
    measured = int(named.desk.rows.yardstick[0])
    order = {"who": "ann", "key": KEY, "groups": [[a, b], [b, c, a], [c, measured]]}
    found = named.post("/api/duplicates", json=order).json()
    assert answers(named) == {} and found["said"] == "nothing to set aside. Left alone: 1 of the yardstick."


@pytest.mark.parametrize("groups", [[[-1, 0]], [[0, 10**30]], [[10**30]], [["x"]], "all", [[10**6, 10**7]]])
def test_groups_of_rows_that_do_not_exist_are_refused(named, groups):
    answer = named.post("/api/duplicates", json={"who": "ann", "key": KEY, "groups": groups})
    assert answer.status_code in (400, 422) and answer.json()["error"] and answers(named) == {}


def test_near_copies_are_listed_until_they_are_set_aside(client):
    """Two pairs of items get nearly the same code."""
    desk = client.desk
    space = desk.space()
    space.codes[1] = space.codes[0] + 1e-4
    space.codes[7] = space.codes[5] + 2e-4
    position = desk.rows.pool.tolist()
    desk.project.labels.record(desk.ids_of([position[7]]), ["heron"])
    ask = lambda **more: client.get("/api/duplicates", params={"within": 0.01, **more}).json()  # noqa: E731
    found = ask()
    near = [(group["keep"]["row"], [item["row"] for item in group["others"]]) for group in found["groups"]]
    assert near == [(position[0], [position[1]]), (position[7], [position[5]])]  # the answered one is kept
    assert all(0 < group["distance"] <= 0.01 and not group["exact"] for group in found["groups"])
    assert (
        found["near"] == 2
        and found["said"]
        == "2 near copies of 2 items (within 0.01 of the usual distance between neighbours of the items as they are)"
    )
    one = ask(n=1)
    assert len(one["groups"]) == 1 and one["said"].endswith("; the first 1 copies of 1 item are listed")
    groups = [[group["keep"]["row"], *(item["row"] for item in group["others"])] for group in found["groups"]]
    client.post("/api/duplicates", json={"who": "ann", "key": KEY, "groups": groups})
    assert ask()["groups"] == [] and ask()["near"] == 0


def test_pictures_stored_again_as_jpeg_are_found_among_real_digits(project):
    photos = project.parent / "photos"
    originals = sorted(photos.glob("*/*.png"))[::30]
    for path in originals:
        Image.open(path).convert("L").save(path.with_suffix(".jpg"), quality=80)
    Project.create(photos)
    desk = Desk(project)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765") as client:
        found = client.get("/api/duplicates").json()
        pool = {
            name.rpartition(".")[0] for name in desk.project.paths(desk.ids_of(desk.rows.pool)) if name.endswith("jpg")
        }
        pool &= {
            name.rpartition(".")[0] for name in desk.project.paths(desk.ids_of(desk.rows.pool)) if name.endswith("png")
        }
    pairs = [
        {item["name"].rpartition(".")[0] for item in [group["keep"], *group["others"]]} for group in found["groups"]
    ]
    assert len(originals) == 12 and len(pool) >= 6
    assert {name for pair in pairs if len(pair) == 1 for name in pair} == pool
    assert len([pair for pair in pairs if len(pair) > 1]) <= 4  # 1 % of the digits


def test_files_with_the_same_content_are_one_item_and_it_is_said_where_they_are(client):
    desk = client.desk
    row = int(desk.rows.pool[3])
    item = desk.ids_of([row])[0]
    desk.project._db.execute("INSERT INTO files VALUES ('copy of it.png', ?, 10, 0)", [item])
    found = client.get("/api/duplicates", params={"within": 0}).json()
    (group,) = found["groups"]
    assert group["exact"] and group["keep"]["row"] == row and group["others"] == []
    assert len(group["paths"]) == 2 and "copy of it.png" in group["paths"]
    assert "1 item came in 2 files, each content is one item already" in found["said"]


def test_a_large_group_is_listed_in_part_and_the_rest_comes_when_these_are_set_aside(client, monkeypatch):
    from tacit.web import grid

    monkeypatch.setattr(grid, "SHOWN", 10)
    space = client.desk.space()
    space.codes[:30] = space.codes[0]
    listed, key = 0, 0
    while (found := client.get("/api/duplicates", params={"within": 0}).json())["groups"]:
        rows = [[group["keep"]["row"], *(item["row"] for item in group["others"])] for group in found["groups"]]
        assert sum(len(group) for group in rows) <= 10
        listed, key = listed + sum(len(group) - 1 for group in rows), key + 1
        client.post("/api/duplicates", json={"who": "ann", "key": f"{KEY}-{key}", "groups": rows})
    assert listed == 29


@pytest.mark.parametrize(
    "asked", [{"within": -1}, {"within": "nan"}, {"within": 2}, {"n": 0}, {"n": 1001}, {"space": "no"}]
)
def test_duplicates_asked_for_in_a_way_that_does_not_fit(client, asked):
    answer = client.get("/api/duplicates", params=asked)
    assert 400 <= answer.status_code < 500 and answer.json()["error"]

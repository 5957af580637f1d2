"""The map: never waited for, kept, aligned, and true to what people answered."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tacit.web.columns import column
from tacit.web.desk import Desk
from tacit.web.layouts import Layouts
from tacit.web.maps import CANNOT, FLAGGED, LABELED, OUTLIER, SUGGESTED, YARDSTICK, on_map


def until(client, wanted, path="/map.json", seconds=60.0):
    """What a path says once it says what is wanted."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        found = client.get(path).json()
        if wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(str(found)[:500])


def done(record):
    return record["ready"] and not record["waiting"]


def array(client, path, kind="<f4"):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, dtype=kind)


def test_a_request_does_not_wait_for_the_map(client):
    began = time.monotonic()
    record = client.get("/map.json").json()
    assert time.monotonic() - began < 5 and (record["ready"] or record["waiting"])
    refused = client.get("/api/map/points.bin")
    assert refused.status_code == 200 or "drawing the map" in refused.json()["error"]


def test_the_quick_map_has_every_item_once(client):
    record = until(client, done)
    assert record["space"]["name"] == "quick" and record["made"] == "t-SNE" and 0 < record["kept"] <= 1
    points, rows = array(client, "/api/map/points.bin").reshape(-1, 2), array(client, "/api/map/rows.bin", "<i4")
    assert record["points"] == record["of"] == len(points) == 360 and sorted(rows.tolist()) == list(range(360))
    assert set(rows[record["pool"] :].tolist()) == set(client.desk.rows.yardstick.tolist())
    assert np.abs(points).max() <= 1 and np.ptp(points[: record["pool"]], axis=0).max() == pytest.approx(2, abs=1e-5)


def test_the_t_sne_of_the_quick_map_is_laid_onto_the_principal_components(client):
    until(client, done)
    layout = client.desk.layouts.get("quick")
    here, before = layout.points[: layout.pool], layout.before[: layout.pool]
    assert np.isfinite(before).all()
    apart = lambda points: np.square(points - before).sum()  # noqa: E731
    mirrored = [apart(here * sign) for sign in ([1, -1], [-1, 1], [-1, -1])]
    assert apart(here) < min(mirrored)


def test_a_restart_shows_the_same_map_at_once(client):
    first = until(client, done)
    again = Desk(client.desk.folder)
    again.open()
    assert again.layouts.get("quick").version == first["version"]
    assert again.layouts.waiting("quick") == "" and not again.has_loaded("quick")


def test_a_map_that_becomes_final_while_it_is_asked_for_is_told_of_as_it_is(client, monkeypatch):
    until(client, done)
    layouts, asked = client.desk.layouts, []
    final = layouts.get("quick")
    layouts._kept["quick"] = replace(final, points=-final.points, final=False)

    def waiting(name):
        asked.append(name)
        if len(asked) < 2:
            return "laying out"
        layouts._kept[name] = final
        return ""

    monkeypatch.setattr(layouts, "waiting", waiting)
    record = client.get("/map.json").json()
    assert (record["waiting"], record["version"]) == ("", final.version) and len(asked) >= 2


def test_a_learned_map_is_the_runs_own_and_beside_it_the_quick_one_can_be_asked_for(learned_client):
    record = until(learned_client, done)
    run = learned_client.desk.learned[-1]
    assert record["space"]["name"] == run.name and [s["name"] for s in record["spaces"]] == ["quick", run.name]
    assert record["laid_out"] == [run.name]
    from tacit.latent.map import Map

    kept = Map.load(run.folder / "map.npz").points.numpy()
    points = array(learned_client, "/api/map/points.bin").reshape(-1, 2)[: record["pool"]]
    a, b = kept - kept.mean(0), points - points.mean(0)
    assert np.allclose(
        np.linalg.norm(a, axis=1) / np.linalg.norm(a), np.linalg.norm(b, axis=1) / np.linalg.norm(b), atol=1e-5
    )
    other = until(learned_client, done, "/map.json?space=quick")
    assert other["laid_out"] == ["quick", run.name]
    assert other["space"]["name"] == "quick" and other["version"] != record["version"]
    assert "movement" in {column["name"] for column in other["columns"]}


def test_an_item_of_the_yardstick_lies_between_items_of_the_pool(learned_client):
    record = until(learned_client, done)
    points = array(learned_client, "/api/map/points.bin").reshape(-1, 2).astype(float)
    pool, beside = points[: record["pool"]], points[record["pool"] :]
    desk = learned_client.desk
    space = desk.space()
    codes = space.encode(desk.project.yardstick.floats([0]))
    near = (space.codes - codes).norm(dim=1).topk(3, largest=False).indices.numpy()
    assert np.allclose(pool[near].mean(0), beside[0], atol=1e-4)


def test_in_a_very_large_pool_an_item_of_the_yardstick_lies_between_items_of_a_sample(learned_client, monkeypatch):
    monkeypatch.setattr("tacit.web.layouts.AMONG", 100)
    record = until(learned_client, done)
    points = array(learned_client, "/api/map/points.bin").reshape(-1, 2).astype(float)
    pool, beside = points[: record["pool"]], points[record["pool"] :]
    desk = learned_client.desk
    space = desk.space()
    sample = torch.randperm(len(space), generator=torch.Generator().manual_seed(0))[:100]
    away = (space.codes[sample] - space.encode(desk.project.yardstick.floats([0]))).norm(dim=1)
    near = sample[away.topk(3, largest=False).indices].numpy()
    assert np.allclose(pool[near].mean(0), beside[0], atol=1e-4)


def test_points_may_be_kept_for_ever_only_under_their_version(client):
    version = until(client, done)["version"]
    assert "immutable" in client.get(f"/api/map/points.bin?version={version}").headers["cache-control"]
    for address in ("/api/map/points.bin", "/api/map/points.bin?version=other", "/api/map/states.bin"):
        assert client.get(address).headers["cache-control"] == "no-store"


def test_the_states_say_where_each_item_stands(learned_client):
    until(learned_client, done)
    desk = learned_client.desk
    pool, yardstick = desk.rows.pool, desk.rows.yardstick
    asked = desk.reasons()
    free = [row for row in pool.tolist() if desk.standing.code[row] < 0 and desk.rows.ids[row] not in asked]
    labels = desk.project.labels
    labels.record(desk.ids_of([free[0], int(yardstick[0])]), ["?", "3"])
    labels.flag(desk.ids_of([free[1]])[0], "blurred")
    until(learned_client, lambda _: not isinstance(desk.facts.get(desk.space_name(), "graph"), str))
    rows, bits = (
        array(learned_client, f"/api/map/{name}.bin", kind) for name, kind in (("rows", "<i4"), ("states", "u1"))
    )
    at = dict(zip(rows.tolist(), bits.tolist(), strict=True))
    assert at[free[0]] & CANNOT and not at[free[0]] & LABELED
    assert at[free[1]] & FLAGGED and at[int(yardstick[0])] & 7 == YARDSTICK | LABELED
    assert sum(bool(b & SUGGESTED) for b in at.values()) == 20
    assert sum(bool(b & LABELED) for b in at.values()) == 41
    assert sum(bool(b & OUTLIER) for b in at.values()) == len(pool) // 100


def test_badges_count_what_is_labelled_and_lie_on_a_member(learned_client):
    record = until(learned_client, lambda r: done(r) and r["clusters"])
    desk = learned_client.desk
    group = desk.facts.get(record["space"]["name"], "groups").arrays["group"]
    points = array(learned_client, "/api/map/points.bin").reshape(-1, 2)
    code = desk.standing.code[desk.rows.pool]
    for badge in record["clusters"]:
        members = np.flatnonzero(group == badge["id"])
        assert badge["rows_of"] == len(members) and badge["labeled"] == (code[members] > 0).sum()
        assert np.isclose(points[members], [badge["x"], badge["y"]], atol=1e-6).all(1).any()
        if badge["labeled"]:
            said = [desk.standing.names[c] for c in code[members] if c > 0]
            assert badge["purity"]["value"] == pytest.approx(said.count(badge["majority"]) / len(said))
        else:
            assert badge["purity"] is None and badge["majority"] is None
    sizes = [badge["rows_of"] for badge in record["clusters"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_density_is_largest_where_most_points_are(client):
    until(client, done)
    grid = client.get("/api/map/density.json").json()
    values = np.array(grid["values"]).reshape(grid["rows"], grid["cols"])
    assert values.max() == 1 and values.min() >= 0
    points = array(client, "/api/map/points.bin").reshape(-1, 2)[: client.desk.layouts.get("quick").pool]
    row, column = np.unravel_index(values.argmax(), values.shape)
    center = np.array([column, row]) / 64 - 1 + 1 / 128
    near = (np.abs(points - center) < 4 / 64).all(1).sum()
    corner = (np.abs(points - np.array([-0.99, -0.99])) < 4 / 64).all(1).sum()
    assert near > corner


def test_unknown_spaces_are_named(client):
    answer = client.get("/map.json?space=nonsense")
    assert answer.status_code == 400 and "no space called 'nonsense'" in answer.json()["error"]


def more_photos(desk, digits, first, last):
    """Real digits join the source, and the project takes them in."""
    for i in range(first, last):
        image = np.kron(digits[0][i, 0], np.ones((4, 4), np.uint8))
        Image.fromarray(image).save(desk.folder.parent / "photos" / "0" / f"{i}.png")
    desk.project.refresh()
    desk.forget_items()


def test_new_items_join_the_quick_map_and_the_others_stay_near(client, digits):
    first = until(client, done)
    desk = client.desk
    old = desk.layouts.get("quick")
    more_photos(desk, digits, 360, 400)
    known = desk.layouts._known("quick")
    assert known.version == first["version"]  # what is known stays meanwhile ...
    sizes = [len(on_map(desk, known, column(desk, name, "quick").values)) for name in ("class", "folder")]
    assert sizes == [360, 360]  # ... and its columns are still those of its points
    record = until(client, lambda r: done(r) and r["points"] == 400)
    assert record["made"] == "t-SNE" and record["version"] != first["version"]
    now = desk.layouts.get("quick")
    assert set(old.rows.tolist()) <= set(now.rows.tolist())
    moved = np.linalg.norm(now.points[: now.pool] - now.before[: now.pool], axis=1)
    assert np.isnan(moved).sum() == now.pool - old.pool and np.nanmedian(moved) < 0.2


def test_a_learned_space_without_a_map_shows_principal_components_until_it_is_drawn(learned_client):
    desk = learned_client.desk
    (desk.learned[-1].folder / "map.npz").unlink()
    name, made = desk.space_name(), []
    until(learned_client, lambda r: made.append(r["made"]) or done(r), f"/map.json?space={name}")
    assert made[-1] == "t-SNE" and (desk.learned[-1].folder / "map.npz").exists()
    layout = desk.layouts.get(name)
    assert np.isfinite(layout.before[: layout.pool]).all()  # of the principal components


def test_the_map_of_an_earlier_space_stays_until_the_new_one_is_there(learned_client, monkeypatch):
    until(learned_client, done, "/map.json?space=quick")
    monkeypatch.setattr(Layouts, "_draw", lambda *_: None)  # it never comes
    record = learned_client.get("/map.json").json()
    assert record["ready"] and record["space"]["name"] == "quick"
    assert record["waiting"] == f"drawing the map of {learned_client.desk.space_name()}"


def test_what_fails_in_the_background_is_said_and_not_tried_for_ever(client, monkeypatch):
    tried = []

    def fail(self, name):
        tried.append(name)
        raise ValueError("no luck")

    monkeypatch.setattr(Layouts, "_draw", fail)
    record = until(client, lambda r: "failed" in r["waiting"])
    assert not record["ready"] and "ValueError: no luck" in record["waiting"]
    assert "no luck" in client.get("/api/map/points.bin").json()["error"] and tried == ["quick"]


def test_work_that_is_under_way_ends_with_the_program(client):
    began, ended = threading.Event(), []

    def work():
        try:
            began.set()
            while True:
                time.sleep(0.01)
        finally:
            ended.append(True)

    background = client.desk.layouts.background
    background.ask("for ever", "counting to infinity", work)
    assert began.wait(10) and client.get("/state.json").json()["waiting"] == "counting to infinity"
    background.close()
    assert ended == [True]
    background.ask("after", "nothing any more", lambda: ended.append(False))
    assert not background.thread.is_alive() and ended == [True]

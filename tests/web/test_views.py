"""Saved views of the map."""

import json


def test_views_are_kept_by_name_in_order_and_can_be_replaced(client):
    client.post("/api/views", json={"name": "all", "view": {"zoom": 1}})
    client.post("/api/views", json={"name": "Vögel", "view": {"zoom": 2.5, "hidden": ["a", None]}})
    found = client.post("/api/views", json={"name": "all", "view": {"zoom": 3}}).json()
    assert [(v["name"], v["view"]["zoom"]) for v in found] == [("all", 3), ("Vögel", 2.5)]
    assert client.get("/api/views").json() == client.get("/map.json").json()["views"] == found
    assert [v["name"] for v in client.request("DELETE", "/api/views?name=all").json()] == ["Vögel"]


def test_removing_what_is_not_there_says_what_is(client):
    assert "no saved views" in client.request("DELETE", "/api/views?name=x").json()["error"]
    client.post("/api/views", json={"name": "birds", "view": {}})
    answer = client.request("DELETE", "/api/views?name=bird")
    assert answer.status_code == 404 and "did you mean: birds" in answer.json()["next"]


def test_a_view_that_is_too_large_or_too_deep_or_no_json_is_refused(client):
    deep: dict = {}
    for _ in range(30):
        deep = {"in": deep}
    for view in ({"lasso": "x" * 70_000}, deep, {"zoom": float("nan")}, {"word": "\ud800"}):
        answer = client.post(
            "/api/views", content=json.dumps({"name": "v", "view": view}), headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), view
    assert client.get("/api/views").json() == []


def test_there_are_200_views_at_most(client):
    for i in range(200):
        assert client.post("/api/views", json={"name": f"v{i}", "view": {}}).status_code == 200
    answer = client.post("/api/views", json={"name": "one more", "view": {}})
    assert answer.status_code == 400 and "200 views" in answer.json()["error"]
    assert client.post("/api/views", json={"name": "v7", "view": {"zoom": 2}}).status_code == 200


def test_a_file_that_was_spoiled_is_said(client):
    (client.desk.folder / "views.json").write_text("{", encoding="utf-8")
    answer = client.get("/api/views")
    assert answer.status_code == 422 and "views.json cannot be read" in answer.json()["error"]

"""Who may ask, and what no answer can carry."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import tacit.web.app
from tacit.web.app import make_app
from tacit.web.desk import Desk
from tacit.web.guard import COOKIE, HEADERS, LARGEST_BODY, host_name, is_loopback, own_names
from tacit.web.serve import listening

TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def locked(project) -> Iterator[TestClient]:
    """The application as other machines see it: behind a token."""
    app = make_app(Desk(project), hosts=["lab.example"], token=TOKEN)
    with TestClient(app, base_url="http://lab.example:8765", raise_server_exceptions=False) as client:
        assert app.state.desk.ready.wait(60)
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1"]
)
def test_a_name_that_somebody_else_points_here_is_refused(client, host):
    answer = client.get("/state.json", headers={"host": host})
    assert answer.status_code == 421 and "use the address" in answer.json()["next"]


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "LOCALHOST", "[::1]:8765"])
def test_names_of_this_machine_are_served(client, host):
    assert client.get("/state.json", headers={"host": host}).status_code == 200


def test_behind_a_token_bare_addresses_and_own_names_are_served_too(locked):
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for host, status in (("192.168.0.7:8765", 200), ("lab.example", 200), ("evil.example", 421)):
        assert locked.get("/state.json", headers={"host": host, **bearer}).status_code == status, host


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://[", "file://"])
def test_another_page_may_change_nothing(client, origin):
    before = client.desk.project.labels.latest_event()
    answer = client.post("/api/flags", json={"row": 0, "who": "me", "note": "x"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert client.desk.project.labels.latest_event() == before and not client.desk.project.labels.flags()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("method", ["post", "delete", "put"])
def test_what_a_browser_sends_for_another_site_may_change_nothing(client, method, site):
    assert getattr(client, method)("/api/views?name=x", headers={"sec-fetch-site": site}).status_code == 403


def test_the_page_itself_may_ask_and_send(client):
    own = {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"}
    assert client.get("/state.json", headers=own).status_code == 200
    assert client.post("/api/search", files={"file": ("a.png", b"no picture")}, headers=own).status_code == 422


def test_without_the_token_nothing_opens(locked):
    for path in ("/state.json", "/", "/map", "/openapi.json", "/api/items/0/thumb", "/assets/x.js"):
        assert locked.get(path).status_code == 401, path
        assert locked.get(f"{path}?token=wrong", follow_redirects=False).status_code == 401, path
    for wrong in ({"authorization": "Bearer wrong"}, {"authorization": TOKEN[:-1]}, {"cookie": f"{COOKIE}=wrong"}):
        assert locked.get("/state.json", headers=wrong).status_code == 401, wrong


def test_the_first_visit_turns_the_token_into_a_cookie_and_takes_it_out_of_the_address(locked):
    first = locked.get(f"/state.json?token={TOKEN}&view=all", follow_redirects=False)
    assert first.status_code == 303 and first.headers["location"] == "/state.json?view=all"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert locked.get("/state.json").status_code == 200  # the client has kept the cookie


def test_two_servers_of_one_machine_have_a_cookie_each(locked):
    def cookie(port: int) -> str:
        at = f"http://lab.example:{port}/?token={TOKEN}"
        return locked.get(at, follow_redirects=False).headers["set-cookie"].partition("=")[0]

    assert cookie(8765) != cookie(8766)
    sent = {"cookie": f"{COOKIE}_8766=of another; {COOKIE}_8765={TOKEN}"}
    locked.cookies.clear()
    assert locked.get("http://lab.example:8765/state.json", headers=sent).status_code == 200
    assert locked.get("http://lab.example:8766/state.json", headers=sent).status_code == 401


def test_a_program_brings_the_token_in_a_header(locked):
    assert locked.get("/state.json", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/x", "///evil.example"])
def test_the_first_visit_leads_nowhere_else(locked, path):
    answer = locked.send(
        locked.build_request("GET", f"http://lab.example:8765{path}?token={TOKEN}"), follow_redirects=False
    )
    assert answer.status_code == 303
    place = answer.headers["location"].replace("\\", "/")  # as browsers read it
    assert not urlsplit(place).netloc and not place.startswith("//")


def test_every_answer_carries_the_headers_also_errors(client, locked, monkeypatch):
    def broken() -> None:
        raise RuntimeError("a mistake")

    client.app.add_api_route("/broken", broken)
    answers = [
        client.get("/state.json"),
        client.get("/api/items/0/thumb"),
        client.get("/nothing"),
        client.get("/api/items/x"),
        client.get("/api/items/99999999"),
        client.post("/api/items"),
        client.get("/broken"),
        client.get("/state.json", headers={"host": "evil.example"}),
        locked.get("/state.json"),
        locked.get(f"/?token={TOKEN}", follow_redirects=False),
    ]
    assert {answer.status_code for answer in answers} >= {200, 303, 400, 401, 404, 405, 421, 422, 500}
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (answer.request.url, name)
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy and "http" not in policy


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(client):
    for length in (str(LARGEST_BODY + 1), "9" * 30, "9" * 5000):
        answer = client.post("/api/search", content=b"x", headers={"content-length": length})
        assert answer.status_code == 413 and answer.json()["next"], length[:30]


def test_a_body_that_does_not_say_how_long_it_is_ends_where_it_grows_too_large(client):
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while given < 2 * LARGEST_BODY:
            given += 2**20
            yield b"x" * 2**20

    for path, kind in (("/api/search", "multipart/form-data; boundary=b"), ("/api/decode/walk", "application/json")):
        given = 0
        answer = client.post(path, content=endless(), headers={"content-type": kind})
        assert answer.status_code == 413, answer.text


def test_files_outside_the_page_cannot_be_reached(client, tmp_path, monkeypatch):
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "assets" / "page-1.js").write_text("1")
    (dist / "secret.txt").write_text("secret")
    monkeypatch.setattr(tacit.web.app, "DIST", dist)
    found = client.get("/assets/page-1.js")
    assert found.status_code == 200 and "immutable" in found.headers["cache-control"]
    for name in (
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "%2e%2e",
        "%00",
        "/etc/passwd",
    ):
        answer = client.send(
            client.build_request("GET", f"http://127.0.0.1:8765/assets/{name}"), follow_redirects=False
        )
        assert answer.status_code == 404 and "secret" not in answer.text.replace("secret.txt", ""), name


def test_a_websocket_is_closed(client):
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/state.json"):
        pass
    assert closed.value.code == 1008


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:1", "localhost"),
        ("[::1]:80", "::1"),
        ("EVIL.example", "evil.example"),
        ("[", ""),
        ("a@b", "b"),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


def test_only_addresses_of_this_machine_need_no_token():
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.0.7", "evil.example", ""))
    assert own_names("127.0.0.1") == {"127.0.0.1"} and len(own_names("0.0.0.0")) > 1


def test_small_answers_are_sent_at_once():
    with listening("127.0.0.1", None) as found:
        assert found.proto == socket.IPPROTO_TCP  # what asyncio looks at before it switches the delay of 40 ms off

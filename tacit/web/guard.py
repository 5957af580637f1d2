"""Who may ask: the right Host, the right Origin, the token where the page is open to other machines; and no large bodies.

What is served never runs anything but the page's own script, and the browser is told so in every answer.
"""

import ipaddress
import json
import secrets
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tacit_token"  # and the port: a browser sends cookies to every port of a host
LARGEST_BODY = 64 * 2**20  # bytes
TOO_LARGE = 413, f"more than {LARGEST_BODY >> 20} MB were sent", "send it in smaller parts"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "served-by": "tacit",  # a page believes no other program that answers at this address by now
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=()",
}


class Guard:
    """Middleware around the whole application. `token` is None where only this machine can ask."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), token: str | None = None) -> None:
        self.app, self.token = app, token
        self.hosts = {host.lower() for host in (*hosts, "localhost", "127.0.0.1", "::1")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        asked = Asked(scope)
        guarded = with_headers(send)
        if refusal := self.refuse(asked):
            await answer(guarded, *refusal)
        elif (given := asked.query.get("token")) is not None and self.token and same(given, self.token):
            await self.welcome(asked, guarded)
        elif self.token and not self.knows(asked):
            await answer(guarded, 401, "this page needs its token", "open the address that tacit serve printed")
        elif asked.length > LARGEST_BODY:
            await answer(guarded, *TOO_LARGE)
        else:
            await self.app(scope, *counted(receive, guarded))

    def refuse(self, asked: "Asked") -> tuple[int, str, str] | None:
        """Requests that a foreign page may have made a browser send."""
        name = host_name(asked.headers.get("host", ""))
        if not self.known_host(name):
            return 421, f"{name or 'no name'} is not a name of this server", "use the address that tacit serve printed"
        origin = asked.headers.get("origin")
        if origin is not None and netloc(origin) != asked.headers.get("host", "").lower():
            return 403, f"{origin} may not ask here", "open the page itself"
        site = asked.headers.get("sec-fetch-site", "none")
        if asked.method not in ("GET", "HEAD") and site not in ("same-origin", "none"):
            return 403, "another page may not change anything here", "open the page itself"
        return None

    def known_host(self, name: str) -> bool:
        """A name that nobody else's name server can point here: ours, or where a token is asked for, a bare address."""
        return name in self.hosts or (self.token is not None and is_address(name))

    def knows(self, asked: "Asked") -> bool:
        said = asked.headers.get("authorization", "").removeprefix("Bearer ") or asked.cookie
        return bool(said) and same(said, self.token or "")

    async def welcome(self, asked: "Asked", send: Send) -> None:
        """The first visit: the token becomes a cookie, and leaves the address."""
        rest = urlencode([(key, value) for key, value in asked.pairs if key != "token"])
        path = "/" + asked.path.lstrip("/\\")  # "//host" would lead away from here, and browsers read \ as /
        cookie = f"{asked.cookie_name}={self.token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000"
        headers = [(b"location", (path + (f"?{rest}" if rest else "")).encode()), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class Asked:
    """What of a request decides whether it is answered."""

    def __init__(self, scope: Scope) -> None:
        self.headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        self.method, self.path = scope["method"], scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        self.pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        self.query = dict(self.pairs)
        length = self.headers.get("content-length", "0")
        self.length = (
            int(length[:19]) if length.isascii() and length.isdigit() else 0
        )  # Python reads 4,300 digits at most

    @property
    def cookie_name(self) -> str:
        """Of its own for each port that the browser knows: two servers of one machine do not forget each other's."""
        port = self.headers.get("host", "").rpartition(":")[2]
        return f"{COOKIE}_{port}" if port.isascii() and port.isdigit() else COOKIE

    @property
    def cookie(self) -> str:
        """Read by hand: what another program of this machine has set may be no good cookie, and must not hide ours."""
        parts = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return next((value for name, _, value in parts if name == self.cookie_name), "")


def same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def netloc(origin: str) -> str:
    """Host and port of an Origin header; "" where there are none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def own_names(host: str) -> set[str]:
    """Names under which this machine may be asked when it listens on `host`."""
    return {host} if is_loopback(host) else {host, socket.gethostname(), socket.getfqdn()}


def counted(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """A body that does not say how long it is ends where it grows too large, and that is what the answer says then."""
    total, refused = 0, False

    async def part() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        return {"type": "http.disconnect"} if total > LARGEST_BODY else message

    async def said(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and total > LARGEST_BODY:
            refused = True
            await answer(send, *TOO_LARGE)
        elif not refused:
            await send(message)

    return part, said


def with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {key.lower() for key, _ in message.get("headers", [])}
            more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in own]
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sent


async def answer(send: Send, status: int, error: str, next_: str, **more: Any) -> None:
    body = json.dumps({"error": error, "next": next_, "code": 2, **more}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
